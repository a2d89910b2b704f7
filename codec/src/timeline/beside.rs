//! A timeline with the sound of a file that is heard beside the recording.

use super::idle::IdleSpan;
use super::timeline::Timeline;
use crate::audio::SideCarSurvey;

impl Timeline {
    /// The same, with the sound of a file: the media duration reaches to its end, and where it is heard is no idle time.
    #[must_use]
    pub fn with_sound(mut self, beside: &SideCarSurvey) -> Self {
        let end_ms = self.media_duration_ms.max(beside.end_ms);
        if end_ms > self.media_duration_ms {
            self.idle.push(IdleSpan { start_ms: self.media_duration_ms, end_ms });
        }
        let idle = std::mem::take(&mut self.idle);
        let mut heard = beside.audible_ms.iter().copied().peekable();
        for IdleSpan { mut start_ms, end_ms } in idle {
            while heard.next_if(|(_, to)| *to <= start_ms).is_some() {}
            while let Some((from, to)) = heard.peek().copied().filter(|(from, _)| *from < end_ms) {
                self.push_idle(start_ms, from);
                start_ms = to;
                if to >= end_ms {
                    break;
                }
                heard.next();
            }
            self.push_idle(start_ms, end_ms);
        }
        self.media_duration_ms = end_ms;
        self.sound |= beside.end_ms > 0;
        self.sound_end_ms = self.sound_end_ms.max(beside.end_ms);
        self
    }

    fn push_idle(&mut self, start_ms: i64, end_ms: i64) {
        if end_ms - start_ms >= self.idle_min_ms.max(1) {
            self.idle.push(IdleSpan { start_ms, end_ms });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_sound(end_ms: i64, audible_ms: &[(i64, i64)]) -> Timeline {
        let idle = |start_ms, end_ms| IdleSpan { start_ms, end_ms };
        let timeline = Timeline {
            media_duration_ms: 20_000,
            idle: vec![idle(1_000, 5_000), idle(5_000, 9_000), idle(12_000, 20_000)],
            idle_min_ms: 1_000,
            ..Timeline::default()
        };
        timeline.with_sound(&SideCarSurvey { end_ms, audible_ms: audible_ms.to_vec(), loss: None })
    }

    fn spans(timeline: &Timeline) -> Vec<(i64, i64)> {
        timeline.idle.iter().map(|span| (span.start_ms, span.end_ms)).collect()
    }

    #[test]
    fn where_it_is_heard_is_no_idle_time() {
        let heard = with_sound(18_500, &[(0, 500), (2_500, 3_000), (4_500, 7_000), (12_500, 18_500)]);
        assert_eq!(spans(&heard), [(1_000, 2_500), (3_000, 4_500), (7_000, 9_000), (18_500, 20_000)]);
        assert_eq!((heard.media_duration_ms, heard.sound, heard.sound_end_ms), (20_000, true, 18_500));
        let silent = with_sound(3_000, &[]);
        assert_eq!(spans(&silent), [(1_000, 5_000), (5_000, 9_000), (12_000, 20_000)]);
    }

    #[test]
    fn the_duration_reaches_to_its_end() {
        let longer = with_sound(30_000, &[(11_000, 26_000)]);
        assert_eq!(spans(&longer), [(1_000, 5_000), (5_000, 9_000), (26_000, 30_000)]);
        assert_eq!((longer.media_duration_ms, longer.sound_end_ms), (30_000, 30_000));
        let none = with_sound(0, &[]);
        assert_eq!((none.media_duration_ms, none.sound, none.sound_end_ms), (20_000, false, 0));
    }
}

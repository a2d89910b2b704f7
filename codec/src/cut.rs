//! Which stretches of a recording are in its video, and when they are shown there.

use crate::timeline::IdleSpan;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What is to be left out of a video. Times are milliseconds of media time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CutSettings {
    /// Where the video begins; the recording's start if there is none.
    pub from_ms: Option<i64>,
    /// Where it ends; the recording's end if there is none or if it is later.
    pub to_ms: Option<i64>,
    /// A stretch without activity that is longer than this lasts this long: its beginning stays.
    pub idle_max_ms: Option<i64>,
}

/// Why no video can be cut like this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CutError {
    /// It would end before it begins.
    #[error(
        "the video would begin at {} s and end at {} s, expected an end behind its beginning",
        Seconds(*from_ms), Seconds(*to_ms)
    )]
    Order {
        /// Where it would begin.
        from_ms: i64,
        /// Where it would end.
        to_ms: i64,
    },
    /// It would begin when all is over.
    #[error(
        "the video would begin at {} s, expected a time within the recording, which lasts {} s",
        Seconds(*from_ms), Seconds(*duration_ms)
    )]
    BeyondEnd {
        /// Where it would begin.
        from_ms: i64,
        /// How long the recording lasts.
        duration_ms: i64,
    },
}

/// The kept stretches of media time in order; the video plays them one after the other.
///
/// What happens while nothing is kept is seen at the next joint: the map from media time to video time never runs
/// backwards, and a stretch that is left out is one instant of the video.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    spans: Vec<Span>,
    /// What happens later than this is not in the video.
    end_ms: i64,
    /// How long the recording lasts.
    duration_ms: i64,
}

/// A stretch that is kept. Only the last one of a cut may be empty, and only if it is the only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Span {
    from_ms: i64,
    to_ms: i64,
    /// When it begins in the video.
    video_ms: i64,
}

/// Milliseconds, shown as seconds.
struct Seconds(i64);

impl Cut {
    /// Most stretches that are shortened; later ones keep their length.
    const SHORTENED_MAX: usize = 100_000;

    /// All of a recording of `duration_ms`.
    pub fn whole(duration_ms: i64) -> Self {
        let duration_ms = duration_ms.max(0);
        let span = Span { from_ms: 0, to_ms: duration_ms, video_ms: 0 };
        Self { spans: vec![span], end_ms: duration_ms, duration_ms }
    }

    /// What the settings leave of a recording of `duration_ms`, whose stretches without activity are `idle`, in
    /// order.
    pub fn new(settings: &CutSettings, duration_ms: i64, idle: &[IdleSpan]) -> Result<Self, CutError> {
        let whole = Self::whole(duration_ms);
        let from_ms = settings.from_ms.unwrap_or(0).max(0);
        if let Some(to_ms) = settings.to_ms.filter(|to_ms| *to_ms <= from_ms) {
            return Err(CutError::Order { from_ms, to_ms });
        }
        if from_ms > 0 && from_ms >= whole.duration_ms {
            return Err(CutError::BeyondEnd { from_ms, duration_ms: whole.duration_ms });
        }
        let end_ms = settings.to_ms.map_or(whole.duration_ms, |to_ms| to_ms.min(whole.duration_ms));
        let mut cut = Self { spans: Vec::new(), end_ms, ..whole };
        let mut at_ms = from_ms;
        if let Some(idle_max_ms) = settings.idle_max_ms {
            for stretch in idle.iter().take(Self::SHORTENED_MAX) {
                let (start_ms, stretch_end_ms) = (stretch.start_ms.max(at_ms), stretch.end_ms.min(end_ms));
                if stretch_end_ms.saturating_sub(start_ms) > idle_max_ms.max(0) {
                    cut.keep(at_ms, start_ms + idle_max_ms.max(0));
                    at_ms = stretch_end_ms;
                }
            }
        }
        cut.keep(at_ms, end_ms);
        if cut.spans.is_empty() {
            cut.spans.push(Span { from_ms: end_ms, to_ms: end_ms, video_ms: 0 });
        }
        Ok(cut)
    }

    /// The same up to `end_ms` of media time.
    #[must_use]
    pub fn until(mut self, end_ms: i64) -> Self {
        self.end_ms = self.end_ms.min(end_ms);
        while let [_, .., last] = self.spans.as_slice()
            && last.from_ms >= end_ms
        {
            self.spans.pop();
        }
        if let Some(last) = self.spans.last_mut() {
            last.to_ms = last.to_ms.min(end_ms).max(last.from_ms);
        }
        self
    }

    /// When the video shows what happens at a media time. What lies before the beginning is seen there, what lies
    /// behind the end, at the end.
    pub fn video_ms(&self, media_ms: i64) -> i64 {
        let after = self.spans.partition_point(|span| span.from_ms <= media_ms);
        let span = after.checked_sub(1).and_then(|index| self.spans.get(index));
        span.map_or(0, |span| span.video_ms + media_ms.min(span.to_ms) - span.from_ms)
    }

    /// How long the video lasts.
    pub fn duration_ms(&self) -> i64 {
        self.video_ms(i64::MAX)
    }

    /// The media time at which the video begins.
    pub fn start_ms(&self) -> i64 {
        self.spans.first().map_or(0, |span| span.from_ms)
    }

    /// Whether what happens at a media time comes too late for the video.
    pub fn is_past(&self, media_ms: i64) -> bool {
        media_ms > self.end_ms
    }

    /// The kept stretches of media time, in order.
    pub fn kept(&self) -> impl ExactSizeIterator<Item = Range<i64>> {
        self.spans.iter().map(|span| span.from_ms..span.to_ms)
    }

    /// How long the recording lasts.
    pub fn recording_ms(&self) -> i64 {
        self.duration_ms
    }

    fn keep(&mut self, from_ms: i64, to_ms: i64) {
        if from_ms < to_ms {
            self.spans.push(Span { from_ms, to_ms, video_ms: self.duration_ms() });
        }
    }
}

impl std::fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{:03}", self.0 / 1000, (self.0 % 1000).abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(from_ms: i64, to_ms: i64, idle_max_ms: i64) -> CutSettings {
        CutSettings { from_ms: Some(from_ms), to_ms: Some(to_ms), idle_max_ms: Some(idle_max_ms) }
    }

    fn idle<const N: usize>(spans: [(i64, i64); N]) -> [IdleSpan; N] {
        spans.map(|(start_ms, end_ms)| IdleSpan { start_ms, end_ms })
    }

    fn kept(cut: &Cut) -> Vec<(i64, i64)> {
        cut.kept().map(|span| (span.start, span.end)).collect()
    }

    #[test]
    fn nothing_asked_keeps_all() {
        let cut = Cut::new(&CutSettings::default(), 9_000, &idle([(1_000, 8_000)])).unwrap();
        assert_eq!(cut, Cut::whole(9_000));
        assert_eq!((cut.video_ms(-5), cut.video_ms(4_321), cut.video_ms(10_000)), (0, 4_321, 9_000));
        assert!(!cut.is_past(9_000) && cut.is_past(9_001));
    }

    #[test]
    fn idle_stretches_keep_their_beginning_within_what_is_kept() {
        let idle = idle([(0, 4_000), (10_000, 13_000), (20_000, 26_001), (30_000, 40_000)]);
        let cut = Cut::new(&settings(2_500, 35_000, 3_000), 60_000, &idle).unwrap();
        assert_eq!(kept(&cut), [(2_500, 23_000), (26_001, 33_000)]);
        for (media_ms, video_ms) in [
            (0, 0),
            (2_500, 0),
            (22_999, 20_499),
            (23_000, 20_500),
            (26_000, 20_500),
            (26_001, 20_500),
            (26_101, 20_600),
            (33_000, 27_499),
            (60_000, 27_499),
        ] {
            assert_eq!(cut.video_ms(media_ms), video_ms, "{media_ms}");
        }
        assert_eq!((cut.start_ms(), cut.duration_ms()), (2_500, 27_499));
        assert!(!cut.is_past(35_000) && cut.is_past(35_001));
    }

    #[test]
    fn a_recording_without_any_activity_may_vanish_and_its_picture_stays() {
        let idle_only = CutSettings { idle_max_ms: Some(0), ..CutSettings::default() };
        let cut = Cut::new(&idle_only, 7_000, &idle([(0, 7_000)])).unwrap();
        assert_eq!((kept(&cut), cut.duration_ms()), (vec![(7_000, 7_000)], 0));
        let single = Cut::new(&CutSettings { from_ms: Some(0), ..CutSettings::default() }, 0, &[]).unwrap();
        assert_eq!(single, Cut::whole(0));
    }

    #[test]
    fn a_shorter_cut_ends_earlier() {
        let cut = Cut::new(&settings(0, 30_000, 1_000), 30_000, &idle([(5_000, 10_000), (12_000, 20_000)]))
            .unwrap();
        assert_eq!(kept(&cut), [(0, 6_000), (10_000, 13_000), (20_000, 30_000)]);
        assert_eq!(kept(&cut.clone().until(25_000)), [(0, 6_000), (10_000, 13_000), (20_000, 25_000)]);
        assert_eq!(kept(&cut.clone().until(11_000)), [(0, 6_000), (10_000, 11_000)]);
        assert_eq!(cut.until(8_000).duration_ms(), 6_000);
    }

    #[test]
    fn what_cannot_be_cut_is_refused_with_the_length_of_the_recording() {
        let refused = |from_ms, to_ms| Cut::new(&settings(from_ms, to_ms, 0), 9_000, &[]).unwrap_err();
        assert_eq!(refused(5_000, 5_000), CutError::Order { from_ms: 5_000, to_ms: 5_000 });
        assert_eq!(refused(9_000, 9_500), CutError::BeyondEnd { from_ms: 9_000, duration_ms: 9_000 });
        assert_eq!(
            refused(9_050, 10_000).to_string(),
            "the video would begin at 9.050 s, expected a time within the recording, which lasts 9.000 s"
        );
        assert_eq!(
            refused(2_000, 1_000).to_string(),
            "the video would begin at 2.000 s and end at 1.000 s, expected an end behind its beginning"
        );
        assert_eq!(Cut::new(&settings(0, i64::MAX, 0), 9_000, &[]), Ok(Cut::whole(9_000)));
    }
}

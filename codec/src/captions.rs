//! What was typed, as the subtitles and chapters of a video.

use crate::cut::Cut;
use crate::mux::{Cue, TextTrack, Texts};
use crate::timeline::{IdleSpan, KeyBatch, Marker, MarkerEvent, Timeline};

/// Most characters of a line.
const LINE_CHARS: i64 = 120;
/// A line feed ends a line that has this time at least, so that no line flashes by.
const LINE_MS_MIN: i64 = 700;
/// A line stays so long at least, if nothing follows.
const LINGER_MS: i64 = 3_000;
/// Activity after a pause of this length is a chapter, if anything was typed in it.
const CHAPTER_PAUSE_MS: i64 = 5_000;
/// With more chapters than this, longer pauses are needed; later markers are left out.
const CHAPTERS_MAX: usize = 500;
/// Most characters of a chapter's title.
const TITLE_CHARS: usize = 60;

/// The subtitles and chapters of a video; `None` if nothing was typed in it.
///
/// Of a batch it is only known when it began and ended: its lines share that time by their length. A batch that
/// reaches into the video is in it whole. A chapter is a marker, or a stretch of activity that begins with what is its
/// title. Control characters become visible signs.
pub fn captions(timeline: &Timeline, batches: &[KeyBatch], cut: &Cut) -> Option<Texts> {
    let in_video = |batch: &&KeyBatch| batch.end_ms >= cut.start_ms() && !cut.is_past(batch.at_ms);
    let batches: Vec<_> = batches.iter().filter(in_video).collect();
    let subtitles = TextTrack::subtitles(&subtitles(&batches, cut));
    let chapters = TextTrack::chapters(&chapters(timeline, &batches, cut));
    (subtitles.duration_ms() > 0).then_some(Texts { subtitles, chapters })
}

/// A text, from when on it is shown, and how long at least; milliseconds of the video.
struct Line {
    at_ms: i64,
    least_end_ms: i64,
    text: String,
}

fn subtitles(batches: &[&KeyBatch], cut: &Cut) -> Vec<Cue> {
    // At the very end there is no time left to show anything.
    let last_ms = (cut.duration_ms() - 1).max(0);
    let mut lines: Vec<Line> = Vec::new();
    for line in batches.iter().flat_map(|batch| lines_of(batch, cut)) {
        let line = Line { at_ms: line.at_ms.min(last_ms), ..line };
        match lines.last_mut() {
            Some(together) if together.at_ms >= line.at_ms => {
                together.least_end_ms = together.least_end_ms.max(line.least_end_ms);
                if together.text.len() < TextTrack::MAX_TEXT_BYTES {
                    together.text.push_str(&line.text);
                }
            }
            Some(_) | None => lines.push(line),
        }
    }
    cues(lines, cut.duration_ms())
}

/// The lines of a batch.
fn lines_of(batch: &KeyBatch, cut: &Cut) -> Vec<Line> {
    let start_ms = cut.video_ms(batch.at_ms);
    let length_ms = cut.video_ms(batch.end_ms) - start_ms;
    let length_chars = i64::try_from(batch.text.chars().count().max(1)).unwrap_or(i64::MAX);
    let time_of = |chars: i64| start_ms + length_ms.saturating_mul(chars) / length_chars;
    let mut lines = Vec::new();
    let (mut text, mut before, mut behind) = (String::new(), 0, 0);
    let mut rest = batch.text.chars().peekable();
    while let Some(char) = rest.next() {
        text.push(visible(char));
        behind += 1;
        let had_time = time_of(behind) - time_of(before) >= LINE_MS_MIN;
        let is_full = behind - before >= LINE_CHARS || (char == '\n' && had_time);
        if is_full || rest.peek().is_none() {
            let least_end_ms = time_of(behind).saturating_add(LINGER_MS);
            lines.push(Line { at_ms: time_of(before), least_end_ms, text: std::mem::take(&mut text) });
            before = behind;
        }
    }
    lines
}

/// Each line is shown until it was long enough or the next one comes.
fn cues(lines: Vec<Line>, end_ms: i64) -> Vec<Cue> {
    let nexts: Vec<_> = lines.iter().skip(1).map(|next| next.at_ms).chain([end_ms]).collect();
    let cue = |(line, next_ms): (Line, i64)| cue(line.at_ms, line.least_end_ms.min(next_ms), line.text);
    lines.into_iter().zip(nexts).map(cue).collect()
}

fn chapters(timeline: &Timeline, batches: &[&KeyBatch], cut: &Cut) -> Vec<Cue> {
    let mut pause_ms = CHAPTER_PAUSE_MS;
    let mut starts = bursts(&timeline.idle, pause_ms, batches, cut);
    while starts.len() > CHAPTERS_MAX {
        pause_ms = pause_ms.saturating_mul(2);
        starts = bursts(&timeline.idle, pause_ms, batches, cut);
    }
    let in_video = |marker: &&Marker| marker.at_ms >= cut.start_ms() && !cut.is_past(marker.at_ms);
    let markers = timeline.markers.iter().filter(in_video).take(CHAPTERS_MAX);
    starts.extend(markers.map(|marker| (cut.video_ms(marker.at_ms), title_of(&marker.event))));
    starts.push((0, String::new()));
    starts.sort();
    starts.dedup_by(|(later_ms, later), (at_ms, title)| {
        let same = at_ms == later_ms;
        if same && !title.is_empty() {
            title.push_str(" · ");
        }
        if same {
            title.push_str(later);
        }
        same
    });
    let nexts: Vec<_> =
        starts.iter().skip(1).map(|(next_ms, _)| *next_ms).chain([cut.duration_ms()]).collect();
    let named = |title: String| if title.is_empty() { "Start".to_owned() } else { title };
    starts.into_iter().zip(nexts).map(|((at_ms, title), next_ms)| cue(at_ms, next_ms, named(title))).collect()
}

/// Where activity with keystrokes begins after pauses of `pause_ms`, and what was typed first.
fn bursts(idle: &[IdleSpan], pause_ms: i64, batches: &[&KeyBatch], cut: &Cut) -> Vec<(i64, String)> {
    let is_pause = |span: &&IdleSpan| span.end_ms.saturating_sub(span.start_ms) >= pause_ms;
    let ends: Vec<_> = idle.iter().filter(is_pause).map(|span| span.end_ms).collect();
    let mut bursts = Vec::new();
    let mut last_burst = None;
    for batch in batches {
        let burst = ends.partition_point(|end_ms| *end_ms <= batch.at_ms);
        if last_burst.replace(burst) != Some(burst) {
            let start_ms = burst.checked_sub(1).and_then(|index| ends.get(index)).copied().unwrap_or(0);
            bursts.push((cut.video_ms(start_ms), title(&batch.text)));
        }
    }
    bursts
}

fn title_of(event: &MarkerEvent) -> String {
    match event {
        MarkerEvent::Resize { width, height } => format!("{width}x{height}"),
        MarkerEvent::Clipboard { .. } => "Clipboard".to_owned(),
        MarkerEvent::File { name, .. } => title(&format!("File {name}")),
        MarkerEvent::Pipe { name, .. } => title(&format!("Pipe {name}")),
        MarkerEvent::Error { text, .. } => title(&format!("Error: {text}")),
        MarkerEvent::Mark { label } => title(label),
        MarkerEvent::Exit { status } => title(&format!("Exit {status}")),
        MarkerEvent::Gap { .. } => "Gap".to_owned(),
    }
}

/// The first line of a text, shortened.
fn title(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or(text);
    let mut title: String = line.trim().chars().take(TITLE_CHARS).map(visible).collect();
    if line.trim().chars().count() > TITLE_CHARS {
        title.push('…');
    }
    title
}

/// What of a text a player might obey, as a sign that it shows.
pub(crate) fn visible(char: char) -> char {
    match char {
        '\n' | '\r' => '⏎',
        '\t' => '⇥',
        '\u{7f}' => '␡',
        // The pictures of control characters stand in their order.
        '\0'..'\u{20}' => char::from_u32(0x2400 + u32::from(char)).unwrap_or('�'),
        // Others, and what changes the direction of the text or breaks its lines.
        '\u{80}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => '�',
        _ => char,
    }
}

fn cue(start_ms: i64, end_ms: i64, text: String) -> Cue {
    let unsigned = |ms| u64::try_from(ms).unwrap_or(0);
    Cue { start_ms: unsigned(start_ms), end_ms: unsigned(end_ms), text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cut::CutSettings;

    fn batch(at_ms: i64, end_ms: i64, text: &str) -> KeyBatch {
        KeyBatch { at_ms, end_ms, text: text.into(), display: String::new() }
    }

    fn timeline(idle: &[(i64, i64)], markers: Vec<Marker>) -> Timeline {
        let idle = idle.iter().map(|&(start_ms, end_ms)| IdleSpan { start_ms, end_ms }).collect();
        Timeline { idle, markers, ..Timeline::default() }
    }

    fn shown(cues: &[Cue]) -> Vec<(u64, u64, &str)> {
        cues.iter().map(|cue| (cue.start_ms, cue.end_ms, cue.text.as_str())).collect()
    }

    #[test]
    fn lines_share_the_time_of_their_batch_and_linger_until_the_next() {
        let long = "x".repeat(120);
        let batches = [
            batch(1_000, 1_600, "ls\ncd /srv\n"),
            batch(5_000, 9_000, "top\nq"),
            batch(10_000, 20_000, &format!("{long}\u{1b}[A")),
            batch(21_000, 21_000, "exit\u{202e}"),
        ];
        let cut = Cut::whole(22_000);
        let cues = subtitles(&batches.each_ref(), &cut);
        assert_eq!(
            shown(&cues),
            [
                (1_000, 4_600, "ls⏎cd /srv⏎"),
                (5_000, 8_200, "top⏎"),
                (8_200, 10_000, "q"),
                (10_000, 19_756, long.as_str()),
                (19_756, 21_000, "␛[A"),
                (21_000, 22_000, "exit�"),
            ]
        );
    }

    #[test]
    fn what_is_cut_out_is_not_shown_and_the_rest_moves() {
        let settings = CutSettings { from_ms: Some(10_000), to_ms: Some(40_000), idle_max_ms: Some(1_000) };
        let timeline = timeline(&[(15_000, 30_000)], Vec::new());
        let cut = Cut::new(&settings, 60_000, &timeline.idle).unwrap();
        let batches = [
            batch(8_000, 9_999, "secret"),
            batch(9_000, 11_000, "ab"),
            batch(31_000, 31_000, "cd"),
            batch(40_000, 41_000, "ef"),
            batch(40_001, 41_000, "gone"),
        ];
        let texts = captions(&timeline, &batches, &cut).unwrap();
        let subtitles = [(0, 4_000, "ab"), (7_000, 10_000, "cd"), (15_999, 16_000, "ef")];
        let subtitles = subtitles.map(|(start_ms, end_ms, text)| cue(start_ms, end_ms, text.to_owned()));
        assert_eq!(texts.subtitles, TextTrack::subtitles(&subtitles));
        let chapters = [(0, 6_000, "ab"), (6_000, 16_000, "cd")];
        let chapters = chapters.map(|(start_ms, end_ms, text)| cue(start_ms, end_ms, text.to_owned()));
        assert_eq!(texts.chapters, TextTrack::chapters(&chapters));
        assert_eq!(captions(&timeline, &[batch(50_000, 50_000, "x")], &cut), None);
    }

    #[test]
    fn chapters_are_markers_and_activity_with_keystrokes_after_a_pause() {
        let marker = |at_ms, event| Marker { at_ms, event };
        let markers = vec![
            marker(30_000, MarkerEvent::Error { text: "a\nb".into(), status: 1 }),
            marker(45_000, MarkerEvent::Resize { width: 800, height: 600 }),
        ];
        // A clock that ticks begins no chapter.
        let timeline =
            timeline(&[(1_000, 5_999), (7_000, 20_000), (20_000, 30_000), (31_000, 44_000)], markers);
        let typed = format!("\n  {}\nrest", "y".repeat(70));
        let batches = [batch(6_000, 6_000, "one"), batch(30_500, 30_500, &typed), batch(31_000, 31_000, "z")];
        let cues = chapters(&timeline, &batches.each_ref(), &Cut::whole(50_000));
        let title = format!("Error: a · {}…", "y".repeat(60));
        assert_eq!(
            shown(&cues),
            [(0, 30_000, "one"), (30_000, 45_000, title.as_str()), (45_000, 50_000, "800x600")]
        );
        let without = chapters(&timeline, &batches[1..].iter().collect::<Vec<_>>(), &Cut::whole(50_000));
        assert_eq!(without[0].text, "Start");
    }

    #[test]
    fn endless_bursts_become_few_chapters() {
        let idle: Vec<_> = (0..4_000).map(|index| (index * 20_000, index * 20_000 + 5_000 + index)).collect();
        let batches: Vec<_> = (0..4_000).map(|index| batch(index * 20_000 + 10_000, 0, "a")).collect();
        let cues = chapters(
            &timeline(&idle, Vec::new()),
            &batches.iter().collect::<Vec<_>>(),
            &Cut::whole(80_000_000),
        );
        assert_eq!(cues.len(), 1);
    }
}

//! The facts of a recording for a person: numbers and a small picture of its activity, nothing of what was typed.

use crate::progress::clock;
use codec::timeline::{Ending, Keystrokes, MarkerEvent, Timeline};
use std::io::{self, Write};
use std::time::Duration;

/// Columns of the heat map; with what stands before it a line fits a terminal of 80.
const HEAT_COLUMNS: usize = 58;
/// A lower value is not drawn: the smoothing gives every neighbour of an event a little.
const HEAT_MIN: f64 = 0.1;
/// Bars from low to high.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Sizes that are listed.
const SIZES_LISTED: usize = 6;

/// Prints the summary; its last line says how the recording ends.
pub(super) fn print_summary(
    timeline: &Timeline,
    keystrokes: &Keystrokes,
    output: &mut impl Write,
) -> io::Result<()> {
    let milliseconds = timeline.media_duration_ms;
    writeln!(output, "format      {}, {} bytes", timeline.format, timeline.bytes)?;
    writeln!(output, "duration    {} ({milliseconds} ms)", time(milliseconds))?;
    writeln!(output, "picture     {}", sizes_of(timeline))?;
    let gap = time(timeline.longest_gap_ms);
    writeln!(output, "frames      {}, the longest pause is {gap}", timeline.sync_count)?;
    if timeline.format == Timeline::DB_LINES {
        let of = |outcome: &str| timeline.instructions.get(outcome).copied().unwrap_or(0);
        writeln!(output, "statements  {} done, {} failed", of("ok"), of("error"))?;
    }
    let sound = if timeline.sound { format!("until {}", time(timeline.sound_end_ms)) } else { "none".into() };
    writeln!(output, "sound       {sound}")?;
    let keys = counted(timeline.key_presses, ["key", "keys"]);
    let batches = counted(u64_of(keystrokes.batches.len()), ["batch", "batches"]);
    let mouse = counted(timeline.mouse_events, ["mouse event", "mouse events"]);
    writeln!(output, "input       {keys} pressed in {batches}, {mouse}")?;
    print_heat_map(timeline, output)?;
    print_idle(timeline, output)?;
    writeln!(output, "markers     {}", markers_of(timeline))?;
    for marker in &timeline.markers {
        if let MarkerEvent::Error { text, status } = &marker.event {
            let at = time(marker.at_ms);
            writeln!(output, "error       {} (status {status}) at {at}", text.escape_default())?;
        }
    }
    if timeline.skipped_bytes > 0 {
        writeln!(output, "skipped     {} bytes that cannot be read", timeline.skipped_bytes)?;
    }
    match &timeline.ending {
        Ending::Whole => writeln!(output, "end         whole"),
        Ending::Truncated { position } => {
            writeln!(output, "end         cut inside an instruction at byte {position}")
        }
        Ending::Damaged { code: _, position, reason } => {
            let left = timeline.bytes - position;
            writeln!(output, "end         damaged, {left} bytes cannot be read: {reason}")
        }
    }
}

/// A number of things, in words for one and for more.
fn counted(number: u64, [one, more]: [&str; 2]) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

fn u64_of(length: usize) -> u64 {
    u64::try_from(length).expect("a length fits 64 bits")
}

fn time(ms: i64) -> String {
    clock(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
}

fn print_heat_map(timeline: &Timeline, output: &mut impl Write) -> io::Result<()> {
    let map = timeline.heat_map(HEAT_COLUMNS);
    writeln!(output, "activity    frames {}", bars(&map.frames_smooth, &map.frames))?;
    writeln!(output, "            keys   {}", bars(&map.keys_smooth, &map.keys))
}

/// A bar for each value, scaled to the largest count.
fn bars(values: &[f64], counts: &[u32]) -> String {
    let largest = f64::from(counts.iter().copied().max().unwrap_or(0));
    let bar = |value: &f64| {
        let reached = |level: u32| value * 8.0 > f64::from(level) * largest;
        let bars = BARS.iter().zip(0..).take_while(|(_, level)| reached(*level));
        bars.last().filter(|_| *value >= HEAT_MIN).map_or(' ', |(bar, _)| *bar)
    };
    if largest == 0.0 {
        return "none".into();
    }
    let bars: String = values.iter().map(bar).collect();
    bars.trim_end().to_owned()
}

fn print_idle(timeline: &Timeline, output: &mut impl Write) -> io::Result<()> {
    let idle_ms: i64 = timeline.idle.iter().map(|span| span.end_ms - span.start_ms).sum();
    let percent = idle_ms.saturating_mul(100) / timeline.media_duration_ms.max(1);
    let spans = counted(u64_of(timeline.idle.len()), ["span", "spans"]);
    writeln!(output, "idle        {} in {spans}, {percent} %", time(idle_ms))
}

/// How many markers of each kind there are.
fn markers_of(timeline: &Timeline) -> String {
    let mut counts = [
        (0, ["resize", "resizes"]),
        (0, ["clipboard", "clipboards"]),
        (0, ["file", "files"]),
        (0, ["pipe", "pipes"]),
        (0, ["error", "errors"]),
        (0, ["gap", "gaps"]),
        (0, ["mark", "marks"]),
        (0, ["exit", "exits"]),
    ];
    for marker in &timeline.markers {
        counts[match marker.event {
            MarkerEvent::Resize { .. } => 0,
            MarkerEvent::Clipboard { .. } => 1,
            MarkerEvent::File { .. } => 2,
            MarkerEvent::Pipe { .. } => 3,
            MarkerEvent::Error { .. } => 4,
            MarkerEvent::Gap { .. } => 5,
            MarkerEvent::Mark { .. } => 6,
            MarkerEvent::Exit { .. } => 7,
        }]
        .0 += 1;
    }
    let told: Vec<_> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, names)| counted(*count, *names)).collect();
    if told.is_empty() { "none".into() } else { told.join(", ") }
}

fn sizes_of(timeline: &Timeline) -> String {
    let sizes: Vec<_> = timeline
        .sizes
        .iter()
        .take(SIZES_LISTED)
        .map(|size| format!("{}x{}", size.width, size.height))
        .collect();
    match (sizes.len(), timeline.sizes.len()) {
        (0, _) => "none".into(),
        (listed, all) if all > listed => format!("{}, and {} more sizes", sizes.join(", "), all - listed),
        _ => sizes.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_scaled_to_the_largest_count_and_traces_are_left_out() {
        assert_eq!(bars(&[8.0, 4.0, 0.1, 0.09, 1.1, 0.0], &[8, 4, 0, 0, 1, 0]), "█▄▁ ▂");
        assert_eq!(bars(&[0.0; 4], &[0; 4]), "none");
    }
}

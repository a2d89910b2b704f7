use super::*;
use crate::limits::Limits;
use avt::Terminal;
use serde_json::Value;

/// The casts of the development set.
const CASTS: [&str; 4] = ["v2-shell", "v2-psql", "v3-unicode-resize", "v3-idle"];

fn cast(name: &str) -> String {
    let path = format!("{}/../tests/data/{name}.cast", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).expect(&path)
}

/// What avt shows after all events up to a time, read without this crate: lines, and the cursor.
fn expected(cast: &str, until_ms: i64) -> (Vec<String>, (usize, usize)) {
    let mut lines = cast.lines().filter(|line| !line.starts_with('#'));
    let header: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    let is_third = header["version"] == 3;
    let (columns, rows) = match is_third {
        true => (&header["term"]["cols"], &header["term"]["rows"]),
        false => (&header["width"], &header["height"]),
    };
    let side = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    let mut terminal = Terminal::new(side(columns), side(rows)).unwrap();
    let mut time_s = 0.0;
    for line in lines {
        let (own_s, code, data): (f64, String, String) = serde_json::from_str(line).unwrap();
        time_s = if is_third { time_s + own_s } else { own_s };
        #[expect(clippy::as_conversions, reason = "milliseconds of a short recording")]
        let at_ms = (time_s * 1000.0 + 1e-6) as i64;
        if at_ms > until_ms {
            break;
        }
        match code.as_str() {
            "o" => terminal.feed(data.as_str()),
            "r" => {
                let (columns, rows) = data.split_once('x').unwrap();
                terminal.resize(columns.parse().unwrap(), rows.parse().unwrap());
            }
            _ => {}
        }
    }
    let cursor = terminal.cursor();
    (terminal.screen().visible_lines().map(|line| line.text()).collect(), (cursor.col, cursor.row))
}

fn shown(cast: &str, until_ms: i64, piece_bytes: usize) -> (Vec<String>, (usize, usize)) {
    let mut replay = TerminalReplay::new(TerminalFormat::Asciicast, Limits::default(), Fonts::bundled());
    replay.end_at(until_ms);
    for piece in cast.as_bytes().chunks(piece_bytes) {
        replay.push(piece);
        while replay.step().unwrap().is_some() {}
    }
    let (emulator, _) = replay.screen.as_ref().unwrap();
    emulator.text()
}

#[test]
fn the_cells_are_those_of_avt_at_twenty_times_of_each_cast() {
    for name in CASTS {
        let cast = cast(name);
        for step in 0..20 {
            let at_ms = step * 2_000 + 137;
            assert_eq!(shown(&cast, at_ms, 4_096), expected(&cast, at_ms), "{name} at {at_ms} ms");
        }
        assert_eq!(shown(&cast, i64::MAX, 1_000), expected(&cast, i64::MAX), "{name}");
    }
}

#[test]
fn a_size_beyond_the_limits_is_told_and_changes_nothing() {
    let recording = "{\"version\":2,\"width\":9,\"height\":4}\n[1,\"r\",\"5000x9\"]\n[2,\"r\",\"0x9\"]\n[3,\"o\",\"a\"]\n";
    let mut replay = TerminalReplay::new(TerminalFormat::Asciicast, Limits::default(), Fonts::bundled());
    replay.push(recording.as_bytes());
    replay.release();
    while replay.step().unwrap().is_some() {}
    assert_eq!(replay.faults().count, 2);
    let first = replay.faults().first.clone().unwrap();
    assert_eq!(
        (first.at_ms, first.error),
        (1_000, DrawError::Terminal { columns: 5_000, rows: 9, limit: 1_000 })
    );
    assert_eq!(replay.screen.as_ref().unwrap().0.size(), (9, 4));
    assert_eq!(replay.finish(), Ok(()));
}

#[test]
fn a_flood_of_repetitions_ends_the_recording_within_its_budget() {
    let repeated = "\\u001b[65535b".repeat(50_000);
    let recording = format!(
        "{{\"version\":2,\"width\":200,\"height\":50}}\n[0.5,\"o\",\"a{repeated}\"]\n[1,\"o\",\"b\"]\n"
    );
    let mut replay = TerminalReplay::new(TerminalFormat::Asciicast, Limits::default(), Fonts::bundled());
    replay.push(recording.as_bytes());
    let frame = replay.step().unwrap();
    assert_eq!(frame, Some(Moment::Frame { at_ms: 0, index: 0 }));
    let position = u64::try_from(recording.find('\n').unwrap()).unwrap();
    let ended = TerminalError::TimeBudget { position, limit_ms: 4_000 };
    assert_eq!((replay.step(), replay.finish()), (Err(ended), Err(ended)));
    assert!(replay.cost() < Cost::of_ms(4_200));
}

#[test]
fn a_picture_for_which_there_is_no_memory_is_told() {
    let recording = "{\"version\":2,\"width\":80,\"height\":24}\n[1,\"o\",\"a\"]\n";
    let limits = Limits { memory_bytes: 100_000, ..Limits::default() };
    let mut replay = TerminalReplay::new(TerminalFormat::Asciicast, limits, Fonts::bundled());
    replay.push(recording.as_bytes());
    assert_eq!(replay.step(), Ok(Some(Moment::Frame { at_ms: 0, index: 0 })));
    replay.canvas();
    let first = replay.faults().first.clone().unwrap();
    assert_eq!((replay.faults().count, first.error.code().to_string().as_str()), (1, "MEMBUDGET"));
}

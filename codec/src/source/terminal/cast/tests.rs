use super::*;

const HEAD: &str = "{\"version\": 2, \"width\": 80, \"height\": 24}\n";

/// Name, time and end of all events.
type Events = Vec<(String, i64, u64)>;

/// All events, and how the recording ends.
fn read(recording: &str, piece_bytes: usize) -> (Events, Result<(), TerminalError>) {
    let mut reader = CastReader::new(Limits { line_bytes: 300, ..Limits::default() });
    let mut events = Vec::new();
    for piece in recording.as_bytes().chunks(piece_bytes) {
        reader.push(piece);
        while let Ok(Some(TerminalRead { event, timestamp_ms, end_byte })) = reader.read() {
            let what = match &event {
                TerminalEvent::Output(text)
                | TerminalEvent::Input(text)
                | TerminalEvent::Marker(text)
                | TerminalEvent::Exit(text) => format!("{} {text}", event.name()),
                TerminalEvent::Resize { columns, rows } => format!("resize {columns} {rows}"),
                TerminalEvent::Begin { columns, rows, .. } => format!("begin {columns} {rows}"),
                TerminalEvent::Other => "other".to_owned(),
            };
            events.push((what, timestamp_ms, end_byte));
        }
    }
    (events, reader.finish())
}

fn names(recording: &str) -> Vec<(String, i64)> {
    let (events, end) = read(recording, 1);
    assert_eq!(read(recording, 1 << 20), (events.clone(), end), "pieces give other events");
    assert_eq!(end, Ok(()), "{recording}");
    events.into_iter().map(|(what, at_ms, _)| (what, at_ms)).collect()
}

fn error_of(recording: &str) -> TerminalError {
    let (events, end) = read(recording, 1);
    assert_eq!(read(recording, 1 << 20), (events, end), "pieces give other events");
    end.unwrap_err()
}

#[test]
fn version_2_counts_from_the_beginning() {
    let recording = format!(
        "{HEAD}[0.5, \"o\", \"a\"]\n[1.25, \"i\", \"]\\\"\"]\r\n[2, \"r\", \"100x40\"]\n\n[2.5,\"m\",\"x\"]\n[3,\"q\",[1]]\n[4,\"x\",\"7\"]"
    );
    let expected = [
        ("begin 80 24", 0),
        ("output a", 500),
        ("input ]\"", 1_250),
        ("resize 100 40", 2_000),
        ("marker x", 2_500),
        ("other", 3_000),
        ("exit 7", 4_000),
    ];
    assert_eq!(names(&recording), expected.map(|(what, at_ms)| (what.to_owned(), at_ms)));
}

#[test]
fn version_3_counts_from_the_event_before_and_has_comments() {
    let recording = "{\"version\":3,\"term\":{\"cols\":9,\"rows\":8}}\n# [1,\n[0.5,\"o\",\"a\"]\n#\n[0.25,\"o\",\"\\ud83d\"]\n[0.25,\"o\",\"\\ude00\"]\n# end";
    let expected = [("begin 9 8", 0), ("output a", 500), ("output ", 750), ("output 😀", 1_000)];
    assert_eq!(names(recording), expected.map(|(what, at_ms)| (what.to_owned(), at_ms)));
}

#[test]
fn version_1_is_one_object_on_any_lines() {
    let recording = "{\n \"version\": 1, \"width\": 80, \"height\": 24, \"title\": \"\\\"stdout\\\":[\",\n \"env\": {\"stdout\": []},\n \"stdout\" : [\n  [0.1, \"a\"],\n  [\n   0.2,\n \"b\"\n ]\n ], \"more\": 1}\n";
    let expected = [("begin 80 24", 0), ("output a", 100), ("output b", 300)];
    // A pretty-printed event is read wherever its line breaks are.
    assert_eq!(names(recording), expected.map(|(what, at_ms)| (what.to_owned(), at_ms)));
    let cut = recording.split_once("\"b\"").unwrap().0;
    assert!(matches!(error_of(cut), TerminalError::Truncated { line: 6, .. }));
}

#[test]
fn damage_is_told_with_its_line() {
    let malformed = |line, expected| TerminalError::Malformed {
        position: u64::try_from(HEAD.len()).unwrap() + 13,
        line,
        expected,
    };
    let after = |text: &str| error_of(&format!("{HEAD}[0,\"o\",\"ab\"]\n{text}"));
    assert_eq!(after("[NaN, \"o\", \"\"]\n"), malformed(3, "a number of seconds"));
    assert_eq!(after("[1, \"o\", \"\n\"]"), malformed(3, "a whole event on its line"));
    assert_eq!(after("hello"), malformed(3, "an event in square brackets"));
    assert_eq!(after("[1,\"o\",\"\\x\"]"), malformed(3, "characters in UTF-8 and escapes of JSON"));
    let position = u64::try_from(HEAD.len()).unwrap() + 13;
    assert_eq!(after("[1,\"o\",\"abc"), TerminalError::Truncated { position, line: 3 });
    let long = format!("[1,\"o\",\"{}\"]\n", "a".repeat(300));
    assert_eq!(after(&long), TerminalError::LineTooLong { position, line: 3, limit_bytes: 300 });
}

#[test]
fn a_header_is_needed_and_short() {
    assert_eq!(error_of(""), TerminalError::Truncated { position: 0, line: 1 });
    assert_eq!(
        error_of("[0,\"o\",\"a\"]\n"),
        TerminalError::Malformed { position: 0, line: 1, expected: "a header in braces" }
    );
    let env = format!("{{\"version\":2,\"env\":{{\"A\":\"{}\"}}}}\n", "a".repeat(300));
    assert_eq!(error_of(&env), TerminalError::LineTooLong { position: 0, line: 1, limit_bytes: 300 });
    let mixed = "{\"version\":2,\"width\":1,\"height\":1,\"stdout\":[[1,\"a\"]]}";
    assert!(matches!(error_of(mixed), TerminalError::Malformed { line: 1, .. }));
}

#[test]
fn reading_goes_on_between_two_events() {
    let recording =
        "{\"version\":3,\"term\":{\"cols\":9,\"rows\":8}}\n[0.5,\"o\",\"a\"]\n[0.25,\"o\",\"b\"]\n";
    let mut reader = CastReader::new(Limits::default());
    reader.push(recording.as_bytes());
    reader.read().unwrap();
    reader.read().unwrap();
    let place = reader.place().unwrap();
    let next = reader.read().unwrap();
    let mut resumed = CastReader::at(place, Limits::default());
    resumed.push(&recording.as_bytes()[usize::try_from(place.position).unwrap()..]);
    assert_eq!(resumed.read().unwrap(), next);
}

//! What happened in a database session, as a terminal would have shown it.

use super::line::{Line, Outcome};
use super::reader::{LineReader, ReadLine};
use crate::captions::visible;
use crate::geometry::Size;
use crate::limits::Limits;
use crate::source::guac::MediaTime;
use crate::terminal::cell_size;

/// Columns and rows of the terminal.
const COLUMNS: usize = 120;
const ROWS: usize = 36;
/// What is shown of a statement, in characters: a few screens. The recording holds the rest.
const STATEMENT_CHARS: usize = 8_000;
/// What is shown of a message, in characters.
const MESSAGE_CHARS: usize = 1_000;
/// The longest transcript, in bytes; it is held in memory.
const TRANSCRIPT_BYTES_MAX: usize = 64 << 20;
const DIM: &str = "\u{1b}[90m";
const BLUE: &str = "\u{1b}[94m";
const GREEN: &str = "\u{1b}[32m";
const RED: &str = "\u{1b}[91m";
const PLAIN: &str = "\u{1b}[0m";

/// Makes a recording of a terminal (asciicast, version 2) of the lines of a session, as their bytes come. It begins with the
/// same bytes however long the session is.
#[derive(Debug)]
pub struct Transcript {
    reader: LineReader,
    time: MediaTime,
    bytes: usize,
    is_over: bool,
}

impl Transcript {
    /// The size of its picture.
    pub fn size() -> Size {
        let cell = cell_size((COLUMNS, ROWS));
        Size { width: COLUMNS * cell.width, height: ROWS * cell.height }
    }

    /// Begins, and gives what it begins with.
    pub fn begin(limits: &Limits) -> (Self, String) {
        let mut time = MediaTime::new(limits.gap_ms);
        time.sync(0);
        // Nobody types here, so that there is no cursor; the first picture is empty.
        let head =
            format!("{{\"version\":2,\"width\":{COLUMNS},\"height\":{ROWS}}}\n{}", event(0, "\u{1b}[?25l"));
        (Self { reader: LineReader::default(), time, bytes: head.len(), is_over: false }, head)
    }

    /// Adds the next bytes; gives what they add to the transcript. What cannot be read ends it as it ends the recording:
    /// inside a line.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        let mut added = String::new();
        if self.is_over {
            return added;
        }
        self.reader.push(bytes);
        loop {
            match self.reader.read() {
                Ok(Some(ReadLine { line, .. })) => {
                    let at_ms = self.time.event(i64::try_from(line.t_ms).unwrap_or(i64::MAX));
                    added.push_str(&event(at_ms, &shown(&line, at_ms)));
                }
                Ok(None) => break,
                Err(_) => {
                    self.is_over = true;
                    added.push('[');
                    break;
                }
            }
            if self.bytes + added.len() > TRANSCRIPT_BYTES_MAX {
                self.is_over = true;
                let note = format!("{RED}The session is longer than its transcript.{PLAIN}\r\n");
                added.push_str(&event(self.time.now_ms(), &note));
                added.push('[');
                break;
            }
        }
        self.bytes += added.len();
        added
    }

    /// What the transcript ends with.
    pub fn finish(&self) -> &'static str {
        match self.is_over || self.reader.finish().is_ok() {
            true => "",
            false => "[",
        }
    }
}

/// A line of an asciicast: what is shown, in JSON.
fn event(at_ms: i64, text: &str) -> String {
    let text = serde_json::to_string(text).expect("a text is JSON");
    format!("[{}.{:03},\"o\",{text}]\n", at_ms / 1_000, at_ms % 1_000)
}

/// What a terminal shows of a line.
fn shown(line: &Line, at_ms: i64) -> String {
    let Line { database, statement, outcome, t_ms: _ } = line;
    let (seconds, ms) = (at_ms / 1_000, at_ms % 1_000);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let clock = format!("{hours:02}:{minutes:02}:{seconds:02}.{ms:03}");
    let head = format!("{DIM}{clock} {BLUE}{}{DIM}=>{PLAIN} ", plain(database, MESSAGE_CHARS));
    let outcome = match outcome {
        Outcome::Ok { rows: None } => format!("{GREEN}ok{PLAIN}"),
        Outcome::Ok { rows: Some(1) } => format!("{GREEN}ok, 1 row{PLAIN}"),
        Outcome::Ok { rows: Some(rows) } => format!("{GREEN}ok, {rows} rows{PLAIN}"),
        Outcome::Error { sqlstate, message } => {
            format!("{RED}error {sqlstate}: {}{PLAIN}", plain(message, MESSAGE_CHARS))
        }
    };
    format!("{head}{}\r\n{outcome}\r\n\r\n", plain(statement, STATEMENT_CHARS))
}

/// The beginning of a text, in lines of a terminal that it cannot command.
fn plain(text: &str, chars: usize) -> String {
    let mut shown = String::new();
    for char in text.chars().take(chars) {
        match char {
            '\n' => shown.push_str("\r\n"),
            '\t' => shown.push_str("    "),
            char => shown.push(visible(char)),
        }
    }
    if text.chars().nth(chars).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::{Ending, StatementFold, TimelineFold};

    fn lines() -> String {
        let line = |t_ms, statement: &str, outcome| {
            Line { t_ms, database: "shop".into(), statement: statement.into(), outcome }.to_json()
        };
        let failed = Outcome::Error { sqlstate: "42P01".into(), message: "no \u{1b}]0;x\u{7} table".into() };
        [
            line(1_500, "select *\nfrom t\twhere \u{1b}[2J\u{202e}x", Outcome::Ok { rows: Some(2) }),
            line(1_400, "drop table x", failed),
            line(65_000, &"y".repeat(9_000), Outcome::Ok { rows: None }),
        ]
        .concat()
    }

    fn transcript(lines: &[u8], piece: usize) -> String {
        let (mut transcript, mut text) = Transcript::begin(&Limits::default());
        for piece in lines.chunks(piece) {
            text.push_str(&transcript.push(piece));
        }
        text + transcript.finish()
    }

    #[test]
    fn a_session_is_shown_as_it_went_and_commands_no_terminal() {
        let text = transcript(lines().as_bytes(), 7);
        assert_eq!(transcript(lines().as_bytes(), 10_000), text);
        let shown: Vec<_> = text.lines().collect();
        assert_eq!(shown[0], "{\"version\":2,\"width\":120,\"height\":36}");
        assert!(
            shown[2].starts_with("[1.500,\"o\",\"\\u001b[90m00:00:01.500 \\u001b[94mshop"),
            "{}",
            shown[2]
        );
        assert!(shown[2].contains("select *\\r\\nfrom t    where ") && shown[2].contains("ok, 2 rows"));
        assert!(shown[3].starts_with("[1.500,") && shown[3].contains("error 42P01: no "));
        assert!(shown[4].starts_with("[65.000,") && shown[4].contains("y…\\r\\n") && shown.len() == 5);
        for commands in ["[2J", "]0;x"] {
            assert!(!text.contains(&format!("\\u001b{commands}")), "{commands}");
        }
        assert!(!text.contains('\u{202e}'));
    }

    #[test]
    fn the_picture_is_that_of_the_timeline() {
        let (mut fold, lines) = (TimelineFold::new(Limits::default()), lines());
        fold.push(transcript(lines.as_bytes(), 99).as_bytes());
        let (drawn, _) = fold.finish();
        let mut fold = StatementFold::new(Limits::default());
        fold.push(lines.as_bytes());
        let told = fold.timeline();
        assert_eq!((drawn.ending, drawn.media_duration_ms), (Ending::Whole, told.media_duration_ms));
        assert_eq!(drawn.sizes, told.sizes);
        assert_eq!(Transcript::size(), Size { width: told.sizes[0].width, height: told.sizes[0].height });
    }

    #[test]
    fn what_cannot_be_read_ends_the_transcript_inside_a_line() {
        for broken in ["{\"v\":1,\"row\":1}\n", "{\"v\""] {
            let text = transcript(format!("{}{broken}{}", lines(), lines()).as_bytes(), 10_000);
            assert!(text.ends_with("\n["), "{broken}");
        }
    }
}

//! A typescript of script(1) and its timing, as one recording.
//!
//! Both files are needed, and a recording is one row of bytes: so a line of ours stands in front, which says how long the
//! timing is and how large the terminal was; the timing and the typescript follow as they are.

use super::error::TerminalError;
use super::event::{TerminalEvent, TerminalRead};
use super::header::Theme;
use super::text::Utf8;
use super::timing::{Entry, EntryKind, entry, number_behind};
use crate::limits::Limits;

/// What the line in front begins with.
const MAGIC: &str = "#custody-typescript 1";
/// Longest line in front.
const HEAD_BYTES_MAX: usize = 200;
/// Longest first line of a typescript, which tells when and where it was made.
const TITLE_BYTES_MAX: usize = 4_096;
/// Output is handed on in pieces of this size at most.
const PIECE_BYTES_MAX: u64 = 64 << 10;

/// What the line in front says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypescriptHead {
    /// Bytes of the timing.
    pub timing_bytes: u64,
    /// Columns of the terminal, unless the typescript itself tells them.
    pub columns: u64,
    /// Rows of the terminal.
    pub rows: u64,
}

/// The line that stands in front of a timing and its typescript.
pub fn typescript_head(head: &TypescriptHead) -> String {
    let TypescriptHead { timing_bytes, columns, rows } = head;
    format!("{MAGIC} timing={timing_bytes} size={columns}x{rows}\n")
}

fn read_head(line: &str) -> Option<TypescriptHead> {
    line.strip_prefix(MAGIC)?;
    let (_, size) = line.split_once("size=")?;
    Some(TypescriptHead {
        timing_bytes: number_behind(line, " timing=")?,
        columns: number_behind(line, " size=")?,
        rows: number_behind(size, "x")?,
    })
}

/// Bytes of the timing, as the line in front says.
pub(crate) fn head_timing_bytes(line: &[u8], limits: &Limits) -> Result<u64, TerminalError> {
    let expected = "a timing and its typescript behind a line that says how long it is";
    let malformed = TerminalError::Malformed { position: 0, line: 1, expected };
    let head = std::str::from_utf8(line).ok().and_then(read_head).ok_or(malformed)?;
    check_timing(&head, limits).map(|()| head.timing_bytes)
}

/// Whether a line of the timing tells of input.
pub(crate) fn is_input(line: &[u8]) -> Result<bool, TerminalError> {
    let expected = "a time and a number of bytes in the timing";
    let malformed = TerminalError::Malformed { position: 0, line: 1, expected };
    let entry = std::str::from_utf8(line).ok().and_then(entry).ok_or(malformed)?;
    Ok(matches!(entry.kind, EntryKind::Input(_)))
}

fn check_timing(head: &TypescriptHead, limits: &Limits) -> Result<(), TerminalError> {
    let (bytes, limit_bytes) = (head.timing_bytes, limits.timing_bytes);
    match usize::try_from(bytes).is_ok_and(|bytes| bytes <= limit_bytes) {
        true => Ok(()),
        false => Err(TerminalError::Timing { bytes, limit_bytes }),
    }
}

/// What is read next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Head,
    Timing(TypescriptHead),
    /// The first line of the typescript.
    Title(TypescriptHead),
    /// What the timing says.
    Entries,
    /// So many bytes of an entry are left.
    Bytes {
        left: u64,
        is_input: bool,
    },
    Over,
}

/// Reads events from bytes that are pushed.
#[derive(Debug)]
pub(super) struct TypescriptReader {
    limits: Limits,
    stage: Stage,
    buffer: Vec<u8>,
    start: usize,
    position: u64,
    /// The timing, and up to where it was read.
    timing: Vec<u8>,
    timing_at: usize,
    timing_line: u64,
    time_us: i64,
    output: Utf8,
    input: Utf8,
    ended: Option<TerminalError>,
}

impl TypescriptReader {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            stage: Stage::Head,
            buffer: Vec::new(),
            start: 0,
            position: 0,
            timing: Vec::new(),
            timing_at: 0,
            timing_line: 0,
            time_us: 0,
            output: Utf8::default(),
            input: Utf8::default(),
            ended: None,
        }
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.ended.is_some() || self.stage == Stage::Over {
            return;
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    pub(super) fn read(&mut self) -> Result<Option<TerminalRead>, TerminalError> {
        if let Some(error) = self.ended {
            return Err(error);
        }
        self.find().inspect_err(|&error| self.ended = Some(error))
    }

    pub(super) fn finish(&self) -> Result<(), TerminalError> {
        if let Some(error) = self.ended {
            return Err(error);
        }
        match self.stage {
            Stage::Over => Ok(()),
            Stage::Head | Stage::Timing(_) | Stage::Title(_) | Stage::Entries | Stage::Bytes { .. } => {
                Err(TerminalError::Truncated { position: self.position, line: self.timing_line.max(1) })
            }
        }
    }

    fn find(&mut self) -> Result<Option<TerminalRead>, TerminalError> {
        loop {
            match self.stage {
                Stage::Head => {
                    match self.take_line(HEAD_BYTES_MAX, "a line that says how long the timing is")? {
                        Some(line) => self.stage = Stage::Timing(self.head(&line)?),
                        None => return Ok(None),
                    }
                }
                Stage::Timing(head) => {
                    let missing = head.timing_bytes - u64::try_from(self.timing.len()).unwrap_or(0);
                    let taken = self.take(missing);
                    self.timing.extend_from_slice(&taken);
                    if u64::try_from(taken.len()).unwrap_or(0) < missing {
                        return Ok(None);
                    }
                    self.stage = Stage::Title(head);
                }
                Stage::Title(head) => {
                    match self.take_line(TITLE_BYTES_MAX, "the first line of a typescript")? {
                        Some(line) => return self.begin(head, &line).map(Some),
                        None => return Ok(None),
                    }
                }
                Stage::Entries => match self.next_entry()? {
                    Some(Entry { kind: EntryKind::Output(left), .. }) => {
                        self.stage = Stage::Bytes { left, is_input: false };
                    }
                    Some(Entry { kind: EntryKind::Input(left), .. }) => {
                        self.stage = Stage::Bytes { left, is_input: true };
                    }
                    Some(Entry { kind: EntryKind::Resize { columns, rows }, .. }) => {
                        return Ok(Some(self.told(TerminalEvent::Resize { columns, rows })));
                    }
                    Some(Entry { kind: EntryKind::Other, .. }) => {}
                    None => self.stage = Stage::Over,
                },
                Stage::Bytes { left, is_input } => {
                    // In whole pieces, so that the events do not depend on how the bytes come.
                    let wanted = left.min(PIECE_BYTES_MAX);
                    if u64::try_from(self.buffer.len() - self.start).unwrap_or(0) < wanted {
                        return Ok(None);
                    }
                    let bytes = self.take(wanted);
                    self.stage = match left - wanted {
                        0 => Stage::Entries,
                        left => Stage::Bytes { left, is_input },
                    };
                    let event = match is_input {
                        true => TerminalEvent::Input(self.input.decode(&bytes)),
                        false => TerminalEvent::Output(self.output.decode(&bytes)),
                    };
                    return Ok(Some(self.told(event)));
                }
                Stage::Over => return Ok(None),
            }
        }
    }

    fn head(&self, line: &[u8]) -> Result<TypescriptHead, TerminalError> {
        let expected = "a timing and its typescript behind a line that says how long it is";
        let malformed = TerminalError::Malformed { position: 0, line: 1, expected };
        let head = std::str::from_utf8(line).ok().and_then(read_head).ok_or(malformed)?;
        check_timing(&head, &self.limits).map(|()| head)
    }

    /// The size that the typescript tells counts, else the one in front.
    fn begin(&mut self, head: TypescriptHead, title: &[u8]) -> Result<TerminalRead, TerminalError> {
        let title = String::from_utf8_lossy(title);
        let told = (number_behind(&title, "COLUMNS="), number_behind(&title, "LINES="));
        let (columns, rows) = match told {
            (Some(columns @ 1..), Some(rows @ 1..)) => (columns, rows),
            (_, _) => (head.columns, head.rows),
        };
        let limit = self.limits.terminal_side;
        let side = |side: u64| usize::try_from(side).ok().filter(|side| (1..=limit).contains(side));
        let (Some(wide), Some(high)) = (side(columns), side(rows)) else {
            return Err(TerminalError::Size { position: self.position, line: 1, columns, rows, limit });
        };
        self.stage = Stage::Entries;
        let theme = Theme::default();
        Ok(self.told(TerminalEvent::Begin { columns: wide, rows: high, theme, recorded_s: None }))
    }

    fn told(&self, event: TerminalEvent) -> TerminalRead {
        TerminalRead { event, timestamp_ms: self.time_us.div_euclid(1_000), end_byte: self.position }
    }

    fn next_entry(&mut self) -> Result<Option<Entry>, TerminalError> {
        let rest = self.timing.get(self.timing_at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        let length = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        let written = rest.get(..length).unwrap_or_default();
        self.timing_line += 1;
        self.timing_at += length + 1;
        let (position, line) = (self.position, self.timing_line);
        let expected = "a time and a number of bytes in the timing";
        let malformed = TerminalError::Malformed { position, line, expected };
        let entry = std::str::from_utf8(written).ok().and_then(entry).ok_or(malformed)?;
        self.time_us = self.time_us.saturating_add(entry.after_us);
        Ok(Some(entry))
    }

    /// So many bytes, or those that there are.
    fn take(&mut self, wanted: u64) -> Vec<u8> {
        let rest = self.buffer.get(self.start..).unwrap_or_default();
        let length = usize::try_from(wanted).unwrap_or(usize::MAX).min(rest.len());
        let taken = rest.get(..length).unwrap_or_default().to_vec();
        self.start += length;
        self.position += u64::try_from(length).unwrap_or(0);
        taken
    }

    /// A line without its end, if it is whole.
    fn take_line(
        &mut self,
        limit_bytes: usize,
        expected: &'static str,
    ) -> Result<Option<Vec<u8>>, TerminalError> {
        let rest = self.buffer.get(self.start..).unwrap_or_default();
        let within = rest.get(..limit_bytes.min(rest.len())).unwrap_or_default();
        let Some(length) = within.iter().position(|&byte| byte == b'\n') else {
            let is_too_long = rest.len() >= limit_bytes;
            let malformed = TerminalError::Malformed { position: self.position, line: 1, expected };
            return if is_too_long { Err(malformed) } else { Ok(None) };
        };
        let mut line = self.take(u64::try_from(length + 1).unwrap_or(u64::MAX));
        line.pop();
        Ok(Some(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording(timing: &str, typescript: &str) -> Vec<u8> {
        let timing_bytes = u64::try_from(timing.len()).unwrap();
        let head = typescript_head(&TypescriptHead { timing_bytes, columns: 80, rows: 24 });
        [head.as_str(), timing, typescript].concat().into_bytes()
    }

    fn read(bytes: &[u8], piece: usize) -> (Vec<TerminalRead>, Result<(), TerminalError>) {
        let mut reader = TypescriptReader::new(Limits { timing_bytes: 500, ..Limits::default() });
        let mut events = Vec::new();
        for piece in bytes.chunks(piece) {
            reader.push(piece);
            while let Ok(Some(read)) = reader.read() {
                events.push(read);
            }
        }
        (events, reader.finish())
    }

    fn told(event: TerminalEvent, timestamp_ms: i64, end: usize) -> TerminalRead {
        TerminalRead { event, timestamp_ms, end_byte: u64::try_from(end).unwrap() }
    }

    fn begin(columns: usize, rows: usize) -> TerminalEvent {
        TerminalEvent::Begin { columns, rows, theme: Theme::default(), recorded_s: None }
    }

    #[test]
    fn the_timing_cuts_the_typescript() {
        let bytes = recording("0.5 2\n0.25 3\n", "[BEGIN TYPESCRIPT]\na\u{e4}bc\n[END TYPESCRIPT]\n");
        let start = bytes.len() - "a\u{e4}bc\n[END TYPESCRIPT]\n".len();
        let expected = vec![
            told(begin(80, 24), 0, start),
            told(TerminalEvent::Output("a".into()), 500, start + 2),
            told(TerminalEvent::Output("\u{e4}bc".into()), 750, start + 5),
        ];
        assert_eq!(read(&bytes, 1), (expected.clone(), Ok(())));
        assert_eq!(read(&bytes, 1 << 20), (expected, Ok(())));
    }

    #[test]
    fn size_input_and_resizes_are_told_by_script_itself() {
        let timing = "H 0.0 TERM xterm\nO 0.1 1\nI 0.2 1\nS 0.3 SIGWINCH ROWS=30 COLS=100\n";
        let bytes = recording(timing, "Script started on x [TERM=\"x\" COLUMNS=\"90\" LINES=\"20\"]\nab");
        let (events, end) = read(&bytes, 3);
        let start = bytes.len() - 2;
        let expected = [
            told(begin(90, 20), 0, start),
            told(TerminalEvent::Output("a".into()), 100, start + 1),
            told(TerminalEvent::Input("b".into()), 300, start + 2),
            told(TerminalEvent::Resize { columns: 100, rows: 30 }, 600, start + 2),
        ];
        assert_eq!((events, end), (expected.to_vec(), Ok(())));
    }

    #[test]
    fn damage_is_told() {
        let cut = recording("0.5 20\n", "x\nabc");
        let position = u64::try_from(cut.len()).unwrap() - 3;
        assert_eq!(read(&cut, 5).1, Err(TerminalError::Truncated { position, line: 1 }));
        let broken = recording("0.5 1\nhello\n", "x\nabc");
        assert!(matches!(read(&broken, 5).1, Err(TerminalError::Malformed { line: 2, .. })));
        let long = b"#custody-typescript 1 timing=99999 size=80x24\n";
        let error = TerminalError::Timing { bytes: 99_999, limit_bytes: 500 };
        assert_eq!(read(long, 5).1, Err(error));
        let zero = b"#custody-typescript 1 timing=0 size=0x24\nx\n";
        assert!(matches!(read(zero, 5).1, Err(TerminalError::Size { columns: 0, rows: 24, .. })));
        assert!(matches!(read(&[b'#'; 300], 5).1, Err(TerminalError::Malformed { line: 1, .. })));
    }
}

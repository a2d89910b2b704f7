//! Where somebody begins who joins an asciicast that grows.

use crate::cost::Cost;
use crate::limits::Limits;
use crate::source::terminal::{CastReader, CastVersion, TerminalEvent};
use crate::terminal::{Emulator, within};

/// A beginning of an asciicast that shows at once what the recording shows at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CastJoin {
    /// That time, in milliseconds from the beginning, as the recording has it.
    pub at_ms: i64,
    /// The byte of the recording that follows.
    pub position: u64,
    /// The recording's own header and up to two events: the size of the terminal, if that has changed, and output that draws it.
    pub bytes: Vec<u8>,
}

/// Takes the bytes of an asciicast of version 2 or 3, of a recording or of its view.
pub struct CastJoinFold {
    limits: Limits,
    reader: CastReader,
    header: Vec<u8>,
    emulator: Option<Emulator>,
    /// Columns and rows that the header tells.
    begun: (usize, usize),
    cost: Cost,
    is_over: bool,
}

impl CastJoinFold {
    /// Starts at byte 0.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            reader: CastReader::new(limits),
            header: Vec::new(),
            emulator: None,
            begun: (0, 0),
            cost: Cost::default(),
            is_over: false,
        }
    }

    /// Adds the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.is_over {
            return;
        }
        self.reader.push(bytes);
        loop {
            match self.reader.read_raw() {
                Ok(Some((read, raw))) => {
                    if matches!(read.event, TerminalEvent::Begin { .. }) {
                        self.header = raw.to_vec();
                    }
                    let cost_max = self.limits.cost_max(read.timestamp_ms);
                    self.cost.read(u64::try_from(raw.len()).unwrap_or(u64::MAX));
                    self.follow(read.event, cost_max);
                }
                Ok(None) => return,
                Err(_) => self.is_over = true,
            }
            if self.is_over {
                return;
            }
        }
    }

    /// Where to begin behind what was pushed; nothing if that is not known: then all begins at byte 0.
    pub fn join(&self) -> Option<CastJoin> {
        let place = self.reader.place().filter(|_| !self.is_over)?;
        let emulator = self.emulator.as_ref()?;
        let (first, second) = match place.version {
            CastVersion::V1 => return None,
            CastVersion::V2 => (place.time_us, place.time_us),
            CastVersion::V3 => (place.time_us, 0),
        };
        let mut events = Vec::new();
        let (columns, rows) = emulator.size();
        if (columns, rows) != self.begun {
            events.push(("r", format!("{columns}x{rows}")));
        }
        events.push(("o", emulator.dump()?));
        let mut bytes = self.header.clone();
        for ((code, text), time_us) in events.iter().zip([first, second]) {
            let time_us = time_us.max(0);
            let text = serde_json::to_string(text).ok()?;
            let event = format!("\n[{}.{:06},\"{code}\",{text}]", time_us / 1_000_000, time_us % 1_000_000);
            bytes.extend_from_slice(event.as_bytes());
        }
        bytes.push(b'\n');
        Some(CastJoin { at_ms: place.time_us / 1_000, position: place.position, bytes })
    }

    fn follow(&mut self, event: TerminalEvent, cost_max: Cost) {
        match (event, &mut self.emulator) {
            (TerminalEvent::Begin { columns, rows, .. }, _) => {
                self.begun = (columns, rows);
                self.emulator = Some(Emulator::new(columns, rows));
            }
            (TerminalEvent::Output(text), Some(emulator)) => {
                self.is_over = !emulator.feed(&text, &mut self.cost, cost_max);
            }
            (TerminalEvent::Resize { columns, rows }, Some(emulator)) => {
                if let Some([columns, rows]) = within([columns, rows], self.limits.terminal_side) {
                    emulator.resize(columns, rows, &mut self.cost);
                }
            }
            (
                TerminalEvent::Output(_)
                | TerminalEvent::Resize { .. }
                | TerminalEvent::Input(_)
                | TerminalEvent::Marker(_)
                | TerminalEvent::Exit(_)
                | TerminalEvent::Other,
                _,
            ) => {}
        }
        self.is_over |= self.cost > cost_max;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V2: &str = "{\"version\":2,\"width\":12,\"height\":4,\"theme\":{}}\n";
    const V3: &str = "{\"version\":3,\"term\":{\"cols\":12,\"rows\":4}}\n";
    /// Colours, scrolling, a region, the other screen, a new size, a cursor's shape, a sequence in two events, and input.
    const EVENTS: &str = r#"[0.5,"o","one\r\n\u001b[31mtwo"]
[1.25,"i","S3cret\r"]
[1.5,"o","\r\n\r\n\r\nthree\u001b[1;3r\u001b[2;2H\u001b[5 q"]
[2,"r","20x6"]
[2.000001,"o","\u001b[?1049hother\u001b[3"]
[3,"o","8;5;99mx\u001b]0;ti"]
[4,"o","tle\u0007y\u001b[?1049l\u001b[4mz"]
[5,"m","mark"]
[6,"o","\u001b(0qqq\u001b(B\r\nend"]
"#;

    fn joined(recording: &str) -> CastJoinFold {
        let mut fold = CastJoinFold::new(Limits::default());
        recording.as_bytes().chunks(5).for_each(|piece| fold.push(piece));
        fold
    }

    fn screen(recording: &str) -> (Option<String>, i64) {
        let fold = joined(recording);
        let time_us = fold.reader.place().map_or(-1, |place| place.time_us);
        (fold.emulator.and_then(|emulator| emulator.dump()), time_us)
    }

    #[test]
    fn what_begins_at_a_join_shows_what_the_recording_shows_from_there_on() {
        for header in [V2, V3] {
            let recording = format!("{header}{EVENTS}");
            let mut end = header.len();
            for line in EVENTS.split_inclusive('\n') {
                end += line.len();
                let (before, behind) = recording.split_at(end);
                // An event that is not whole yet counts for nothing.
                let (part, _) = behind.split_at(behind.len().min(9));
                let join = joined(&format!("{before}{part}")).join().unwrap();
                assert_eq!(join.position, u64::try_from(end).unwrap(), "{line}");
                assert_eq!(join, joined(before).join().unwrap());
                let beginning = String::from_utf8(join.bytes).unwrap();
                assert!(beginning.starts_with(header) && !beginning.contains("S3cret"), "{beginning}");
                assert_eq!(screen(&beginning), screen(before), "{header}{line}");
                assert_eq!(screen(&format!("{beginning}{behind}")), screen(&recording), "{header}{line}");
                assert_eq!(join.at_ms, screen(before).1 / 1_000);
            }
        }
    }

    #[test]
    fn what_cannot_be_read_on_from_a_join_begins_at_byte_0() {
        let version_1 = "{\"version\":1,\"width\":9,\"height\":9,\"stdout\":[[1,\"a\"],";
        let damaged = format!("{V2}[1,\"o\",\"a\"]\nhello\n");
        let endless = format!("{V2}[1,\"o\",\"\\u001b]0;{}\"]\n", "a".repeat(5_000));
        for recording in ["", "{\"version\":2", version_1, &damaged, &endless] {
            assert_eq!(joined(recording).join(), None, "{recording:.40}");
        }
    }
}

//! Where an instruction may start behind damage.

/// What a reader does where the bytes are no instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDamage {
    /// It stops: what follows may belong to another session.
    #[default]
    Stop,
    /// It goes on at the next whole instruction with a known opcode, and says what it skipped.
    Resync,
}

/// The opcodes of the protocol, old ones included. Nothing else is taken for the start of an instruction.
const OPCODES: [&str; 53] = [
    "ack",
    "arc",
    "argv",
    "audio",
    "blob",
    "body",
    "cfill",
    "clip",
    "clipboard",
    "close",
    "copy",
    "cstroke",
    "cursor",
    "curve",
    "disconnect",
    "dispose",
    "distort",
    "end",
    "error",
    "file",
    "filesystem",
    "identity",
    "img",
    "jpeg",
    "key",
    "lfill",
    "line",
    "log",
    "lstroke",
    "mouse",
    "move",
    "msg",
    "name",
    "nest",
    "nop",
    "pipe",
    "png",
    "pop",
    "push",
    "ready",
    "rect",
    "required",
    "reset",
    "set",
    "shade",
    "size",
    "start",
    "sync",
    "touch",
    "transfer",
    "transform",
    "undefine",
    "video",
];

/// Bytes that may be looked at in vain, beside those that the position allows for.
const WASTED_BYTES_FREE: u64 = 1 << 20;
/// Bytes that may be looked at in vain for each byte of the recording up to the damage.
const WASTED_BYTES_EACH: u64 = 4;

/// Where to look next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Candidate {
    /// An instruction may start at this index.
    At(usize),
    /// None starts before this index; what starts here cannot be told yet.
    NotBefore(usize),
}

enum Verdict {
    Start,
    NoStart,
    /// The bytes that would tell are still to come.
    Open,
}

/// The first place in `bytes`, at `from` or behind it, that reads like the start of an instruction. The byte
/// before it does not matter: an overwritten or joined recording may begin anew inside an instruction.
pub(super) fn candidate(bytes: &[u8], from: usize) -> Candidate {
    for index in from..bytes.len() {
        match verdict(&bytes[index..]) {
            Verdict::Start => return Candidate::At(index),
            Verdict::Open => return Candidate::NotBefore(index),
            Verdict::NoStart => {}
        }
    }
    Candidate::NotBefore(bytes.len().max(from))
}

/// Whether so much was looked at in vain, up to damage at `position`, that the search has to end. This keeps the
/// work linear: every false start costs at most one instruction.
pub(super) fn is_exhausted(wasted_bytes: u64, position: u64) -> bool {
    wasted_bytes > position.saturating_mul(WASTED_BYTES_EACH).saturating_add(WASTED_BYTES_FREE)
}

fn verdict(rest: &[u8]) -> Verdict {
    match rest {
        [digit @ b'3'..=b'9', b'.', opcode @ ..] => opcode_verdict(opcode, usize::from(digit - b'0')),
        [b'1', b'0', b'.', opcode @ ..] => opcode_verdict(opcode, 10),
        [b'1' | b'3'..=b'9'] | [b'1', b'0'] => Verdict::Open,
        _ => Verdict::NoStart,
    }
}

fn opcode_verdict(bytes: &[u8], length: usize) -> Verdict {
    let mut known = OPCODES.iter().map(|opcode| opcode.as_bytes()).filter(|opcode| opcode.len() == length);
    match bytes.get(length) {
        Some(b',' | b';') if known.any(|opcode| bytes.starts_with(opcode)) => Verdict::Start,
        None if known.any(|opcode| opcode.starts_with(bytes)) => Verdict::Open,
        Some(_) | None => Verdict::NoStart,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_known_opcode_of_its_own_length_may_start_an_instruction() {
        for (bytes, expected) in [
            (&b"abc;4.sync,1.0;"[..], Candidate::At(4)),
            (b"4.sync;", Candidate::At(0)),
            (b"12344.size,1.0", Candidate::At(4)),
            (b"10.disconnect;", Candidate::At(0)),
            (b"4.synk,4.nop;3.nop,", Candidate::At(13)),
            (b"5.sync,", Candidate::NotBefore(7)),
            (b"4.sync.", Candidate::NotBefore(7)),
            (b"xx4.sy", Candidate::NotBefore(2)),
            (b"xx4.sync", Candidate::NotBefore(2)),
            (b"xx10", Candidate::NotBefore(2)),
            (b"xx4", Candidate::NotBefore(2)),
            (b"xx", Candidate::NotBefore(2)),
        ] {
            assert_eq!(candidate(bytes, 0), expected, "{}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(candidate(b"4.sync;4.sync;", 1), Candidate::At(7));
    }
}

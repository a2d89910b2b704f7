//! How a command may end on bad input.

use std::fmt;

/// The end of one command, as its exit code and its words tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All is there.
    Whole,
    /// The result lacks something; the code says why.
    Partial(String),
    /// There is no result; the code says why.
    Refused(String),
    /// Something that no input may bring about.
    Bad(String),
}

/// What must become of a recording, command by command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Of `inspect`, which draws nothing.
    pub inspect: Outcome,
    /// Of `convert`.
    pub convert: Outcome,
    /// Of `frame`.
    pub frame: Outcome,
}

impl Outcome {
    /// The codes of refusals.
    const CODES: [&str; 7] =
        ["LIMIT", "MALFORMED", "TRUNCATED", "UNSUPPORTED", "TIMEBUDGET", "MEMBUDGET", "CRASHED"];

    /// Reads the end of a command.
    pub fn of(code: Option<i32>, words: &str) -> Self {
        let said = words.lines().find_map(|line| line.strip_prefix("custody: ")).unwrap_or_default();
        let (until, reason) = match said.strip_prefix("PARTIAL up to ") {
            Some(partial) => partial.split_once(" s: ").unwrap_or_default(),
            None => ("", said),
        };
        let refusal = reason.split_once(':').map(|(code, _)| code).filter(|code| Self::CODES.contains(code));
        let is_time = !until.is_empty() && until.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        match (code, refusal) {
            (Some(0), None) if said.is_empty() => Self::Whole,
            (Some(3), Some(code)) if is_time => Self::Partial(code.to_owned()),
            (Some(1), Some(code)) if until.is_empty() => Self::Refused(code.to_owned()),
            _ => Self::Bad(format!("exit code {code:?}: {words}")),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("whole"),
            Self::Partial(code) => write!(f, "partial {code}"),
            Self::Refused(code) => write!(f, "{code}"),
            Self::Bad(what) => write!(f, "BAD {what}"),
        }
    }
}

impl Expected {
    /// Nothing is missing.
    pub(super) fn whole() -> Self {
        Self { inspect: Outcome::Whole, convert: Outcome::Whole, frame: Outcome::Whole }
    }

    /// The recording can be read, and some of it cannot be drawn.
    pub(super) fn undrawn(code: &str) -> Self {
        let partial = Outcome::Partial(code.to_owned());
        Self { inspect: Outcome::Whole, convert: partial.clone(), frame: partial }
    }

    /// The recording ends after some pictures.
    pub(super) fn ends(code: &str) -> Self {
        let partial = Outcome::Partial(code.to_owned());
        Self { inspect: partial.clone(), ..Self::undrawn(code) }
    }

    /// The recording can be read to its end, and drawing it ends before.
    pub(super) fn ends_drawing() -> Self {
        Self::undrawn("TIMEBUDGET")
    }

    /// The recording ends before its first picture.
    pub(super) fn unseen(code: &str) -> Self {
        let refused = Outcome::Refused(code.to_owned());
        Self { inspect: Outcome::Partial(code.to_owned()), convert: refused.clone(), frame: refused }
    }

    /// It is no recording at all.
    pub(super) fn refused(code: &str) -> Self {
        let refused = Outcome::Refused(code.to_owned());
        Self { inspect: refused.clone(), convert: refused.clone(), frame: refused }
    }

    /// Nothing is wrong, and there is nothing to see.
    pub(super) fn pictureless() -> Self {
        let refused = Outcome::Refused("UNSUPPORTED".to_owned());
        Self { inspect: Outcome::Whole, convert: refused.clone(), frame: refused }
    }

    /// A file of sound is met, beside a recording in which nothing is wrong.
    pub(super) fn heard(convert: Outcome) -> Self {
        Self { convert, ..Self::whole() }
    }

    /// Some sound cannot be heard.
    pub(super) fn unheard(code: &str) -> Self {
        let partial = Outcome::Partial(code.to_owned());
        Self { inspect: partial.clone(), convert: partial, frame: Outcome::Whole }
    }
}

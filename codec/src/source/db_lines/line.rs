//! One statement of a database session.

use serde::{Deserialize, Serialize};

/// The longest line, its line feed included, in bytes.
pub const LINE_BYTES_MAX: usize = 64 << 10;
/// The version of lines.
const VERSION: u32 = 1;
/// Characters of an SQLSTATE.
const SQLSTATE_CHARS: usize = 5;

/// What a database's name and a message may take in a line that is made to fit, in bytes of JSON.
const DATABASE_JSON_BYTES: usize = 1 << 10;
const MESSAGE_JSON_BYTES: usize = 8 << 10;
/// Room for the note of a statement that is cut.
const NOTE_BYTES: usize = 48;

/// A statement, and how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it was sent, in milliseconds since the session began.
    pub t_ms: u64,
    /// The database, or the schema; empty when it has no name.
    pub database: String,
    /// What the user sent.
    pub statement: String,
    /// What the server said of it.
    pub outcome: Outcome,
}

/// What a server says of a statement. Never its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Outcome {
    /// It was done.
    Ok {
        /// How many rows it has returned or changed, where the server counts them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rows: Option<u64>,
    },
    /// It failed.
    Error {
        /// The class and the condition of SQL (ISO 9075), five digits and capitals.
        sqlstate: String,
        /// The primary message alone: details, hints and contexts quote rows.
        message: String,
    },
}

/// Why a line is refused. Names nothing of it, because it may hold what must not be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It is too long.
    #[error("expected a line of at most {LINE_BYTES_MAX} bytes")]
    TooLong,
    /// It is no JSON.
    #[error("expected one JSON object in UTF-8")]
    Json,
    /// It has a field too many, too few, twice, or one of another type.
    #[error(
        "expected the fields v, t_ms, database, statement and outcome, each once, with rows, sqlstate or message and no other"
    )]
    Fields,
    /// It is of a version that is not known.
    #[error("expected version {VERSION}")]
    Version,
    /// Rows of a statement that has failed, or an error of one that was done.
    #[error("expected rows with the outcome ok only, and sqlstate and message with the outcome error only")]
    Outcome,
    /// The code of an error is none.
    #[error("expected an sqlstate of {SQLSTATE_CHARS} digits and capitals")]
    Sqlstate,
}

/// A line as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    v: u32,
    t_ms: u64,
    database: String,
    statement: String,
    outcome: Word,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    rows: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    sqlstate: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    message: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Ok,
    Error,
}

/// A field that is there has a value: there is one way to write a line without it.
fn present<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl Line {
    /// Reads one line, with or without its line feed.
    pub fn parse(line: &[u8]) -> Result<Self, LineError> {
        if line.len() > LINE_BYTES_MAX {
            return Err(LineError::TooLong);
        }
        // A list of the values alone would be read as well.
        if line.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(LineError::Json);
        }
        let form: Form = serde_json::from_slice(line).map_err(|error| match error.is_data() {
            true => LineError::Fields,
            false => LineError::Json,
        })?;
        if form.v != VERSION {
            return Err(LineError::Version);
        }
        let outcome = match (form.outcome, form.rows, form.sqlstate, form.message) {
            (Word::Ok, rows, None, None) => Outcome::Ok { rows },
            (Word::Error, None, Some(sqlstate), Some(message)) => Outcome::Error { sqlstate, message },
            (Word::Ok | Word::Error, ..) => return Err(LineError::Outcome),
        };
        if let Outcome::Error { sqlstate, .. } = &outcome {
            let is_code = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
            if sqlstate.len() != SQLSTATE_CHARS || !sqlstate.bytes().all(is_code) {
                return Err(LineError::Sqlstate);
            }
        }
        let Form { t_ms, database, statement, .. } = form;
        Ok(Self { t_ms, database, statement, outcome })
    }

    /// The same with texts that fit into a line. A statement that does not is cut, and says how much of it is missing:
    /// `more_bytes` and what is cut here.
    #[must_use]
    pub fn fit(self, more_bytes: u64) -> Self {
        let Self { t_ms, database, statement, outcome } = self;
        let database = cut(&database, DATABASE_JSON_BYTES).to_owned();
        let outcome = match outcome {
            Outcome::Ok { rows } => Outcome::Ok { rows },
            Outcome::Error { sqlstate, message } => {
                Outcome::Error { sqlstate, message: cut(&message, MESSAGE_JSON_BYTES).to_owned() }
            }
        };
        let whole = Self { t_ms, database, statement: String::new(), outcome };
        let room = LINE_BYTES_MAX.saturating_sub(whole.to_json().len());
        if more_bytes == 0 && cut(&statement, room).len() == statement.len() {
            return Self { statement, ..whole };
        }
        let kept = cut(&statement, room.saturating_sub(NOTE_BYTES));
        let here = u64::try_from(statement.len() - kept.len()).unwrap_or(u64::MAX);
        let missing = more_bytes.saturating_add(here);
        Self { statement: format!("{kept}… ({missing} more bytes)"), ..whole }
    }

    /// The line, with its line feed. It is too long for [`Self::parse`] if the texts are.
    pub fn to_json(&self) -> String {
        let (outcome, rows, sqlstate, message) = match &self.outcome {
            Outcome::Ok { rows } => (Word::Ok, *rows, None, None),
            Outcome::Error { sqlstate, message } => {
                (Word::Error, None, Some(sqlstate.clone()), Some(message.clone()))
            }
        };
        let (database, statement) = (self.database.clone(), self.statement.clone());
        let form =
            Form { v: VERSION, t_ms: self.t_ms, database, statement, outcome, rows, sqlstate, message };
        let mut line = serde_json::to_string(&form).expect("texts and numbers are JSON");
        line.push('\n');
        line
    }
}

/// The beginning of a text that takes at most so many bytes as a string of JSON.
fn cut(text: &str, json_bytes: usize) -> &str {
    let mut taken = 0;
    let is_beyond = |char: char| {
        taken += match char {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            '\0'..='\u{1f}' => 6,
            other => other.len_utf8(),
        };
        taken > json_bytes
    };
    text.split(is_beyond).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: &str = r#"{"v":1,"t_ms":7,"database":"d","statement":"select 1","outcome":"ok","rows":1}"#;

    #[test]
    fn a_line_is_written_as_it_is_read() {
        let failed =
            Outcome::Error { sqlstate: "42P01".into(), message: "relation \"x\" does not exist".into() };
        for outcome in [Outcome::Ok { rows: None }, Outcome::Ok { rows: Some(u64::MAX) }, failed] {
            let line =
                Line { t_ms: 9, database: "d".into(), statement: "select\n\"1\" \u{1F980}".into(), outcome };
            let json = line.to_json();
            assert_eq!((Line::parse(json.as_bytes()), json.matches('\n').count()), (Ok(line), 1));
        }
        let line = Line {
            t_ms: 7,
            database: "d".into(),
            statement: "select 1".into(),
            outcome: Outcome::Ok { rows: Some(1) },
        };
        assert_eq!(line.to_json(), format!("{OK}\n"));
        assert_eq!(Line::parse(OK.as_bytes()), Ok(line));
    }

    #[test]
    fn hostile_lines_have_a_typed_refusal() {
        let with = |from: &str, to: &str| Line::parse(OK.replace(from, to).as_bytes());
        for time in
            ["-1", "0.5", "1e308", "1e3", "NaN", "null", "\"7\"", "18446744073709551616", "[7]", "true"]
        {
            let error = with("\"t_ms\":7", &format!("\"t_ms\":{time}")).unwrap_err();
            assert!(matches!(error, LineError::Fields | LineError::Json), "{time}: {error}");
        }
        assert_eq!(with("\"v\":1,", ""), Err(LineError::Fields));
        assert_eq!(with("\"v\":1", "\"v\":4"), Err(LineError::Version));
        let env = format!("\"v\":1,\"env\":{{\"A\":\"{}\"}}", "x".repeat(5 << 20));
        assert_eq!(with("\"v\":1", &env), Err(LineError::TooLong));
        let deep = format!("\"v\":{}1{}", "[".repeat(30_000), "]".repeat(30_000));
        assert!(with("\"v\":1", &deep).is_err());
        // What begins gzip and zstd files, half a character, a surrogate alone, Zmodem's header, a raw control character.
        let starts: [&[u8]; 6] = [
            b"\x1f\x8b\x08\0",
            b"\x28\xb5\x2f\xfd",
            b"{\"v\":\"\xc3",
            b"{\"v\":\"\\ud800\"}",
            b"**\x18B00",
            b"{\"v\":\"\x07\"}",
        ];
        for start in starts {
            let error = Line::parse(start).unwrap_err();
            assert!(matches!(error, LineError::Fields | LineError::Json), "{start:?}: {error}");
        }
        // What changes the direction of text, joins characters, or would move a terminal is a user's text: it is kept.
        for text in ["\u{202e}live", "\u{1f469}\u{200d}\u{1f680}", "\u{9b}2J", "\\u001b[2J\\u0018B00\\u0000"]
        {
            let line = with("select 1", text).unwrap();
            assert_eq!(Line::parse(line.to_json().as_bytes()), Ok(line));
        }
    }

    #[test]
    fn a_statement_that_does_not_fit_is_cut_and_says_so() {
        let failed = || Outcome::Error { sqlstate: "42601".into(), message: "\u{1}".repeat(9_000) };
        let line = |statement: String| Line { t_ms: 1, database: "d".into(), statement, outcome: failed() };
        for unit in ["x", "\"", "\u{1}", "\u{7f}", "\u{1F980}", "\n\u{e9}"] {
            let fitted = line(unit.repeat(70_000)).fit(0);
            let json = fitted.to_json();
            assert!((LINE_BYTES_MAX - 64..=LINE_BYTES_MAX).contains(&json.len()), "{unit:?}: {}", json.len());
            assert_eq!(Line::parse(json.as_bytes()), Ok(fitted.clone()));
            let kept = fitted.statement.split('…').next().unwrap().len();
            let note = format!("… ({} more bytes)", unit.len() * 70_000 - kept);
            assert!(fitted.statement.ends_with(&note), "{unit:?}");
        }
        assert_eq!(line("select".into()).fit(7).statement, "select… (7 more bytes)");
        let short = Line { outcome: Outcome::Ok { rows: None }, ..line("select".into()) };
        assert_eq!(short.clone().fit(0), short);
    }

    #[test]
    fn what_is_not_known_is_refused_and_never_quoted() {
        let with = |from: &str, to: &str| Line::parse(OK.replace(from, to).as_bytes());
        for field in
            ["\"detail\":\"x\"", "\"data\":[[1]]", "\"rows\":2", "\"row\":null", "\"hint\":\"\"", "\"v\":1"]
        {
            assert_eq!(with("\"v\":1", &format!("\"v\":1,{field}")), Err(LineError::Fields), "{field}");
        }
        for rows in ["[[\"a\"]]", "\"1\"", "-1", "1.5", "1e308", "null", "18446744073709551616", "{\"a\":1}"]
        {
            assert_eq!(with("\"rows\":1", &format!("\"rows\":{rows}")), Err(LineError::Fields), "{rows}");
        }
        assert_eq!(with("\"v\":1", "\"v\":2"), Err(LineError::Version));
        assert_eq!(with("\"outcome\":\"ok\"", "\"outcome\":\"error\""), Err(LineError::Outcome));
        assert_eq!(with("\"rows\":1", "\"message\":\"m\""), Err(LineError::Outcome));
        assert_eq!(with("\"rows\":1", "\"rows\":1,\"sqlstate\":\"00000\""), Err(LineError::Outcome));
        let failed = OK.replace("\"ok\",\"rows\":1", "\"error\",\"sqlstate\":\"42p01\",\"message\":\"\"");
        assert_eq!(Line::parse(failed.as_bytes()), Err(LineError::Sqlstate));
        for broken in [
            "",
            "[]",
            "[1,7,\"d\",\"s\",\"ok\",1]",
            "{",
            "null",
            "{}x",
            &format!("{OK}{OK}"),
            &"[".repeat(60_000),
            "{\"v\":1}",
        ] {
            assert!(Line::parse(broken.as_bytes()).is_err(), "{broken:.20}");
        }
        assert_eq!(Line::parse(b"{\"v\":\"\xff\"}"), Err(LineError::Json));
        assert_eq!(Line::parse(&[b' '; LINE_BYTES_MAX + 1]), Err(LineError::TooLong));
    }
}

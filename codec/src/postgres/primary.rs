//! What is kept of an error: its SQLSTATE, and its primary message where that cannot quote rows.

use crate::source::db_lines::Outcome;

/// What of an error's fields is looked at.
#[derive(Debug, Default)]
struct Fields<'a> {
    sqlstate: &'a [u8],
    message: &'a [u8],
    routine: &'a [u8],
    /// It says where in the text of the statement it is: it is about that text.
    has_position: bool,
    /// It happened within a function, or a query that the server makes itself.
    is_within: bool,
}

/// Classes whose messages name objects and states, no values.
const PLAIN_CLASSES: [&[u8]; 12] =
    [b"08", b"23", b"25", b"26", b"28", b"34", b"3D", b"40", b"53", b"54", b"55", b"57"];
/// Classes whose messages the code of functions makes up.
const MADE_UP_CLASSES: [&[u8]; 3] = [b"P0", b"38", b"39"];
/// Where PL/pgSQL raises what a function says.
const RAISES: [&[u8]; 2] = [b"exec_stmt_raise", b"exec_stmt_assert"];
/// What stands for a message that may hold anything.
const MADE_UP: &str = "(raised by a function: the message may quote rows and is not kept)";
/// The SQLSTATE of an error that names none: an internal one.
const INTERNAL: &str = "XX000";
/// What of a message is kept, in characters.
const MESSAGE_CHARS_MAX: usize = 1_000;

/// What is kept of the body of an ErrorResponse.
///
/// The server quotes values in messages too, such as `invalid input syntax for type integer: "…"`. A message is kept whole
/// where it is about the text of the statement or cannot hold a value; else what stands between quotation marks is left out.
pub(super) fn outcome(body: &[u8]) -> Outcome {
    let fields = fields(body);
    let is_code = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    let is_sqlstate = fields.sqlstate.len() == INTERNAL.len() && fields.sqlstate.iter().all(is_code);
    let sqlstate = if is_sqlstate { fields.sqlstate } else { INTERNAL.as_bytes() };
    let class = sqlstate.get(..2).unwrap_or_default();
    let message = String::from_utf8_lossy(fields.message);
    let message = if RAISES.contains(&fields.routine) || MADE_UP_CLASSES.contains(&class) {
        MADE_UP.to_owned()
    } else if !fields.is_within && (fields.has_position || PLAIN_CLASSES.contains(&class)) {
        message.into_owned()
    } else {
        without_quotes(&message)
    };
    Outcome::Error {
        sqlstate: String::from_utf8_lossy(sqlstate).into_owned(),
        message: message.chars().take(MESSAGE_CHARS_MAX).collect(),
    }
}

fn fields(body: &[u8]) -> Fields<'_> {
    let mut fields = Fields::default();
    for field in body.split(|byte| *byte == 0) {
        let Some((kind, value)) = field.split_first() else { break };
        match kind {
            b'C' => fields.sqlstate = value,
            b'M' => fields.message = value,
            b'R' => fields.routine = value,
            b'P' => fields.has_position = true,
            b'q' | b'W' => fields.is_within = true,
            _ => {}
        }
    }
    fields
}

/// The message with an ellipsis between its first and its last quotation mark, of whatever language.
fn without_quotes(message: &str) -> String {
    const MARKS: [char; 12] = ['"', '\'', '`', '«', '»', '“', '”', '„', '‘', '’', '「', '」'];
    let mut marks = message.char_indices().filter(|(_, char)| MARKS.contains(char));
    let Some((first, first_mark)) = marks.next() else { return message.to_owned() };
    let (last, last_mark) = marks.next_back().unwrap_or((message.len(), first_mark));
    let before = message.get(..first).unwrap_or_default();
    let behind = message.get(last..).and_then(|rest| rest.strip_prefix(last_mark)).unwrap_or_default();
    format!("{before}{first_mark}…{last_mark}{behind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(fields: &[&str]) -> (String, String) {
        let body: Vec<u8> =
            fields.iter().flat_map(|field| [field.as_bytes(), b"\0"].concat()).chain([0]).collect();
        match outcome(&body) {
            Outcome::Error { sqlstate, message } => (sqlstate, message),
            Outcome::Ok { .. } => unreachable!("an error is one"),
        }
    }

    #[test]
    fn what_the_statement_itself_says_may_be_quoted() {
        let message = "relation \"x\" does not exist";
        let error = kept(&[
            "SERROR",
            "VERROR",
            "C42P01",
            &format!("M{message}"),
            "P15",
            "Fparse_relation.c",
            "RparserOpenTable",
        ]);
        assert_eq!(error, ("42P01".into(), message.into()));
        let message = "duplicate key value violates unique constraint \"t_pkey\"";
        let error = kept(&[
            "C23505",
            &format!("M{message}"),
            "DKey (id)=(secret) already exists.",
            "R_bt_check_unique",
        ]);
        assert_eq!(error, ("23505".into(), message.into()));
    }

    #[test]
    fn what_may_be_a_value_is_left_out() {
        let secret = "Minvalid input syntax for type integer: \"a \"secret\" b\"";
        let error = kept(&["C22P02", secret, "Rpg_strtoint32"]);
        assert_eq!(error.1, "invalid input syntax for type integer: \"…\"");
        let error = kept(&["C22003", "Mvalue \"secret\" is out of range for type integer"]);
        assert_eq!(error.1, "value \"…\" is out of range for type integer");
        assert_eq!(kept(&["C22P02", "Mungültige Eingabe: „secret“"]).1, "ungültige Eingabe: „…“");
        assert_eq!(kept(&["C22012", "Mdivision by zero"]).1, "division by zero");
        // A cast to regclass fails as a table that is not there does, but at no place of the text.
        assert_eq!(
            kept(&["C42P01", "Mrelation \"secret\" does not exist"]).1,
            "relation \"…\" does not exist"
        );
        let within = kept(&[
            "C42601",
            "Msyntax error at or near \"secret\"",
            "P1",
            "qsecret",
            "WPL/pgSQL function f()",
        ]);
        assert_eq!(within.1, "syntax error at or near \"…\"");
        for made_up in [
            ["CP0001", "Msecret", "Rexec_stmt_raise"],
            ["C42P01", "Msecret", "Rexec_stmt_raise"],
            ["C38000", "Msecret", "Rx"],
        ] {
            assert_eq!(kept(&made_up).1, MADE_UP);
        }
        assert_eq!(kept(&["Csecret", "Mopen 'x"]), ("XX000".into(), "open '…'".into()));
        assert_eq!(kept(&[]), ("XX000".into(), String::new()));
    }
}

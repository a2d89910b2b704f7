//! Conversations as clients and servers have them.

use super::*;

/// Text that only rows, parameters and details hold.
const CANARY: &str = "canary-7f3a";

/// Who says something.
#[derive(Debug, Clone)]
enum Said {
    Client(Vec<u8>),
    Server(Vec<u8>),
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[kind], &length.to_be_bytes()[..], body].concat()
}

fn client(messages: &[(u8, &str)]) -> Said {
    Said::Client(messages.iter().flat_map(|(kind, body)| message(*kind, body.as_bytes())).collect())
}

fn server(messages: &[(u8, &str)]) -> Said {
    Said::Server(messages.iter().flat_map(|(kind, body)| message(*kind, body.as_bytes())).collect())
}

/// What is told of a conversation, in pieces of so many bytes; each part of it is a second later than the one before.
fn followed(said: &[Said], piece: usize) -> Result<Vec<Line>, FollowError> {
    let (mut follower, mut lines, mut t_ms) = (Follower::new("d".into()), Vec::new(), 0);
    for said in said {
        match said {
            Said::Client(bytes) => {
                bytes.chunks(piece).try_for_each(|piece| follower.client(piece, t_ms))?;
            }
            Said::Server(bytes) => {
                for piece in bytes.chunks(piece) {
                    follower.server(piece, &mut lines)?;
                }
            }
        }
        t_ms += 1_000;
    }
    lines.extend(follower.finish());
    Ok(lines)
}

/// Statements with `ok ROWS`, `ok`, or their SQLSTATE and message, in whatever pieces they come.
fn told(said: &[Said]) -> Vec<(String, String)> {
    let lines = followed(said, usize::MAX).unwrap();
    for piece in [1, 3, 64] {
        assert_eq!(followed(said, piece).as_ref(), Ok(&lines), "pieces of {piece}");
    }
    let all: String = lines.iter().map(Line::to_json).collect();
    assert!(!all.contains(CANARY), "{all}");
    assert!(lines.is_sorted_by_key(|line| line.t_ms), "{all}");
    let told = lines.into_iter().map(|line| {
        let outcome = match line.outcome {
            Outcome::Ok { rows: Some(rows) } => format!("ok {rows}"),
            Outcome::Ok { rows: None } => "ok".to_owned(),
            Outcome::Error { sqlstate, message } => format!("{sqlstate} {message}"),
        };
        (line.statement, outcome)
    });
    told.collect()
}

fn expect(said: &[Said], expected: &[(&str, &str)]) {
    let expected: Vec<_> =
        expected.iter().map(|(text, outcome)| ((*text).to_owned(), (*outcome).to_owned())).collect();
    assert_eq!(told(said), expected);
}

fn parse(name: &str, text: &str) -> (u8, String) {
    (b'P', format!("{name}\0{text}\0\0\0"))
}

fn bind(portal: &str, name: &str) -> (u8, String) {
    (b'B', format!("{portal}\0{name}\0\0\0\0\x01\0\0\0\x0b{CANARY}\0\0"))
}

fn execute(portal: &str) -> (u8, String) {
    (b'E', format!("{portal}\0\0\0\0\0"))
}

fn asked(messages: &[(u8, String)]) -> Said {
    let messages: Vec<_> = messages.iter().map(|(kind, body)| (*kind, body.as_str())).collect();
    client(&messages)
}

fn sync() -> (u8, String) {
    (b'S', String::new())
}

const READY: (u8, &str) = (b'Z', "I");
const ROW: (u8, &str) = (b'D', "\0\x01\0\0\0\x0bcanary-7f3a");
const ERROR: (u8, &str) =
    (b'E', "SERROR\0C42P01\0Mrelation \"x\" does not exist\0Dcanary-7f3a\0Hcanary-7f3a\0P7\0\0");

#[test]
fn simple_queries_are_told_with_rows_or_their_error() {
    let said = [
        client(&[(b'p', "canary-7f3a\0")]),
        server(&[(b'R', "\0\0\0\0"), (b'S', "TimeZone\0UTC\0"), (b'K', "12345678"), READY]),
        client(&[(b'Q', "select * from t\0")]),
        server(&[
            (b'T', "\0\x01canary-7f3a"),
            ROW,
            ROW,
            (b'N', "SNOTICE\0Mcanary-7f3a\0\0"),
            (b'C', "SELECT 2\0"),
            READY,
        ]),
        client(&[(b'Q', "insert into t values (1); delete from t; begin\0")]),
        server(&[(b'C', "INSERT 0 1\0"), (b'C', "DELETE 40\0"), (b'C', "BEGIN\0"), READY]),
        client(&[(b'Q', "select * from x\0"), (b'Q', "\0"), (b'Q', "create table x ()\0")]),
        server(&[ERROR, READY, (b'I', ""), READY, (b'C', "CREATE TABLE\0"), READY]),
        // The number 1234 is no text.
        Said::Client(message(b'F', b"\0\0\x04\xd2\0\0")),
        server(&[(b'V', CANARY), READY]),
        client(&[(b'X', "")]),
    ];
    let expected = [
        ("select * from t", "ok 2"),
        ("insert into t values (1); delete from t; begin", "ok 41"),
        ("select * from x", "42P01 relation \"x\" does not exist"),
        ("", "ok"),
        ("create table x ()", "ok"),
        ("(call of the function with the OID 1234)", "ok"),
    ];
    expect(&said, &expected);
}

#[test]
fn names_lead_to_their_statements_and_parameters_are_not_told() {
    let said = [
        asked(&[parse("s", "select $1"), (b'D', "Ss\0".into()), sync()]),
        server(&[(b'1', ""), (b't', "\0\0"), (b'n', ""), READY]),
        asked(&[
            bind("", "s"),
            (b'D', "P\0".into()),
            execute(""),
            bind("c", "s"),
            execute("c"),
            execute("c"),
            sync(),
        ]),
        server(&[
            (b'2', ""),
            (b'T', "\0\0"),
            ROW,
            (b'C', "SELECT 1\0"),
            (b'2', ""),
            ROW,
            ROW,
            (b's', ""),
            ROW,
        ]),
        server(&[(b'C', "SELECT 1\0"), READY]),
        asked(&[
            (b'C', "Pc\0".into()),
            (b'C', "Ss\0".into()),
            parse("", "commit"),
            bind("", ""),
            execute(""),
            sync(),
        ]),
        server(&[(b'3', ""), (b'3', ""), (b'1', ""), (b'2', ""), (b'C', "COMMIT\0"), READY]),
        asked(&[bind("", "s"), execute(""), sync()]),
        server(&[ERROR, READY]),
    ];
    let expected = [
        ("select $1", "ok 1"),
        ("select $1", "ok 2"),
        ("select $1", "ok 1"),
        ("commit", "ok"),
        ("EXECUTE \"s\"", "42P01 relation \"x\" does not exist"),
    ];
    expect(&said, &expected);
}

#[test]
fn a_name_that_the_server_refuses_to_give_again_stands_for_what_it_stood_for() {
    let said = [
        asked(&[parse("s", "drop table t"), sync()]),
        server(&[(b'1', ""), READY]),
        asked(&[parse("s", "select 1"), sync(), bind("", "s"), execute(""), sync()]),
        server(&[ERROR, READY, (b'2', ""), (b'C', "DROP TABLE\0"), READY]),
        client(&[(b'Q', "deallocate s\0"), (b'Q', "prepare s as delete from t\0")]),
        server(&[(b'C', "DEALLOCATE\0"), READY, (b'C', "PREPARE\0"), READY]),
        asked(&[bind("", "s"), execute(""), sync()]),
        server(&[(b'2', ""), (b'C', "DELETE 3\0"), READY]),
    ];
    let expected = [
        ("select 1", "42P01 relation \"x\" does not exist"),
        ("drop table t", "ok"),
        ("deallocate s", "ok"),
        ("prepare s as delete from t", "ok"),
        ("EXECUTE \"s\"", "ok 3"),
    ];
    expect(&said, &expected);
}

#[test]
fn what_stands_between_an_error_and_the_next_sync_is_not_done() {
    let one = |text: &str| [parse("", text), bind("", ""), execute("")];
    let both = [&one("select 1")[..], &one("select x")[..], &one("select 3")[..]].concat();
    let said = [
        asked(&both),
        server(&[(b'1', ""), (b'2', ""), (b'C', "SELECT 1\0"), ERROR]),
        // Sent before the error was read.
        asked(&one("select 4")),
        asked(&[sync()]),
        asked(&[&one("select 5")[..], &[sync()]].concat()),
        server(&[READY, (b'1', ""), (b'2', ""), (b'C', "SELECT 1\0"), ERROR, READY]),
    ];
    let expected = [
        ("select 1", "ok 1"),
        ("select x", "42P01 relation \"x\" does not exist"),
        ("select 5", "ok 1"),
        ("(the end of the implicit transaction)", "42P01 relation \"x\" does not exist"),
    ];
    expect(&said, &expected);
}

#[test]
fn data_that_is_copied_is_passed_over_in_both_protocols() {
    let said = [
        client(&[(b'Q', "copy t from stdin\0")]),
        server(&[(b'G', "\0\0\0")]),
        client(&[(b'd', CANARY), (b'd', CANARY), (b'c', "")]),
        server(&[(b'C', "COPY 2\0"), READY]),
        asked(&[parse("", "copy t from stdin"), bind("", ""), execute(""), sync()]),
        server(&[(b'1', ""), (b'2', ""), (b'G', "\0\0\0")]),
        client(&[(b'd', CANARY), (b'S', ""), (b'f', "stopped\0"), (b'S', "")]),
        server(&[ERROR, READY]),
        // All at once, with an end that comes too late.
        client(&[(b'Q', "copy t from stdin\0"), (b'd', CANARY), (b'c', ""), (b'Q', "copy u from stdin\0")]),
        server(&[(b'G', "\0\0\0"), (b'C', "COPY 1\0"), READY, ERROR]),
        client(&[(b'd', CANARY), (b'c', ""), (b'Q', "copy t to stdout\0")]),
        server(&[READY, (b'H', "\0\0\0"), (b'd', CANARY), (b'c', ""), (b'C', "COPY 1\0"), READY]),
    ];
    let expected = [
        ("copy t from stdin", "ok 2"),
        ("copy t from stdin", "42P01 relation \"x\" does not exist"),
        ("copy t from stdin", "ok 1"),
        ("copy u from stdin", "42P01 relation \"x\" does not exist"),
        ("copy t to stdout", "ok 1"),
    ];
    expect(&said, &expected);
}

#[test]
fn what_was_not_answered_is_told_all_the_same() {
    let unanswered = "08006 the connection ended before the server answered";
    let said = [
        client(&[(b'Q', "drop table t\0")]),
        asked(&[parse("", "delete from u"), bind("", ""), execute(""), sync()]),
        server(&[]),
    ];
    expect(&said, &[("drop table t", unanswered), ("delete from u", unanswered)]);
    // The server tells the end of the connection, and of no statement.
    expect(&[server(&[READY, ERROR])], &[]);
}

#[test]
fn a_long_statement_is_cut_and_says_so() {
    let text = format!("select '{}'", "x".repeat(100_000));
    let said = [client(&[(b'Q', &format!("{text}\0"))]), server(&[(b'C', "SELECT 1\0"), READY])];
    let told = told(&said);
    let kept = told[0].0.split('…').next().unwrap();
    assert_eq!(
        (told[0].0.clone(), text.starts_with(kept)),
        (format!("{kept}… ({} more bytes)", text.len() - kept.len()), true)
    );
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let followed = |said: &[Said]| followed(said, usize::MAX).unwrap_err();
    assert_eq!(followed(&[server(&[(b'C', "SELECT 1\0")])]), FollowError::Answer { kind: b'C' });
    assert_eq!(
        followed(&[client(&[(b'Q', "x\0")]), server(&[(b'1', "")])]),
        FollowError::Answer { kind: b'1' }
    );
    assert_eq!(followed(&[client(&[(b'?', "")])]), FollowError::Kind { kind: b'?' });
    assert_eq!(followed(&[server(&[(b'?', "")])]), FollowError::Answer { kind: b'?' });
    let copying = [client(&[(b'Q', "copy\0")]), server(&[(b'G', "")]), client(&[(b'Q', "x\0")])];
    assert_eq!(followed(&copying), FollowError::Copying { kind: b'Q' });
    let long = "n".repeat(NAME_BYTES_MAX + 1);
    let error = FollowError::Fields { kind: b'P', name_bytes: NAME_BYTES_MAX };
    assert_eq!(followed(&[asked(&[parse(&long, "select 1")])]), error);
    let text = "x".repeat(60_000);
    let many: Vec<_> = (0..300).map(|_| parse("", &text)).collect();
    assert_eq!(followed(&[asked(&many)]), FollowError::Held { limit_bytes: HELD_BYTES_MAX });
}

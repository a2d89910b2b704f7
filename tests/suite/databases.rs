//! Sessions of databases are recorded as statements, and hold no row (P9).

use harness::{Stated, databases};

const MADE_UP: &str = "(raised by a function: the message may quote rows and is not kept)";

fn ok(text: &str, rows: Option<u64>) -> Stated {
    Stated { text: text.to_owned(), outcome: "ok".to_owned(), rows, sqlstate: None, message: None }
}

fn failed(text: &str, sqlstate: &str, message: &str) -> Stated {
    let (sqlstate, message) = (Some(sqlstate.to_owned()), Some(message.to_owned()));
    Stated { text: text.to_owned(), outcome: "error".to_owned(), rows: None, sqlstate, message }
}

#[test]
fn a_recorded_database_session_has_its_statements_and_no_rows() -> anyhow::Result<()> {
    const SEED: u64 = 20_261_122;
    let outcome = databases(SEED)?;
    let [format, row] = &outcome.unacceptable;
    assert!(format.starts_with("422") && format.contains("db-lines only"), "{format}");
    assert!(row.starts_with("422") && row.contains("\"refused_line\":3"), "{row}");
    // The rows, what was copied in, and nothing else was shown to the user: there was something to find.
    assert!(outcome.shown >= 2 && outcome.searched_bytes > 100_000, "{outcome:?}");
    assert!(outcome.leaks.is_empty(), "seed {SEED}: {:?}", outcome.leaks);
    let expected = [
        ok("select * from canaries;", Some(2)),
        ok("update canaries set id = id;", Some(2)),
        ok("delete from canaries where id > 90; select 1; select * from canaries;", Some(3)),
        failed("select * from missing;", "42P01", "relation \"missing\" does not exist"),
        failed(
            "insert into canaries select 1, secret from canaries;",
            "23505",
            "duplicate key value violates unique constraint \"canaries_pkey\"",
        ),
        failed(
            "select secret::int from canaries where id = 1;",
            "22P02",
            "invalid input syntax for type integer: \"…\"",
        ),
        failed(
            "select secret::regclass from canaries where id = 1;",
            "42P01",
            "relation \"…\" does not exist",
        ),
        failed("select tell();", "P0001", MADE_UP),
        ok("copy canaries to stdout;", Some(2)),
        ok("copy canaries from stdin;", Some(2)),
        ok("select count(*) from canaries;", Some(1)),
    ];
    assert_eq!(outcome.stated, expected);
    // Eleven statements in letters of a terminal, and what became of them.
    assert_eq!(outcome.picture, (1_200, 720));
    assert!((5_000..200_000).contains(&outcome.lit) && outcome.video_bytes > 10_000, "{outcome:?}");
    let prepared = ok("select id from canaries where secret <> $1;", Some(4));
    assert_eq!(outcome.prepared, [prepared.clone(), prepared]);
    let resumed = ["select 1;", "select 2;", "select 3;"].map(|text| ok(text, Some(1)));
    assert_eq!(outcome.resumed, resumed);
    assert!(outcome.dropped.contains("You have been disconnected"), "{}", outcome.dropped);
    assert!(outcome.lost.contains("the session cannot be recorded any further"), "{}", outcome.lost);
    assert!(outcome.refused.contains("the session cannot be recorded"), "{}", outcome.refused);
    Ok(())
}

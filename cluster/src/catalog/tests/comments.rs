use super::*;

const COMMENT: CommentId = CommentId([4; 16]);

pub(super) fn comment(comment: CommentId, text: &str) -> Command {
    let (t_ms, text, by) = (Some(1_500), text.to_owned(), "ada".to_owned());
    Command::AddComment(AddComment { comment, recording: RECORDING, t_ms, text, by })
}

pub(super) fn review(by: &str, is_reviewed: bool) -> Command {
    Command::PutReview(PutReview { recording: RECORDING, is_reviewed, by: by.to_owned() })
}

#[test]
fn comments_stand_as_they_were_said_and_go_with_their_session() {
    let mut world = World::new();
    world.clock(MINUTE_MS);
    assert_eq!(world.refused(comment(COMMENT, "x")), Refusal::RecordingUnknown { recording: RECORDING });
    world.done(Command::OpenSession(session(RECORDING)));
    world.done(comment(CommentId([9; 16]), "first"));
    world.clock(2 * MINUTE_MS);
    world.done(comment(COMMENT, "second"));
    let row = |text: &str, at_ms| CommentRow {
        t_ms: Some(1_500),
        text: text.to_owned(),
        by: "ada".to_owned(),
        at_ms,
    };
    let said = vec![(CommentId([9; 16]), row("first", MINUTE_MS)), (COMMENT, row("second", 2 * MINUTE_MS))];
    assert_eq!(world.catalog.comments(RECORDING).unwrap(), said);
    assert_eq!(world.refused(comment(COMMENT, " ")), Refusal::TextMissing { field: "text".to_owned() });
    for number in 2..256u32 {
        let mut id = [5; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        world.done(comment(CommentId(id), "more"));
    }
    assert_eq!(world.refused(comment(CommentId([6; 16]), "x")), Refusal::TooManyComments { limit: 256 });

    world.write(OBJECT);
    world.done(Command::EndSession(ending()));
    let (by, reason) = ("ada".to_owned(), "asked".to_owned());
    world.done(Command::Purge(Purge { recording: RECORDING, cause: PurgeCause::Person { by, reason } }));
    assert_eq!(world.catalog.comments(RECORDING).unwrap(), []);
    assert_eq!(world.refused(comment(COMMENT, "x")), Refusal::SessionPurged { recording: RECORDING });
    let stored = determinism::dump(&world.catalog);
    let tells = |row: &[u8]| row.windows(6).any(|bytes| bytes == b"second");
    assert!(stored.iter().all(|(_, (_, row))| !tells(row)));
}

#[test]
fn who_has_reviewed_what_has_ended_is_known_until_they_take_it_back() {
    let mut world = World::new();
    world.clock(MINUTE_MS);
    world.done(Command::OpenSession(session(RECORDING)));
    assert_eq!(world.refused(review("ada", true)), Refusal::SessionNotEnded { recording: RECORDING });
    world.done(Command::EndSession(ending()));
    world.done(review("bob", true));
    world.done(review("ada", true));
    world.clock(2 * MINUTE_MS);
    world.done(review("ada", true));
    let by = |by: &str, at_ms| ReviewRow { by: by.to_owned(), at_ms };
    let both = vec![by("ada", 2 * MINUTE_MS), by("bob", MINUTE_MS)];
    assert_eq!(world.catalog.reviews(RECORDING).unwrap(), both);
    world.done(review("ada", false));
    assert_eq!(world.catalog.reviews(RECORDING).unwrap(), vec![by("bob", MINUTE_MS)]);
    for number in 1..64 {
        world.done(review(&format!("user {number}"), true));
    }
    assert_eq!(world.refused(review("eve", true)), Refusal::TooManyReviews { limit: 64 });
    world.done(review("bob", true));
}

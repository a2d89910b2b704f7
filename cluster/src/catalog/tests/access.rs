use super::*;

fn put_access(auditors: &[&str], denied: &[&str], expected_version: Option<u64>) -> Command {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let (auditors, denied) = (names(auditors), names(denied));
    Command::PutAccess(PutAccess {
        recording: RECORDING,
        auditors,
        denied,
        expected_version,
        by: "ada".to_owned(),
    })
}

fn seen_by(world: &World, auditor: &str) -> Vec<RecordingId> {
    let filter = SessionFilter { auditor: Some(auditor.to_owned()), ..SessionFilter::default() };
    let query = SessionQuery { filter, sort: SessionColumn::Start, descending: true, limit: 9, after: None };
    let page = world.catalog.sessions(&query).unwrap();
    page.sessions.into_iter().map(|(recording, _)| recording).collect()
}

#[test]
fn auditors_find_their_sessions_until_they_are_named_no_more() {
    let mut world = World::recorded();
    world.done(Command::OpenSession(session(RecordingId([1; 16]))));
    assert_eq!(world.catalog.access(RECORDING).unwrap(), AccessRow::default());
    assert_eq!(world.done(put_access(&["grace", "eve", "grace"], &["bob"], Some(0))), Outcome::Version(1));
    assert_eq!((seen_by(&world, "grace"), seen_by(&world, "eve")), (vec![RECORDING], vec![RECORDING]));
    assert_eq!((seen_by(&world, "bob"), seen_by(&world, "grac")), (vec![], vec![]));
    let row = world.catalog.access(RECORDING).unwrap();
    assert_eq!(
        (row.auditors, row.denied),
        (vec!["eve".to_owned(), "grace".to_owned()], vec!["bob".to_owned()])
    );

    let stale = world.refused(put_access(&[], &[], Some(0)));
    assert_eq!(stale, Refusal::VersionDiffers { expected: 0, actual: 1 });
    assert_eq!(world.done(put_access(&["eve"], &[], None)), Outcome::Version(2));
    assert_eq!((seen_by(&world, "grace"), seen_by(&world, "eve")), (vec![], vec![RECORDING]));
}

#[test]
fn names_are_few_and_names() {
    let mut world = World::recorded();
    let many: Vec<_> = (0..33).map(|number| format!("user {number}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert_eq!(world.refused(put_access(&many, &[], None)), Refusal::TooManyUsers { limit: 32 });
    assert_eq!(world.refused(put_access(&[], &many, None)), Refusal::TooManyUsers { limit: 32 });
    let nobody = world.refused(put_access(&[""], &[], None));
    assert_eq!(nobody, Refusal::TextMissing { field: "user name".to_owned() });
}

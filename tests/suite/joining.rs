//! Members join with a token each, a lost one is replaced, and nothing that was recorded is lost.

use harness::joining;

/// Exit code of a member that an operator has to look at (sysexits.h, `EX_CONFIG`).
const EXIT_CONFIG: i32 = 78;

#[test]
fn members_join_by_token_and_one_that_is_lost_for_good_is_replaced_and_heard_no_more() -> anyhow::Result<()> {
    let outcome = joining()?;
    assert_eq!((&*outcome.members, &*outcome.voters), (&[1, 2, 3, 4][..], &[1, 2, 3][..]));
    let [told, are] = &outcome.apis;
    assert!(told == are && told.len() == 3, "{told:?} {are:?}");
    assert!(outcome.used_token.contains("was used already"), "{}", outcome.used_token);
    assert!(outcome.not_lost.contains("member 3 answers"), "{}", outcome.not_lost);
    assert_eq!(outcome.voters_at_end, [1, 2, 4]);
    let (said, code) = &outcome.removed;
    assert!(said.contains("member 3 was removed from its cluster"), "{said}");
    assert_eq!(*code, Some(EXIT_CONFIG));
    assert!(outcome.store_gone.contains("member 2 had data"), "{}", outcome.store_gone);
    assert_eq!((outcome.wrong, outcome.reads), (Vec::<String>::new(), 6));
    Ok(())
}

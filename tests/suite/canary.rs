//! What is typed and copied in a session is served, sent and logged to nobody without the permission Keystrokes.

use harness::Leaks;

/// Routes of which each must have shown something, or the search has looked at nothing.
const SHOWN: [&str; 14] = [
    "live /recording",
    "live /timeline",
    "live /frames/2000.png",
    "/v1/sessions/{id}/live",
    "/v1/sessions/{id}",
    "/v1/sessions/{id}/recording",
    "ranges of a recording",
    "/v1/sessions/{id}/timeline",
    "/v1/sessions/{id}/logs",
    "/v1/sessions/{id}/frames/{ms}.png",
    "/v1/sessions/{id}/comments",
    "/v1/videos/{id}/content",
    "/v1/videos/{id}/events",
    "/v1/audit",
];

#[test]
fn what_is_typed_is_in_nothing_that_is_served_or_sent_without_the_permission() -> anyhow::Result<()> {
    const SEED: u64 = 20_261_122;
    let outcome = Leaks { seed: SEED, sessions: 2 }.run()?;
    assert!(outcome.leaks.is_empty(), "seed {SEED}: {:?}", outcome.leaks);
    assert_eq!((outcome.canaries, outcome.found_with_keystrokes), (10, 10), "seed {SEED}");
    let missing: Vec<_> = SHOWN.into_iter().filter(|route| !outcome.answered.contains(*route)).collect();
    assert!(missing.is_empty(), "{missing:?} of {:?}", outcome.unanswered);
    for route in ["/v1/sessions/{id}/keystrokes", "a video with typed text /content"] {
        assert!(outcome.unanswered.contains(route), "{route}: {:?}", outcome.unanswered);
    }
    println!(
        "{} answers of {} bytes, {} bytes of mails, webhooks and logs; not answered: {:?}",
        outcome.answers, outcome.bytes, outcome.told_bytes, outcome.unanswered
    );
    Ok(())
}

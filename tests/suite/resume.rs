//! A recorder whose member is killed or cut off goes on at another one, and what was just sealed is read from all that are left.

use harness::{
    Absence, Gap, Ranges, ResumeTimes, Resumes, TimelineGap, absence, answer_to_a_new_seal,
    answer_to_a_new_token,
};

const SEED: u64 = 20_261_122;

#[test]
fn a_recorder_whose_member_is_killed_or_cut_off_goes_on_at_another_one_and_the_recording_plays()
-> anyhow::Result<()> {
    let outcome = Resumes { seed: SEED, losses: 4 }.run()?;
    assert_eq!(outcome.losses, Vec::<String>::new(), "seed {SEED}");
    let count = |times: &ResumeTimes| times.owner_only.count + times.owner_and_leader.count;
    let counts = (count(&outcome.kills), count(&outcome.cuts), outcome.played);
    assert_eq!(counts, (2, 2, 4), "seed {SEED}: {outcome:?}");
    Ok(())
}

#[test]
fn a_recorder_that_was_away_leaves_a_gap_that_every_member_tells() -> anyhow::Result<()> {
    let Absence { sent, interrupted, sealed, timeline } = absence()?;
    let from_ms = interrupted[0][0].from_ms;
    let standing = Gap { offset: sent, from_ms, until_ms: None };
    assert_eq!(interrupted, vec![vec![standing.clone()]; 3]);
    let until_ms = sealed[0][0].until_ms;
    assert!(until_ms.is_some_and(|until_ms| until_ms > from_ms), "{sealed:?}");
    assert_eq!(sealed, vec![vec![Gap { until_ms, ..standing }]; 2]);
    let at_ms = timeline[0].at_ms;
    assert!(at_ms > 0, "the recording plays up to the gap");
    assert_eq!(timeline, [TimelineGap { at_ms, from_ms, until_ms }]);
    Ok(())
}

#[test]
fn any_range_of_what_was_just_sealed_is_served_by_every_member_but_the_one_that_is_lost() -> anyhow::Result<()>
{
    let outcome = Ranges { seed: SEED, recordings: 20 }.run()?;
    assert_eq!(outcome.failures, Vec::<String>::new(), "seed {SEED}");
    assert_eq!(outcome.reads, 40, "seed {SEED}");
    Ok(())
}

#[test]
fn a_recording_is_whole_on_every_member_as_soon_as_one_has_sealed_it() -> anyhow::Result<()> {
    let [read, sealed] = answer_to_a_new_seal()?;
    assert_eq!(read, sealed);
    Ok(())
}

#[test]
fn a_token_opens_every_member_as_soon_as_one_has_made_it() -> anyhow::Result<()> {
    assert_eq!(answer_to_a_new_token()?, "harness");
    Ok(())
}

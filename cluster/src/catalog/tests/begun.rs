use super::*;

/// A world in which a video of this kind is wanted, and the job that makes it.
fn wanted(container: Container) -> (World, JobId) {
    let mut world = World::recorded();
    world.allow_videos();
    let settings = VideoSettings { container, ..SETTINGS };
    let outcome = world.done(Command::RequestVideo(RequestVideo { settings, ..video(VIDEO, &[]) }));
    let Outcome::Video { job, .. } = outcome else { panic!("{outcome:?}") };
    (world, job)
}

/// The same, and an object with what there is of the video.
fn begun() -> (World, ClaimToken, ObjectId) {
    let (mut world, job) = wanted(Container::FragmentedMp4);
    let claim = world.claim(job, MEMBER);
    let object = world.stream();
    assert_eq!(world.done(begin(claim, object)), Outcome::Done);
    assert_eq!(world.begun(), Some(object));
    (world, claim, object)
}

impl World {
    /// An object of the recording that grows.
    fn stream(&mut self) -> ObjectId {
        let opened = self.done(Command::OpenStream { recording: RECORDING, owner: MEMBER });
        let Outcome::Stream(stream) = opened else { panic!("{opened:?}") };
        ObjectId { recording: RECORDING, stream }
    }

    fn begun(&self) -> Option<ObjectId> {
        self.catalog.video_begun(VIDEO).unwrap()
    }

    fn leaves(&self) -> u64 {
        self.catalog.audit_head().unwrap().map_or(0, |head| head.size)
    }
}

fn begin(claim: ClaimToken, object: ObjectId) -> Command {
    Command::BeginVideo(BeginVideo { claim, object })
}

fn fail(claim: ClaimToken) -> Command {
    Command::FailJob(FailJob { claim, failure: FailureKind::Storage, detail: String::new() })
}

#[test]
fn what_there_is_of_a_video_can_be_found_until_it_is_complete() {
    let (mut world, claim, object) = begun();
    assert_eq!(world.catalog.video(VIDEO).unwrap().unwrap().state, VideoState::Pending);
    world.write(object);
    let facts = VideoFacts { object, length: 1, duration_ms: 4_000, content_hash: HASH };
    world.done(Command::Complete(Complete { claim, facts }));
    assert_eq!(world.begun(), None);
    assert_eq!(world.refused(begin(claim, object)), Refusal::JobEnded { job: claim.job });
}

#[test]
fn a_try_that_ends_takes_what_it_had_begun_along_and_the_next_one_begins_anew() {
    let (mut world, first, _) = begun();
    // Where bytes could not be written for a while, the same claim begins anew.
    let again = world.stream();
    world.done(begin(first, again));
    assert_eq!(world.begun(), Some(again));
    let second = world.claim(first.job, MEMBER);
    assert_eq!(world.begun(), None, "nobody makes that one any more");
    assert_eq!(world.refused(begin(first, again)), Refusal::ClaimLost { job: first.job });
    let other = world.stream();
    world.done(begin(second, other));
    assert_eq!(world.begun(), Some(other));
    world.done(fail(second));
    assert_eq!(world.begun(), None, "it is tried once more");
    assert_eq!(world.refused(begin(second, other)), Refusal::ClaimLost { job: first.job });
    let third = world.claim(first.job, MEMBER);
    let last = world.stream();
    world.done(begin(third, last));
    world.done(fail(third));
    assert_eq!(world.begun(), None, "it has failed");
}

#[test]
fn nothing_is_left_of_a_video_that_is_cancelled_deleted_or_purged() {
    let by = || "ada".to_owned();
    let cause = PurgeCause::Person { by: by(), reason: "asked".to_owned() };
    for end in [
        Command::CancelJob { job: JobId(2), by: by() },
        Command::DeleteVideo(DeleteVideo { video: VIDEO, by: by() }),
        Command::Purge(Purge { recording: RECORDING, cause }),
    ] {
        let (mut world, claim, object) = begun();
        world.done(end.clone());
        assert_eq!(world.begun(), None, "{end:?}");
        assert_eq!(world.refused(begin(claim, object)), Refusal::JobEnded { job: claim.job }, "{end:?}");
    }
}

#[test]
fn what_plays_only_when_it_is_complete_is_not_begun() {
    for container in [Container::Mp4, Container::Webm] {
        let (mut world, job) = wanted(container);
        let (claim, object) = (world.claim(job, MEMBER), world.stream());
        assert_eq!(world.refused(begin(claim, object)), Refusal::VideoNotInFragments { video: VIDEO });
        assert_eq!(world.begun(), None);
    }
    let mut world = World::recorded();
    let (claim, object) = (world.claim(JobId(1), MEMBER), world.stream());
    assert_eq!(world.refused(begin(claim, object)), Refusal::JobKind { job: claim.job });
}

#[test]
fn a_video_is_begun_as_an_object_of_its_recording_and_without_a_leaf() {
    let (mut world, job) = wanted(Container::FragmentedMp4);
    world.clock(MINUTE_MS);
    world.done(Command::AuditKey(AuditKey { member: MEMBER, public_key: [1; 32] }));
    let (claim, leaves) = (world.claim(job, MEMBER), world.leaves());
    let own = Refusal::ObjectOfOther { object: OBJECT, recording: RECORDING };
    assert_eq!(world.refused(begin(claim, OBJECT)), own);
    let object = ObjectId { recording: RECORDING, stream: StreamId(9) };
    assert_eq!(world.refused(begin(claim, object)), Refusal::ObjectUnknown { object });
    assert_eq!(world.begun(), None);
    let object = world.stream();
    world.done(begin(claim, object));
    assert_eq!(world.leaves(), leaves);
}

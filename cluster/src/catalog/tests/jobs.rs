use super::*;

fn facts(object: ObjectId) -> VideoFacts {
    VideoFacts { object, length: 1, duration_ms: 4_000, content_hash: HASH }
}

fn index_facts(artefact: ObjectId) -> IndexFacts {
    IndexFacts {
        duration_ms: 4_000,
        width: 1280,
        height: 720,
        frames: 9,
        keystrokes: 3,
        statements: 0,
        artefact,
    }
}

fn failing(claim: ClaimToken) -> Command {
    let detail = "the worker ended with signal 9".to_owned();
    Command::FailJob(FailJob { claim, failure: FailureKind::Crashed, detail })
}

fn ready_for_videos() -> World {
    let mut world = World::recorded();
    world.allow_videos();
    world
}

#[test]
fn an_index_is_made_from_the_seal_to_its_facts() {
    let mut world = World::recorded();
    let claim = world.claim(JobId(1), MEMBER);
    let artefact = world.artefact();
    world.done(Command::IndexDone(IndexDone { claim, facts: index_facts(artefact) }));
    let session = world.catalog.session(RECORDING).unwrap().unwrap();
    assert_eq!(session.index, IndexState::Ready(index_facts(artefact)));
    assert_eq!(world.catalog.job(JobId(1)).unwrap().unwrap().state, JobState::Done);
    assert_eq!(world.catalog.open_jobs(10).unwrap(), []);
    assert_eq!(world.refused(failing(claim)), Refusal::JobEnded { job: JobId(1) });
}

#[test]
fn key_states_are_kept_by_the_claim_of_the_index_and_stay_with_the_recording() {
    let mut world = World::recorded();
    world.allow_videos();
    let claim = world.claim(JobId(1), MEMBER);
    let keep = |claim, object| Command::KeepKeyStates(KeepKeyStates { claim, object });
    assert_eq!(world.catalog.key_states(RECORDING).unwrap(), None);
    let unknown = ObjectId { recording: RECORDING, stream: StreamId(9) };
    assert_eq!(world.refused(keep(claim, unknown)), Refusal::ObjectUnknown { object: unknown });
    let (first, second) = (world.artefact(), world.artefact());
    world.done(keep(claim, first));
    world.done(keep(claim, second));
    let artefact = world.artefact();
    world.done(Command::IndexDone(IndexDone { claim, facts: index_facts(artefact) }));
    assert_eq!(world.refused(keep(claim, first)), Refusal::JobEnded { job: JobId(1) });
    let job = world.video(&[]);
    let other = world.claim(job, MEMBER);
    assert_eq!(world.refused(keep(other, first)), Refusal::JobKind { job });
    assert_eq!(world.catalog.key_states(RECORDING).unwrap(), Some(second));
}

#[test]
fn what_a_view_needs_is_kept_by_the_claim_of_the_index() {
    let mut world = World::recorded();
    let claim = world.claim(JobId(1), MEMBER);
    let keep = |view| Command::KeepView(KeepView { claim, view });
    let [first, second] = [1, 2].map(|length| {
        let [index, timeline] = [world.artefact(), world.artefact()];
        ViewRow { length, index, timeline }
    });
    let unknown = ObjectId { recording: RECORDING, stream: StreamId(9) };
    for lacking in [ViewRow { index: unknown, ..first }, ViewRow { timeline: unknown, ..first }] {
        assert_eq!(world.refused(keep(lacking)), Refusal::ObjectUnknown { object: unknown });
    }
    assert_eq!(world.catalog.view(RECORDING).unwrap(), None);
    world.done(keep(first));
    world.done(keep(second));
    let artefact = world.artefact();
    world.done(Command::IndexDone(IndexDone { claim, facts: index_facts(artefact) }));
    assert_eq!(world.refused(keep(first)), Refusal::JobEnded { job: JobId(1) });
    assert_eq!(world.catalog.view(RECORDING).unwrap(), Some(second));
}

#[test]
fn an_index_and_its_keystrokes_are_ready_together() {
    let mut world = World::recorded();
    let claim = world.claim(JobId(1), MEMBER);
    let artefact = world.artefact();
    let complete = |keystrokes| {
        Command::CompleteIndex(CompleteIndex { claim, facts: index_facts(artefact), keystrokes })
    };
    let unknown = ObjectId { recording: RECORDING, stream: StreamId(9) };
    assert_eq!(world.refused(complete(unknown)), Refusal::ObjectUnknown { object: unknown });
    let keystrokes = world.artefact();
    world.done(complete(keystrokes));
    let session = world.catalog.session(RECORDING).unwrap().unwrap();
    assert_eq!(session.index, IndexState::Complete { facts: index_facts(artefact), keystrokes });
    assert_eq!(session.index.facts(), Some(&index_facts(artefact)));
    assert_eq!(world.catalog.job(JobId(1)).unwrap().unwrap().state, JobState::Done);
}

#[test]
fn a_video_and_its_mails_are_ready_together() {
    let mut world = ready_for_videos();
    let job = world.video(&["ada@example.org", "bob@example.org"]);
    let claim = world.claim(job, MEMBER);
    let object = world.artefact();
    let completed = world.done(Command::Complete(Complete { claim, facts: facts(object) }));
    assert_eq!(completed, Outcome::Completed { mails: vec![MailId(1), MailId(2)] });
    let videos = world.catalog.videos_of(RECORDING).unwrap();
    assert_eq!(videos.len(), 1);
    assert_eq!(videos[0].1.state, VideoState::Ready(facts(object)));
    let mails = world.catalog.open_mails(None, 10).unwrap();
    let addresses: Vec<_> = mails.iter().map(|(_, mail)| mail.address.as_str()).collect();
    assert_eq!(addresses, ["ada@example.org", "bob@example.org"]);

    world.done(Command::MailSent { mail: MailId(1) });
    assert_eq!(world.refused(Command::MailSent { mail: MailId(1) }), Refusal::MailEnded { mail: MailId(1) });
    let failed =
        |retry_after_ms| Command::MailFailed { mail: MailId(2), error: "451".to_owned(), retry_after_ms };
    assert_eq!(world.done(failed(Some(500))), Outcome::Failed { is_retried: true });
    let mail = world.catalog.mail(MailId(2)).unwrap().unwrap();
    assert_eq!((mail.attempts, mail.state), (1, MailState::Pending { next_ms: 500 }));
    let fault = MailFault::Credentials;
    let error = "535 no".to_owned();
    let blocked = BlockMail { mail: MailId(2), fault, error: error.clone(), retry_after_ms: 700 };
    assert_eq!(world.done(Command::BlockMail(blocked)), Outcome::Failed { is_retried: true });
    let state = MailState::Blocked { next_ms: 700, fault };
    assert_eq!(world.catalog.mail(MailId(2)).unwrap(), Some(MailRow { state, error, ..mail }));
    let behind = world.catalog.open_mails(Some(MailId(1)), 10).unwrap();
    assert_eq!(behind.iter().map(|(mail, _)| *mail).collect::<Vec<_>>(), [MailId(2)]);
    assert_eq!(world.catalog.open_mails(Some(MailId(2)), 10).unwrap(), []);
    assert_eq!(world.done(failed(None)), Outcome::Failed { is_retried: false });
    assert_eq!(world.catalog.open_mails(None, 10).unwrap(), []);
    assert_eq!(
        world.refused(Command::MailSent { mail: MailId(3) }),
        Refusal::MailUnknown { mail: MailId(3) }
    );
}

#[test]
fn the_webhook_is_told_of_ends_and_videos_once_it_is_switched_on() {
    let mut world = World::recorded();
    world.allow_videos();
    let job = world.video(&[]);
    world.done(Command::PutParameter(PutParameter {
        name: "webhook_enabled".to_owned(),
        value: ParameterValue::Switch(true),
        expected_version: None,
        by: "ada".to_owned(),
    }));
    let claim = world.claim(job, MEMBER);
    world.done(failing(claim));
    assert_eq!(world.catalog.open_mails(None, 10).unwrap(), [], "it is tried again");
    let claim = world.claim(job, MEMBER);
    world.done(failing(claim));
    let job = world.video(&["ada@example.org"]);
    let claim = world.claim(job, MEMBER);
    let object = world.artefact();
    let completed = world.done(Command::Complete(Complete { claim, facts: facts(object) }));
    assert_eq!(completed, Outcome::Completed { mails: vec![MailId(2), MailId(3)] });
    let other = RecordingId([9; 16]);
    world.done(Command::OpenSession(session(other)));
    let (error_message, reason) = (String::new(), String::new());
    let end = End::Dropped;
    world.done(Command::EndSession(EndSession {
        recording: other,
        end,
        end_ms: 9_000,
        error_message,
        reason,
    }));
    let told: Vec<_> = world.catalog.open_mails(None, 10).unwrap();
    let told: Vec<_> = told.into_iter().map(|(_, mail)| (mail.kind, mail.recording, mail.address)).collect();
    let failed = WebhookEvent::ConversionFailed { video: VIDEO, failure: FailureKind::Crashed };
    let ready = WebhookEvent::VideoReady { video: VIDEO };
    let nobody = String::new;
    assert_eq!(
        told,
        [
            (MailKind::Webhook(failed), RECORDING, nobody()),
            (MailKind::VideoReady { video: VIDEO }, RECORDING, "ada@example.org".to_owned()),
            (MailKind::Webhook(ready), RECORDING, nobody()),
            (MailKind::Webhook(WebhookEvent::SessionEnded { end }), other, nobody()),
        ]
    );
}

#[test]
fn videos_are_asked_for_of_ended_sessions_and_when_allowed() {
    let mut world = World::new();
    let ask = || Command::RequestVideo(video(VIDEO, &[]));
    let name = "video_download_enabled".to_owned();
    assert_eq!(world.refused(ask()), Refusal::ParameterOff { name });
    world.allow_videos();
    assert_eq!(world.refused(ask()), Refusal::RecordingUnknown { recording: RECORDING });
    world.done(Command::OpenSession(session(RECORDING)));
    assert_eq!(world.refused(ask()), Refusal::SessionNotEnded { recording: RECORDING });
    world.done(Command::EndSession(ending()));
    assert_eq!(world.refused(ask()), Refusal::ObjectNotSealed { object: OBJECT });
    world.write(OBJECT);
    world.done(ask());
    let many = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let too_many = world.refused(Command::RequestVideo(video(VIDEO, &many)));
    assert_eq!(too_many, Refusal::TooManyAddresses { limit: 8 });
}

#[test]
fn the_same_video_is_made_once() {
    let mut world = ready_for_videos();
    let job = world.video(&["ada@example.org", "ada@example.org"]);
    let again = video(VideoId([8; 16]), &["bob@example.org", "ada@example.org"]);
    let outcome = world.done(Command::RequestVideo(again.clone()));
    assert_eq!(outcome, Outcome::Video { video: VIDEO, job, is_new: false });
    let row = world.catalog.video(VIDEO).unwrap().unwrap();
    assert_eq!(row.notify, ["ada@example.org", "bob@example.org"]);

    let other = VideoSettings { keystrokes: true, ..SETTINGS };
    let taken = RequestVideo { settings: other, ..video(VIDEO, &[]) };
    assert_eq!(world.refused(Command::RequestVideo(taken)), Refusal::VideoExists { video: VIDEO });
    world.done(Command::CancelJob { job, by: "ada".to_owned() });
    assert_eq!(world.catalog.video(VIDEO).unwrap().unwrap().state, VideoState::Cancelled);
    let anew = world.done(Command::RequestVideo(again));
    assert_eq!(anew, Outcome::Video { video: VIDEO, job: JobId(job.0 + 1), is_new: true });
    assert_eq!(world.catalog.videos_of(RECORDING).unwrap().len(), 1, "a purge finds all that there are");
    world.done(Command::CancelJob { job: JobId(job.0 + 1), by: "ada".to_owned() });
    let name = "video_download_enabled";
    world.done(put(name, ParameterValue::Switch(false)));
    let retry = Command::RetryVideo(RetryVideo { video: VIDEO, by: "ada".to_owned() });
    assert_eq!(world.refused(retry), Refusal::ParameterOff { name: name.to_owned() });
}

#[test]
fn a_video_says_from_when_on_it_lacks_something_until_it_is_deleted() {
    let mut world = ready_for_videos();
    let job = world.video(&[]);
    let claim = world.claim(job, MEMBER);
    let made = Complete { claim, facts: facts(world.artefact()) };
    world.done(Command::CompleteDamaged(CompleteDamaged { made, missing_from_ms: 1_500 }));
    let row = world.catalog.video(VIDEO).unwrap().unwrap();
    assert_eq!(row.state, VideoState::Ready(made.facts));
    assert_eq!(world.catalog.missing_from_ms(VIDEO).unwrap(), Some(1_500));
    world.done(Command::DeleteVideo(DeleteVideo { video: VIDEO, by: "ada".to_owned() }));
    assert_eq!(world.catalog.missing_from_ms(VIDEO).unwrap(), None);
}

#[test]
fn a_claim_holds_until_its_deadline_and_fences_the_one_before() {
    let mut world = ready_for_videos();
    world.clock(1_000);
    let job = world.video(&[]);
    let first = world.claim(job, MEMBER);
    world.clock(1_000 + MINUTE_MS);
    let held = Refusal::JobClaimed { job, member: MEMBER, deadline_ms: 1_000 + MINUTE_MS };
    assert_eq!(world.refused(claim(job, OTHER)), held);
    world.done(Command::RenewClaim { claim: first, lease_ms: MINUTE_MS });
    world.clock(1_002 + 2 * MINUTE_MS);
    let second = world.claim(job, OTHER);
    assert!(second.fencing_token > first.fencing_token);

    let object = world.artefact();
    let progress = JobProgress { done_ms: 1, total_ms: 4 };
    let lost = Refusal::ClaimLost { job };
    for command in [
        Command::Complete(Complete { claim: first, facts: facts(object) }),
        Command::Progress(Progress { claim: first, progress }),
        Command::RenewClaim { claim: first, lease_ms: MINUTE_MS },
        failing(first),
    ] {
        assert_eq!(world.refused(command), lost);
    }
    world.done(Command::Progress(Progress { claim: second, progress }));
    assert_eq!(world.catalog.job(job).unwrap().unwrap().progress, progress);
    let start = JobStartRow { claimed_ms: 1_002 + 2 * MINUTE_MS };
    assert_eq!(world.catalog.job_start(job).unwrap(), Some(start));
    world.done(Command::Complete(Complete { claim: second, facts: facts(object) }));
    assert_eq!(world.catalog.job_start(job).unwrap(), None);
}

#[test]
fn what_is_left_of_a_job_is_told_by_its_pace() {
    let left = |done_ms, total_ms| JobProgress { done_ms, total_ms }.left_ms(3_000);
    assert_eq!([left(1, 4), left(4, 4), left(5, 4)], [Some(9_000), Some(0), Some(0)]);
    assert_eq!([left(0, 0), left(0, 4), left(9, 10_000)], [None; 3]);
    assert_eq!(left(1, u64::MAX), None);
    assert_eq!(JobProgress { done_ms: 1, total_ms: 4 }.left_ms(0), None);
}

#[test]
fn a_member_that_was_started_again_claims_its_job_anew_at_once() {
    let mut world = ready_for_videos();
    let job = world.video(&[]);
    let first = world.claim(job, MEMBER);
    let second = world.claim(job, MEMBER);
    assert!(second.fencing_token > first.fencing_token);
    assert_eq!(world.refused(failing(first)), Refusal::ClaimLost { job });
    assert_eq!(world.catalog.job(job).unwrap().unwrap().claims, 2);
}

#[test]
fn results_are_checked_against_what_is_stored() {
    let mut world = ready_for_videos();
    let job = world.video(&[]);
    let claim = world.claim(job, MEMBER);
    let complete = |facts| Command::Complete(Complete { claim, facts });
    let recording = RECORDING;
    let own = Refusal::ObjectOfOther { object: OBJECT, recording };
    assert_eq!(world.refused(complete(facts(OBJECT))), own);
    let object = ObjectId { recording, stream: StreamId(1) };
    assert_eq!(world.refused(complete(facts(object))), Refusal::ObjectUnknown { object });
    world.done(Command::OpenStream { recording, owner: MEMBER });
    assert_eq!(world.refused(complete(facts(object))), Refusal::ObjectNotSealed { object });
    world.write(object);
    let long = VideoFacts { length: 2, ..facts(object) };
    assert_eq!(world.refused(complete(long)), Refusal::VideoLength { expected: 2, actual: 1 });
    let index = Command::IndexDone(IndexDone { claim, facts: index_facts(object) });
    assert_eq!(world.refused(index), Refusal::JobKind { job });
    world.done(complete(facts(object)));
}

#[test]
fn a_job_is_tried_twice() {
    let mut world = ready_for_videos();
    let job = world.video(&["ada@example.org"]);
    let claim = world.claim(job, MEMBER);
    assert_eq!(world.done(failing(claim)), Outcome::Failed { is_retried: true });
    assert_eq!(world.refused(failing(claim)), Refusal::ClaimLost { job });
    let claim = world.claim(job, MEMBER);
    assert_eq!(world.done(failing(claim)), Outcome::Failed { is_retried: false });
    let failure = FailureKind::Crashed;
    assert_eq!(world.catalog.video(VIDEO).unwrap().unwrap().state, VideoState::Failed { failure });
    assert_eq!(world.catalog.open_mails(None, 1).unwrap(), []);
    world.done(Command::RequestVideo(video(VideoId([8; 16]), &[])));
}

#[test]
fn a_job_that_takes_its_members_down_is_given_up() {
    let mut world = ready_for_videos();
    let mut now_ms = 1;
    for _ in 0..8 {
        world.claim(JobId(1), MEMBER);
        now_ms += 2 * MINUTE_MS;
        world.clock(now_ms);
    }
    assert_eq!(world.done(claim(JobId(1), MEMBER)), Outcome::GivenUp);
    let failure = FailureKind::Crashed;
    let session = world.catalog.session(RECORDING).unwrap().unwrap();
    assert_eq!(session.index, IndexState::Failed { failure });
    assert_eq!(world.refused(claim(JobId(1), MEMBER)), Refusal::JobEnded { job: JobId(1) });
    assert_eq!(world.refused(claim(JobId(5), MEMBER)), Refusal::JobUnknown { job: JobId(5) });
    let short = Command::ClaimJob(ClaimJob { job: JobId(1), member: MEMBER, lease_ms: 1 });
    assert_eq!(world.refused(short), Refusal::LeaseLength { min_ms: 1_000, max_ms: 600_000 });
}

#[test]
fn a_deleted_video_leaves_copies_to_delete_and_room_for_another() {
    let mut world = ready_for_videos();
    let job = world.video(&[]);
    let claim = world.claim(job, MEMBER);
    let object = world.artefact();
    world.done(Command::Complete(Complete { claim, facts: facts(object) }));
    let delete = || Command::DeleteVideo(DeleteVideo { video: VIDEO, by: "ada".to_owned() });
    let (hold, recording, by) = (HoldId([3; 16]), RECORDING, "ada".to_owned());
    let justification = "inquiry".to_owned();
    world.done(Command::PlaceHold(PlaceHold {
        hold,
        recording,
        justification,
        expires_ms: None,
        by: by.clone(),
    }));
    assert_eq!(world.refused(delete()), Refusal::Held { recording, holds: 1 });
    assert!(world.catalog.is_kept(object).unwrap());
    world.done(Command::ReleaseHold(ReleaseHold { hold, recording, reason: String::new(), by: by.clone() }));
    world.voters(&[MEMBER, OTHER]);
    world.done(delete());
    assert_eq!(world.refused(delete()), Refusal::VideoUnknown { video: VIDEO });
    assert_eq!(
        (world.catalog.video(VIDEO).unwrap(), world.catalog.videos_of(RECORDING).unwrap()),
        (None, vec![])
    );
    assert_eq!(
        (world.catalog.is_kept(object).unwrap(), world.catalog.is_kept(OBJECT).unwrap()),
        (false, true)
    );
    let copies = |objects| Command::DeletedCopies(DeletedCopies { member: MEMBER, objects });
    assert_eq!(world.refused(copies(vec![object; 65])), Refusal::TooManyObjects { limit: 64 });
    assert_eq!(world.catalog.copies_to_delete(MEMBER, 9).unwrap(), [object]);
    world.done(copies(vec![object]));
    assert_eq!(world.catalog.copies_to_delete(MEMBER, 9).unwrap(), []);
    assert_eq!(world.catalog.copies_to_delete(OTHER, 9).unwrap(), [object]);

    // One that is being made is cancelled.
    let job = world.video(&[]);
    world.claim(job, MEMBER);
    world.done(delete());
    assert_eq!(world.catalog.job(job).unwrap().unwrap().state, JobState::Cancelled);
    let job = world.video(&[]);
    let person = PurgeCause::Person { by, reason: "asked".to_owned() };
    world.done(Command::Purge(Purge { recording, cause: person }));
    assert_eq!(world.refused(delete()), Refusal::SessionPurged { recording });
    assert_eq!(world.catalog.job(job).unwrap().unwrap().state, JobState::Cancelled);
}

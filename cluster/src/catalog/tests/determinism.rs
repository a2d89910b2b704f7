use super::*;
use proptest::prelude::*;

fn recording() -> impl Strategy<Value = RecordingId> {
    (0..3u8).prop_map(|number| RecordingId([number; 16]))
}

fn object() -> impl Strategy<Value = ObjectId> {
    (recording(), 0..3u64).prop_map(|(recording, stream)| ObjectId { recording, stream: StreamId(stream) })
}

fn token() -> impl Strategy<Value = ClaimToken> {
    (1..4u64, 0..80u64).prop_map(|(job, fencing_token)| ClaimToken { job: JobId(job), fencing_token })
}

/// Commands that mostly meet one another; many are refused, which has to be the same everywhere too.
fn command() -> impl Strategy<Value = Command> {
    let number = || prop_oneof![4 => 0..2u32, 2 => Just(ChunkNumber::MANIFEST.0)];
    prop_oneof![
        Just(Command::Seed),
        (1..3u64).prop_map(|member| Command::StartMember { member: MemberId(member) }),
        (1..3u64, 0..400_000u64)
            .prop_map(|(member, wall_ms)| Command::Clock(ClockSample { member: MemberId(member), wall_ms })),
        recording().prop_map(|recording| Command::OpenSession(session(recording))),
        recording().prop_map(|recording| Command::EndSession(EndSession { recording, ..ending() })),
        (recording(), 1..3u64, 0..50_000u64).prop_map(|(recording, epoch, idle_ms)| Command::InterruptIdle {
            object: recording.into(),
            epoch: Epoch(epoch),
            idle_ms,
        }),
        (object(), number(), 1..3u64, 0..50_000u64).prop_map(|(object, number, epoch, late_ms)| {
            let chunk =
                OpenChunk { object, number: ChunkNumber(number), epoch: Epoch(epoch), members: vec![MEMBER] };
            Command::OpenChunkLate(OpenChunkLate { chunk, late_ms })
        }),
        recording().prop_map(|recording| Command::OpenStream { recording, owner: MEMBER }),
        recording().prop_map(|recording| Command::OpenTextStream { recording, owner: MEMBER }),
        (object(), 2..4u64).prop_map(|(object, epoch)| Command::TakeOver {
            object,
            epoch: Epoch(epoch),
            owner: OTHER
        }),
        (object(), number(), 1..3u64).prop_map(|(object, number, epoch)| open_chunk(
            object,
            ChunkNumber(number),
            epoch
        )),
        (object(), 0..2u32, 1..3u64, 0..2u64).prop_map(|(object, number, epoch, offset)| close_chunk(
            object,
            chunk(number, epoch, offset),
            epoch
        )),
        (object(), 1..3u64).prop_map(|(object, epoch)| Command::Seal(seal(object, epoch))),
        (any::<bool>(), recording()).prop_map(|(on, recording)| match on {
            true => put("video_download_enabled", ParameterValue::Switch(true)),
            false => Command::RequestVideo(RequestVideo {
                recording,
                settings: VideoSettings { container: Container::FragmentedMp4, ..SETTINGS },
                ..video(VIDEO, &["ada@example.org"])
            }),
        }),
        (1..4u64, 1..3u64).prop_map(|(job, member)| claim(JobId(job), MemberId(member))),
        (token(), object()).prop_map(|(claim, object)| Command::Complete(Complete {
            claim,
            facts: VideoFacts { object, length: 1, duration_ms: 1, content_hash: HASH },
        })),
        (token(), object()).prop_map(|(claim, object)| Command::BeginVideo(BeginVideo { claim, object })),
        token().prop_map(|claim| Command::FailJob(FailJob {
            claim,
            failure: FailureKind::Limit,
            detail: String::new()
        })),
        (recording(), 0..3u8).prop_map(|(recording, number)| Command::PlaceHold(PlaceHold {
            hold: HoldId([number; 16]),
            recording,
            justification: "inquiry".to_owned(),
            expires_ms: (number > 0).then_some(300_000),
            by: "ada".to_owned(),
        })),
        (recording(), 0..3u8).prop_map(|(recording, number)| Command::ReleaseHold(ReleaseHold {
            hold: HoldId([number; 16]),
            recording,
            reason: String::new(),
            by: "bob".to_owned(),
        })),
        (recording(), any::<bool>()).prop_map(|(recording, by_age)| {
            let person = || PurgeCause::Person { by: "ada".to_owned(), reason: "asked".to_owned() };
            let cause = if by_age { PurgeCause::Retention } else { person() };
            Command::Purge(Purge { recording, cause })
        }),
        recording().prop_map(|recording| Command::DeletedBytes(DeletedBytes {
            member: MEMBER,
            recordings: vec![recording],
        })),
        Just(Command::DeleteVideo(DeleteVideo { video: VIDEO, by: "ada".to_owned() })),
        (recording(), 1..3u64).prop_map(|(recording, stream)| Command::DeletedCopies(DeletedCopies {
            member: MEMBER,
            objects: vec![ObjectId { recording, stream: StreamId(stream) }],
        })),
        recording().prop_map(|recording| Command::CloseSession(EndSession { recording, ..ending() })),
        (object(), 0..2i64).prop_map(|(object, offset_ms)| Command::KeepSound(KeepSound {
            recording: object.recording,
            sound: SoundRow { object, offset_ms, length: 1, content_hash: HASH },
        })),
        (1..3u64).prop_map(|mail| Command::MailSent { mail: MailId(mail) }),
        (1..3u64).prop_map(layout::drain),
        (1..3u64).prop_map(layout::undrain),
        (1..3u64, 1..4u64).prop_map(|(member, version)| layout::settled(member, version)),
        (1..4u64, 1..3u64).prop_map(|(version, dead)| layout::apply(version, &[dead])),
        (1..3u64).prop_map(|mail| Command::BlockMail(BlockMail {
            mail: MailId(mail),
            fault: MailFault::Tls,
            error: String::new(),
            retry_after_ms: 1
        })),
        (1..3u64, 0..2u8).prop_map(|(member, key)| Command::AuditKey(AuditKey {
            member: MemberId(member),
            public_key: [key; 32],
        })),
        (1..3u64).prop_map(|member| Command::AuditHeartbeat { member: MemberId(member) }),
        recording().prop_map(|recording| Command::Audit(super::audit::view(&recording.to_string()))),
        recording().prop_map(|recording| {
            let ending = EndSession { recording, ..ending() };
            super::audit::asked_by("portal", Command::EndSession(ending))
        }),
        (0..4u8, any::<bool>()).prop_map(|(number, is_reviewed)| match number {
            0 => comments::review("ada", is_reviewed),
            _ => comments::comment(CommentId([number; 16]), "looked at"),
        }),
        (0..3u8, any::<bool>()).prop_map(|(number, is_approved)| match number {
            0 => approvals::ask(0, 1_000_000),
            1 => approvals::decide("ada", is_approved),
            _ => approvals::decide("bob", is_approved),
        }),
        user_command(),
        (any::<bool>(), any::<bool>()).prop_map(|(is_set, is_absent)| Command::OnlyIf(OnlyIf {
            row: Tagged::User("user 0".to_owned()),
            condition: if is_absent { Condition::Absent } else { Condition::Present },
            command: Box::new(match is_set {
                true => Command::CreateUser(users::create()),
                false => Command::DeleteUser { name: "user 0".to_owned(), by: "ada".to_owned() },
            }),
        })),
        (recording(), 0..2u8, 0..2u8).prop_map(|(recording, key, request)| Command::Once(Once {
            key: OnceKey { key: [key; 32], request: [request; 32] },
            note: vec![key],
            command: Box::new(Command::OpenSession(session(recording))),
        })),
    ]
}

/// Commands about two users, their logins and the roles.
fn user_command() -> impl Strategy<Value = Command> {
    let name = || (0..2u8).prop_map(|number| format!("user {number}"));
    prop_oneof![
        name().prop_map(|name| Command::CreateUser(CreateUser { name, ..users::create() })),
        (name(), any::<bool>()).prop_map(|(name, is_disabled)| Command::PutUser(PutUser {
            name,
            roles: vec![],
            is_disabled,
            expected_version: None,
            by: "ada".to_owned(),
        })),
        (name(), 0..3u8).prop_map(|(name, keep)| Command::SetPassword(SetPassword {
            name,
            password: users::hash("b"),
            expected_password_index: None,
            keep: Some(TokenId([keep; 16])),
            by: "ada".to_owned(),
        })),
        name().prop_map(|name| Command::DeleteUser { name, by: "ada".to_owned() }),
        (name(), 3..9u64, 0..3u8).prop_map(|(name, password_index, number)| Command::LogIn(LogIn {
            name,
            password_index,
            token: TokenId([number; 16]),
            hash: [number; 32],
            expires_ms: 300_000,
        })),
        any::<bool>().prop_map(|is_kept| Command::PutRole(PutRole {
            name: "System Administrator".to_owned(),
            permissions: match is_kept {
                true => vec!["System.Roles.Manage".to_owned(), "System.Users.Manage".to_owned()],
                false => vec![],
            },
            expected_version: None,
            by: "ada".to_owned(),
        })),
    ]
}

/// Every row, as it is stored.
pub(super) fn dump(catalog: &Catalog) -> Vec<(Tree, KeyAndRow)> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let more = catalog.dump(after.as_ref()).unwrap();
        let Some((tree, (key, _))) = more.last() else { return rows };
        after = Some((*tree, key.clone()));
        rows.extend(more);
    }
}

/// A log of the commands: each has a request id, some come twice, some share an entry.
fn log(commands: &[(Command, u64, bool)]) -> Vec<(LogPosition, CommandEntry)> {
    let start = Incarnation { member: MEMBER, start: 2 };
    let membership = MembershipRow { voters: vec![MEMBER, OTHER], raft: vec![] };
    let begin = Request { id: None, command: Command::StartMember { member: MEMBER } };
    let mut entries = vec![CommandEntry::Membership(membership), CommandEntry::Requests(vec![begin])];
    for (command, sequence, is_joined) in commands {
        let id = Some(RequestId { incarnation: start, sequence: *sequence });
        let request = Request { id, command: command.clone() };
        match entries.last_mut() {
            Some(CommandEntry::Requests(requests)) if *is_joined => requests.push(request),
            Some(_) | None => entries.push(CommandEntry::Requests(vec![request])),
        }
    }
    let position = |index| LogPosition { term: 1, leader: MEMBER, index };
    (1..).map(position).zip(entries).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_same_log_makes_the_same_rows_in_every_engine(
        commands in prop::collection::vec((command(), 1..60u64, any::<bool>()), 1..70),
        split in 1..10usize,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let sled = SledEngine::open(dir.path(), "this boot").unwrap().0;
        let (on_sled, in_memory) = (Catalog::new(Arc::new(sled)), Catalog::new(Arc::new(MemoryEngine::new())));
        let log = log(&commands);
        let mut at_once = in_memory.apply(log.clone()).unwrap();
        for part in log.chunks(split) {
            let applied = on_sled.apply(part.to_vec()).unwrap();
            let rest = at_once.split_off(applied.len());
            prop_assert_eq!(applied, at_once);
            at_once = rest;
        }
        prop_assert_eq!(dump(&on_sled), dump(&in_memory));
    }
}

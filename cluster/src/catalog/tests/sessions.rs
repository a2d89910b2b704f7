use super::*;
use crate::catalog::index::PageBounds;
use proptest::prelude::*;

#[test]
fn a_session_has_what_the_report_shows() {
    let mut world = World::new();
    world.clock(900);
    world.done(Command::OpenSession(session(RECORDING)));
    let live =
        SessionRow { info: info(), state: SessionState::Live, index: IndexState::Absent, opened_ms: 900 };
    assert_eq!(world.catalog.session(RECORDING).unwrap(), Some(live.clone()));
    let end = EndSession {
        end: End::Failed,
        error_message: "connection reset".to_owned(),
        reason: "dropped by bob:\n lunch".to_owned(),
        ..ending()
    };
    world.done(Command::EndSession(end.clone()));
    let EndSession { end, end_ms, error_message, reason, .. } = end;
    let state = SessionState::Ended { end, end_ms, error_message, reason };
    assert_eq!(world.catalog.session(RECORDING).unwrap(), Some(SessionRow { state, ..live }));
    assert_eq!(world.refused(Command::EndSession(ending())), Refusal::SessionEnded { recording: RECORDING });
}

#[test]
fn a_session_is_refused_with_a_reason() {
    let mut world = World::new();
    let open = |change: fn(&mut OpenSession)| {
        let mut command = session(RECORDING);
        change(&mut command);
        Command::OpenSession(command)
    };
    let field = |field: &str| field.to_owned();
    let cases = [
        (
            open(|one| one.info.device_address.clear()),
            Refusal::TextMissing { field: field("device address") },
        ),
        (
            open(|one| one.info.user_name = "a\u{7}".to_owned()),
            Refusal::TextControl { field: field("user name") },
        ),
        (
            open(|one| one.info.user_address = "a\0".to_owned()),
            Refusal::TextControl { field: field("user address") },
        ),
        (
            open(|one| one.info.credential_user = "x".repeat(257)),
            Refusal::TextTooLong { field: field("credential user"), limit_bytes: 256 },
        ),
        (
            open(|one| one.info.protocol = Protocol::Postgresql),
            Refusal::DatabaseFormat { protocol: Protocol::Postgresql, format: Format::Guacamole },
        ),
        (open(|one| one.keys.data.clear()), Refusal::WrappedKey { limit_bytes: 512 }),
        (open(|one| one.keys.derived = vec![0; 513]), Refusal::WrappedKey { limit_bytes: 512 }),
        (Command::EndSession(ending()), Refusal::RecordingUnknown { recording: RECORDING }),
    ];
    for (command, refusal) in cases {
        assert_eq!(world.refused(command), refusal);
    }
    assert_eq!(world.catalog.session(RECORDING).unwrap(), None);
    world.done(Command::OpenSession(session(RECORDING)));
    let twice = world.refused(Command::OpenSession(session(RECORDING)));
    assert_eq!(twice, Refusal::RecordingExists { recording: RECORDING });
    let early = EndSession { end_ms: 999, ..ending() };
    let refusal = Refusal::EndBeforeStart { start_ms: 1_000, end_ms: 999 };
    assert_eq!(world.refused(Command::EndSession(early)), refusal);
}

#[test]
fn database_protocols_take_db_lines_only() {
    for protocol in Protocol::ALL {
        let mut world = World::new();
        let mut open = session(RECORDING);
        open.info.protocol = *protocol;
        open.info.format = Format::DbLines;
        world.done(Command::OpenSession(open));
        assert_eq!(Protocol::from_name(protocol.as_str()), Some(*protocol));
    }
}

/// A session, and what becomes of it.
#[derive(Debug, Clone)]
struct Story {
    open: OpenSession,
    end_ms: Option<u64>,
    /// The bytes of its recording, once it is sealed.
    size_bytes: Option<u64>,
}

/// One of the few values of each column, so that many rows share them.
fn some_session(number: u8) -> impl Strategy<Value = Story> {
    let texts = (0..4usize, 0..3usize, 0..3usize, 0..3usize, 0..2usize, 0..2usize);
    let ends = (prop::option::of(100..103u64), prop::option::of(2..5u64));
    (0..6u64, texts, ends).prop_map(move |(start, texts, (end_ms, size_bytes))| {
        let (user, device, protocol, credential, address, format) = texts;
        let info = SessionInfo {
            start_ms: start * 10,
            user_name: ["", "ada", "ada ", "bob"][user].to_owned(),
            device_address: ["a", "ab", "b"][device].to_owned(),
            protocol: [Protocol::Ssh, Protocol::Rdp, Protocol::Vnc][protocol],
            credential_user: ["", "root", "dba"][credential].to_owned(),
            user_address: ["", "192.0.2.1"][address].to_owned(),
            format: [Format::Guacamole, Format::Asciicast][format],
            ..info()
        };
        let open = OpenSession { info, ..session(RecordingId([number; 16])) };
        Story { open, end_ms, size_bytes }
    })
}

fn some_span(numbers: std::ops::Range<u64>) -> impl Strategy<Value = Span> {
    let some = prop::option::weighted(0.2, numbers);
    (some.clone(), some).prop_map(|(from, before)| Span { from, before })
}

/// Opens, ends and seals.
fn tell(world: &mut World, story: &Story) {
    let recording = story.open.recording;
    world.done(Command::OpenSession(story.open.clone()));
    if let Some(size_bytes) = story.size_bytes {
        let object = ObjectId::from(recording);
        let one = chunk(0, 1, 0);
        let length_bytes = one.length_bytes + size_bytes - one.plaintext_bytes;
        world.done(open_chunk(object, ChunkNumber(0), 1));
        world.done(close_chunk(object, ClosedChunk { plaintext_bytes: size_bytes, length_bytes, ..one }, 1));
        world.done(open_chunk(object, ChunkNumber::MANIFEST, 1));
        world.done(Command::Seal(Seal { length: size_bytes, ..seal(object, 1) }));
    }
    if let Some(end_ms) = story.end_ms {
        world.done(Command::EndSession(EndSession { recording, end_ms, ..ending() }));
    }
}

fn some_sessions() -> impl Strategy<Value = Vec<Story>> {
    (1..40u8).prop_flat_map(|count| (0..count).map(some_session).collect::<Vec<_>>())
}

fn some_query() -> impl Strategy<Value = SessionQuery> {
    let filter = (
        prop::option::of(0..70u64),
        prop::option::of(0..70u64),
        prop::option::of(prop::sample::select(vec!["", "ada", "bob", "eve"])),
        prop::option::of(prop::sample::select(vec!["a", "ab", "z"])),
        prop::option::of(prop::sample::select(vec![Protocol::Ssh, Protocol::Vnc, Protocol::Telnet])),
        prop::option::of(prop::sample::select(vec!["live", "finished", "dropped"])),
        prop::option::weighted(0.2, prop::sample::select(vec!["root", "dba"])),
        prop::option::weighted(0.2, prop::sample::select(vec!["", "192.0.2.1"])),
        prop::option::weighted(0.2, prop::sample::select(vec![Format::Guacamole, Format::Asciicast])),
    );
    let sort = prop::sample::select(vec![
        SessionColumn::Start,
        SessionColumn::User,
        SessionColumn::Device,
        SessionColumn::Protocol,
        SessionColumn::State,
        SessionColumn::End,
        SessionColumn::Duration,
        SessionColumn::Credential,
        SessionColumn::UserAddress,
        SessionColumn::Format,
        SessionColumn::Size,
    ]);
    let spans = (some_span(99..104), some_span(0..104), some_span(1..6));
    (filter, spans, sort, any::<bool>(), 1..9usize).prop_map(|(filter, spans, sort, descending, limit)| {
        SessionQuery {
            filter: SessionFilter {
                start_from_ms: filter.0,
                start_before_ms: filter.1,
                end_ms: spans.0,
                duration_ms: spans.1,
                size_bytes: spans.2,
                user_name: filter.2.map(str::to_owned),
                device_address: filter.3.map(str::to_owned),
                credential_user: filter.6.map(str::to_owned),
                user_address: filter.7.map(str::to_owned),
                protocol: filter.4,
                format: filter.8,
                state: filter.5.map(str::to_owned),
                auditor: None,
                not_denied_to: None,
            },
            sort,
            descending,
            limit,
            after: None,
        }
    })
}

/// Every row, filtered and sorted without an index.
fn naive(sessions: &[Story], query: &SessionQuery) -> Vec<RecordingId> {
    let filter = &query.filter;
    let number = |number: Option<u64>| format!("{:020}", number.unwrap_or(u64::MAX));
    let state = |end_ms: Option<u64>| if end_ms.is_some() { "finished" } else { "live" };
    let duration = |story: &Story| story.end_ms.map(|end_ms| end_ms.saturating_sub(story.open.info.start_ms));
    let is_in = |span: Span, number: Option<u64>| match (span.from, span.before) {
        (None, None) => true,
        (from, before) => number.is_some_and(|number| {
            number >= from.unwrap_or_default() && before.is_none_or(|before| number < before)
        }),
    };
    let mut found: Vec<_> = sessions
        .iter()
        .filter(|story| {
            let one = &story.open;
            is_in(filter.end_ms, story.end_ms)
                && is_in(filter.duration_ms, duration(story))
                && is_in(filter.size_bytes, story.size_bytes)
                && filter.start_from_ms.is_none_or(|from| one.info.start_ms >= from)
                && filter.start_before_ms.is_none_or(|before| one.info.start_ms < before)
                && filter.user_name.as_ref().is_none_or(|user| *user == one.info.user_name)
                && filter.device_address.as_ref().is_none_or(|device| *device == one.info.device_address)
                && filter.credential_user.as_ref().is_none_or(|wanted| *wanted == one.info.credential_user)
                && filter.user_address.as_ref().is_none_or(|wanted| *wanted == one.info.user_address)
                && filter.protocol.is_none_or(|protocol| protocol == one.info.protocol)
                && filter.format.is_none_or(|format| format == one.info.format)
                && filter.state.as_ref().is_none_or(|wanted| wanted == state(story.end_ms))
        })
        .map(|story| {
            let one = &story.open;
            let column = match query.sort {
                SessionColumn::Start => String::new(),
                SessionColumn::User => one.info.user_name.clone(),
                SessionColumn::Device => one.info.device_address.clone(),
                SessionColumn::Protocol => one.info.protocol.to_string(),
                SessionColumn::State => state(story.end_ms).to_owned(),
                SessionColumn::End => number(story.end_ms),
                SessionColumn::Duration => number(duration(story)),
                SessionColumn::Credential => one.info.credential_user.clone(),
                SessionColumn::UserAddress => one.info.user_address.clone(),
                SessionColumn::Format => one.info.format.to_string(),
                SessionColumn::Size => number(story.size_bytes),
            };
            (column, one.info.start_ms, one.recording)
        })
        .collect();
    found.sort();
    if query.descending {
        found.reverse();
    }
    found.into_iter().map(|(_, _, recording)| recording).collect()
}

/// So few rows that all that a page may cost is reached.
fn some_bounds() -> impl Strategy<Value = PageBounds> {
    (1..6usize, 1..30usize, 0..60usize, 1..6usize).prop_map(|(tried, more, gathered, at_once)| PageBounds {
        tried,
        looked_at: tried + more,
        gathered,
        in_vain: 1,
        at_once,
    })
}

proptest! {
    #[test]
    fn pages_together_are_what_a_filter_over_all_rows_finds(
        sessions in some_sessions(),
        queries in prop::collection::vec((some_query(), some_bounds()), 12),
    ) {
        let mut world = World::new();
        for story in &sessions {
            tell(&mut world, story);
        }
        for (mut query, bounds) in queries {
            let expected = naive(&sessions, &query);
            let mut found = Vec::new();
            loop {
                let page = world.catalog.sessions_within(&query, bounds).unwrap();
                prop_assert!(page.sessions.len() <= query.limit);
                found.extend(page.sessions.into_iter().map(|(recording, _)| recording));
                let Some(next) = page.next else { break };
                query.after = Some(Cursor::from_bytes(next.as_bytes()).unwrap());
            }
            prop_assert_eq!(found, expected, "{:?}", query);
        }
    }
}

#[test]
fn a_foreign_cursor_is_refused_or_finds_nothing_forbidden() {
    assert_eq!(Cursor::from_bytes(b""), Err(CursorError));
    assert_eq!(Cursor::from_bytes(&[Tree::Tokens.number(), 1]), Err(CursorError));
    let mut world = World::new();
    world.done(Command::OpenSession(session(RECORDING)));
    let filter = SessionFilter { user_name: Some("bob".to_owned()), ..SessionFilter::default() };
    let after = Some(Cursor::from_bytes(&[Tree::SessionsByUser.number()]).unwrap());
    let query = SessionQuery { filter, sort: SessionColumn::Start, descending: false, limit: 5, after };
    assert_eq!(world.catalog.sessions(&query).unwrap(), SessionPage { sessions: vec![], next: None });
}

#[test]
fn a_session_moves_to_the_duration_that_its_index_finds() {
    const OTHER_RECORDING: RecordingId = RecordingId([8; 16]);
    let mut world = World::recorded();
    world.done(Command::OpenSession(session(OTHER_RECORDING)));
    world.done(Command::EndSession(EndSession { recording: OTHER_RECORDING, end_ms: 6_000, ..ending() }));
    let sorted = |world: &World| -> Vec<_> {
        let (filter, sort) = (SessionFilter::default(), SessionColumn::Duration);
        let query = SessionQuery { filter, sort, descending: false, limit: 9, after: None };
        let page = world.catalog.sessions(&query).unwrap().sessions.into_iter();
        page.map(|(recording, row)| (recording, row.duration_ms())).collect()
    };
    assert_eq!(sorted(&world), [(RECORDING, Some(4_000)), (OTHER_RECORDING, Some(5_000))]);
    let claim = world.claim(JobId(1), MEMBER);
    let (artefact, keystrokes) = (world.artefact(), world.artefact());
    let facts = IndexFacts {
        duration_ms: 9_000,
        width: 1,
        height: 1,
        frames: 1,
        keystrokes: 0,
        statements: 0,
        artefact,
    };
    world.done(Command::CompleteIndex(CompleteIndex { claim, facts, keystrokes }));
    assert_eq!(sorted(&world), [(OTHER_RECORDING, Some(5_000)), (RECORDING, Some(9_000))]);
}

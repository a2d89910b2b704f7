use super::*;

#[test]
fn a_recording_goes_from_its_first_chunk_to_its_seal() {
    let mut world = World::new();
    world.done(Command::OpenSession(session(RECORDING)));
    world.done(open_chunk(OBJECT, ChunkNumber(0), 1));
    world.done(close_chunk(OBJECT, chunk(0, 1, 0), 1));
    world.done(open_chunk(OBJECT, ChunkNumber::MANIFEST, 1));
    assert_eq!(world.done(Command::Seal(seal(OBJECT, 1))), Outcome::Sealed { index_job: Some(JobId(1)) });

    let facts = SealFacts { manifest_hash: HASH, root: HASH, length: 1, chunk_count: 1 };
    assert_eq!(
        world.catalog.object(OBJECT).unwrap(),
        Some(ObjectRow {
            state: ObjectState::Sealed(facts),
            epoch: Epoch(1),
            owner: MEMBER,
            open_chunk: None,
            chunk_count: 1,
            length: 1,
            keys: Some(keys()),
            newest_stream: StreamId(0),
        })
    );
    let row = |chunk| ChunkRow { chunk, members: vec![MEMBER] };
    let manifest = chunk(ChunkNumber::MANIFEST.0, 1, 0);
    assert_eq!(
        world.catalog.chunks(OBJECT, ChunkNumber(0), 10).unwrap(),
        [(ChunkNumber(0), row(chunk(0, 1, 0))), (ChunkNumber::MANIFEST, row(manifest))]
    );
    assert_eq!(world.catalog.job(JobId(1)).unwrap().unwrap().kind, JobKind::Index);
    assert_eq!(
        world.refused(open_chunk(OBJECT, ChunkNumber(1), 1)),
        Refusal::ObjectSealed { object: OBJECT }
    );
}

#[test]
fn chunks_are_opened_and_closed_one_after_the_other() {
    let mut world = World::new();
    let object = OBJECT;
    let number = ChunkNumber;
    let unknown = Refusal::ObjectUnknown { object };
    assert_eq!(world.refused(open_chunk(OBJECT, number(0), 1)), unknown);
    world.done(Command::OpenSession(session(RECORDING)));
    let gap = Refusal::ChunkNumber { object, expected: number(0), given: number(1) };
    assert_eq!(world.refused(open_chunk(OBJECT, number(1), 1)), gap);
    let closed = Refusal::ChunkNotOpen { object, number: number(0) };
    assert_eq!(world.refused(close_chunk(OBJECT, chunk(0, 1, 0), 1)), closed);

    for members in [vec![], vec![OTHER, MEMBER], vec![MEMBER, MEMBER], (0..10).map(MemberId).collect()] {
        let open = OpenChunk { object, number: number(0), epoch: Epoch(1), members };
        assert_eq!(world.refused(Command::OpenChunk(open)), Refusal::ChunkMembers { limit: 9 });
    }
    world.done(open_chunk(OBJECT, number(0), 1));
    let open = Refusal::ChunkOpen { object, number: number(0) };
    assert_eq!(world.refused(open_chunk(OBJECT, number(0), 1)), open);
    assert_eq!(world.refused(open_chunk(OBJECT, ChunkNumber::MANIFEST, 1)), open);
    assert_eq!(world.refused(Command::Interrupt { object, epoch: Epoch(1) }), open);

    let moved = Refusal::ChunkOffset { object, expected: 0, given: 8 };
    assert_eq!(world.refused(close_chunk(OBJECT, chunk(0, 1, 8), 1)), moved);
    let short = ClosedChunk { length_bytes: 1, ..chunk(0, 1, 0) };
    let implausible = Refusal::ChunkImplausible { object, number: number(0) };
    assert_eq!(world.refused(close_chunk(OBJECT, short, 1)), implausible);
    let manifest = chunk(ChunkNumber::MANIFEST.0, 1, 0);
    assert_eq!(world.refused(close_chunk(OBJECT, manifest, 1)), Refusal::ManifestUnsealed { object });
    let unsealed = Refusal::ChunkNotOpen { object, number: ChunkNumber::MANIFEST };
    assert_eq!(world.refused(Command::Seal(seal(OBJECT, 1))), unsealed);
    world.done(close_chunk(OBJECT, chunk(0, 1, 0), 1));
    world.done(open_chunk(OBJECT, number(1), 1));
    world.done(close_chunk(OBJECT, chunk(1, 1, 1), 1));
    world.done(open_chunk(OBJECT, ChunkNumber::MANIFEST, 1));
    let differs = Refusal::SealDiffers { object, chunks: 2, length: 2 };
    assert_eq!(world.refused(Command::Seal(seal(OBJECT, 1))), differs);
    world.done(Command::Seal(Seal { length: 2, chunk_count: 2, ..seal(OBJECT, 1) }));
}

#[test]
fn an_owner_that_was_taken_over_commits_nothing_more() {
    let mut world = World::new();
    world.done(Command::OpenSession(session(RECORDING)));
    world.done(open_chunk(OBJECT, ChunkNumber(0), 1));
    let object = OBJECT;
    let take = |epoch| Command::TakeOver { object, epoch: Epoch(epoch), owner: OTHER };
    for given in [0, 1, 3] {
        let refusal = Refusal::EpochNotNext { object, next: Epoch(2), given: Epoch(given) };
        assert_eq!(world.refused(take(given)), refusal);
    }
    let fact = OpenChunkFact { number: ChunkNumber(0), epoch: Epoch(1), members: vec![MEMBER] };
    assert_eq!(world.done(take(2)), Outcome::TakenOver { open_chunk: Some(fact) });

    let stale = Refusal::EpochNotCurrent { object, current: Epoch(2), given: Epoch(1) };
    let before = [
        open_chunk(OBJECT, ChunkNumber(1), 1),
        close_chunk(OBJECT, chunk(0, 1, 0), 1),
        Command::Seal(seal(OBJECT, 1)),
        Command::Interrupt { object, epoch: Epoch(1) },
    ];
    for command in before {
        assert_eq!(world.refused(command), stale);
    }
    // The chunk keeps the epoch in which it was opened; the new owner closes it in its own.
    let other = ClosedChunk { epoch: Epoch(2), ..chunk(0, 1, 0) };
    let not_open = Refusal::ChunkNotOpen { object, number: ChunkNumber(0) };
    assert_eq!(world.refused(close_chunk(OBJECT, other, 2)), not_open);
    world.done(close_chunk(OBJECT, chunk(0, 1, 0), 2));
    world.done(open_chunk(OBJECT, ChunkNumber(1), 2));
    assert_eq!(world.catalog.object(OBJECT).unwrap().unwrap().owner, OTHER);
}

#[test]
fn a_manifest_that_was_taken_over_is_written_again() {
    let mut world = World::new();
    world.done(Command::OpenSession(session(RECORDING)));
    world.done(open_chunk(OBJECT, ChunkNumber(0), 1));
    world.done(close_chunk(OBJECT, chunk(0, 1, 0), 1));
    world.done(open_chunk(OBJECT, ChunkNumber::MANIFEST, 1));
    world.done(Command::TakeOver { object: OBJECT, epoch: Epoch(2), owner: OTHER });
    world.done(open_chunk(OBJECT, ChunkNumber::MANIFEST, 2));
    world.done(Command::Seal(seal(OBJECT, 2)));
}

#[test]
fn a_manifest_that_was_taken_over_and_is_not_written_again_is_given_up() {
    let mut world = World::new();
    world.clock(10_000);
    world.done(Command::OpenSession(session(RECORDING)));
    world.done(open_chunk(OBJECT, ChunkNumber(0), 1));
    let let_go = |epoch| Command::LetGo { object: OBJECT, epoch: Epoch(epoch), idle_ms: 0 };
    let open = |number| Refusal::ChunkOpen { object: OBJECT, number };
    assert_eq!(world.refused(let_go(1)), open(ChunkNumber(0)));
    world.done(close_chunk(OBJECT, chunk(0, 1, 0), 1));
    world.done(open_chunk(OBJECT, ChunkNumber::MANIFEST, 1));
    assert_eq!(world.refused(let_go(1)), open(ChunkNumber::MANIFEST));
    world.done(Command::TakeOver { object: OBJECT, epoch: Epoch(2), owner: OTHER });
    world.done(let_go(2));
    let row = world.catalog.object(OBJECT).unwrap().unwrap();
    assert_eq!((row.state, row.open_chunk), (ObjectState::Interrupted { since_ms: 10_000 }, None));
}

#[test]
fn an_interrupted_recording_goes_on_with_its_next_chunk() {
    let mut world = World::new();
    world.clock(10_000);
    world.done(Command::OpenSession(session(RECORDING)));
    world.done(Command::Interrupt { object: OBJECT, epoch: Epoch(1) });
    world.clock(20_000);
    world.done(Command::Interrupt { object: OBJECT, epoch: Epoch(1) });
    let state = |world: &World| world.catalog.object(OBJECT).unwrap().unwrap().state;
    assert_eq!(state(&world), ObjectState::Interrupted { since_ms: 10_000 });
    world.done(open_chunk(OBJECT, ChunkNumber(0), 1));
    assert_eq!(state(&world), ObjectState::Open);
}

#[test]
fn streams_of_a_recording_are_counted_and_have_no_job() {
    let mut world = World::recorded();
    for stream in 1..4 {
        let opened = world.done(Command::OpenStream { recording: RECORDING, owner: MEMBER });
        assert_eq!(opened, Outcome::Stream(StreamId(stream)));
        let object = ObjectId { recording: RECORDING, stream: StreamId(stream) };
        assert_eq!(world.write(object), Outcome::Sealed { index_job: None });
    }
    let text = world.done(Command::OpenTextStream { recording: RECORDING, owner: MEMBER });
    assert_eq!(text, Outcome::Stream(StreamId(4).of_text()));
    assert_eq!((StreamId(4).is_text(), StreamId(4).of_text().is_text()), (false, true));
    let object = ObjectId { recording: RECORDING, stream: StreamId(4).of_text() };
    assert_eq!(world.write(object), Outcome::Sealed { index_job: None });
    let after = world.done(Command::OpenStream { recording: RECORDING, owner: MEMBER });
    assert_eq!(after, Outcome::Stream(StreamId(5)));
    let recording = RecordingId([1; 16]);
    let unknown = world.refused(Command::OpenStream { recording, owner: MEMBER });
    assert_eq!(unknown, Refusal::RecordingUnknown { recording });
}

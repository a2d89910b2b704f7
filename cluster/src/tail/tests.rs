//! A cluster of one: the same machines with R = 1 and W = 1, whose facts answer at once.

use super::*;
use crate::catalog::{
    Catalog, ClockSample, Command, CommandEntry, End, EndSession, Format, LogPosition, MembershipRow,
    MemoryEngine, ObjectState, OpenSession, Protocol, Purge, PurgeCause, Request as FactsRequest,
    SessionInfo, SessionState, WrappedKeys,
};
use crate::chunk::Keks;
use crate::chunk::disk::{MemoryDisk, Volume};
use crate::chunk::journal::JournalLimits;
use crate::chunk::key::{DataKey, Kek, KekId, KeyPurpose};
use crate::id::{MemberId, ObjectId, RecordingId};
use ring::rand::SystemRandom;
use std::collections::VecDeque;
use std::sync::Arc;

const ME: MemberId = MemberId(1);
const RECORDING: RecordingId = RecordingId([7; 16]);

struct Alone {
    disk: MemoryDisk,
    keks: Arc<Keks>,
    catalog: Catalog,
    member: Member,
    index: u64,
    now_ms: u64,
    wall_ms: u64,
    requests: u64,
    answers: Vec<Answer>,
    /// Whether the disk closes no files for now.
    closes_later: bool,
    later: Vec<Closing>,
}

fn start(disk: &MemoryDisk, keks: &Arc<Keks>, catalog: &Catalog) -> Member {
    let volume = Volume::new(Arc::new(disk.clone()), "");
    let (shelf, found) = Shelf::open(volume, JournalLimits::default()).unwrap();
    let (catalog, keks) = (catalog.clone(), Arc::clone(keks));
    Member::new(MemberParts { member: ME, options: TailOptions::default(), shelf, found, catalog, keks })
}

impl Alone {
    /// With an object that its process owns.
    fn new() -> (Self, ObjectId) {
        let (disk, catalog) = (MemoryDisk::default(), Catalog::new(Arc::new(MemoryEngine::new())));
        let keks = Arc::new(Keks::from(Kek::generate(KekId(1), &SystemRandom::new()).unwrap()));
        let member = start(&disk, &keks, &catalog);
        let mut alone = Self {
            disk,
            keks,
            catalog,
            member,
            index: 0,
            now_ms: 0,
            wall_ms: 0,
            requests: 0,
            answers: Vec::new(),
            closes_later: false,
            later: Vec::new(),
        };
        alone.entry(CommandEntry::Membership(MembershipRow { voters: vec![ME], raft: Vec::new() }));
        alone.tick();
        let key = DataKey::generate(RECORDING, KeyPurpose::Bytes, &SystemRandom::new()).unwrap();
        let data = key.wrap(&alone.keks.newest(), &SystemRandom::new()).unwrap().to_bytes().to_vec();
        let keys = WrappedKeys { kek: KekId(1), derived: data.clone(), data };
        let info = SessionInfo {
            protocol: Protocol::Ssh,
            format: Format::Asciicast,
            device_address: "device".to_owned(),
            credential_user: String::new(),
            user_name: String::new(),
            user_address: String::new(),
            start_ms: 0,
            recorder_token: None,
        };
        let session = OpenSession { recording: RECORDING, info, keys, owner: ME };
        let command = Command::OpenSession(session);
        alone.entry(CommandEntry::Requests(vec![FactsRequest { id: None, command }]));
        alone.member.begin(RECORDING.into(), 0).unwrap();
        (alone, RECORDING.into())
    }

    fn entry(&mut self, entry: CommandEntry) -> Option<crate::catalog::Applied> {
        self.index += 1;
        let position = LogPosition { term: 1, leader: ME, index: self.index };
        self.catalog.apply(vec![(position, entry)]).unwrap().remove(0).pop()
    }

    fn act(&mut self, effects: Vec<Effect>) {
        let mut left = VecDeque::from(effects);
        while let Some(effect) = left.pop_front() {
            let now_ms = self.now_ms;
            let more = match effect {
                Effect::Send { message, .. } => self.member.receive(ME, message, now_ms),
                Effect::Submit { ticket, command } => {
                    let request = FactsRequest { id: None, command: command.clone() };
                    let applied = self.entry(CommandEntry::Requests(vec![request])).unwrap();
                    if let Command::CloseChunk(close) = &command {
                        self.member.committed(close.object, close.chunk.number).unwrap();
                    } else if let Command::Seal(seal) = &command {
                        self.member.committed(seal.object, seal.manifest.number).unwrap();
                    }
                    self.member.told(ticket, Told::Applied(applied), now_ms)
                }
                Effect::ReadIndex { ticket } => self.member.told(ticket, Told::Read, now_ms),
                Effect::Sync => self
                    .member
                    .batch(now_ms)
                    .map_or(Ok(Vec::new()), |batch| Ok(self.member.durable(batch.run().unwrap()))),
                Effect::Answer { answer, .. } => {
                    self.answers.push(answer);
                    Ok(Vec::new())
                }
            };
            left.extend(more.unwrap());
            self.later.extend(self.member.closings());
            for closing in self.later.extract_if(.., |_| !self.closes_later) {
                left.extend(self.member.closed(closing.run().unwrap(), now_ms).unwrap());
            }
        }
    }

    /// The disk closes one of the files that wait.
    fn close_one(&mut self) {
        let closing = self.later.remove(0);
        let effects = self.member.closed(closing.run().unwrap(), self.now_ms).unwrap();
        self.act(effects);
    }

    /// The cluster's time goes on by hours, and everything is looked at.
    fn pass(&mut self, hours: u64) {
        /// As often as members tell the time when they are late.
        const STEP_MS: u64 = 30_000;
        for _ in 0..hours * 3_600_000 / STEP_MS {
            self.step_clock(STEP_MS);
        }
        self.look();
    }

    fn step_clock(&mut self, step_ms: u64) {
        self.wall_ms += step_ms;
        self.command(Command::Clock(ClockSample { member: ME, wall_ms: self.wall_ms }));
    }

    fn look(&mut self) {
        for _ in 0..3 {
            self.now_ms += TailOptions::default().survey_ms;
            self.tick();
        }
    }

    fn command(&mut self, command: Command) {
        self.entry(CommandEntry::Requests(vec![FactsRequest { id: None, command }])).unwrap().unwrap();
    }

    fn state(&self, object: ObjectId) -> (ObjectState, SessionState) {
        let session = self.catalog.session(object.recording).unwrap().unwrap();
        (self.catalog.object(object).unwrap().unwrap().state, session.state)
    }

    fn tick(&mut self) {
        self.now_ms += 100;
        let effects = self.member.tick(self.now_ms).unwrap();
        self.act(effects);
    }

    fn ask(&mut self, object: ObjectId, request: Request) -> Vec<Answer> {
        self.requests += 1;
        let effects = self.member.ask(RequestNumber(self.requests), object, request, self.now_ms).unwrap();
        self.act(effects);
        self.tick();
        std::mem::take(&mut self.answers)
    }

    fn append(&mut self, object: ObjectId, offset: u64, bytes: &[u8]) -> Vec<Answer> {
        self.ask(object, Request::Append { offset, bytes: bytes.to_vec().into() })
    }

    fn read(&mut self, object: ObjectId, offset: u64) -> Vec<Answer> {
        self.requests += 1;
        let effects = self.member.read(RequestNumber(self.requests), object, offset, self.now_ms).unwrap();
        self.act(effects);
        std::mem::take(&mut self.answers)
    }
}

#[test]
fn appends_are_answered_by_where_they_stand() {
    let (mut alone, object) = Alone::new();
    assert_eq!(alone.append(object, 0, b"first "), [Answer::Durable { offset: 6 }]);
    assert_eq!(alone.append(object, 6, b"second"), [Answer::Durable { offset: 12 }]);
    assert_eq!(alone.append(object, 6, b"second"), [Answer::Behind { durable_offset: 12 }]);
    assert_eq!(alone.append(object, 13, b"third"), [Answer::Gap { durable_offset: 12 }]);
    assert_eq!(alone.ask(object, Request::DurableOffset), [Answer::Durable { offset: 12 }]);
    assert_eq!(alone.read(object, 3), [Answer::Bytes(b"st second".to_vec())]);
    assert_eq!(alone.read(object, 12), [Answer::Bytes(Vec::new())]);
}

#[test]
fn bytes_on_their_way_are_compared_with_those_that_come_again() {
    let (mut alone, object) = Alone::new();
    let append = |bytes: &[u8]| Request::Append { offset: 0, bytes: bytes.to_vec().into() };
    let effects = alone.member.ask(RequestNumber(1), object, append(b"one"), 0).unwrap();
    assert_eq!(alone.member.ask(RequestNumber(2), object, append(b"one and"), 0).unwrap(), []);
    let conflict = Effect::Answer { request: RequestNumber(3), answer: Answer::Conflict };
    assert_eq!(alone.member.ask(RequestNumber(3), object, append(b"two"), 0).unwrap(), [conflict]);
    alone.act(effects);
    assert_eq!(alone.answers, [Answer::Durable { offset: 7 }, Answer::Durable { offset: 7 }]);
}

#[test]
fn a_process_that_starts_anew_ends_the_chunk_and_goes_on_in_the_next_epoch() {
    let (mut alone, object) = Alone::new();
    assert_eq!(alone.append(object, 0, b"before"), [Answer::Durable { offset: 6 }]);
    alone.disk.cut_power(&mut |_| 0);
    alone.member = start(&alone.disk, &alone.keks, &alone.catalog);
    assert_eq!(alone.ask(object, Request::DurableOffset), [Answer::Busy]);
    alone.tick();
    assert_eq!(alone.append(object, 6, b" after"), [Answer::Durable { offset: 12 }]);
    let row = alone.catalog.object(object).unwrap().unwrap();
    assert_eq!((row.epoch.0, row.chunk_count, row.length), (2, 1, 6));
    assert_eq!(alone.read(object, 0), [Answer::Bytes(b"before".to_vec())]);
    assert_eq!(alone.read(object, 6), [Answer::Bytes(b" after".to_vec())]);
}

#[test]
fn an_object_is_interrupted_resumed_and_sealed() {
    let (mut alone, object) = Alone::new();
    assert_eq!(alone.append(object, 0, b"one"), [Answer::Durable { offset: 3 }]);
    assert_eq!(alone.ask(object, Request::Interrupt), [Answer::Interrupted]);
    let state = |alone: &Alone| alone.catalog.object(object).unwrap().unwrap().state;
    assert!(matches!(state(&alone), ObjectState::Interrupted { .. }));
    assert_eq!(alone.append(object, 3, b"two"), [Answer::Durable { offset: 6 }]);
    let sealed = alone.ask(object, Request::Seal);
    let ObjectState::Sealed(facts) = state(&alone) else { panic!("{sealed:?}") };
    assert_eq!((facts.length, facts.chunk_count), (6, 2));
    assert_eq!(sealed, [Answer::Sealed(facts)]);
    assert_eq!(alone.append(object, 6, b"more"), [Answer::Sealed(facts)]);
    assert_eq!(alone.read(object, 4), [Answer::Bytes(b"wo".to_vec())]);
    assert_eq!(alone.member.shelf().open_chunks().count(), 0);
}

#[test]
fn an_object_that_nobody_writes_is_interrupted() {
    let (mut alone, object) = Alone::new();
    assert_eq!(alone.append(object, 0, b"one"), [Answer::Durable { offset: 3 }]);
    alone.now_ms += TailOptions::default().idle_ms;
    alone.tick();
    alone.tick();
    let row = alone.catalog.object(object).unwrap().unwrap();
    assert!(matches!(row.state, ObjectState::Interrupted { .. }), "{row:?}");
    assert_eq!((row.length, row.open_chunk, alone.member.owns(object)), (3, None, false));
}

#[test]
fn a_seal_is_answered_once_the_files_of_its_chunks_are_closed() {
    let (mut alone, object) = Alone::new();
    assert_eq!(alone.append(object, 0, b"one"), [Answer::Durable { offset: 3 }]);
    alone.closes_later = true;
    assert_eq!(alone.ask(object, Request::Seal), [], "the chunk is not closed");
    alone.close_one();
    assert_eq!((alone.answers.len(), alone.later.len()), (0, 1), "the manifest is not closed");
    assert!(matches!(alone.catalog.object(object).unwrap().unwrap().state, ObjectState::Sealed(_)));
    alone.close_one();
    assert!(matches!(alone.answers[..], [Answer::Sealed(_)]));
    assert!(alone.later.is_empty());
}

/// An object that was interrupted after three bytes, one hour after the start.
fn interrupted() -> (Alone, ObjectId, ObjectState) {
    let (mut alone, object) = Alone::new();
    alone.pass(1);
    assert_eq!(alone.append(object, 0, b"one"), [Answer::Durable { offset: 3 }]);
    assert_eq!(alone.ask(object, Request::Interrupt), [Answer::Interrupted]);
    (alone, object, ObjectState::Interrupted { since_ms: 3_600_000 })
}

#[test]
fn an_interrupted_recording_is_ended_and_sealed_after_the_hours_in_which_it_can_be_resumed() {
    let (mut alone, object, state) = interrupted();
    alone.pass(23);
    assert_eq!(alone.state(object), (state, SessionState::Live));
    alone.pass(1);
    let (state, session) = alone.state(object);
    assert!(matches!(state, ObjectState::Sealed(facts) if facts.length == 3), "{state:?}");
    let (error_message, reason) = (String::new(), String::new());
    let ended = SessionState::Ended { end: End::Interrupted, end_ms: 3_600_000, error_message, reason };
    assert_eq!(session, ended);
    assert!(!alone.member.owns(object));
}

#[test]
fn a_recording_that_was_resumed_has_all_hours_again() {
    let (mut alone, object, _) = interrupted();
    alone.pass(23);
    assert_eq!(alone.append(object, 3, b"two"), [Answer::Durable { offset: 6 }]);
    alone.pass(2);
    assert_eq!(alone.ask(object, Request::Interrupt), [Answer::Interrupted]);
    alone.pass(23);
    let since_ms = 26 * 3_600_000;
    assert_eq!(alone.state(object), (ObjectState::Interrupted { since_ms }, SessionState::Live));
    alone.pass(1);
    assert!(matches!(alone.state(object).0, ObjectState::Sealed(facts) if facts.length == 6));
}

#[test]
fn no_recording_is_sealed_by_a_clock_that_is_suspected() {
    let (mut alone, object, state) = interrupted();
    alone.step_clock(2 * 3_600_000);
    alone.pass(24);
    assert_eq!(alone.state(object), (state, SessionState::Live));
    alone.command(Command::ConfirmClock { by: "ada".to_owned() });
    alone.look();
    assert!(matches!(alone.state(object).0, ObjectState::Sealed(_)));
}

#[test]
fn time_in_which_the_cluster_stood_still_does_not_count() {
    let (mut alone, object, state) = interrupted();
    alone.pass(12);
    for _ in 0..24 {
        alone.step_clock(30 * 60_000);
    }
    alone.pass(11);
    assert_eq!(alone.state(object), (state, SessionState::Live));
    alone.pass(1);
    assert!(matches!(alone.state(object).0, ObjectState::Sealed(_)));
}

#[test]
fn the_chunks_of_a_purged_session_are_not_fetched_again() {
    let (mut alone, object) = Alone::new();
    assert_eq!(alone.append(object, 0, b"one"), [Answer::Durable { offset: 3 }]);
    let (error_message, reason) = (String::new(), String::new());
    let end = EndSession { recording: RECORDING, end: End::Finished, end_ms: 1, error_message, reason };
    alone.command(Command::EndSession(end));
    alone.ask(object, Request::Seal);
    let store = alone.member.shelf().store().clone();
    let closed = store.list_closed(RECORDING).unwrap();
    assert_eq!(closed.len(), 2);
    closed.iter().for_each(|chunk| store.delete(*chunk).unwrap());
    alone.look();
    assert!(!alone.member.is_whole(), "they are missing as long as they are needed");
    let cause = PurgeCause::Person { by: "ada".to_owned(), reason: "asked".to_owned() };
    alone.command(Command::Purge(Purge { recording: RECORDING, cause }));
    alone.member.repairs().start_now();
    alone.look();
    assert!(alone.member.is_whole());
}

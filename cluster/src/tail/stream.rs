//! The chunk that an owner writes: cut into records, sent to its members, acknowledged by enough of them.

use super::frames::Frames;
use super::message::{Append, Message};
use super::turn::{ChosenBy, Turn};
use crate::chunk::{ChunkHeader, RecordSealer, SealError, SealedRecord, Writer, disk_size};
use crate::id::MemberId;
use std::collections::{BTreeMap, VecDeque};

/// So many bytes that were sent have a millisecond more before they are sent again: they have to be written and synced.
const RETRY_BYTES_PER_MS: u64 = 8 << 10;

/// An open chunk at its owner.
///
/// INVARIANT: a record is sealed once. What is sent again is the sealed record.
#[derive(Debug)]
pub(crate) struct Stream {
    header: ChunkHeader,
    cutter: Writer,
    replicas: BTreeMap<MemberId, Progress>,
    /// By which layout these members were chosen, and whether by the applied one others would be.
    by: ChosenBy,
    is_outdated: bool,
    write_quorum: usize,
    /// Records that some replica may lack, from `first` on.
    records: VecDeque<SealedRecord>,
    first: u32,
    next: u32,
    /// The length of all records.
    bytes: u64,
    /// How many records are durable on enough members, and where they end.
    durable: u32,
    durable_offset: u64,
}

#[derive(Debug, Default)]
struct Progress {
    /// Records that are durable there.
    acked: u32,
    /// Records that were sent since, and when the last ones were.
    sent: u32,
    sent_ms: u64,
    /// When it last made progress, or had nothing to do.
    moved_ms: u64,
    /// The durable offset that it was told last, and the one that it has answered to.
    told: u64,
    knows: u64,
    /// It lost its place in the chunk.
    is_lost: bool,
    /// It has no room.
    is_full: bool,
}

impl Stream {
    pub(crate) fn new(
        sealer: RecordSealer,
        (members, by): (&[MemberId], ChosenBy),
        write_quorum: usize,
        now_ms: u64,
    ) -> Self {
        let header = *sealer.header();
        let progress = || Progress {
            moved_ms: now_ms,
            told: header.offset,
            knows: header.offset,
            ..Progress::default()
        };
        Self {
            header,
            cutter: Writer::new(sealer),
            replicas: members.iter().map(|member| (*member, progress())).collect(),
            by,
            is_outdated: false,
            write_quorum,
            records: VecDeque::new(),
            first: 0,
            next: 0,
            bytes: 0,
            durable: 0,
            durable_offset: header.offset,
        }
    }

    pub(crate) fn header(&self) -> &ChunkHeader {
        &self.header
    }

    pub(crate) fn members(&self) -> Vec<MemberId> {
        self.replicas.keys().copied().collect()
    }

    /// Up to where bytes are durable on enough members.
    pub(crate) fn durable_offset(&self) -> u64 {
        self.durable_offset
    }

    /// Where its last record ends.
    pub(crate) fn end(&self) -> u64 {
        self.cutter.offset()
    }

    /// Whether it takes no more bytes.
    pub(crate) fn is_full(&self, turn: &Turn<'_>) -> bool {
        self.cutter.is_full() || self.bytes >= turn.around.options.chunk_bytes
    }

    /// Whether it has all that was pushed on every member, or some member is lost: then nothing is gained by waiting.
    pub(crate) fn is_settled(&self) -> bool {
        self.is_broken() || self.replicas.values().all(|progress| progress.acked == self.next)
    }

    /// Whether a member is lost or too slow, or the layout names others, so that the chunk is to end.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_outdated || self.replicas.values().any(|progress| progress.is_lost)
    }

    /// Cuts bytes into records and sends them. Returns how many were taken.
    pub(crate) fn push(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> Result<usize, SealError> {
        let mut records = Vec::new();
        let taken = self.cutter.push(bytes, &mut records)?;
        records.extend(self.cutter.flush()?);
        for record in records {
            self.bytes += disk_size(record.frame().len());
            self.next += 1;
            self.records.push_back(record);
        }
        for member in self.members() {
            self.send(member, turn);
        }
        Ok(taken)
    }

    /// A member says how many records are durable there.
    pub(crate) fn appended(&mut self, member: MemberId, records: u32, turn: &Turn<'_>) {
        let next = self.next;
        let Some(progress) = self.replicas.get_mut(&member) else { return };
        (progress.knows, progress.is_full) = (progress.told, false);
        // Fewer may be an answer that was late; that it is none shows when no other comes.
        if records > progress.acked && records <= next {
            (progress.acked, progress.moved_ms) = (records, turn.now_ms);
            progress.sent = progress.sent.max(records);
        }
        self.count();
    }

    /// A member has no room. It is asked again later.
    pub(crate) fn fill_up(&mut self, member: MemberId) {
        if let Some(progress) = self.replicas.get_mut(&member) {
            progress.is_full = true;
        }
    }

    /// Whether too few members have room for more.
    pub(crate) fn has_no_room(&self) -> bool {
        let takes = |progress: &&Progress| !progress.is_full && !progress.is_lost;
        self.replicas.values().filter(takes).count() < self.write_quorum
    }

    /// Asks those that had no room again.
    pub(crate) fn try_again(&mut self, turn: &mut Turn<'_>) {
        for member in self.members() {
            if let Some(progress) = self.replicas.get_mut(&member).filter(|progress| progress.is_full) {
                progress.sent = progress.acked;
                self.send(member, turn);
            }
        }
    }

    /// A member is known to know up to where readers may see.
    pub(crate) fn told(&mut self, member: MemberId) {
        if let Some(progress) = self.replicas.get_mut(&member) {
            progress.knows = self.durable_offset;
        }
    }

    /// A member takes no more of the chunk.
    pub(crate) fn lose(&mut self, member: MemberId) {
        if let Some(progress) = self.replicas.get_mut(&member) {
            progress.is_lost = true;
        }
    }

    /// Who has left the layout is lost. When another one was applied, the chunk is to end if it would be on others by it;
    /// as long as these are too few to write to, it goes on.
    pub(crate) fn follow_layout(&mut self, turn: &Turn<'_>) {
        for (member, progress) in &mut self.replicas {
            progress.is_lost |= !turn.around.layout.members.contains_key(member);
        }
        let by = turn.around.chosen_by();
        if self.by != by
            && let Some(chosen) = turn.choose_members(self.header.id.object)
        {
            self.by = by;
            self.is_outdated = chosen != self.members();
        }
    }

    /// Sends again what was not answered, and finds those that are lost.
    pub(crate) fn tick(&mut self, turn: &mut Turn<'_>) {
        let (next, durable_offset) = (self.next, self.durable_offset);
        let behind: BTreeMap<MemberId, u64> =
            self.replicas.iter().map(|(member, progress)| (*member, self.behind_bytes(progress))).collect();
        let options = turn.around.options.clone();
        for (member, progress) in &mut self.replicas {
            let is_done = progress.acked == next;
            if is_done {
                progress.moved_ms = turn.now_ms;
            }
            let is_stuck = turn.now_ms.saturating_sub(progress.moved_ms) > options.patience_ms;
            let is_slow = behind.get(member).is_some_and(|bytes| *bytes > options.behind_bytes);
            progress.is_lost |= is_stuck || is_slow;
            let retry_ms =
                options.retry_ms + behind.get(member).map_or(0, |bytes| bytes / RETRY_BYTES_PER_MS);
            if turn.now_ms.saturating_sub(progress.sent_ms) < retry_ms {
                continue;
            }
            progress.sent = progress.acked;
            if is_done && progress.knows < durable_offset {
                let append =
                    Append { chunk: self.header, first: next, frames: Frames::default(), durable_offset };
                (progress.told, progress.sent_ms) = (durable_offset, turn.now_ms);
                turn.send(*member, Message::Append(append));
            }
        }
        for member in self.members() {
            self.send(member, turn);
        }
    }

    /// Sends a member what it was not sent yet.
    fn send(&mut self, member: MemberId, turn: &mut Turn<'_>) {
        let (first, durable_offset) = (self.first, self.durable_offset);
        let Some(progress) = self.replicas.get_mut(&member).filter(|progress| !progress.is_lost) else {
            return;
        };
        while progress.sent < self.next {
            let from = progress.sent;
            let skipped = usize::try_from(from - first).unwrap_or(usize::MAX);
            let (frames, count) = Frames::some(self.records.iter().skip(skipped));
            progress.sent = from.saturating_add(count);
            (progress.sent_ms, progress.told) = (turn.now_ms, durable_offset);
            let append = Append { chunk: self.header, first: from, frames, durable_offset };
            turn.send(member, Message::Append(append));
        }
    }

    /// Counts what enough members have, and forgets the records that all have.
    fn count(&mut self) {
        let mut acked: Vec<u32> = self.replicas.values().map(|progress| progress.acked).collect();
        acked.sort_unstable_by(|one, other| other.cmp(one));
        let durable = acked.get(self.write_quorum - 1).copied().unwrap_or(0);
        if durable > self.durable {
            let last = usize::try_from(durable - self.first - 1).ok().and_then(|last| self.records.get(last));
            self.durable_offset = last.map_or(self.durable_offset, SealedRecord::end);
            self.durable = durable;
        }
        let all = acked.last().copied().unwrap_or(0);
        while self.first < all {
            self.records.pop_front();
            self.first += 1;
        }
    }

    fn behind_bytes(&self, progress: &Progress) -> u64 {
        let skipped = usize::try_from(progress.acked.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.records.iter().skip(skipped).map(|record| disk_size(record.frame().len())).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::TailOptions;
    use super::super::turn::Around;
    use super::*;
    use crate::catalog::{Layout, LayoutRole};
    use crate::chunk::key::{DataKey, KeyPurpose};
    use crate::id::{ChunkId, ChunkNumber, Epoch, RecordingId};
    use ring::rand::SystemRandom;
    use std::collections::BTreeSet;

    const RECORDING: RecordingId = RecordingId([7; 16]);

    fn layout(stamp: u64, members: std::ops::RangeInclusive<u64>) -> Layout {
        let members = members.map(|member| (MemberId(member), LayoutRole::default())).collect();
        Layout { version: 1, stamp, members }
    }

    fn sealer() -> RecordSealer {
        let id = ChunkId { object: RECORDING.into(), number: ChunkNumber(0), epoch: Epoch(1) };
        let key = DataKey::generate(RECORDING, KeyPurpose::Bytes, &SystemRandom::new()).unwrap();
        RecordSealer::new(&key, ChunkHeader { id, offset: 0 }).unwrap()
    }

    fn around() -> Around {
        Around {
            me: MemberId(1),
            peers: Vec::new(),
            layout: layout(1, 1..=2),
            wanted: 3,
            heard_ms: (2..=4).map(|member| (MemberId(member), 0)).collect(),
            gone: BTreeSet::new(),
            options: TailOptions::default(),
            last_ticket: 0,
        }
    }

    #[test]
    fn what_is_much_has_more_time_before_it_is_sent_again() {
        let mut around = around();
        let set = [MemberId(1), MemberId(2)];
        let retry_ms = around.options.retry_ms;
        let mut stream = Stream::new(sealer(), (&set, around.chosen_by()), 2, 0);
        let mut sent = |now_ms, act: &mut dyn FnMut(&mut Stream, &mut Turn<'_>)| {
            let mut turn = Turn { now_ms, around: &mut around, effects: Vec::new() };
            act(&mut stream, &mut turn);
            turn.effects.len()
        };
        let bytes = vec![7; 1 << 20];
        let mut push =
            |stream: &mut Stream, turn: &mut Turn<'_>| assert_eq!(stream.push(&bytes, turn), Ok(bytes.len()));
        let first = sent(0, &mut push);
        assert!(first >= set.len());
        let due_ms = retry_ms + (1 << 20) / RETRY_BYTES_PER_MS;
        assert_eq!(sent(due_ms - 1, &mut Stream::tick), 0);
        // What stands around the records counts as well.
        assert_eq!(sent(due_ms + 10, &mut Stream::tick), first);
    }

    #[test]
    fn a_chunk_ends_when_by_a_new_layout_it_would_be_on_others_and_enough_of_these_are_there() {
        let mut around = around();
        let set = [MemberId(1), MemberId(2)];
        let mut stream = Stream::new(sealer(), (&set, around.chosen_by()), 2, 0);
        let follow = |around: &mut Around, stream: &mut Stream| {
            stream.follow_layout(&Turn { now_ms: 0, around, effects: Vec::new() });
            stream.is_broken()
        };
        assert!(!follow(&mut around, &mut stream));
        // The same members by another layout; then one more, while too few of them can be heard.
        around.layout = layout(2, 1..=2);
        assert!(!follow(&mut around, &mut stream));
        (around.layout, around.wanted) = (layout(3, 1..=4), 4);
        let heard_ms = std::mem::take(&mut around.heard_ms);
        assert!(!follow(&mut around, &mut stream));
        around.heard_ms = heard_ms;
        assert!(follow(&mut around, &mut stream));
    }
}

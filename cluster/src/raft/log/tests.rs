use super::frame::{self, FrameError, HEAD_BYTES};
use super::recovery::{Damage, OpenError};
use super::segments::file_name;
use super::{LogFailure, LogOptions, RaftLog};
use crate::chunk::disk::{Disk as _, MemoryDisk};
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

const DIR: &str = "log";
const SMALL: LogOptions = LogOptions { segment_bytes: 400 };
const LARGE: LogOptions = LogOptions { segment_bytes: 64 << 20 };

fn open(disk: &MemoryDisk, options: LogOptions) -> Result<RaftLog, OpenError> {
    Ok(RaftLog::open(Arc::new(disk.clone()), Path::new(DIR), options)?.0)
}

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

/// Orders and waits for the answer.
fn wait(order: impl FnOnce(super::writer::Done)) -> Result<(), LogFailure> {
    let (done, answer) = mpsc::channel();
    order(Box::new(move |result| done.send(result).unwrap()));
    answer.recv().unwrap()
}

fn append(log: &RaftLog, index: u64) -> Result<(), LogFailure> {
    wait(|done| log.append(index, vec![entry(index)], done))
}

fn entries(log: &RaftLog) -> Vec<String> {
    let found = log.read(0, u64::MAX, usize::MAX).unwrap();
    found.iter().map(|entry| String::from_utf8(entry.to_vec()).unwrap()).collect()
}

fn named(indexes: impl IntoIterator<Item = u64>) -> Vec<String> {
    indexes.into_iter().map(|index| String::from_utf8(entry(index)).unwrap()).collect()
}

fn segment(number: u64) -> PathBuf {
    Path::new(DIR).join(file_name(number))
}

/// Where the frames of a segment begin.
fn frames(disk: &MemoryDisk, number: u64) -> Vec<usize> {
    let bytes = disk.contents(&segment(number)).unwrap();
    let (mut starts, mut at) = (Vec::new(), 0);
    while let Ok(frame) = frame::decode(bytes.get(at..).unwrap()) {
        starts.push(at);
        at += frame.length();
    }
    starts
}

#[test]
fn a_reopened_log_has_what_was_written() {
    for options in [SMALL, LARGE] {
        let disk = MemoryDisk::default();
        let log = open(&disk, options).unwrap();
        for index in 0..30 {
            append(&log, index).unwrap();
        }
        wait(|done| log.vote(b"vote".to_vec(), done)).unwrap();
        log.commit(b"29".to_vec());
        wait(|done| log.truncate(25, done)).unwrap();
        wait(|done| log.append(25, vec![b"other".to_vec()], done)).unwrap();
        wait(|done| log.purge(9, b"id of 9".to_vec(), done)).unwrap();
        let expected = [named(10..25), vec!["other".to_owned()]].concat();
        assert_eq!(entries(&log), expected);
        log.close();

        let log = open(&disk, options).unwrap();
        assert_eq!(entries(&log), expected);
        assert_eq!(log.last(), Some(25));
        assert_eq!(log.newest_vote(), Some(b"vote".to_vec()));
        assert_eq!(log.newest_committed(), Some(b"29".to_vec()));
        assert_eq!(log.purged(), Some((9, b"id of 9".to_vec())));
    }
}

#[test]
fn a_purge_removes_whole_segments_and_keeps_the_vote() {
    let disk = MemoryDisk::default();
    let log = open(&disk, SMALL).unwrap();
    wait(|done| log.vote(b"vote".to_vec(), done)).unwrap();
    for index in 0..60 {
        append(&log, index).unwrap();
    }
    let before = disk.list(Path::new(DIR)).unwrap().len();
    wait(|done| log.purge(57, b"id".to_vec(), done)).unwrap();
    log.close();
    assert!(disk.list(Path::new(DIR)).unwrap().len() < before / 2);
    let log = open(&disk, SMALL).unwrap();
    assert_eq!(entries(&log), named(58..60));
    assert_eq!(log.newest_vote(), Some(b"vote".to_vec()));
}

#[test]
fn what_waits_together_is_one_frame() {
    let disk = MemoryDisk::default();
    let log = open(&disk, LARGE).unwrap();
    let before = disk.syncs();
    let (done, answers) = mpsc::channel();
    // The first is under way alone; the others wait for it and then go together, at most as two groups.
    for index in 0..200 {
        let done = done.clone();
        log.append(index, vec![entry(index)], Box::new(move |result| done.send(result).unwrap()));
    }
    assert_eq!(answers.iter().take(200).filter(Result::is_ok).count(), 200);
    assert!(disk.syncs() - before < 100, "{} syncs", disk.syncs() - before);
}

#[test]
fn a_torn_tail_is_cut_at_every_byte() {
    let disk = MemoryDisk::default();
    let log = open(&disk, LARGE).unwrap();
    append(&log, 0).unwrap();
    append(&log, 1).unwrap();
    log.close();
    let whole = disk.contents(&segment(0)).unwrap();
    // Head, two entries, and the mark of the orderly end.
    let starts = frames(&disk, 0);
    let [_, _, second, mark] = starts[..] else { panic!("{starts:?}") };
    for end in second..whole.len() {
        disk.tamper(&segment(0), |bytes| bytes.truncate(end)).unwrap();
        let (log, torn) = RaftLog::open(Arc::new(disk.clone()), Path::new(DIR), LARGE).unwrap();
        let kept = if end < mark { second } else { mark };
        assert_eq!(torn.map_or(0, |torn| torn.bytes), u64::try_from(end - kept).unwrap());
        assert_eq!(entries(&log), named(0..if end < mark { 1 } else { 2 }));
        append(&log, log.last().unwrap() + 1).unwrap();
        log.close();
        open(&disk, LARGE).unwrap().close();
        disk.tamper(&segment(0), |bytes| bytes.clone_from(&whole)).unwrap();
    }
}

#[test]
fn a_flipped_byte_anywhere_but_in_the_last_frame_stops_the_start() {
    for options in [SMALL, LARGE] {
        let disk = MemoryDisk::default();
        let log = open(&disk, options).unwrap();
        for index in 0..12 {
            append(&log, index).unwrap();
        }
        log.close();
        let segments = u64::try_from(disk.list(Path::new(DIR)).unwrap().len()).unwrap();
        for number in 0..segments {
            let starts = frames(&disk, number);
            let whole = disk.contents(&segment(number)).unwrap();
            let is_newest = number + 1 == segments;
            let end = if is_newest { *starts.last().unwrap() } else { whole.len() };
            for at in 0..end {
                disk.tamper(&segment(number), |bytes| bytes[at] ^= 0x10).unwrap();
                let frame = starts.iter().rev().find(|start| **start <= at).unwrap();
                match open(&disk, options) {
                    Err(OpenError::Damaged { segment, offset, .. }) => {
                        assert_eq!((segment, offset), (number, u64::try_from(*frame).unwrap()), "byte {at}");
                    }
                    Ok(_) => panic!("byte {at} of segment {number} was flipped, and the log opened"),
                    Err(error) => panic!("byte {at} of segment {number}: {error}"),
                }
                disk.tamper(&segment(number), |bytes| bytes.clone_from(&whole)).unwrap();
            }
        }
        open(&disk, options).unwrap();
    }
}

#[test]
fn damage_says_where_and_what_to_do() {
    let disk = MemoryDisk::default();
    let log = open(&disk, LARGE).unwrap();
    for index in 0..3 {
        append(&log, index).unwrap();
    }
    log.close();
    let at = frames(&disk, 0)[2] + HEAD_BYTES;
    disk.tamper(&segment(0), |bytes| bytes[at] ^= 1).unwrap();
    let error = open(&disk, LARGE).err().unwrap();
    let OpenError::Damaged { ref damage, sequence, after, .. } = error else { panic!("{error}") };
    assert_eq!((damage, sequence, after), (&Damage::Frame(FrameError::Checksum), 2, Some(0)));
    assert_eq!(
        error.to_string(),
        format!(
            "the raft log is damaged in segment 0000000000000000 at byte {}, frame 2, after entry 0: the \
             checksum of a frame and its bytes differ; it was durable, so it is not cut: let this member rejoin \
             under a new id",
            at - HEAD_BYTES
        )
    );
}

#[test]
fn a_missing_or_strange_file_stops_the_start() {
    let disk = MemoryDisk::default();
    let log = open(&disk, SMALL).unwrap();
    for index in 0..30 {
        append(&log, index).unwrap();
    }
    log.close();
    disk.remove(&segment(1)).unwrap();
    assert!(matches!(open(&disk, SMALL), Err(OpenError::SegmentMissing { expected: 1, found: 2, .. })));
    disk.remove(&segment(0)).unwrap();
    assert!(matches!(open(&disk, SMALL), Err(OpenError::EntriesMissing { expected: 0, .. })));
    disk.create(&Path::new(DIR).join("notes.txt")).unwrap();
    assert!(matches!(open(&disk, SMALL), Err(OpenError::Stranger { .. })));
}

#[test]
fn after_a_failed_sync_nothing_is_taken_any_more() {
    let disk = MemoryDisk::default();
    let log = open(&disk, LARGE).unwrap();
    append(&log, 0).unwrap();
    disk.fail_syncs();
    for index in 1..4 {
        let failure = append(&log, index).unwrap_err();
        assert!(matches!(failure, LogFailure::Failed { .. }), "{failure}");
    }
    let syncs = disk.syncs();
    assert!(append(&log, 4).is_err());
    assert_eq!(disk.syncs(), syncs, "a failed sync was tried again");
}

/// What a member does to its log.
#[derive(Debug, Clone)]
enum Act {
    Append { count: u64, bytes: usize },
    Truncate { back: u64 },
    Purge { back: u64 },
    Vote(u8),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (1..5u64, 1..700usize).prop_map(|(count, bytes)| Act::Append { count, bytes }),
        1 => (1..4u64).prop_map(|back| Act::Truncate { back }),
        1 => (2..6u64).prop_map(|back| Act::Purge { back }),
        2 => any::<u8>().prop_map(Act::Vote),
    ]
}

/// What the log must have after all that was acknowledged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Model {
    entries: std::collections::BTreeMap<u64, Vec<u8>>,
    next: u64,
    purged: Option<u64>,
    vote: Option<Vec<u8>>,
}

impl Model {
    fn of(log: &RaftLog) -> Self {
        let purged = log.purged().map(|(index, _)| index);
        let first = purged.map_or(0, |purged| purged + 1);
        let found = log.read(first, u64::MAX, usize::MAX).unwrap();
        Self {
            entries: (first..).zip(found.iter().map(|entry| entry.to_vec())).collect(),
            next: log.last().map_or(0, |last| last + 1),
            purged,
            vote: log.newest_vote(),
        }
    }

    /// Does it to the log and to the model of what comes after, unless it would do nothing.
    fn apply(&mut self, act: &Act, salt: u64, log: &RaftLog) -> Result<(), LogFailure> {
        match *act {
            Act::Append { count, bytes } => {
                let byte = u8::try_from(salt % 251).unwrap();
                let entries: Vec<Vec<u8>> = (0..count).map(|_| vec![byte; bytes]).collect();
                let first = self.next;
                self.entries.extend((first..).zip(entries.clone()));
                self.next += count;
                wait(|done| log.append(first, entries, done))
            }
            Act::Truncate { back } => {
                let floor = self.purged.map_or(0, |purged| purged + 1);
                let since = self.next.saturating_sub(back).max(floor);
                self.entries.split_off(&since);
                self.next = since;
                wait(|done| log.truncate(since, done))
            }
            Act::Purge { back } => {
                let Some(upto) = self.next.checked_sub(back) else { return Ok(()) };
                if self.purged.is_none_or(|purged| purged < upto) {
                    self.entries = self.entries.split_off(&(upto + 1));
                    self.purged = Some(upto);
                    self.next = self.next.max(upto + 1);
                    return wait(|done| log.purge(upto, b"id".to_vec(), done));
                }
                Ok(())
            }
            Act::Vote(vote) => {
                self.vote = Some(vec![vote]);
                wait(|done| log.vote(vec![vote], done))
            }
        }
    }
}

/// Numbers below a bound, from a seed.
fn dice(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |bound| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bound = u64::try_from(bound).unwrap();
        usize::try_from((mixed ^ (mixed >> 31)) % bound).unwrap()
    }
}

/// Runs acts until the disk dies under one, cuts the power and opens again; the log must be as after the last
/// acknowledged act, or as after the one that was under way.
fn survives(acts: &[Vec<Act>], deaths: &[usize], seed: u64, disk: &MemoryDisk) -> Result<(), String> {
    let mut choose = dice(seed);
    let mut model = Model::default();
    for (round, (acts, death)) in acts.iter().zip(deaths).enumerate() {
        let log = open(disk, SMALL).map_err(|error| format!("round {round}: {error}"))?;
        let found = Model::of(&log);
        if found != model {
            return Err(format!("round {round}: expected {model:?}, found {found:?}"));
        }
        disk.stop_after_changes(*death);
        let mut under_way = None;
        for (salt, act) in (0..).zip(acts) {
            let mut next = model.clone();
            match next.apply(act, salt, &log) {
                Ok(()) => model = next,
                Err(_) => {
                    under_way = Some(next);
                    break;
                }
            }
        }
        log.close();
        match choose(3) {
            // The kernel still has what was written; a later cut may lose it unless the next start sees to it.
            0 => disk.kill(),
            _ => disk.cut_power(&mut choose),
        }
        let log = open(disk, SMALL).map_err(|error| format!("round {round}, after its end: {error}"))?;
        let found = Model::of(&log);
        log.close();
        match found == model || Some(&found) == under_way.as_ref() {
            true => model = found,
            false => {
                return Err(format!("round {round}: expected {model:?} or {under_way:?}, found {found:?}"));
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_was_acknowledged_survives_power_cuts(
        acts in prop::collection::vec(prop::collection::vec(act(), 1..25), 1..6),
        deaths in prop::collection::vec(0..60usize, 6),
        seed in any::<u64>(),
    ) {
        survives(&acts, &deaths, seed, &MemoryDisk::default()).map_err(TestCaseError::fail)?;
    }
}

#[test]
fn a_disk_that_lies_about_syncs_is_found_out() {
    let acts =
        vec![vec![Act::Append { count: 2, bytes: 100 }, Act::Vote(7), Act::Append { count: 1, bytes: 9 }]; 3];
    let lost = (0..50).filter(|seed| {
        let disk = MemoryDisk::default();
        disk.lie_about_syncs();
        survives(&acts, &[1000, 1000, 1000], *seed, &disk).is_err()
    });
    assert!(lost.count() > 25);
}

#[test]
fn what_was_given_up_before_a_new_segment_is_in_no_file() {
    let disk = MemoryDisk::default();
    let log = open(&disk, LARGE).unwrap();
    for index in 0..10 {
        append(&log, index).unwrap();
    }
    let found = |text: &[u8]| {
        let paths = disk.paths().into_iter();
        let bytes = paths.map(|path| disk.contents(&path).unwrap());
        bytes.map(|bytes| bytes.windows(text.len()).filter(|window| *window == text).count()).sum::<usize>()
    };
    wait(|done| log.purge(5, b"id of 5".to_vec(), done)).unwrap();
    assert_eq!(found(b"entry 3"), 1);
    wait(|done| log.roll(done)).unwrap();
    append(&log, 10).unwrap();
    wait(|done| log.purge(9, b"id of 9".to_vec(), done)).unwrap();
    assert_eq!((found(b"entry 3"), found(b"entry 9"), found(b"entry 10")), (0, 0, 1));
    assert_eq!(entries(&log), named([10]));
    wait(|done| log.roll(done)).unwrap();
    wait(|done| log.roll(done)).unwrap();
    log.close();
    let log = open(&disk, LARGE).unwrap();
    assert_eq!((entries(&log), log.purged()), (named([10]), Some((9, b"id of 9".to_vec()))));
}

//! Crashes at any change of the disk: every acknowledged byte and fact is there, and nothing differs.

use super::*;
use proptest::prelude::*;

/// A small generator of choices, from a seed.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed >> 33) % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }
}

/// What must be true of one object whatever happens.
struct Expected {
    object: ObjectId,
    /// All that was ever handed over, in order.
    written: Vec<u8>,
    acknowledged: usize,
    sealed: Option<Sealed>,
    is_seal_tried: bool,
}

struct World {
    disk: MemoryDisk,
    choices: Choices,
    expected: Vec<Expected>,
}

/// The disk is dying.
struct Dying;

impl<E: std::error::Error> From<E> for Dying {
    fn from(_: E) -> Self {
        Self
    }
}

impl World {
    async fn run(&mut self, lives: usize) {
        for _ in 0..lives {
            let cluster = self.start().await;
            let mut steps = 2 + self.choices.below(30);
            self.disk.stop_after_changes(self.choices.below(300));
            while steps > 0 && self.step(&cluster).await.is_ok() {
                steps -= 1;
            }
            self.crash(cluster).await;
        }
        let cluster = self.start().await;
        for at in 0..self.expected.len() {
            let object = self.expected[at].object;
            let sealed = cluster.seal(object).await.unwrap();
            let disk = self.disk.clone();
            let file = |path: &Path| disk.contents(&Path::new("member").join(path)).unwrap();
            assert_eq!(sealed, recompute(&cluster, object, file));
            assert_eq!(sealed.length, u64::try_from(self.expected[at].written.len()).unwrap());
        }
        cluster.stop().await.unwrap();
    }

    async fn crash(&mut self, cluster: Cluster) {
        self.disk.stop_after_changes(0);
        let _: Result<(), StopError> = cluster.stop().await;
        match self.choices.below(3) {
            0 => self.disk.kill(),
            _ => self.disk.cut_power(&mut |bound| self.choices.below(bound)),
        }
    }

    async fn step(&mut self, cluster: &Cluster) -> Result<(), Dying> {
        let at = self.choices.below(self.expected.len());
        match self.choices.below(24) {
            20..24 => {
                let is_full = self.choices.below(2) == 0;
                self.disk.limit_free_bytes(is_full.then(|| self.choices.below(6_000)));
                Ok(())
            }
            _ if self.expected.is_empty() => self.open(cluster).await,
            0..2 => self.open(cluster).await,
            2..15 => self.append(cluster, at).await,
            15..17 => self.read(cluster, at).await,
            17 => Ok(cluster.interrupt(self.expected[at].object).await.or_else(tolerate)?),
            _ => {
                let expected = &mut self.expected[at];
                expected.is_seal_tried = true;
                match cluster.seal(expected.object).await {
                    Err(SealError::DiskFull) => {}
                    sealed => expected.sealed = Some(sealed?),
                }
                Ok(())
            }
        }
    }

    async fn open(&mut self, cluster: &Cluster) -> Result<(), Dying> {
        let object = match self.expected.first() {
            Some(first) if self.choices.below(2) == 0 => {
                cluster.open_stream(first.object.recording, KeyPurpose::Bytes).await?
            }
            Some(_) | None => cluster.open_session(session()).await?.into(),
        };
        let expected =
            Expected { object, written: Vec::new(), acknowledged: 0, sealed: None, is_seal_tried: false };
        self.expected.push(expected);
        Ok(())
    }

    async fn append(&mut self, cluster: &Cluster, at: usize) -> Result<(), Dying> {
        let scale = [100, 3_000, 70_000, 2_200_000][self.choices.below(30).saturating_sub(26)];
        let bytes = noise(self.choices.0, 1 + self.choices.below(scale));
        let expected = &mut self.expected[at];
        // A seal whose answer was an error may have been committed.
        if expected.is_seal_tried {
            return Ok(());
        }
        // Now and then an append repeats what is there.
        let again = self.choices.below(2) * self.choices.below(expected.acknowledged.min(2_000));
        let from = expected.acknowledged - again;
        let mut appended = expected.written[from..].to_vec();
        appended.extend_from_slice(&bytes);
        expected.written.extend_from_slice(&bytes);
        let durable = match cluster.append(expected.object, u64::try_from(from).unwrap(), appended).await {
            // The member lives on.
            Err(AppendError::DiskFull) => cluster.durable_offset(expected.object).await?,
            ended => {
                let durable = ended?;
                assert_eq!(durable, length(&expected.written));
                durable
            }
        };
        let durable = usize::try_from(durable).unwrap();
        assert!((expected.acknowledged..=expected.written.len()).contains(&durable));
        // What was refused may become durable yet: a recorder sends it again.
        expected.acknowledged = durable;
        Ok(())
    }

    async fn read(&mut self, cluster: &Cluster, at: usize) -> Result<(), Dying> {
        let expected = &self.expected[at];
        let start = self.choices.below(expected.acknowledged + 1);
        let end = start + self.choices.below(expected.acknowledged + 1 - start);
        let range = u64::try_from(start).unwrap()..u64::try_from(end).unwrap();
        let bytes = read(cluster, expected.object, range).await?;
        assert_eq!(bytes, expected.written[start..end]);
        Ok(())
    }

    /// Starts, crashing on the way now and then, and compares everything with what must be true.
    async fn start(&mut self) -> Cluster {
        self.disk.limit_free_bytes(None);
        if self.choices.below(3) == 0 {
            self.disk.stop_after_changes(self.choices.below(60));
            // A start that fails leaves nothing running; one that does not is stopped.
            if let Ok((cluster, _)) = start(&self.disk).await {
                let _: Result<(), ReadIndexError> = cluster.ready(Duration::from_secs(3)).await;
                self.crash(cluster).await;
            } else {
                self.disk.kill();
            }
        }
        let (cluster, report) = start(&self.disk).await.unwrap();
        cluster.ready(DEADLINE).await.unwrap();
        assert_eq!((report.damaged, cluster.lost()), (Vec::new(), Vec::new()));
        for expected in &mut self.expected {
            compare(&cluster, expected, &report.recovered).await;
        }
        cluster
    }
}

fn tolerate(error: SealError) -> Result<(), SealError> {
    if matches!(error, SealError::Sealed { .. } | SealError::DiskFull) { Ok(()) } else { Err(error) }
}

async fn compare(cluster: &Cluster, expected: &mut Expected, recovered: &[crate::id::ChunkId]) {
    let object = expected.object;
    let durable = usize::try_from(cluster.durable_offset(object).await.unwrap()).unwrap();
    let (acknowledged, written) = (expected.acknowledged, expected.written.len());
    assert!((acknowledged..=written).contains(&durable), "{acknowledged}..={written}: {durable}");
    assert_eq!(cluster.length(object).await.unwrap(), u64::try_from(durable).unwrap());
    assert!(read_all(cluster, object).await == expected.written[..durable], "other bytes in {object}");
    expected.written.truncate(durable);
    expected.acknowledged = durable;
    let row = cluster.catalog().unwrap().object(object).unwrap().unwrap();
    // One whose file was never made is closed by the next append.
    if let Some(open) = row.open_chunk.filter(|open| open.number != ChunkNumber::MANIFEST) {
        assert!(!recovered.iter().any(|chunk| (chunk.object, chunk.number) == (object, open.number)));
    }
    match (row.state, expected.sealed) {
        (ObjectState::Sealed(facts), Some(sealed)) => assert_eq!(Sealed::from(facts), sealed),
        (ObjectState::Sealed(facts), None) => {
            assert!(expected.is_seal_tried, "{object} is sealed");
            expected.sealed = Some(facts.into());
        }
        (ObjectState::Open | ObjectState::Interrupted { .. }, sealed) => {
            assert_eq!(sealed, None);
            expected.is_seal_tried = false;
        }
    }
}

async fn world(seed: u64, disk: MemoryDisk) {
    let mut world = World { disk, choices: Choices(seed), expected: Vec::new() };
    world.run(5).await;
}

/// Runs some worlds at once, since most of a life is waiting. Returns how many of them broke a promise.
fn broken_worlds(seed: u64, disk: impl Fn() -> MemoryDisk) -> usize {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut worlds = tokio::task::JoinSet::new();
        for number in 0..10 {
            worlds.spawn(world(seed.wrapping_add(number), disk()));
        }
        let mut broken = 0;
        while let Some(ended) = worlds.join_next().await {
            broken += usize::from(ended.is_err());
        }
        broken
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn what_was_acknowledged_survives_crashes(seed in any::<u64>()) {
        prop_assert_eq!(broken_worlds(seed, MemoryDisk::default), 0);
    }
}

/// The control of the test above: it does notice what is lost.
#[test]
fn a_disk_that_lies_about_syncs_loses_what_was_acknowledged() {
    let lying = || {
        let disk = MemoryDisk::default();
        disk.lie_about_syncs();
        disk
    };
    assert!(broken_worlds(1, lying) > 0);
}

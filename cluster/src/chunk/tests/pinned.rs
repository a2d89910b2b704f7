//! Stored bytes of fixed input, whose hashes an independent implementation of DESIGN.md computed. A change here is a
//! change of a format: it needs a new version, not a new value.

use std::sync::atomic::{AtomicU8, Ordering};

use zeroize::Zeroizing;

use super::*;
use crate::chunk::journal::{Entry, Journal, JournalLimits};
use crate::chunk::key::{KEY_BYTES, Kek, KekId, NoRandomness, Random};

/// Counts instead of surprising.
struct Counted(AtomicU8);

impl Random for Counted {
    fn fill(&self, into: &mut [u8]) -> Result<(), NoRandomness> {
        into.iter_mut().for_each(|byte| *byte = self.0.fetch_add(1, Ordering::Relaxed));
        Ok(())
    }
}

fn hash_of(disk: &MemoryDisk, path: String) -> String {
    Hash::of(&[&disk.contents(Path::new(&path)).unwrap()]).to_string()
}

#[test]
fn the_formats_are_those_of_version_1() {
    let random = Counted(AtomicU8::new(0));
    let kek = Kek::from_bytes(KekId(1), Zeroizing::new([0x4b; KEY_BYTES]));
    let key = DataKey::generate(RECORDING, KeyPurpose::Bytes, &random).unwrap();
    let wrapped = key.wrap(&kek, &random).unwrap();
    assert_eq!(
        Hash::of(&[&kek.check_value()]).to_string(),
        "35e37fef7d8fabeecd2fc2ed4fe7a6ef881bbe81039d9f52649e02cf510cf6ac"
    );
    assert_eq!(
        Hash::of(&[&wrapped.to_bytes()]).to_string(),
        "7daba2792e92220020140e5339a8db3b03e551c731f3f031a02bcdab03c6ac82"
    );

    let disk = MemoryDisk::default();
    let store = store_on(&disk);
    let chunks = write_object(&store, &key, &noise(100_000), 70_000);
    assert_eq!(
        hash_of(&disk, super::forms::closed_path()),
        "ac8a692b7d83961cc295306b907e118fe06e58ff5c689a0d4cca84e3037850f9"
    );
    let manifest = Manifest::gather(&store, OBJECT, chunks).unwrap();
    assert_eq!(
        manifest.root().to_string(),
        "d9c120851c822d4883dac86e4b04eb70107c92f74f4dfb628aa7c65ea0adedbb"
    );
    assert_eq!(
        Hash::of(&[&manifest.encode()]).to_string(),
        "09483a49dd7b1d2d1905def6d23781f669426ea19770fc7f63e8e58f3de67d2e"
    );
    let open = manifest.store(&store, &key, Epoch(1)).unwrap();
    assert_eq!(
        hash_of(&disk, format!("open/{}", open.id())),
        "1bda355b320336d31912810a6681ec2b5d51d3f2c92ed4f6eb285a3f2d68c9dd"
    );

    let (mut journal, _) = Journal::open(&store, JournalLimits::default()).unwrap();
    let mut open = store.create(header(1, 100_000)).unwrap();
    let record = RecordSealer::new(&key, header(1, 100_000)).unwrap().seal(&noise(100)).unwrap();
    let (position, bytes) = open.write(&[record]).unwrap();
    journal.commit(&[Entry { chunk: open.id(), file: open.file().clone(), position, bytes }], 0).unwrap();
    assert_eq!(
        hash_of(&disk, "journal/1".into()),
        "a19bb3d502faa42897f0b00733a0ee6c154ac38c0b2277b6655d23c2beb50c33"
    );
}

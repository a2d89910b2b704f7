//! The same on the real disk.

use super::*;
use crate::chunk::disk::{Disk, RealDisk};
use crate::chunk::journal::{Journal, JournalLimits};

#[test]
fn real_files_take_up_where_a_process_ended() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, key, bytes): (Arc<dyn Disk>, _, _) =
        (Arc::new(RealDisk), Arc::new(data_key()), noise(9 << 20));
    let store = ChunkStore::open(Volume::new(disk.clone(), folder.path())).unwrap();
    let chunks = write_object(&store, &key, &bytes, 1 << 20);
    let offset = length(&bytes);
    let (mut journal, _) = Journal::open(&store, JournalLimits::default()).unwrap();
    let mut open = store.create(header(9, offset)).unwrap();
    let record = RecordSealer::new(&key, header(9, offset)).unwrap().seal(b"tail").unwrap();
    let (position, frames) = open.write(&[record]).unwrap();
    let entry =
        crate::chunk::journal::Entry { chunk: open.id(), file: open.file().clone(), position, bytes: frames };
    journal.commit(&[entry], 0).unwrap();
    drop((open, journal, store));

    let store = ChunkStore::open(Volume::new(disk, folder.path())).unwrap();
    let (_, recovered) = Journal::open(&store, JournalLimits::default()).unwrap();
    let open = recovered[0].outcome.as_ref().unwrap();
    open.tail().acknowledge(open.end());
    let reader = Reader::new(store.clone(), key, OBJECT, chunks.clone(), Some(open.tail())).unwrap();
    assert!(read(&reader, 0..offset + 4).unwrap() == [&bytes[..], b"tail"].concat());
    assert_eq!(store.list_closed(RECORDING).unwrap(), [chunk_id(0), chunk_id(1)]);
    assert_eq!(store.list_open().unwrap(), [chunk_id(9)]);
    store.delete(chunk_id(0)).unwrap();
    assert!(
        matches!(read(&reader, 0..1), Err(ReadError::File(FileError::Missing { chunk })) if chunk == chunk_id(0))
    );
}

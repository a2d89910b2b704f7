use super::*;
use std::cell::Cell;

fn put(engine: &SledEngine, key: &[u8], row: Option<&[u8]>) {
    let batch = Batch::from([((Tree::Sessions, key.to_vec()), row.map(<[u8]>::to_vec))]);
    engine.commit(batch).unwrap();
}

/// How often bytes stand in the files of a folder.
fn found(dir: &Path, bytes: &[u8]) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        count += match entry.file_type().unwrap().is_dir() {
            true => found(&entry.path(), bytes),
            false => {
                let stored = fs::read(entry.path()).unwrap();
                stored.windows(bytes.len()).filter(|window| *window == bytes).count()
            }
        };
    }
    count
}

fn key(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

#[test]
fn nothing_that_was_removed_stands_in_a_renewed_store_and_what_changes_meanwhile_does() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, _) = SledEngine::open(dir.path(), "boot").unwrap();
    let (secret, kept) = (b"0123456789abcdef removed row".repeat(2), b"a row that is kept".to_vec());
    for number in 0..2000 {
        put(&engine, &key(number), Some(&kept));
    }
    put(&engine, &key(7), Some(&secret));
    put(&engine, &key(8), Some(&secret));
    engine.read().database.flush().unwrap();
    put(&engine, &key(7), None);
    put(&engine, &key(8), Some(&kept));
    engine.read().database.flush().unwrap();
    assert!(found(dir.path(), &secret) > 0);

    // Rows that were copied and rows that are yet to be change between two pieces.
    let pieces = Cell::new(0);
    let change = || {
        pieces.set(pieces.get() + 1);
        if pieces.get() == 3 {
            for number in [1, 1999] {
                put(&engine, &key(number), None);
                put(&engine, &key(number + 10_000), Some(b"new"));
            }
            put(&engine, &key(2), Some(b"other"));
            put(&engine, &key(1998), Some(b"other"));
        }
        true
    };
    assert!(engine.renew(&change).unwrap());
    assert!(pieces.get() > 5);
    assert_eq!(found(dir.path(), &secret), 0);
    let rows = engine.scan(Tree::Sessions, KeyRange::all(), usize::MAX).unwrap();
    assert_eq!(rows.len(), 1999);
    let row = |number: u32| engine.get(Tree::Sessions, &key(number)).unwrap();
    assert_eq!([row(1), row(7), row(1999)], [None, None, None]);
    assert_eq!([row(2), row(1998)], [Some(b"other".to_vec()), Some(b"other".to_vec())]);
    assert_eq!([row(8), row(10_001)], [Some(kept), Some(b"new".to_vec())]);

    engine.close().unwrap();
    drop(engine);
    let (engine, start) = SledEngine::open(dir.path(), "another boot").unwrap();
    assert_eq!(start, SledStart::Kept);
    assert_eq!(engine.scan(Tree::Sessions, KeyRange::all(), usize::MAX).unwrap(), rows);
}

#[test]
fn a_renewal_that_is_given_up_or_cut_short_leaves_the_store_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, _) = SledEngine::open(dir.path(), "boot").unwrap();
    for number in 0..1000 {
        put(&engine, &key(number), Some(b"row"));
    }
    let pieces = Cell::new(0);
    let given_up = || {
        pieces.set(pieces.get() + 1);
        pieces.get() < 3
    };
    assert!(!engine.renew(&given_up).unwrap());
    assert!(!dir.path().join("sled-2").exists());
    engine.close().unwrap();
    drop(engine);
    // A process has ended while it copied.
    fs::create_dir(dir.path().join("sled-2")).unwrap();
    let (engine, start) = SledEngine::open(dir.path(), "boot").unwrap();
    assert_eq!(start, SledStart::Kept);
    assert!(!dir.path().join("sled-2").exists());
    assert_eq!(engine.scan(Tree::Sessions, KeyRange::all(), usize::MAX).unwrap().len(), 1000);
    // Another one before it removed the older store.
    assert!(engine.renew(&|| true).unwrap());
    engine.close().unwrap();
    drop(engine);
    fs::create_dir(dir.path().join("sled")).unwrap();
    let (engine, start) = SledEngine::open(dir.path(), "boot").unwrap();
    assert_eq!(start, SledStart::Kept);
    assert!(!dir.path().join("sled").exists() && dir.path().join("sled-2").exists());
    assert_eq!(engine.scan(Tree::Sessions, KeyRange::all(), usize::MAX).unwrap().len(), 1000);
}

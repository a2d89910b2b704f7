//! Input that is no recording, or no longer one: one sentence, little memory, an end.

use harness::{Custody, Cut, Random, children_peak_kib, recording};
use std::fs::{self, File};
use std::path::Path;

/// All that a command may take to refuse something, address space included.
const MEMORY_BYTES: u64 = 512 << 20;

/// Has the three commands refuse a file, each with this sentence, and leave nothing.
fn assert_refused(input: &Path, code: &str, reason: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("out");
    for arguments in [
        &[Path::new("inspect"), input][..],
        &[Path::new("convert"), input, Path::new("-o"), &output],
        &[Path::new("frame"), input, Path::new("--at"), Path::new("1"), Path::new("-o"), &output],
    ] {
        // A refusal needs no temporary file either.
        let command = Custody::within_memory(MEMORY_BYTES, arguments)?.env("TMPDIR", "/nowhere");
        let refused = command.run()?;
        let expected = format!("custody: {code}: {} is no recording: {reason}\n", input.display());
        assert_eq!((refused.code(), &refused.stderr), (Some(1), &expected), "{arguments:?}");
        assert_eq!(fs::read_dir(folder.path())?.count(), 0, "{arguments:?}");
    }
    Ok(())
}

#[test]
fn what_is_no_recording_is_refused_in_one_sentence() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let input = folder.path().join("input");
    for (bytes, code, reason) in [
        (&b""[..], "TRUNCATED", "it is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "UNSUPPORTED", "it looks like a PNG image"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "UNSUPPORTED", "it looks like a gzip file: decompress it first"),
        (b"Hello, world\n", "MALFORMED", "byte 0: expected the length of an element, found byte 0x48"),
    ] {
        fs::write(&input, bytes)?;
        assert_refused(&input, code, reason)?;
    }
    Ok(())
}

#[test]
fn a_gibibyte_of_zeros_is_refused_at_its_first_byte() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let input = folder.path().join("zeros.guac");
    File::create(&input)?.set_len(1 << 30)?;
    assert_refused(&input, "MALFORMED", "byte 0: expected the length of an element, found byte 0x00")
}

#[test]
fn a_small_file_that_would_unpack_to_70_gib_is_refused_before_it_is_unpacked() -> anyhow::Result<()> {
    const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
    /// No size, no checksum; a window of 128 KiB (RFC 8878, section 3.1.1.1).
    const HEADER: [u8; 2] = [0x00, 0x38];
    /// A block that repeats one byte 128 Ki times (section 3.1.1.2), here a zero.
    const BLOCK: [u8; 4] = [0x02, 0x00, 0x10, 0x00];
    let folder = tempfile::tempdir()?;
    let input = folder.path().join("bomb.guac.zst");
    fs::write(&input, [&MAGIC[..], &HEADER, &BLOCK.repeat(70 << 13)].concat())?;
    assert_refused(&input, "MALFORMED", "byte 0: expected the length of an element, found byte 0x00")
}

#[test]
fn an_endless_element_is_refused_by_its_limit() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let input = folder.path().join("endless.guac");
    fs::write(&input, format!("9999.{}", "x".repeat(9_999)))?;
    let inspected = Custody::within_memory(MEMORY_BYTES, [Path::new("inspect"), &input])?.run()?;
    assert_eq!(inspected.code(), Some(1));
    assert!(inspected.stderr.contains("8192"), "{}", inspected.stderr);
    Ok(())
}

#[test]
fn a_recording_that_is_cut_or_damaged_anywhere_has_a_typed_outcome() -> anyhow::Result<()> {
    const SEEDS: std::ops::Range<u64> = 0..12;
    let folder = tempfile::tempdir()?;
    let recording = recording("write-existing.before-overwrite")?.path();
    for seed in SEEDS {
        let cut = Cut::of(&recording, &mut Random::new(seed))?;
        let outcome = cut.outcome(folder.path());
        assert!(outcome.is_ok(), "seed {seed}: {} bytes, {:?}: {outcome:?}", cut.bytes.len(), cut.damaged_at);
    }
    Ok(())
}

#[test]
fn no_process_of_a_conversion_needs_much_memory() -> anyhow::Result<()> {
    const PEAK_KIB: i64 = 256 << 10;
    let folder = tempfile::tempdir()?;
    let (input, output) = (recording("vnc-truncated")?.path(), folder.path().join("out.mp4"));
    let converted = Custody::new([Path::new("convert"), &input, Path::new("-o"), &output])?.run()?;
    assert_eq!(converted.code(), Some(3));
    let peak_kib = children_peak_kib()?;
    assert!(peak_kib < PEAK_KIB, "{peak_kib} KiB for 1280x720");
    Ok(())
}

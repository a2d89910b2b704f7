//! Other containers than MP4 are ordinary files too, and show the same.

use harness::{Custody, Measure, data};
use std::fs;
use std::path::Path;

#[test]
fn programs_take_every_container_and_find_the_same_pictures_in_each() -> anyhow::Result<()> {
    let measured = Measure::new("containers.py", &data())?.run()?;
    assert_eq!(measured.code(), Some(0), "{}{}", measured.stdout, measured.stderr);
    // Eight recordings with a picture, three files of each.
    assert_eq!(measured.stdout.matches(" ok\n").count(), 24, "{}", measured.stdout);
    Ok(())
}

#[test]
fn sound_that_another_decoder_hears_is_that_which_was_put_in() -> anyhow::Result<()> {
    let measured = Measure::of_binary("opus.py")?.run()?;
    assert_eq!(measured.code(), Some(0), "{}{}", measured.stdout, measured.stderr);
    assert_eq!(measured.stdout.lines().count(), 1 + 6, "{}", measured.stdout);
    Ok(())
}

#[test]
fn the_file_name_asks_for_a_container_and_the_same_input_gives_the_same_bytes() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let input = data().join("v2-psql.cast");
    let convert = |name: &str, options: &[&str]| -> anyhow::Result<Vec<u8>> {
        let output = folder.path().join(name);
        let mut command = Custody::new([Path::new("convert"), &input, Path::new("--output"), &output])?;
        for option in options {
            command = command.arg(option);
        }
        let ended = command.run()?;
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        Ok(fs::read(output)?)
    };
    let webm = convert("a.webm", &[])?;
    assert_eq!(webm[..4], [0x1a, 0x45, 0xdf, 0xa3]);
    assert_eq!(convert("b.bin", &["--container", "webm", "--workers", "1"])?, webm);
    let mp4 = convert("c.mp4", &[])?;
    assert_eq!((&mp4[4..12], convert("d.WEBM", &["--container", "mp4"])?), (&b"ftypisom"[..], mp4.clone()));
    let fragmented = convert("e.mp4", &["--container", "fragmented-mp4"])?;
    assert_eq!(&fragmented[4..12], b"ftypiso6");
    assert_eq!(convert("f.mp4", &["--container", "fragmented-mp4", "--workers", "1"])?, fragmented);
    Ok(())
}

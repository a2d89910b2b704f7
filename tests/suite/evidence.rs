//! What an auditor exports can be verified offline, without Custody, with openssl and a short script.

use harness::evidence;

#[test]
fn an_export_is_verified_offline_and_one_changed_bit_is_named_with_its_place() -> anyhow::Result<()> {
    let outcome = evidence()?;
    let told: Vec<&str> =
        outcome.whole.iter().map(|line| line.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(told, ["ok:", "ok:", "ok:", "ok:", "ok:", "ok:", "ok:", "OK"], "{outcome:#?}");
    assert!(outcome.foreign.starts_with("FAILED: checkpoint.txt: not signed with the key "), "{outcome:#?}");
    assert_eq!(outcome.missing, "FAILED: recording.*: expected one file, not 0");
    assert_eq!(outcome.longer, "FAILED: recording.guacamole: has more bytes than the manifest");
    for (file, said) in &outcome.flipped {
        let place = match file.as_str() {
            // One of two is wrong, and nobody can tell which.
            "keys.txt" if said.contains("recording.guacamole: chunk ") => "keys.txt",
            "recording.guacamole" => "FAILED: recording.guacamole: chunk ",
            "leaves.bin" => "FAILED: leaves.bin: chunk ",
            "manifest.bin" => "FAILED: manifest.bin: ",
            // A signature and what it is over are of one file; the paths lead to the root that it names.
            other => other,
        };
        assert!(said.starts_with("FAILED: ") && said.contains(place), "{file}: {said}");
    }
    assert_eq!(outcome.flipped.len(), 32);
    Ok(())
}

//! A member whose program is replaced while it serves, as a newer package does it.

use crate::appender::scratch_folder;
use crate::founded::Founded;
use crate::paths::binary;
use crate::random::Random;
use crate::ranges::some_recording;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

/// What a program does that is no program of ours.
const ANOTHER: &str = "#!/bin/sh\nexit 1\n";

/// What a member answers that is asked for a picture, which a worker draws, after its program was replaced.
pub fn picture_after_replacement(seed: u64) -> anyhow::Result<(u16, Vec<u8>)> {
    let folder = scratch_folder()?;
    let (program, newer) = (folder.path().join("custody"), folder.path().join("custody.new"));
    std::fs::copy(binary()?, &program)?;
    let cluster = Founded::found_with(folder.path(), program.clone())?;
    let bytes = some_recording(&mut Random::new(seed));
    let recorder = cluster.recorder(0);
    let session = recorder.open()?;
    recorder.append(&session, 0, &bytes)?;
    recorder.seal(&session, u64::try_from(bytes.len())?)?;
    std::fs::write(&newer, ANOTHER)?;
    std::fs::set_permissions(&newer, Permissions::from_mode(0o755))?;
    std::fs::rename(newer, program)?;
    let picture = cluster.door(0).fetch(&format!("/v1/sessions/{session}/frames/0.png"), None)?;
    Ok((picture.status, picture.body))
}

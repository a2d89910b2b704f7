//! What a video shows, at times that a seed chooses, beside what the recording shows.

use harness::{Measure, data, video_of};

/// Chooses the times. `make soak SUITE=pictures` tries others.
const SEED: &str = "1";

#[test]
fn every_pixel_of_the_profile_legible_is_that_of_the_still_picture() -> anyhow::Result<()> {
    for name in ["telnet-1.0.0", "vnc-1.5.5"] {
        let compared =
            Measure::new("legible.py", &data())?.args(["--pictures", "12", "--only", name]).run()?;
        assert_eq!(compared.code(), Some(0), "{}{}", compared.stdout, compared.stderr);
    }
    Ok(())
}

#[test]
fn a_video_shows_what_the_recording_shows() -> anyhow::Result<()> {
    for name in ["ssh-terminal", "telnet-1.0.0", "write-existing.before-overwrite"] {
        let video = video_of(name)?;
        let folder = video.parent().expect("a video lies in a folder");
        let options = ["--seed", SEED, "--times", "12", "--only", name];
        let compared = Measure::new("pictures.py", &data())?.args(options).videos(folder).run()?;
        assert_eq!(compared.code(), Some(0), "{}{}", compared.stdout, compared.stderr);
    }
    Ok(())
}

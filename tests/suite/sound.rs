//! Sound is heard when it was heard.

use harness::{Measure, data, video_of};

#[test]
fn every_beep_is_heard_with_its_flash() -> anyhow::Result<()> {
    for name in ["rdp-audio", "vnc-audio-avsync"] {
        let video = video_of(name)?;
        let folder = video.parent().expect("a video lies in a folder");
        let measured = Measure::new("beeps.py", &data())?.args(["--only", name]).videos(folder).run()?;
        assert_eq!(measured.code(), Some(0), "{}{}", measured.stdout, measured.stderr);
    }
    Ok(())
}

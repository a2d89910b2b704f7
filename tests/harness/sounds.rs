//! Sessions of three members with sound that was recorded beside them, from the import to the purge.

use crate::appender::scratch_folder;
use crate::custody::{Custody, Ended};
use crate::processes::wait_until;
use crate::servers::{MEMBERS, Servers};
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A member on a busy machine takes less time.
const DEADLINE: Duration = Duration::from_secs(180);

/// A recording in a file, and what was recorded beside it.
#[derive(Debug)]
pub struct Sounds {
    /// The recording.
    pub recording: PathBuf,
    /// The sound.
    pub sound: PathBuf,
    /// Where it begins, as the command line has it.
    pub offset: &'static str,
    /// What is no sound.
    pub noise: PathBuf,
    /// Where the video is to be written.
    pub video: PathBuf,
}

/// What came of it.
#[derive(Debug)]
pub struct SoundsOutcome {
    /// What the report says of the sound.
    pub told: Value,
    /// Whether each member gives the sound back as it was.
    pub is_given_back: Vec<bool>,
    /// What the import says of what is no sound.
    pub refused: String,
    /// What the report of that session says of sound.
    pub told_of_refused: Value,
    /// With which status each member answers for the sound once its session is purged.
    pub purged: Vec<u16>,
}

impl Sounds {
    /// Imports the recording with the sound and with what is none, makes the video of the first session by one member and
    /// reads it from another one, and purges both sessions until no member holds a byte of them.
    pub fn run(&self) -> anyhow::Result<SoundsOutcome> {
        let folder = scratch_folder()?;
        let servers = Servers::start_in(folder.path())?;
        let [first, second, third] = MEMBERS.map(|member| servers.administrator(member));
        let with_sound = self.import(&servers, &self.sound, &["--sound-offset", self.offset])?;
        ensure!(with_sound.code() == Some(0), "{}", with_sound.stderr);
        let session = session_of(&with_sound)?;
        let path = format!("/v1/sessions/{session}");
        let told = first.get::<Value>(&path)?["session"]["sound"].clone();

        let original = std::fs::read(&self.sound)?;
        let mut is_given_back = Vec::new();
        for door in [&first, &second, &third] {
            is_given_back.push(door.fetch(&format!("{path}/sound"), None)?.body == original);
        }
        first.put("/v1/parameters/video_download_enabled", &json!({ "value": true }))?;
        let made: Value = second.post(&format!("{path}/videos"), &json!({}))?;
        let video = format!("/v1/videos/{}", made["id"].as_str().context("a video has a name")?);
        wait_until("the video", DEADLINE, || Ok(first.get::<Value>(&video)?["state"] == "ready"))?;
        let fetched = third.fetch(&format!("{video}/content"), None)?;
        ensure!(fetched.status == 200, "the video: {}", fetched.head);
        std::fs::write(&self.video, fetched.body)?;

        let without = self.import(&servers, &self.noise, &[])?;
        ensure!(without.code() == Some(1), "{}", without.stderr);
        let other = session_of(&without)?;
        let told_of_refused =
            first.get::<Value>(&format!("/v1/sessions/{other}"))?["session"]["sound"].clone();
        for session in [&session, &other] {
            let _: Value =
                second.post(&format!("/v1/sessions/{session}/purge"), &json!({ "reason": "asked" }))?;
        }
        let mut purged = Vec::new();
        for door in [&first, &second, &third] {
            purged.push(door.fetch(&format!("{path}/sound"), None)?.status);
        }
        wait_until("members that hold nothing", DEADLINE, || {
            let mut held = 0;
            for member in MEMBERS {
                held += files_below(&servers.chunks(member))?;
            }
            Ok(held == 0)
        })?;
        Ok(SoundsOutcome { told, is_given_back, refused: without.stderr, told_of_refused, purged })
    }

    fn import(&self, servers: &Servers, sound: &Path, more: &[&str]) -> anyhow::Result<Ended> {
        let (url, token_file) = (servers.url(MEMBERS[0]), servers.token_file());
        let command = Custody::new(["import", "--server", &url, "--protocol", "rdp", "--token-file"])?;
        let command = command.arg(token_file).arg(&self.recording).arg("--sound").arg(sound);
        more.iter().fold(command, |command, argument| command.arg(argument)).run()
    }
}

/// The session that an import tells.
fn session_of(imported: &Ended) -> anyhow::Result<String> {
    let told = imported.stdout.split_whitespace().next();
    Ok(told.with_context(|| imported.stderr.clone())?.to_owned())
}

/// How many files lie below a folder. They come and go meanwhile.
fn files_below(folder: &Path) -> anyhow::Result<usize> {
    let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if gone(&error) => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    let mut count = 0;
    for entry in entries {
        let path = entry?.path();
        count += if path.is_dir() { files_below(&path)? } else { 1 };
    }
    Ok(count)
}

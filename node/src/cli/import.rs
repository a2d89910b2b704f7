//! `custody import`: recordings that lie in files.

use super::server::Server;
use super::timing::Timing;
use super::{Exit, media_time};
use crate::import::Import as Importer;
use crate::interrupt::Interrupt;
use anyhow::{Context, ensure};
use clap::Args;
use cluster::catalog::Protocol;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

/// Import recordings into a cluster, each as a session of its own.
///
/// Prints one line for each: its session and its file. A session ends when its file was last written.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// The recordings (.guac, .cast, typescripts, or lines of a database session; .zst too).
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    timing: Timing,
    /// What was spoken with the devices; without, what each file's name begins with.
    #[arg(long, value_parser = parse_protocol)]
    protocol: Option<Protocol>,
    /// The device.
    #[arg(long, default_value = "imported")]
    device: String,
    /// The name of the credential on the device.
    #[arg(long, default_value = "")]
    credential_user: String,
    /// The user.
    #[arg(long, default_value = "")]
    user: String,
    /// A file of sound that was recorded beside the session (wav, flac, mp3, m4a, ogg, mka): kept with it, and mixed into its
    /// videos. With one recording only.
    #[arg(long, value_name = "FILE")]
    sound: Option<PathBuf>,
    /// Where that sound begins, from the first frame, such as 1.5s; with a minus, so much of its beginning is left out.
    #[arg(long, value_name = "TIME", value_parser = media_time::parse_signed, requires = "sound", allow_hyphen_values = true)]
    sound_offset: Option<i64>,
}

impl Import {
    pub(super) fn run(self, interrupt: &Interrupt) -> anyhow::Result<Exit> {
        let client = self.server.client()?;
        if let Some(sound) = &self.sound {
            ensure!(self.files.len() == 1, "--sound is of one recording, and {} are given", self.files.len());
            // What cannot be read leaves no session behind.
            File::open(sound).with_context(|| format!("cannot read {}", sound.display()))?;
        }
        let import = Importer {
            protocol: self.protocol,
            device_address: self.device,
            credential_user: self.credential_user,
            user_name: self.user,
            typescript: self.timing.files(),
        };
        for file in &self.files {
            let failed = || format!("{} was not imported", file.display());
            let imported = import.run(&client, file, interrupt).with_context(failed)?;
            writeln!(std::io::stdout().lock(), "{} {}", imported.session, file.display())?;
            if let Some(sound) = &self.sound {
                let without = || format!("{} was imported without {}", file.display(), sound.display());
                let offset_ms = self.sound_offset.unwrap_or(0);
                client.put_sound(&imported.session, sound, offset_ms).with_context(without)?;
            }
        }
        Ok(Exit::Done)
    }
}

fn parse_protocol(text: &str) -> Result<Protocol, String> {
    let names = || Protocol::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ");
    Protocol::from_name(text).ok_or_else(|| format!("expected one of {}", names()))
}

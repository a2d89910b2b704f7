//! `custody kek`: the keys that wrap all keys.

use super::server::Server;
use super::{Exit, configuration};
use crate::serve::kek;
use clap::{Args, Subcommand};
use serde::Deserialize;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// Look at, replace or copy the keys that wrap the keys of all recordings.
#[derive(Debug, Args)]
pub(super) struct Kek {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the keys: what each is for, and which members hold it.
    Status(Asked),
    /// Have another key made. Once all members hold it, it takes the place of the current one, which they then delete.
    Rotate(Asked),
    Export(Export),
}

#[derive(Debug, Args)]
struct Asked {
    #[command(flatten)]
    server: Server,
    /// Print the answer of the API.
    #[arg(long)]
    json: bool,
}

/// Write the key file of this machine's member to another file, which only its owner can read.
///
/// Whoever has that file and a member's disk can read all recordings, and what is purged from here on as long as its keys
/// are in the copy. Make a new copy after each rotation, and destroy the older ones.
#[derive(Debug, Args)]
struct Export {
    /// The configuration; without it, CUSTODY_CONFIG or /etc/custody/custody.toml.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The copy; it must not be there yet.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Table {
    keks: Vec<Row>,
}

#[derive(Debug, Deserialize)]
struct Row {
    id: u64,
    state: String,
    check: String,
    holders: Vec<u64>,
    lacking: Vec<u64>,
}

impl Kek {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        match self.command {
            Command::Status(Asked { server, json }) => {
                show(server.client()?.get("/v1/cluster/kek")?, json)?;
            }
            Command::Rotate(Asked { server, json }) => {
                show(server.client()?.order("/v1/cluster/kek/rotate")?, json)?;
            }
            Command::Export(export) => export.run()?,
        }
        Ok(Exit::Done)
    }
}

impl Export {
    #[expect(clippy::print_stderr, reason = "the command line speaks to its user")]
    fn run(self) -> anyhow::Result<()> {
        let settings = configuration::read(self.config.as_deref(), [])?;
        let text = kek::export(&settings.kek_file)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.output)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        eprintln!(
            "custody: {} opens all recordings: keep it where no member's disk is, and destroy it when a rotation has made \
             another one",
            self.output.display()
        );
        Ok(())
    }
}

fn show(answer: serde_json::Value, json: bool) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut output, &answer)?;
        writeln!(output)?;
        return Ok(());
    }
    print_table(serde_json::from_value(answer)?, &mut output)?;
    Ok(())
}

fn print_table(table: Table, output: &mut impl Write) -> io::Result<()> {
    let numbers = |members: &[u64]| match members {
        [] => "-".to_owned(),
        members => members.iter().map(u64::to_string).collect::<Vec<_>>().join(" "),
    };
    writeln!(output, "{:<4} {:<9} {:<32}  {:<12} LACKING", "KEK", "STATE", "CHECK", "HELD BY")?;
    for Row { id, state, check, holders, lacking } in table.keks {
        let (holders, lacking) = (numbers(&holders), numbers(&lacking));
        writeln!(output, "{id:<4} {state:<9} {check:<32}  {holders:<12} {lacking}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_copy_is_private_whole_and_takes_no_other_files_place() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str| folder.path().join(name);
        let key = format!("custody-kek-1 2 {}\n", "0f".repeat(32));
        std::fs::write(of("kek"), &key).unwrap();
        std::fs::set_permissions(of("kek"), std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(of("custody.toml"), format!("kek_file = {:?}\n", of("kek"))).unwrap();
        let export = || Export { config: Some(of("custody.toml")), output: of("copy") }.run();
        export().unwrap();
        assert_eq!(std::fs::read_to_string(of("copy")).unwrap(), key);
        assert_eq!(std::fs::metadata(of("copy")).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(export().is_err());
        std::fs::remove_file(of("copy")).unwrap();
        std::fs::write(of("kek"), "no key").unwrap();
        assert!(export().is_err() && !of("copy").exists());
    }

    #[test]
    fn the_table_says_who_holds_and_who_lacks_a_key() {
        let text = r#"{ "keks": [
            { "id": 1, "state": "current", "check": "00ff", "holders": [1, 2, 3], "lacking": [] },
            { "id": 2, "state": "next", "check": "10ff", "holders": [1], "lacking": [2, 3] } ] }"#;
        let mut shown = Vec::new();
        print_table(serde_json::from_str(text).unwrap(), &mut shown).unwrap();
        let expected = "\
KEK  STATE     CHECK                             HELD BY      LACKING
1    current   00ff                              1 2 3        -
2    next      10ff                              1            2 3
";
        assert_eq!(String::from_utf8(shown).unwrap(), expected);
    }
}

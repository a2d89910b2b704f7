//! The commands of `custody`, one file each.

mod check_config;
mod cluster;
mod configuration;
mod convert;
mod demo;
mod frame;
mod import;
mod inspect;
mod kek;
mod media_time;
mod record;
mod resync;
mod serve;
mod server;
mod summary;
mod test_mail;
mod timing;
mod video_output;

use crate::interrupt::Interrupt;
use crate::serve::RunError;
use crate::worker;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Keeps, shows and converts recordings of privileged sessions.
#[derive(Debug, Parser)]
#[command(name = "custody", version, about, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Demo(demo::Demo),
    Import(import::Import),
    Record(record::Record),
    Cluster(cluster::Cluster),
    Kek(kek::Kek),
    CheckConfig(check_config::CheckConfig),
    TestMail(test_mail::TestMail),
    Convert(convert::Convert),
    Inspect(inspect::Inspect),
    Frame(frame::FrameAt),
    /// Serves a conversion; started by `convert`, not by hand.
    #[command(hide = true)]
    Worker,
}

/// How a command went, as the shell is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// All was done.
    Done,
    /// The result is there, and something of the recording is missing in it.
    Partial,
}

/// Exit code of a result that lacks something of the recording.
const EXIT_PARTIAL: u8 = 3;
/// Exit code after Ctrl-C, as shells expect it.
const EXIT_INTERRUPTED: u8 = 130;

/// Says that a result lacks something of the recording, and up to when nothing is missing.
#[expect(clippy::print_stderr, reason = "the command line speaks to its user")]
fn print_partial(until_ms: i64, what: &str) -> Exit {
    let (seconds, milliseconds) = (until_ms.div_euclid(1000), until_ms.rem_euclid(1000));
    eprintln!("custody: PARTIAL up to {seconds}.{milliseconds:03} s: {what}");
    Exit::Partial
}

/// Runs one command; errors become one sentence on standard error and an exit code.
#[expect(clippy::print_stderr, reason = "the command line speaks to its user")]
pub fn run(cli: Cli) -> ExitCode {
    let result = Interrupt::listen().map_err(anyhow::Error::from).and_then(|interrupt| {
        let result = match cli.command {
            Command::Serve(command) => command.run(),
            Command::Demo(command) => command.run(&interrupt),
            Command::Import(command) => command.run(&interrupt),
            Command::Record(command) => command.run(&interrupt),
            Command::Cluster(command) => command.run(),
            Command::Kek(command) => command.run(),
            Command::CheckConfig(command) => command.run(),
            Command::TestMail(command) => command.run(),
            Command::Convert(command) => command.run(&interrupt),
            Command::Inspect(command) => command.run(&interrupt),
            Command::Frame(command) => command.run(&interrupt),
            Command::Worker => Ok(worker::child::run().map(|()| Exit::Done)?),
        };
        if interrupt.is_set() && result.is_err() { Ok(None) } else { result.map(Some) }
    });
    match result {
        Ok(Some(Exit::Done)) => ExitCode::SUCCESS,
        Ok(Some(Exit::Partial)) => ExitCode::from(EXIT_PARTIAL),
        Ok(None) => {
            eprintln!("custody: interrupted");
            ExitCode::from(EXIT_INTERRUPTED)
        }
        Err(error) => {
            eprintln!("custody: {}", sentence(&error));
            exit_code(&error)
        }
    }
}

/// What failed tells the shell, and a service manager, what to do.
fn exit_code(error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref::<RunError>() {
        Some(error) => ExitCode::from(error.exit_code()),
        None => ExitCode::FAILURE,
    }
}

/// An error and its causes; what a message already says of its cause is not said twice.
fn sentence(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow::anyhow!("no such file").context("cannot read x: no such file");
        assert_eq!(sentence(&error), "cannot read x: no such file");
        assert_eq!(
            sentence(&error.context("a.guac was not imported")),
            "a.guac was not imported: cannot read x: no such file"
        );
    }
}

//! The binary `custody`.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    node::cli::run(node::cli::Cli::parse())
}

//! Where all crates meet: the command line, the worker processes and the wiring between them.
//!
//! This crate decides nothing about recordings, bytes or permissions; it opens files, starts processes, shows
//! progress and turns errors into one sentence and an exit code.

pub mod cli;
mod conversion;
mod interrupt;
mod output;
mod pipe;
mod progress;
mod recording;
mod worker;

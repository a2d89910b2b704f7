//! Where all crates meet: the command line, configuration, tasks, jobs, mails, the worker processes and the wiring
//! between them.
//!
//! This crate decides nothing about recordings, bytes or permissions; it starts and stops what does, opens files,
//! starts processes, shows progress and turns errors into one sentence and an exit code.

pub mod cli;
mod client;
mod config;
mod conversion;
mod counted;
mod demo;
mod fonts;
mod gaps;
mod import;
mod interrupt;
mod jobs;
mod key_states;
mod mail;
mod membership;
mod outbox;
mod output;
mod partial_output;
mod pipe;
mod progress;
mod record;
mod recording;
mod seams;
mod serve;
mod survey;
mod tasks;
mod telemetry;
mod typescript;
mod utc;
mod webhook;
mod worker;

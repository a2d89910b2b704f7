//! The member as its operators and recorders meet it: the binary itself, its files, its HTTP API and its mails.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests panic, and show what the member says"
)]

mod audit;
mod commands;
mod conversion;
mod damage;
mod harness;
mod identity;
mod import;
mod live;
mod mail;
mod operator;
mod service;
mod session_end;
mod terminal;
mod view;
mod webhook;

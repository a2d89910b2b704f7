//! The member as its operators and recorders meet it: the binary itself, its files, its HTTP API and its mails.

mod commands;
mod conversion;
mod damage;
mod harness;
mod import;

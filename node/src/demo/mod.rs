//! The demonstration: three members on loopback, one that is killed while it takes a recording, and what the others
//! then serve: recordings, videos and mails.

mod certificates;
mod error;
mod mail_sink;
mod members;
mod recorder;
mod show;

pub(crate) use show::Demo;

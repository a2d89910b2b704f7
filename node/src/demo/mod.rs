//! The demonstration: one member on loopback, sample recordings through its API, their videos, and the mails.

mod mail_sink;
mod show;

pub(crate) use show::Demo;

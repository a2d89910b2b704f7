//! Mails: rows of the outbox become messages, and messages go to a mail server.

mod message;
mod outbox;
mod smtp;

pub(crate) use outbox::Outbox;
pub(crate) use smtp::{Mailer, MailerError};

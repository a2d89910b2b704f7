//! Mails: what they say, how they are put together, and the mail server.

mod letter;
mod mails;
mod message;
mod smtp;
mod templates;

pub(crate) use letter::Letter;
pub(crate) use mails::Mails;
pub(crate) use message::{Heading, MessageError, message};
pub(crate) use smtp::{Mailer, MailerError, Step};
pub(crate) use templates::{TemplateError, Templates};

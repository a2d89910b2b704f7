//! Rows of the outbox are handed over: mails to a mail server, messages to the webhook. Each channel has a task.

mod channel;
mod delivery_error;
#[expect(clippy::module_inception, reason = "the main type has a file of its name, as all types have")]
mod outbox;
mod rest;
mod shown;

pub(crate) use channel::{Channel, Item};
pub(crate) use delivery_error::DeliveryError;
pub(crate) use outbox::Outbox;
pub(crate) use shown::shown;

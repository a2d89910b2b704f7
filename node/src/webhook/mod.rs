//! Messages to a server that an operator has named, as Standard Webhooks 1.0 describes them.
//!
//! What it is told says that something happened, and nothing of what was recorded. No address is spoken to that an
//! attacker could use to reach what stands behind us.

mod body;
mod guard;
mod secret;
#[expect(clippy::module_inception, reason = "the main type has a file of its name, as all types have")]
mod webhook;

pub(crate) use webhook::{GRACE, Webhook};

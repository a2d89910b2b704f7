//! The option that all commands share which read a recording.

use clap::Args;
use codec::limits::Limits;
use codec::source::guac::OnDamage;

/// What to do behind damage.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Resync {
    /// Go on behind damage, at the next instruction that can be read: what follows may be of another session.
    #[arg(long)]
    resync: bool,
}

impl Resync {
    /// The limits with which the recording is read.
    pub(super) fn limits(self) -> Limits {
        let on_damage = if self.resync { OnDamage::Resync } else { OnDamage::Stop };
        Limits { on_damage, ..Limits::default() }
    }
}

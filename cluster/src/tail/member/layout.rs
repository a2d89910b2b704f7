//! The layout as it is applied here, and what this member says about it.

use super::super::effect::Effect;
use super::super::replica::TailError;
use super::super::turn::Turn;
use super::{Effects, Member};
use crate::catalog::{Command, LayoutSettled};

impl Member {
    /// Follows the catalog: who holds copies, and who can be asked. What is to be where is looked at anew when it changes.
    pub(super) fn look_at_layout(&mut self) -> Result<(), TailError> {
        let (layout, wanted) = (self.catalog.layout()?, self.catalog.replicas()?);
        let around = &mut self.around;
        around.peers = self.catalog.all_members()?.into_iter().collect();
        if layout == around.layout && wanted == around.wanted {
            return Ok(());
        }
        (around.layout, around.wanted) = (layout, wanted);
        self.resync.forget_missing();
        self.surplus.forget();
        self.resync.repairs().tell_moves_left(None);
        self.survey.begin();
        Ok(())
    }

    /// Tells the cluster that all is here that is to be here by the layout, and nothing else, when whole surveys have found
    /// so. What was committed since the first of them began is no move of the layout.
    pub(super) fn tell_settled(&mut self, now_ms: u64) -> Effects {
        let layout = &self.around.layout;
        let is_told = layout.version == 0 || self.settling.is_some();
        if is_told || !self.survey.is_settled_by(self.around.chosen_by()) {
            return Ok(Vec::new());
        }
        let (member, version) = (self.around.me, layout.version);
        if self.catalog.layout_member(member)?.settled >= version {
            return Ok(Vec::new());
        }
        let mut turn = Turn { now_ms, around: &mut self.around, effects: Vec::<Effect>::new() };
        self.settling = Some(turn.submit(Command::LayoutSettled(LayoutSettled { member, version })));
        Ok(turn.effects)
    }
}

//! Interrupted recordings that nobody has resumed in time are ended and sealed.

use super::super::effect::Effect;
use super::super::owner::Owner;
use super::super::placement::ranking;
use super::super::replica::TailError;
use super::super::turn::Turn;
use super::{Effects, Member, Role};
use crate::catalog::{
    CatalogError, Command, End, EndSession, ObjectRow, ObjectState, Parameter, ParameterValue, RESUME_HOURS,
    SessionState,
};
use crate::id::{MemberId, ObjectId, StreamId};

const HOUR_MS: u64 = 3_600_000;

impl Member {
    /// Since when a recording is interrupted, when that is too long ago, or nobody may resume it since its session was
    /// dropped. Time in which the cluster stood still does not count. While the cluster's clocks are suspected, no time does.
    pub(super) fn overdue_since(
        &self,
        object: ObjectId,
        row: &ObjectRow,
    ) -> Result<Option<u64>, CatalogError> {
        let ObjectState::Interrupted { since_ms } = row.state else { return Ok(None) };
        if object.stream != StreamId::RECORDING {
            return Ok(None);
        }
        let session = self.catalog.session(object.recording)?;
        if session.is_some_and(|row| matches!(row.state, SessionState::Ended { end: End::Dropped, .. })) {
            return Ok(Some(since_ms));
        }
        let clock = self.catalog.clock()?;
        let hours = Parameter::named(RESUME_HOURS).map(|parameter| self.catalog.parameter(parameter));
        let Some(ParameterValue::Number(hours)) = hours.transpose()? else { return Ok(None) };
        // Who could not resume it for want of a quorum has that time, too.
        let resumable_ms =
            hours.saturating_mul(HOUR_MS).saturating_add(self.catalog.stood_still_ms(object.recording)?);
        let due_ms = since_ms.saturating_add(resumable_ms);
        let is_due = clock.suspicion.is_none() && clock.cautious_ms() >= due_ms;
        Ok(Some(since_ms).filter(|_| is_due))
    }

    /// Notes what looks overdue, and asks whether that is still so: the catalog here may be late.
    pub(super) fn look_at_overdue(&mut self, object: ObjectId, row: &ObjectRow, now_ms: u64) -> Effects {
        let is_mine = self.is_keeper(object, row, now_ms) && !self.is_leaving;
        if let Some(since_ms) = self.overdue_since(object, row)?.filter(|_| is_mine) {
            self.overdue.insert(object, since_ms);
        }
        if self.overdue.is_empty() || self.confirming_overdue.is_some() {
            return Ok(Vec::new());
        }
        let mut turn = Turn { now_ms, around: &mut self.around, effects: Vec::new() };
        self.confirming_overdue = Some(turn.read_index());
        Ok(turn.effects)
    }

    /// What the catalog says is what is committed: sessions are ended, and the recordings of ended ones are sealed by
    /// whoever takes them over. The next survey does what is left.
    pub(super) fn end_overdue(&mut self, now_ms: u64) -> Effects {
        let mut effects = Vec::new();
        for (object, since_ms) in self.overdue.clone() {
            let row = self.catalog.object(object)?;
            let is_overdue = match &row {
                Some(row) => self.overdue_since(object, row)? == Some(since_ms),
                None => false,
            };
            let session = self.catalog.session(object.recording)?.filter(|_| is_overdue);
            let Some(session) = session else {
                self.overdue.remove(&object);
                continue;
            };
            match session.state {
                SessionState::Live => {
                    self.overdue.remove(&object);
                    let mut turn = Turn { now_ms, around: &mut self.around, effects: Vec::new() };
                    // A start is told by a recorder's clock.
                    let end_ms = since_ms.max(session.info.start_ms);
                    let (error_message, reason) = (String::new(), String::new());
                    let (recording, end) = (object.recording, End::Interrupted);
                    let end = EndSession { recording, end, end_ms, error_message, reason };
                    turn.submit(Command::CloseSession(end));
                    effects.extend(turn.effects);
                }
                SessionState::Ended { .. } => match self.objects.get(&object) {
                    None => effects.extend(self.take_over(object, now_ms)?),
                    Some(Role::TakingOver { .. }) => {}
                    // Its recorder is back.
                    Some(Role::Owner(_)) => drop(self.overdue.remove(&object)),
                },
                SessionState::Purging(_) | SessionState::Purged { .. } => drop(self.overdue.remove(&object)),
            }
        }
        Ok(effects)
    }

    /// Has a recording sealed that this member has just taken over, if it is overdue still: nobody but this member can
    /// resume it.
    pub(super) fn seal_overdue(
        &mut self,
        object: ObjectId,
        owner: &mut Owner,
        effects: Vec<Effect>,
        now_ms: u64,
    ) -> Result<Vec<Effect>, TailError> {
        let Some(since_ms) = self.overdue.remove(&object) else { return Ok(effects) };
        let row = self.catalog.object(object)?;
        let is_interrupted = row.is_some_and(|row| row.state == ObjectState::Interrupted { since_ms });
        let mut turn = Turn { now_ms, around: &mut self.around, effects };
        if is_interrupted {
            owner.seal_unasked(&mut turn);
        }
        Ok(turn.effects)
    }

    /// Whether this member cares for an object that nobody writes: its owner, or the first of its ranking when the
    /// owner is away.
    pub(super) fn is_keeper(&self, object: ObjectId, row: &ObjectRow, now_ms: u64) -> bool {
        let around = &self.around;
        let there = |one: &MemberId| around.is_there(*one, now_ms);
        match there(&row.owner) {
            true => row.owner == around.me,
            false => ranking(object, &around.layout).into_iter().find(there) == Some(around.me),
        }
    }
}

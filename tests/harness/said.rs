//! What the program `appender` prints while it records.

use crate::acknowledged::Acknowledged;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One line.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Said {
    /// A promise.
    Acknowledged(Acknowledged),
    /// An append.
    Call(Call),
    /// What its clock says.
    Clock(ClockTold),
}

/// An append, whatever its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Call {
    /// It is about to be asked for.
    Begun {
        /// Which of the process.
        number: u64,
    },
    /// It was answered, or given up.
    Over {
        /// Which of the process.
        number: u64,
    },
}

/// The cluster was told a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockTold {
    /// By how much the clock was wrong.
    pub clock_offset_ms: i64,
}

/// All that was heard of one process.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) acknowledged: Vec<Acknowledged>,
    /// Appends without an answer.
    pub(crate) under_way: BTreeSet<u64>,
    pub(crate) clock_offset_ms: Option<i64>,
}

impl Heard {
    pub(crate) fn hear(&mut self, said: Said) {
        match said {
            Said::Acknowledged(acknowledged) => self.acknowledged.push(acknowledged),
            Said::Call(Call::Begun { number }) => drop(self.under_way.insert(number)),
            Said::Call(Call::Over { number }) => drop(self.under_way.remove(&number)),
            Said::Clock(told) => self.clock_offset_ms = Some(told.clock_offset_ms),
        }
    }
}

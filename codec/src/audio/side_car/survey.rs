//! Where sound beside a recording is heard.

use super::error::SideCarError;
use super::source::SoundSource;
use super::{Feed, SideCar};
use crate::audio::audible::Audible;
use crate::audio::ticks::to_ms_ceil;
use crate::limits::Limits;
use crate::refusal::Refusal;
use serde::{Deserialize, Serialize};

/// What lies closer together is one stretch, in milliseconds: shorter pauses are no idle time.
const PAUSE_MS: i64 = 1_000;

/// What a [`SideCar`] will be, known before it is mixed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideCarSurvey {
    /// Where it ends, in milliseconds of media time; 0 if nothing of it is heard.
    pub end_ms: i64,
    /// Where it is not silent, from and to, in milliseconds of media time and in order.
    pub audible_ms: Vec<(i64, i64)>,
    /// Why some of it cannot be heard.
    pub loss: Option<Refusal>,
}

impl SideCar {
    /// Decodes all of a file and keeps none of it.
    pub fn survey(
        source: impl SoundSource,
        offset_ms: i64,
        limits: &Limits,
    ) -> Result<SideCarSurvey, SideCarError> {
        let mut feed = Feed::open(source, offset_ms, limits)?;
        let mut audible = Audible::default();
        let mut audible_ms: Vec<(i64, i64)> = Vec::new();
        while let Some(piece) = feed.next() {
            audible.piece(0, piece.samples);
            piece
                .start()
                .into_iter()
                .chain([piece.play()])
                .for_each(|directive| audible.follow(0, directive));
            for (from, to) in audible.take() {
                match audible_ms.last_mut() {
                    Some(last) if from < last.1 + PAUSE_MS => last.1 = last.1.max(to),
                    Some(_) | None => audible_ms.push((from, to)),
                }
            }
        }
        let end_ms = to_ms_ceil(feed.end).max(0);
        Ok(SideCarSurvey { end_ms, audible_ms, loss: feed.loss.as_ref().map(Refusal::from) })
    }
}

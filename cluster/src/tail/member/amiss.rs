//! The chunks that a survey has found not as they are to be, and those of them that a layout still has to move.

use super::super::turn::ChosenBy;
use crate::id::ChunkId;
use std::collections::BTreeSet;

/// So many are told apart; more are moves of a layout in any case.
const CHUNKS_MAX: usize = 4096;

/// Chunks that are missing, bad, or a copy too many.
#[derive(Debug, Default)]
pub(super) struct Amiss {
    chunks: BTreeSet<ChunkId>,
    /// Whether there were more.
    is_more: bool,
}

/// What was amiss when a survey by a layout ended, and at the end of each one since. What is written all the time is amiss
/// for a while, too, but each time other chunks: if they counted, nobody would settle while recorders are at work.
#[derive(Debug, Default)]
pub(super) struct Owed(Option<(ChosenBy, BTreeSet<ChunkId>)>);

impl Amiss {
    pub(super) fn note(&mut self, chunk: ChunkId) {
        match self.chunks.len() < CHUNKS_MAX || self.chunks.contains(&chunk) {
            true => drop(self.chunks.insert(chunk)),
            false => self.is_more = true,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// How many were told apart.
    fn count(&self) -> usize {
        self.chunks.len()
    }
}

impl Owed {
    /// A survey by a layout has come to its end.
    pub(super) fn surveyed(&mut self, by: ChosenBy, amiss: &Amiss) {
        match &mut self.0 {
            // What was not told apart may be any of them.
            Some((since, _)) if *since == by && amiss.is_more => {}
            Some((since, owed)) if *since == by => owed.retain(|chunk| amiss.chunks.contains(chunk)),
            Some(_) | None => self.0 = (!amiss.is_more).then(|| (by, amiss.chunks.clone())),
        }
    }

    /// How many of them are still amiss; where too many were to tell them apart, how many the survey that has just ended did.
    pub(super) fn left(&self, by: ChosenBy, amiss: &Amiss) -> usize {
        match &self.0 {
            Some((since, owed)) if *since == by => owed.len(),
            Some(_) | None => amiss.count(),
        }
    }

    /// Whether all that was committed when the first survey by a layout began has been in its place since.
    pub(super) fn is_nothing(&self, by: ChosenBy) -> bool {
        self.0.as_ref().is_some_and(|(since, owed)| *since == by && owed.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ChunkNumber, Epoch, ObjectId, RecordingId};
    use std::ops::Range;

    const BY: ChosenBy = ChosenBy { stamp: 7, wanted: 3 };
    const NEXT: ChosenBy = ChosenBy { stamp: 8, wanted: 3 };

    fn amiss(numbers: Range<u32>) -> Amiss {
        let mut amiss = Amiss::default();
        let object = ObjectId::from(RecordingId([7; 16]));
        for number in numbers.map(ChunkNumber) {
            amiss.note(ChunkId { object, number, epoch: Epoch(1) });
        }
        amiss
    }

    /// Whether nothing is owed after surveys by one layout that found chunks from one number to another.
    fn is_settled(surveys: &[[u32; 2]]) -> bool {
        let mut owed = Owed::default();
        surveys.iter().for_each(|[from, to]| owed.surveyed(BY, &amiss(*from..*to)));
        owed.is_nothing(BY)
    }

    #[test]
    fn nothing_is_owed_when_each_chunk_of_the_first_survey_was_right_once() {
        assert!(!is_settled(&[]));
        assert!(is_settled(&[[0, 0]]));
        assert!(!is_settled(&[[0, 3]]));
        assert!(!is_settled(&[[0, 3], [2, 6]]));
        assert!(is_settled(&[[0, 3], [2, 6], [3, 9]]));
        // Those that come later are not, however long they are amiss.
        assert!(is_settled(&[[0, 3], [3, 6], [3, 6]]));
    }

    #[test]
    fn another_layout_owes_anew() {
        let mut owed = Owed::default();
        owed.surveyed(BY, &amiss(0..0));
        assert!(owed.is_nothing(BY) && !owed.is_nothing(NEXT));
        owed.surveyed(NEXT, &amiss(0..1));
        assert!(!owed.is_nothing(BY) && !owed.is_nothing(NEXT));
        owed.surveyed(NEXT, &amiss(1..2));
        assert!(owed.is_nothing(NEXT));
    }

    #[test]
    fn what_is_left_is_what_the_first_survey_found_and_no_later_one_missed() {
        let mut owed = Owed::default();
        owed.surveyed(BY, &amiss(0..5));
        assert_eq!(owed.left(BY, &amiss(0..5)), 5);
        owed.surveyed(BY, &amiss(3..9));
        assert_eq!(owed.left(BY, &amiss(3..9)), 2);
        owed.surveyed(BY, &amiss(5..9));
        assert_eq!(owed.left(BY, &amiss(5..9)), 0);
        // Of the next layout, which has not been surveyed, nothing is told apart.
        assert_eq!(owed.left(NEXT, &amiss(0..7)), 7);
    }

    #[test]
    fn of_too_many_nothing_is_known() {
        let all = u32::try_from(CHUNKS_MAX).unwrap();
        assert!(!is_settled(&[[0, all + 1], [0, 1]]));
        assert!(!is_settled(&[[0, 1], [1, all + 2]]));
        assert!(is_settled(&[[0, all + 1], [0, 1], [1, 2]]));
        assert!(is_settled(&[[0, all], [all, 2 * all]]));
    }
}

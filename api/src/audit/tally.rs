//! What was seen since the last leaf: how often, how much, and which parts.

use std::fmt;
use std::ops::Range;

/// The most parts that are told apart: their text must fit a leaf.
const SPANS_MAX: usize = 4;

/// Parts that were seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally {
    requests: u64,
    length: u64,
    /// In order, none touching another. Of too many, those that are closest are told as one.
    spans: Vec<Range<u64>>,
}

impl Tally {
    /// One part.
    pub(super) fn of(part: Range<u64>) -> Self {
        Self { requests: 1, length: part.end.saturating_sub(part.start), spans: vec![part] }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.requests == 0
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    /// Adds what another one has counted.
    pub(super) fn add(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.length = self.length.saturating_add(other.length);
        self.spans.extend(other.spans);
        self.spans.sort_unstable_by_key(|span| (span.start, span.end));
        let mut merged: Vec<Range<u64>> = Vec::with_capacity(self.spans.len());
        for span in self.spans.drain(..) {
            match merged.last_mut() {
                Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
                Some(_) | None => merged.push(span),
            }
        }
        while merged.len() > SPANS_MAX {
            let gaps = merged.iter().zip(merged.iter().skip(1)).map(|(left, right)| right.start - left.end);
            let Some((at, _)) = gaps.enumerate().min_by_key(|(_, gap)| *gap) else { break };
            let right = merged.remove(at + 1);
            if let Some(left) = merged.get_mut(at) {
                left.end = right.end;
            }
        }
        self.spans = merged;
    }

    /// The length of all parts together, what was seen twice counted twice.
    pub(super) fn length(&self) -> u64 {
        self.length
    }
}

/// First and last of each part.
impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, span) in self.spans.iter().enumerate() {
            let gap = if at == 0 { "" } else { " " };
            write!(formatter, "{gap}{}-{}", span.start, span.end.saturating_sub(1).max(span.start))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(parts: &[Range<u64>]) -> Tally {
        let mut tally = Tally::default();
        parts.iter().cloned().for_each(|part| tally.add(Tally::of(part)));
        tally
    }

    #[test]
    fn parts_are_merged_and_bounded() {
        assert!(Tally::default().is_empty());
        let touching = tally(&[10..20, 0..10, 15..25, 40..41]);
        assert_eq!(
            (touching.requests(), touching.length(), touching.to_string().as_str()),
            (4, 31, "0-24 40-40")
        );
        let many = tally(&[0..1, 100..101, 103..104, 200..201, 300..301, 303..310]);
        assert_eq!((many.requests(), many.to_string().as_str()), (6, "0-0 100-103 200-200 300-309"));
        assert_eq!(Tally::of(5..5).to_string(), "5-5");
    }
}

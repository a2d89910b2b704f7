//! How the ends of frames are written: one list for each of their facts, times and bytes as differences.

use super::timeline::SyncPoint;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
struct Columns {
    /// Milliseconds since the one before, the first since zero.
    after_ms: Vec<i64>,
    /// Bytes since the one before, the first since the recording's start.
    after_bytes: Vec<u64>,
    dirty_pixels: Vec<usize>,
    /// Left out when all frames are there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    index: Vec<usize>,
}

pub(super) fn serialize<S: Serializer>(syncs: &[SyncPoint], serializer: S) -> Result<S::Ok, S::Error> {
    let (mut before_ms, mut before_byte) = (0, 0);
    let is_whole = (0..).zip(syncs).all(|(index, sync)| sync.index == index);
    Columns {
        after_ms: syncs
            .iter()
            .map(|sync| sync.at_ms - std::mem::replace(&mut before_ms, sync.at_ms))
            .collect(),
        after_bytes: syncs
            .iter()
            .map(|sync| sync.end_byte.saturating_sub(std::mem::replace(&mut before_byte, sync.end_byte)))
            .collect(),
        dirty_pixels: syncs.iter().map(|sync| sync.dirty_pixels).collect(),
        index: if is_whole { Vec::new() } else { syncs.iter().map(|sync| sync.index).collect() },
    }
    .serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SyncPoint>, D::Error> {
    let columns = Columns::deserialize(deserializer)?;
    let (mut at_ms, mut end_byte) = (0_i64, 0_u64);
    let rows = columns.after_ms.iter().zip(&columns.after_bytes).zip(&columns.dirty_pixels).enumerate();
    let syncs = rows.map(|(row, ((after_ms, after_bytes), dirty_pixels))| {
        at_ms = at_ms.saturating_add(*after_ms);
        end_byte = end_byte.saturating_add(*after_bytes);
        let index = columns.index.get(row).copied().unwrap_or(row);
        SyncPoint { index, at_ms, end_byte, dirty_pixels: *dirty_pixels }
    });
    Ok(syncs.collect())
}

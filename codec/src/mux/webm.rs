//! WebM with its index in front of the packets.

mod blocks;
mod ebml;
mod head;
mod ids;

use self::blocks::Blocks;
use self::head::{Cue, Head};
use super::checks::check;
use super::spans::{Span, SpanLimits};
use super::{Metadata, MuxError, Piece, Track, Tracks};

/// Four seconds and 4 MiB: far less than block times can count.
const CLUSTER_LIMITS: SpanLimits = SpanLimits { ticks: 4 * 48_000, bytes: 4 << 20 };

/// A laid out file (RFC 9559; WebM Container Guidelines; AV1 in Matroska 1.0; Opus in Matroska).
///
/// The head is the EBML header and, of one segment, all but its clusters: the cues in it say where these begin, so nobody
/// reads the end of a file before its beginning. A cluster begins with a picture at which decoding can start, or
/// where the one before would become too long.
///
/// A track of Matroska has one CodecPrivate. Where streams with several sequence headers follow one another it holds the
/// first, and decoders take the others from the key frames, which hold them too.
#[derive(Debug)]
pub struct Webm<'a> {
    head: Vec<u8>,
    clusters: Vec<Cluster>,
    blocks: Blocks<'a>,
}

/// A cluster's place among the packets.
#[derive(Debug)]
struct Cluster {
    /// How many blocks it has.
    blocks: usize,
    /// Identifier, size and timestamp, which stand before its blocks.
    head: Vec<u8>,
    /// What block times count from.
    at_ms: u64,
}

impl<'a> Webm<'a> {
    /// Decides where every packet stands and writes the head.
    pub fn lay_out(tracks: Tracks<'a>, metadata: &Metadata) -> Result<Self, MuxError> {
        check(tracks, metadata)?;
        let blocks = Blocks::of(tracks);
        let spans = Span::all(blocks.packets(), tracks.video, CLUSTER_LIMITS);
        let (mut clusters, mut cues, mut offset) = (Vec::with_capacity(spans.len()), Vec::new(), 0);
        let mut packets = blocks.packets();
        for span in spans {
            let at_ms = blocks::ms_of(span.at_ticks);
            if span.is_sync {
                cues.push(Cue { at_ms, offset });
            }
            let bytes = packets.by_ref().take(span.packets).map(|packet| {
                let payload = if blocks::is_text(packet.track) { 0 } else { packet.bytes };
                let head = blocks.head(&packet, at_ms);
                payload.saturating_add(u64::try_from(head.len()).unwrap_or(u64::MAX))
            });
            let payload_bytes = bytes.sum();
            let head = head::cluster(at_ms, payload_bytes);
            offset += u64::try_from(head.len()).unwrap_or(u64::MAX) + payload_bytes;
            clusters.push(Cluster { blocks: span.packets, head, at_ms });
        }
        let head = Head { tracks, metadata, cues, clusters_bytes: offset }.bytes();
        Ok(Self { head, clusters, blocks })
    }

    /// The file from its first byte to its last.
    pub fn pieces(&self) -> impl Iterator<Item = Piece> {
        let head = std::iter::once(Piece::of_bytes(self.head.clone()));
        let first_of = |cluster: &'_ Cluster| std::iter::once(cluster.head.clone());
        let heads = self.clusters.iter().flat_map(move |cluster| {
            let others = std::iter::repeat_n(Vec::new(), cluster.blocks.saturating_sub(1));
            first_of(cluster).chain(others).map(move |before| (before, cluster.at_ms))
        });
        head.chain(heads.zip(self.blocks.packets()).map(|((mut bytes, at_ms), packet)| {
            bytes.extend(self.blocks.head(&packet, at_ms));
            Piece { bytes, packets: Some(packet).filter(|packet| !blocks::is_text(packet.track)) }
        }))
    }
}

/// How the tracks are numbered.
fn number_of(track: Track) -> u64 {
    match track {
        Track::Video => 1,
        Track::Sound => 2,
        Track::Subtitles | Track::Chapters => 3,
    }
}

#[cfg(test)]
mod tests;

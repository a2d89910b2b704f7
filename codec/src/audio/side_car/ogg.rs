//! Which stream of an Ogg file is its last one (RFC 3533).
//!
//! Streams follow one another. From one of which nothing is known, Symphonia reads on to the end of the file and says nothing: sound
//! that was left out there is told by the file's last page.

use super::error::SideCarError;
use super::source::BoundedSource;

/// The largest page: its head, 255 lengths, and as many segments of 255 bytes.
const PAGE_BYTES_MAX: u64 = HEAD_BYTES + 255 + 255 * 255;
const HEAD_BYTES: u64 = 27;
/// The flag of a page that begins a stream.
const BEGINS: u8 = 2;

/// The streams at both ends of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OggEnds {
    /// Those that begin together at its beginning.
    first: Vec<u32>,
    /// That of its last page.
    last: u32,
}

impl OggEnds {
    /// Looks at both ends; nothing of what is no Ogg, or does not end with a whole page.
    pub(super) fn of(source: &mut BoundedSource) -> Result<Option<Self>, SideCarError> {
        let read = |source: &mut BoundedSource, at: u64| {
            let mut bytes = vec![0; usize::try_from(PAGE_BYTES_MAX).unwrap_or(usize::MAX)];
            source.read_at(at, &mut bytes).map(|length| {
                bytes.truncate(length);
                bytes
            })
        };
        let begin = read(source, 0)?;
        let mut first = Vec::new();
        let mut rest = begin.as_slice();
        while let Some(page) = Page::of(rest).filter(|page| page.flags & BEGINS != 0) {
            first.push(page.stream);
            rest = rest.get(page.bytes..).unwrap_or_default();
        }
        if first.is_empty() {
            return Ok(None);
        }
        let end = read(source, source.left(0).saturating_sub(PAGE_BYTES_MAX))?;
        let last = (0..end.len()).filter_map(|at| end.get(at..)).find_map(|bytes| {
            Page::of(bytes).filter(|page| page.bytes == bytes.len()).map(|page| page.stream)
        });
        Ok(last.map(|last| Self { first, last }))
    }

    /// Whether streams are left out when those that were read last are `read`.
    pub(super) fn are_left_out(&self, read: impl Iterator<Item = u32>) -> bool {
        !self.first.contains(&self.last) && !read.into_iter().any(|stream| stream == self.last)
    }
}

/// What the head of a page tells.
struct Page {
    flags: u8,
    stream: u32,
    bytes: usize,
}

impl Page {
    fn of(bytes: &[u8]) -> Option<Self> {
        let [b'O', b'g', b'g', b'S', 0, flags, rest @ ..] = bytes else { return None };
        // Behind eight bytes of time; behind them the page's number and a sum.
        let stream = u32::from_le_bytes(*rest.get(8..)?.first_chunk()?);
        let (count, lengths) = rest.get(20..)?.split_first()?;
        let lengths = lengths.get(..usize::from(*count))?;
        let body: usize = lengths.iter().map(|length| usize::from(*length)).sum();
        let head = usize::try_from(HEAD_BYTES).unwrap_or(usize::MAX);
        Some(Self { flags: *flags, stream, bytes: head + lengths.len() + body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn page(stream: u32, flags: u8, body: &[u8]) -> Vec<u8> {
        let begin = [&b"OggS\0"[..], &[flags], &[0; 8], &stream.to_le_bytes(), &[0; 8]].concat();
        [&begin, &[2, 255, u8::try_from(body.len() - 255).unwrap()][..], body].concat()
    }

    fn ends(file: Vec<u8>) -> Option<OggEnds> {
        OggEnds::of(&mut BoundedSource::open(Cursor::new(file)).unwrap()).unwrap()
    }

    #[test]
    fn the_streams_at_both_ends_are_told() {
        let body = [7; 300];
        let inner = [&b"OggS\0"[..], &[0; 295]].concat();
        let file = |pages: &[(u32, u8, &[u8])]| {
            pages.iter().flat_map(|(stream, flags, body)| page(*stream, *flags, body)).collect::<Vec<u8>>()
        };
        let told =
            ends(file(&[(1, BEGINS, &body), (2, BEGINS, &body), (1, 0, &body), (2, 4, &body)])).unwrap();
        assert_eq!(told, OggEnds { first: vec![1, 2], last: 2 });
        assert!(!told.are_left_out([1].into_iter()));
        let many = vec![(5, 0, body.as_slice()); 1_000];
        let told = ends(file(
            &[&[(1, BEGINS, body.as_slice()), (1, 0, &body), (5, BEGINS, &body)], many.as_slice()].concat(),
        ));
        let told = told.unwrap();
        assert_eq!((told.first.clone(), told.last), (vec![1], 5));
        assert!(told.are_left_out([1].into_iter()) && !told.are_left_out([4, 5].into_iter()));
        // What looks like a page inside of one does not reach the end.
        assert_eq!(ends(file(&[(1, BEGINS, &body), (1, 0, &inner)])).unwrap().last, 1);
        let whole = file(&[(1, BEGINS, &body), (1, 0, &body)]);
        assert_eq!(ends(whole[..whole.len() - 1].to_vec()), None);
        assert_eq!(ends([&whole[..], b"more"].concat()), None);
        assert_eq!(ends(b"RIFF".repeat(9)), None);
    }
}

//! Sessions of databases.

use super::pieces;
use crate::limits::Limits;
use crate::postgres::{FollowError, Follower, Opening};
use crate::source::db_lines::{Line, LineReader, ReadError, accepted};
use crate::timeline::StatementFold;

/// Lines are read alike in any pieces, what is accepted is what is read, and a connection is followed alike in any pieces, to
/// lines that may be stored.
pub fn db(data: &[u8]) {
    let Some((&seed, data)) = data.split_first() else { return };
    if seed & 1 == 0 { lines(seed, data) } else { connection(seed, data) }
}

fn lines(seed: u8, data: &[u8]) {
    let whole = read(std::iter::once(data));
    assert_eq!(read(pieces(data, seed)), whole, "pieces give other lines");
    let mut stored = 0;
    while let Ok(length @ 1..) = accepted(data.get(stored..).unwrap_or_default()) {
        stored += length;
    }
    assert_eq!(u64::try_from(stored), Ok(whole.2), "another part is accepted than is read");
    let limits = Limits { statements: 4, statement_chars: 8, statement_bytes: 300, ..Limits::default() };
    let fold = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut fold = StatementFold::new(limits);
        pieces.for_each(|piece| fold.push(piece));
        fold.timeline()
    };
    let timeline = fold(&mut std::iter::once(data));
    assert_eq!(fold(&mut pieces(data, seed)), timeline, "pieces give another timeline");
    assert!(timeline.readable_bytes == whole.2 && timeline.sync_count == whole.0.len());
    assert!(timeline.syncs.is_sorted_by_key(|sync| (sync.at_ms, sync.end_byte)));
    assert!(timeline.statements.len() <= limits.statements);
}

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Line>, Result<(), ReadError>, u64) {
    let (mut reader, mut lines) = (LineReader::default(), Vec::new());
    for piece in pieces {
        reader.push(piece);
        while let Ok(Some(read)) = reader.read() {
            lines.push(read.line);
        }
    }
    (lines, reader.finish(), reader.position())
}

/// The first byte of each part says who says it, and how much.
fn connection(seed: u8, data: &[u8]) {
    // Any bytes are an opening or none.
    let _: Result<_, _> = Opening::parse(data);
    let whole = followed(data, |said, part| part(said));
    let in_pieces = followed(data, |said, part| pieces(said, seed).try_for_each(part));
    assert_eq!(in_pieces, whole, "pieces are followed to other lines");
    for line in whole.0 {
        assert_eq!(Line::parse(line.to_json().as_bytes()), Ok(line), "a line that must not be stored");
    }
}

type Told = (Vec<Line>, Option<FollowError>);

fn followed(
    mut data: &[u8],
    say: impl Fn(&[u8], &mut dyn FnMut(&[u8]) -> Result<(), FollowError>) -> Result<(), FollowError>,
) -> Told {
    let (mut follower, mut lines, mut t_ms) = (Follower::new("d".to_owned()), Vec::new(), 0);
    while let Some((&who, rest)) = data.split_first() {
        let (said, behind) = rest.split_at(usize::from(who >> 1).min(rest.len()));
        data = behind;
        t_ms += 1;
        let ended = if who & 1 == 0 {
            say(said, &mut |piece| follower.client(piece, t_ms))
        } else {
            say(said, &mut |piece| follower.server(piece, &mut lines))
        };
        if let Err(error) = ended {
            return (lines, Some(error));
        }
    }
    lines.extend(follower.finish());
    (lines, None)
}

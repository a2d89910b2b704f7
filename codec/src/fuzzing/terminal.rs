//! Laws of recordings of terminals.

use super::{drawn, limits, pieces};
use crate::canvas::Canvas;
use crate::cost::Cost;
use crate::limits::Limits;
use crate::replay::Replay;
use crate::screen::Screen;
use crate::source::terminal::{TerminalFormat, TerminalReader, Theme};
use crate::terminal::{Emulator, Fonts, Painter};
use crate::timeline::TimelineFold;
use crate::view::ViewIndexFold;

/// What is put in front of bytes that are no recording, so that the code behind headers is reached.
const HEADS: [&str; 4] = [
    "{\"version\":2,\"width\":20,\"height\":5}\n",
    "{\"version\":3,\"term\":{\"cols\":20,\"rows\":5}}\n",
    "{\"version\":1,\"width\":20,\"height\":5,\"stdout\":[",
    "#custody-typescript 1 timing=40 size=20x5\n",
];

/// A recording gives the same events, timeline, view and pictures in any pieces; what was typed is not in its view.
pub fn cast(data: &[u8]) {
    let [seed, head, data @ ..] = data else { return };
    let begin = HEADS.get(usize::from(*head)).map_or(&[][..], |head| head.as_bytes());
    let recording = [begin, data].concat();
    let Some(format) = recording.first().copied().and_then(TerminalFormat::of) else { return };
    let whole = events(format, std::iter::once(recording.as_slice()));
    assert_eq!(events(format, pieces(&recording, *seed)), whole, "pieces give other events");
    assert_eq!(events(format, recording.chunks(1)), whole, "single bytes give other events");
    let fold = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut fold = TimelineFold::new(limits());
        pieces.for_each(|piece| fold.push(piece));
        fold.finish()
    };
    let (timeline, keys) = fold(&mut std::iter::once(recording.as_slice()));
    assert_eq!(
        fold(&mut pieces(&recording, *seed)),
        (timeline.clone(), keys),
        "pieces give another timeline"
    );
    assert!(timeline.readable_bytes <= timeline.bytes);
    assert!(timeline.syncs.is_sorted_by_key(|sync| (sync.at_ms, sync.end_byte, sync.index)));
    assert!(timeline.syncs.iter().all(|sync| sync.at_ms <= timeline.media_duration_ms));
    let view = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut fold = ViewIndexFold::new(limits());
        pieces.flat_map(|piece| fold.push(piece).to_vec()).collect::<Vec<u8>>()
    };
    let seen = view(&mut std::iter::once(recording.as_slice()));
    assert_eq!(view(&mut pieces(&recording, *seed)), seen, "pieces give another view");
    let (of_view, typed) = fold(&mut std::iter::once(seen.as_slice()));
    assert!(typed.batches.is_empty() && of_view.key_presses == 0, "what was typed is in the view");
    let draw = |pieces: &mut dyn Iterator<Item = &[u8]>| drawn(&mut Replay::new(limits()), pieces);
    let pictures = draw(&mut std::iter::once(recording.as_slice()));
    assert!(draw(&mut pieces(&recording, *seed)) == pictures, "pieces give other pictures");
    assert!(pictures.0.len() >= timeline.sync_count, "frames that are in the timeline alone");
}

/// The events with their places, and how the recording ends.
fn events<'a>(format: TerminalFormat, pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<String>, String) {
    let mut reader = TerminalReader::new(format, limits());
    let mut events = Vec::new();
    for piece in pieces {
        reader.push(piece);
        while let Ok(Some(read)) = reader.read() {
            events.push(format!("{read:?}"));
        }
    }
    (events, format!("{:?} {}", reader.finish(), reader.position()))
}

/// Whatever comes to a terminal, a screen that is kept up to date equals one that is drawn anew, and one that is made of a dump.
pub fn terminal(data: &[u8]) {
    let [columns, rows, data @ ..] = data else { return };
    let side = |byte: u8| usize::from(byte % 40) + 1;
    let mut emulator = Emulator::new(side(*columns), side(*rows));
    let (mut painter, mut canvas) = begin();
    let (mut screen, mut cost) = (Screen::default(), Cost::default());
    for line in data.split(|&byte| byte == 0xFF) {
        match line {
            [0xFE, columns, rows] => emulator.resize(side(*columns), side(*rows), &mut cost),
            text => {
                emulator.feed(&String::from_utf8_lossy(text), &mut cost, Cost::MAX);
            }
        }
        painter.paint(&emulator, &mut canvas).expect("it is small");
        screen.show_frame(&mut canvas);
        assert!(shown(&emulator).picture() == screen.picture(), "something changed outside of the damage");
    }
    let (columns, rows) = emulator.size();
    let mut dumped = Emulator::new(columns, rows);
    if let Some(dump) = emulator.dump() {
        dumped.feed(&dump, &mut cost, Cost::MAX);
        assert!(shown(&dumped).picture() == screen.picture(), "a dump makes another screen");
    }
}

/// A screen that is drawn anew.
fn shown(emulator: &Emulator) -> Screen {
    let ((mut painter, mut canvas), mut screen) = (begin(), Screen::default());
    painter.paint(emulator, &mut canvas).expect("it is small");
    screen.show_frame(&mut canvas);
    screen
}

fn begin() -> (Painter, Canvas) {
    (Painter::new(Theme::default(), Fonts::bundled()), Canvas::new(Limits::default()))
}

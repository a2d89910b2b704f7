use super::super::encoder::code_frame;
use super::super::format::Format;
use super::super::source::Source;
use super::*;
use crate::geometry::Size;
use crate::video::Chroma;
use std::collections::BTreeSet;

const FORMAT: Format = Format { size: Size { width: 1280, height: 720 }, chroma: Chroma::Half };

/// Decides, and keeps which superblocks show something else than before.
struct Watched<'a> {
    decisions: FrameDecisions<'a>,
    coded: BTreeSet<(usize, usize)>,
}

impl Decide for Watched<'_> {
    fn start_superblock(&mut self, superblock: Block) {
        self.decisions.start_superblock(superblock);
    }

    fn decide(&mut self, state: &FrameState, block: Block) -> Option<Choice> {
        let choice = self.decisions.decide(state, block);
        if choice.as_ref().is_some_and(|choice| *choice != Choice::copy(Mv::default())) {
            self.coded.insert((block.row / SUPERBLOCK_CELLS, block.column / SUPERBLOCK_CELLS));
        }
        choice
    }
}

/// A grey picture with a pointer: a slope, which no palette holds.
fn luma_with_pointer(area: Rect) -> Vec<u8> {
    let mut luma = vec![90; FORMAT.size.area()];
    for y in area.top..area.bottom {
        for x in area.left..area.right {
            luma[y * FORMAT.size.width + x] =
                u8::try_from(100 + 5 * (x - area.left) + 3 * (y - area.top)).unwrap();
        }
    }
    luma
}

#[test]
fn a_pointer_that_moves_costs_the_superblocks_where_it_was_and_where_it_is() {
    let pointer = |left: usize, top: usize| Rect { left, top, right: left + 12, bottom: top + 20 };
    // Across the corner of four superblocks, and far away inside of one.
    let (from, to) = (pointer(122, 120), pointer(1100, 650));
    let chroma = vec![128; FORMAT.plane_size(1).area()];
    let (before, after) = (luma_with_pointer(from), luma_with_pointer(to));
    let source = |luma| Source { format: FORMAT, planes: [luma, &chroma, &chroma] };
    let mut state = FrameState::new(FORMAT, 80);
    let mut code = |source, before, areas: &[Rect]| {
        let mut damage = DamageMap::new(FORMAT.cells());
        areas.iter().for_each(|area| damage.add(*area));
        let decisions = FrameDecisions::new(Pictures { source, before, copies: &[] }, &damage);
        let mut watched = Watched { decisions, coded: BTreeSet::new() };
        let packet = code_frame(&mut state, source, &mut watched);
        (packet.len(), watched.coded)
    };
    let (_, coded) = code(source(&before), None, &[Rect::of_size(FORMAT.size)]);
    assert_eq!(coded.len(), 12 * 20, "a key frame has all superblocks");
    let (bytes, coded) = code(source(&after), Some(source(&before)), &[from, to]);
    let expected = [(1, 1), (1, 2), (2, 1), (2, 2), (10, 17)];
    assert_eq!(coded, BTreeSet::from(expected));
    assert!(bytes < 400, "{bytes} bytes");
}

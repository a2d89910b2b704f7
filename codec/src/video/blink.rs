//! Blinking cursors: a small area that goes back and forth between two looks.

use super::yuv::Yuv;
use crate::geometry::Rect;

/// Follows the last small change.
#[derive(Debug, Default)]
pub(super) struct Blink {
    area: Rect,
    /// What `area` showed before its last change.
    before: Vec<u8>,
    returns: u32,
}

impl Blink {
    /// Larger areas do not blink.
    const PIXELS_MAX: usize = 64 * 64;
    /// Returns to the look before, one after the other, that make it a blink.
    const RETURNS: u32 = 4;

    /// Tells of a change in `area` from `coded` to `current`; whether it is one more blink.
    pub(super) fn observe(&mut self, area: Rect, current: &Yuv, coded: &Yuv) -> bool {
        if area.area() > Self::PIXELS_MAX {
            *self = Self::default();
            return false;
        }
        let returned = area == self.area && luma_patch(current, area) == self.before;
        if returned && self.returns >= Self::RETURNS {
            return true;
        }
        self.returns = if returned { self.returns + 1 } else { 0 };
        self.area = area;
        self.before = luma_patch(coded, area);
        false
    }
}

fn luma_patch(picture: &Yuv, area: Rect) -> Vec<u8> {
    let width = picture.size.width;
    (area.top..area.bottom)
        .flat_map(|y| &picture.y[y * width + area.left..y * width + area.right])
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Size;
    use crate::video::Chroma;

    #[test]
    fn an_area_that_goes_back_and_forth_blinks_until_something_else_changes() {
        let area = Rect { left: 4, top: 4, right: 6, bottom: 8 };
        let dark = Yuv::black(Size { width: 32, height: 32 }, Chroma::Half);
        let mut light = dark.clone();
        light.y[4 * 32 + 4] = 200;
        let mut blink = Blink::default();
        // What blinks is not coded; what shows the coded look again is not observed.
        let (mut coded, mut seen) = (&dark, Vec::new());
        for current in [&light, &dark].into_iter().cycle().take(10) {
            if current == coded {
                continue;
            }
            let blinks = blink.observe(area, current, coded);
            if !blinks {
                coded = current;
            }
            seen.push(blinks);
        }
        assert_eq!(seen, [false, false, false, false, false, true, true, true]);
        assert!(!blink.observe(Rect { left: 0, ..area }, &light, &dark));
        assert!(!blink.observe(area, &light, &dark));
    }
}

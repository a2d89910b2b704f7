use super::super::place::Position;
use super::*;
use proptest::prelude::*;

/// A surface whose pixels all differ.
fn numbered(size: Size) -> Surface {
    let mut surface = Surface::new(size);
    for (pixel, number) in surface.pixels.iter_mut().zip(1_u32..) {
        *pixel = number.to_le_bytes();
    }
    surface
}

fn at(surface: &Surface, x: usize, y: usize) -> Pixel {
    let inside = x < surface.size.width && y < surface.size.height;
    if inside { surface.row(y, x, x + 1)[0] } else { TRANSPARENT }
}

fn sizes() -> impl Strategy<Value = Size> {
    (0..9_usize, 0..9_usize).prop_map(|(width, height)| Size { width, height })
}

proptest! {
    #[test]
    fn a_resize_keeps_what_is_inside_both(before in sizes(), after in sizes()) {
        let old = numbered(before);
        let mut new = old.clone();
        new.resize(after);
        prop_assert_eq!(new.pixels.len(), after.area());
        for (x, y) in (0..after.width).flat_map(|x| (0..after.height).map(move |y| (x, y))) {
            prop_assert_eq!(at(&new, x, y), at(&old, x, y));
        }
    }

    #[test]
    fn drawing_on_itself_is_drawing_an_older_copy(
        size in sizes(),
        [x, y, width, height] in prop::array::uniform4(0..9_i32),
        [to_x, to_y] in prop::array::uniform2(-9..9_i32),
        unbounded in any::<bool>(),
    ) {
        let old = numbered(size);
        let placed = Placed::new(Rect::clipped(x, y, width, height, size), Position::new(to_x, to_y), size);
        let mask = if unbounded { Mask::Src } else { Mask::Plus };
        let (mut itself, mut other) = (old.clone(), old.clone());
        let cleared = itself.draw(Source::Itself, &placed, mask);
        prop_assert_eq!(cleared, other.draw(Source::Other(&old), &placed, mask));
        prop_assert_eq!(itself, other);
    }
}

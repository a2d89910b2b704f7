use super::*;
use proptest::prelude::*;

const ALL: [Mask; 11] = [
    Mask::Rout,
    Mask::Ratop,
    Mask::Rin,
    Mask::In,
    Mask::Out,
    Mask::Atop,
    Mask::Xor,
    Mask::Rover,
    Mask::Src,
    Mask::Over,
    Mask::Plus,
];

/// The factors of source and destination, of W3C Compositing and Blending, section 9.
fn factors(mask: Mask, source: f64, below: f64) -> (f64, f64) {
    match mask {
        Mask::Src => (1.0, 0.0),
        Mask::Over => (1.0, 1.0 - source),
        Mask::Rover => (1.0 - below, 1.0),
        Mask::In => (below, 0.0),
        Mask::Rin => (0.0, source),
        Mask::Out => (1.0 - below, 0.0),
        Mask::Rout => (0.0, 1.0 - source),
        Mask::Atop => (below, 1.0 - source),
        Mask::Ratop => (1.0 - below, source),
        Mask::Xor => (1.0 - below, 1.0 - source),
        Mask::Plus => (1.0, 1.0),
    }
}

fn pixel() -> impl Strategy<Value = Pixel> {
    let alpha = prop_oneof![Just(0), Just(255), any::<u8>()];
    (any::<[u8; 3]>(), alpha).prop_map(|([red, green, blue], alpha)| premultiply([red, green, blue, alpha]))
}

proptest! {
    #[test]
    fn every_mask_is_its_formula_rounded(
        rows in prop::collection::vec((pixel(), pixel()), 1..150),
        opaque in any::<bool>(),
    ) {
        let (mut from, below): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        if opaque {
            from.iter_mut().for_each(|pixel| pixel[3] = 255);
        }
        for mask in ALL {
            let mut to = below.clone();
            mask.composite(&mut to, &from);
            for ((to, from), below) in to.iter().zip(&from).zip(&below) {
                let (a, b) = factors(mask, f64::from(from[3]) / 255.0, f64::from(below[3]) / 255.0);
                for i in 0..4 {
                    let exact = (f64::from(from[i]) * a + f64::from(below[i]) * b).min(255.0);
                    // What is below a translucent source is cut, see below; all else is rounded to the nearest.
                    let error = if mask == Mask::Over { 1.0 } else { 0.5 + 1e-9 };
                    prop_assert!((f64::from(to[i]) - exact).abs() <= error, "{mask:?} {from:?} {below:?} {to:?}");
                }
                prop_assert!(to[..3].iter().all(|&channel| channel <= to[3]), "{mask:?} is not premultiplied");
            }
        }
    }

    #[test]
    fn a_fill_is_a_row_of_one_colour(color in pixel(), below in prop::collection::vec(pixel(), 1..80)) {
        for mask in ALL {
            let row = vec![color; below.len()];
            let (mut filled, mut composited) = (below.clone(), below.clone());
            mask.fill(&mut filled, color, &row);
            mask.composite(&mut composited, &row);
            prop_assert_eq!(filled, composited);
        }
    }

    #[test]
    fn straight_colours_survive_their_own_alpha(color in any::<[u8; 4]>()) {
        let back = unpremultiply(premultiply(color));
        prop_assert_eq!(back[3], color[3]);
        if color[3] == 255 {
            prop_assert_eq!(back, color);
        }
        prop_assert_eq!(premultiply(back), premultiply(color));
    }
}

#[test]
fn the_protocol_defines_eleven_masks_of_which_five_are_unbounded() {
    let defined: Vec<Mask> = (0..=255).filter_map(Mask::from_protocol).collect();
    assert_eq!(defined.len(), ALL.len());
    let unbounded = defined.iter().filter(|mask| mask.is_unbounded()).count();
    assert_eq!(unbounded, 5);
    // An unbounded mask is one by which a transparent source leaves nothing.
    for mask in ALL {
        let mut to = [[9, 9, 9, 200]];
        mask.composite(&mut to, &[TRANSPARENT]);
        assert_eq!(to == [TRANSPARENT], mask.is_unbounded(), "{mask:?}");
    }
}

#[test]
fn a_translucent_source_is_rounded_as_browsers_round_it() {
    for (below, alpha) in (0..=255_u8).flat_map(|below| (0..=255_u8).map(move |alpha| (below, alpha))) {
        let source = premultiply([0, 128, 255, alpha]);
        let mut to = [[below, below, below, 255]];
        Mask::Over.composite(&mut to, &[source]);
        let rest = u16::from(below) * (256 - u16::from(alpha)) / 256;
        let expected = [0, 1, 2].map(|i| u8::try_from(u16::from(source[i]) + rest).unwrap());
        assert_eq!(to, [[expected[0], expected[1], expected[2], 255]]);
    }
}

use super::*;
use crate::canvas::canvas::tests::{draw, drawn, letters, picture};
use crate::limits::Limits;
use proptest::prelude::*;

/// Each scene is a name and instructions; all have this size, and the picture below to draw with in buffer -1.
const SCENES: &str = include_str!("scenes.txt");
const SIDE: usize = 24;
const TILE: &str = "size 0 24 24; size -1 8 8; rect -1 0 0 4 4; cfill 14 -1 255 0 0 255;
    rect -1 4 0 4 4; cfill 14 -1 0 255 0 255; rect -1 0 4 4 4; cfill 14 -1 0 0 255 255;
    rect -1 4 4 4 4; cfill 14 -1 255 255 255 128;";

/// What Chromium 156 shows after the same calls on an HTML canvas: one scene below the other.
fn browser() -> Vec<[u8; 4]> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(include_bytes!("scenes.png")));
    decoder.set_transformations(png::Transformations::ALPHA);
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    pixels.chunks(4).map(|pixel| pixel.try_into().unwrap()).collect()
}

#[test]
fn paths_look_as_a_browser_draws_them() {
    let expected = browser();
    assert_eq!(expected.len(), SCENES.lines().count() * SIDE * SIDE);
    for (scene, expected) in SCENES.lines().zip(expected.chunks(SIDE * SIDE)) {
        let (name, script) = scene.split_once('|').unwrap();
        let picture = picture(&drawn(&format!("{TILE} {script}")));
        let error = |(drawn, expected): (&[u8; 4], &[u8; 4])| {
            (0..4).map(|i| u32::from(drawn[i].abs_diff(expected[i]))).max().unwrap()
        };
        let errors: Vec<_> = picture.pixels.iter().zip(expected).map(error).collect();
        // Browsers cover edges in coarse steps, of which a smooth curve shows many.
        assert!(errors.iter().all(|error| *error < 80), "{name}: {errors:?}");
        assert!(errors.iter().sum::<u32>() < 2_000, "{name}: {errors:?}");
    }
}

#[test]
fn whole_pixels_are_exact_through_clips_and_moves() {
    let script = "size 0 4 3; size -1 2 1; rect -1 0 0 1 1; cfill 14 -1 255 0 0 255; rect -1 1 0 1 1;
        cfill 14 -1 0 255 0 255; transform 0 1 0 0 1 1 1; push 0; rect 0 0 0 9 1; clip 0;";
    let mut canvas = drawn(&format!("{script} copy -1 0 0 2 1 14 0 0 0; copy -1 0 0 2 1 14 0 0 1"));
    assert_eq!(letters(&canvas), ".... .rg. ....");
    // The copy of a layer on itself, a box of negative length, and a pattern of the layer itself.
    assert_eq!(draw(&mut canvas, "copy 0 1 1 2 1 14 0 1 0"), []);
    assert_eq!(letters(&canvas), ".... .rrg ....");
    assert_eq!(draw(&mut canvas, "pop 0; rect 0 3 2 -1 -1; cfill 14 0 0 0 255 255"), []);
    assert_eq!(letters(&canvas), ".... .rrg ...b");
    assert_eq!(
        draw(&mut canvas, "identity 0; rect 0 0 0 1 3; lfill 14 0 -1; rect 0 0 0 1 9; lfill 14 0 0"),
        []
    );
    assert_eq!(letters(&canvas), "r... rrrg r..b");
    // Neither a missing layer nor an empty one is a pattern.
    assert_eq!(draw(&mut canvas, "rect 0 0 0 9 9; lfill 12 0 -9; size -3 0 5; lfill 12 0 -3"), []);
    assert_eq!(letters(&canvas), "r... rrrg r..b");
}

#[test]
fn a_mask_clears_only_inside_the_clip_and_nothing_for_an_empty_path() {
    let full = "size 0 4 1; rect 0 0 0 4 1; cfill 14 0 255 0 0 255;";
    let clipped = drawn(&format!("{full} rect 0 1 0 2 1; clip 0; rect 0 0 0 2 1; cfill 12 0 0 255 0 255"));
    assert_eq!(letters(&clipped), "rg.r");
    let empty = drawn(&format!("{full} reset 0; cfill 12 0 0 255 0 255; cstroke 12 0 0 0 1 0 0 0 255"));
    assert_eq!(letters(&empty), "rrrr");
    let outside = drawn(&format!("{full} rect 0 -9 0 2 1; cfill 12 0 0 255 0 255"));
    assert_eq!(letters(&outside), "....");
}

#[test]
fn limits_of_paths_and_states_are_named() {
    let mut canvas = Canvas::new(Limits {
        path_segments: 3,
        all_segments: 6,
        clips: 2,
        saved_states: 2,
        pattern_pixels: 3,
        ..Limits::default()
    });
    let refusals = draw(
        &mut canvas,
        "size 0 2 2; start 0 0 0; line 0 1 1; line 0 2 2; line 0 3 3; cfill 14 0 0 0 0 0;
         rect 0 0 0 1 1; clip 0; clip 0; clip 0; rect 0 0 0 1 1; rect 0 0 0 1 1; reset 0; push 0; push 0; push 0;
         transform 0 1e300 0 0 1 0 0; transform 0 1e300 0 0 1 0 0; rect 0 0 0 1 1; lfill 14 0 0;
         rect -1 0 0 1 1; rect -1 0 0 1 1; rect -1 0 0 1 1; rect -1 0 0 1 1; push -1; dispose -1; rect -1 0 0 1 1",
    );
    assert_eq!(
        refusals,
        [
            DrawError::PathSegments { layer: 0, limit: 3 },
            DrawError::Clips { layer: 0, limit: 2 },
            DrawError::PathSegments { layer: 0, limit: 3 },
            DrawError::SavedStates { layer: 0, limit: 2 },
            DrawError::Transform { layer: 0 },
            DrawError::PatternPixels { layer: 0, pixels: 4, limit_pixels: 3 },
            DrawError::PathSegments { layer: -1, limit: 3 },
            DrawError::AllSegments { layer: -1, limit: 6 },
        ]
    );
}

#[test]
fn huge_outlines_are_drawn_in_bounded_work() {
    for script in [
        "arc 0 0 0 2147483647 0 1e300 0; cfill 14 0 255 0 0 255",
        "arc 0 -2147483648 2147483647 2147483647 -1e300 9 1; cstroke 14 0 1 2 2147483647 255 0 0 255",
        "start 0 -2147483648 -2147483648; line 0 2147483647 2147483646; cstroke 14 0 2 1 2147483647 255 0 0 255",
        "transform 0 1e200 0 0 1e-200 0 0; rect 0 -9 -9 2147483647 2147483647; cstroke 12 0 0 1 9 255 0 0 255",
        "transform 0 1e-300 0 0 1e300 0 0; arc 0 5 5 9 0 7 0; clip 0; rect 0 0 0 9 9; cfill 12 0 255 0 0 255",
        "curve 0 2147483647 0 -2147483648 9 2147483647 -2147483648; lstroke 12 0 1 2 9 -1",
        "arc 0 4 4 -1 0 7 0; cfill 14 0 255 0 0 255; set 0 miter-limit -5",
    ] {
        let mut canvas = drawn(TILE);
        assert_eq!(draw(&mut canvas, script), [], "{script}");
        assert!(picture(&canvas).pixels.iter().all(|pixel| pixel[3] == 255));
    }
    // A line of 512 curves.
    let mut canvas = drawn("size 0 500 500; start 0 0 0");
    let curves: String = (0..511).map(|i| format!("curve 0 500 {i} -9999999 500 {i} 0;")).collect();
    assert_eq!(draw(&mut canvas, &format!("{curves} cstroke 14 0 1 2 3 255 0 0 255")), []);
}

#[test]
fn a_distorted_layer_is_shown_about_its_middle() {
    let base = "size 0 6 6; size 1 4 2; move 1 0 1 2 0; rect 1 0 0 1 2; cfill 14 1 255 0 0 255;
        rect 1 1 0 3 2; cfill 14 1 0 255 0 255;";
    assert_eq!(letters(&drawn(base)), "...... ...... .rggg. .rggg. ...... ......");
    let mut canvas = drawn(&format!("{base} distort 1 0 1 -1 0 0 0"));
    assert_eq!(letters(&canvas), "...... ..rr.. ..gg.. ..gg.. ..gg.. ......");
    canvas.take_damage();
    // Mirrored and moved, then back again. What it covers before and after is damaged.
    assert_eq!(draw(&mut canvas, "distort 1 -1 0 0 1 1 0"), []);
    assert_eq!(letters(&canvas), "...... ...... ..gggr ..gggr ...... ......");
    let damage = canvas.take_damage();
    assert!(damage.rects.iter().any(|rect| rect.top <= 1 && rect.bottom >= 5), "{damage:?}");
    assert_eq!(draw(&mut canvas, "distort 1 1 0 0 1 0 0; distort -1 1 0 0 1 0 0"), []);
    assert_eq!(letters(&canvas), "...... ...... .rggg. .rggg. ...... ......");
    assert_eq!(draw(&mut canvas, "distort 1 0 0 0 0 0 0"), []);
    assert_eq!(letters(&canvas), "...... ...... ...... ...... ...... ......");
}

#[test]
fn what_is_inside_a_distorted_layer_is_distorted_with_it() {
    let canvas = drawn(
        "size 0 6 4; rect 0 0 0 6 4; cfill 14 0 0 0 255 255; size 1 2 2; move 1 0 2 1 0; rect 1 0 0 2 2;
         cfill 14 1 255 0 0 255; size 2 9 1; move 2 1 1 0 0; rect 2 0 0 9 1; cfill 14 2 0 255 0 255;
         distort 1 2 0 0 2 0 0; shade 1 51",
    );
    let [red, green, blue] = [[51, 0, 204, 255], [0, 51, 204, 255], [0, 0, 255, 255]];
    let row = |y: usize| picture(&canvas).row(y, 0, 6).to_vec();
    assert_eq!(row(0)[0], blue);
    assert_eq!([row(3)[1], row(3)[4], row(0)[1]], [red; 3]);
    assert_eq!([row(0)[4], row(0)[5]], [green, blue]);
}

/// Drawing on two layers of which one is inside the other, transformed and cut; numbers are mostly small.
fn vector_script() -> impl Strategy<Value = String> {
    let number = || prop_oneof![9 => -30..60_i32, 1 => prop::sample::select(vec![i32::MIN, -1_000_000, 5_000, i32::MAX])];
    let scale =
        || prop_oneof![4 => -2.0..2.0_f64, 1 => prop::sample::select(vec![0.0, 1.0, 1e-9, 1e9, -1e250])];
    let layer = || prop::sample::select(vec![0, 0, 1, 1, -1]);
    let mask = || prop::sample::select(vec![1, 2, 4, 6, 8, 9, 10, 11, 12, 14, 14, 15]);
    let four = move || (number(), number(), number(), number());
    prop_oneof![
        2 => (layer(), number(), number()).prop_map(|(l, x, y)| format!("start {l} {x} {y}")),
        4 => (layer(), number(), number()).prop_map(|(l, x, y)| format!("line {l} {x} {y}")),
        2 => (layer(), four(), number(), number())
            .prop_map(|(l, (a, b, c, d), x, y)| format!("curve {l} {a} {b} {c} {d} {x} {y}")),
        2 => (layer(), number(), number(), number(), -9.0..9.0_f64, -9.0..9.0_f64, 0..2)
            .prop_map(|(l, x, y, r, from, to, turn)| format!("arc {l} {x} {y} {r} {from} {to} {turn}")),
        2 => (layer(), four()).prop_map(|(l, (x, y, w, h))| format!("rect {l} {x} {y} {w} {h}")),
        2 => (layer(), prop::sample::select(vec!["close", "clip", "push", "pop", "pop", "reset", "identity"]))
            .prop_map(|(l, opcode)| format!("{opcode} {l}")),
        2 => (layer(), prop::sample::select(vec!["transform", "distort"]), [scale(), scale(), scale(), scale()],
              number(), number())
            .prop_map(|(l, opcode, [a, b, c, d], e, f)| format!("{opcode} {l} {a} {b} {c} {d} {e} {f}")),
        1 => (layer(), -1.0..20.0_f64).prop_map(|(l, limit)| format!("set {l} miter-limit {limit}")),
        3 => (mask(), layer()).prop_map(|(m, l)| format!("cfill {m} {l} 200 100 50 150")),
        1 => (mask(), layer(), layer()).prop_map(|(m, l, s)| format!("lfill {m} {l} {s}")),
        2 => (mask(), layer(), 0..3, 0..3, number())
            .prop_map(|(m, l, cap, join, t)| format!("cstroke {m} {l} {cap} {join} {t} 50 100 200 255")),
        1 => (mask(), layer(), 0..3, 0..3, number(), layer())
            .prop_map(|(m, l, cap, join, t, s)| format!("lstroke {m} {l} {cap} {join} {t} {s}")),
        2 => (layer(), four(), mask(), layer(), number(), number())
            .prop_map(|(s, (x, y, w, h), m, l, tx, ty)| format!("copy {s} {x} {y} {w} {h} {m} {l} {tx} {ty}")),
        1 => (number(), number()).prop_map(|(x, y)| format!("move 1 0 {x} {y} 0; shade 1 100; move 2 1 0 0 0")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn whatever_is_drawn_with_paths_only_the_damage_changes(
        script in prop::collection::vec(vector_script(), 1..40),
    ) {
        let mut canvas = drawn("size 0 20 16; size 1 12 12; size 2 5 5; move 2 1 3 3 0; size -1 6 6");
        canvas.take_damage();
        let mut shown = picture(&canvas);
        for line in script {
            draw(&mut canvas, &line);
            let damage = canvas.take_damage();
            for rect in &damage.rects {
                canvas.flatten(*rect, &mut shown);
            }
            prop_assert_eq!(&shown, &picture(&canvas), "{}", line);
            for layer in [0, 1, -1] {
                let surface = &canvas.layers.get(layer).unwrap().surface;
                let premultiplied = |pixel: &Pixel| pixel[..3].iter().all(|channel| *channel <= pixel[3]);
                prop_assert!(surface.pixels().iter().all(premultiplied), "{}", line);
            }
        }
    }
}

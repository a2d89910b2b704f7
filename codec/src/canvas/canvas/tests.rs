use super::*;
use crate::canvas::error::{ImageError, ImageFormat};
use crate::source::guac::Parser;
use proptest::prelude::*;

pub(in crate::canvas) const RED: [u8; 4] = [255, 0, 0, 255];
const GREEN: [u8; 4] = [0, 255, 0, 255];
const BLACK: [u8; 4] = [0, 0, 0, 255];

/// Applies instructions that are written as words, and answers the refusals.
pub(in crate::canvas) fn draw(canvas: &mut Canvas, script: &str) -> Vec<DrawError> {
    let mut parser = Parser::new(Limits::default());
    for line in script.split(';').map(str::trim).filter(|line| !line.is_empty()) {
        let elements: Vec<String> =
            line.split_whitespace().map(|word| format!("{}.{word}", word.chars().count())).collect();
        parser.push(format!("{};", elements.join(",")).as_bytes());
    }
    let mut refusals = Vec::new();
    while let Some(instruction) = parser.read().unwrap() {
        assert!(!matches!(instruction, Instruction::Other { .. }), "{instruction:?}");
        refusals.extend(canvas.apply(&instruction).err());
    }
    refusals
}

pub(in crate::canvas) fn drawn(script: &str) -> Canvas {
    let mut canvas = Canvas::new(Limits::default());
    assert_eq!(draw(&mut canvas, script), []);
    canvas
}

pub(in crate::canvas) fn picture(canvas: &Canvas) -> Picture {
    let mut picture = Picture::black(canvas.size());
    canvas.flatten(Rect::of_size(canvas.size()), &mut picture);
    picture
}

/// The picture in letters, one word a row.
pub(in crate::canvas) fn letters(canvas: &Canvas) -> String {
    let picture = picture(canvas);
    let letter = |pixel: &[u8; 4]| match *pixel {
        BLACK => '.',
        RED => 'r',
        GREEN => 'g',
        [0, 0, 255, 255] => 'b',
        [255, 255, 255, 255] => 'w',
        _ => '?',
    };
    let rows = picture.pixels.chunks(picture.size.width.max(1));
    rows.map(|row| row.iter().map(letter).collect::<String>()).collect::<Vec<_>>().join(" ")
}

pub(in crate::canvas) fn base64_png(pixel: [u8; 4], width: u32, height: u32) -> String {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgba);
    let pixels = pixel.repeat(usize::try_from(width * height).unwrap());
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    STANDARD.encode_to_string(bytes)
}

#[test]
fn a_size_keeps_what_is_inside_both() {
    let canvas = drawn("size 0 3 2; rect 0 0 0 3 2; cfill 14 0 255 0 0 255; size 0 2 3");
    assert_eq!(letters(&canvas), "rr rr ..");
    let canvas = drawn("size 0 3 2; rect 0 0 0 3 2; cfill 14 0 255 0 0 255; size 0 0 0; size 0 1 1");
    assert_eq!(letters(&canvas), ".");
    assert!(drawn("size 0 -5 7").size().area() == 0);
}

#[test]
fn layers_are_drawn_by_z_inside_their_parents() {
    let script = "size 0 4 2; size 1 3 2; size 2 9 9; size 3 1 1;
        rect 1 0 0 9 9; cfill 14 1 255 0 0 255; rect 2 0 0 9 9; cfill 14 2 0 255 0 255;
        rect 3 0 0 1 1; cfill 14 3 0 0 255 255; move 1 0 1 0 0; move 2 1 1 1 0; move 3 0 3 0 -1";
    let mut canvas = drawn(script);
    assert_eq!(letters(&canvas), ".rrr .rgg");
    assert_eq!(draw(&mut canvas, "move 3 0 3 0 1"), []);
    assert_eq!(letters(&canvas), ".rrb .rgg");
    // The same z: who came last is above. A child of a disposed layer is not shown.
    assert_eq!(draw(&mut canvas, "move 3 0 1 0 0; dispose 0; dispose 7"), []);
    assert_eq!(letters(&canvas), ".brr .rgg");
    assert_eq!(draw(&mut canvas, "dispose 1"), []);
    assert_eq!(letters(&canvas), ".b.. ....");
    assert_eq!(draw(&mut canvas, "move 2 0 3 1 0"), []);
    assert_eq!(letters(&canvas), ".b.. ...g");
}

#[test]
fn a_translucent_layer_and_its_children_fade_together() {
    let script = "size 0 2 20; rect 0 0 0 2 20; cfill 14 0 0 0 255 255; size 1 2 20; size 2 1 20;
        rect 1 0 0 2 20; cfill 14 1 255 0 0 255; rect 2 0 0 1 20; cfill 14 2 0 255 0 255;
        move 1 0 0 0 0; move 2 1 0 0 0; shade 1 51; move 3 0 0 0 0; shade 3 0";
    let picture = picture(&drawn(script));
    // Below the green pixels no red shines through.
    assert_eq!(picture.pixels[..2], [[0, 51, 204, 255], [51, 0, 204, 255]]);
    assert_eq!(picture.pixels[38..], [[0, 51, 204, 255], [51, 0, 204, 255]]);
}

#[test]
fn a_layer_in_itself_is_refused_and_a_deep_chain_is_drawn() {
    let mut canvas = drawn("size 0 2 1; size 1 1 1; size 2 1 1; move 1 0 0 0 0; move 2 1 0 0 0");
    assert_eq!(draw(&mut canvas, "move 1 2 0 0 0"), [DrawError::Cycle { layer: 1, parent: 2 }]);
    assert_eq!(draw(&mut canvas, "move 1 1 0 0 0"), [DrawError::Cycle { layer: 1, parent: 1 }]);
    for layer in 3..65 {
        assert_eq!(draw(&mut canvas, &format!("size {layer} 1 1; move {layer} {} 0 0 0", layer - 1)), []);
    }
    assert_eq!(draw(&mut canvas, "rect 64 0 0 1 1; cfill 14 64 255 0 0 255"), []);
    assert_eq!(letters(&canvas), "r.");
    let refused = DrawError::Layers { layer: 65, limit: 64 };
    assert_eq!(draw(&mut canvas, "move 65 64 0 0 0; move 1 65 0 0 0"), [refused.clone(), refused]);
}

#[test]
fn several_rectangles_are_one_shape() {
    let mut canvas = drawn("size 0 4 1; rect 0 0 0 2 1; rect 0 1 0 2 1; cfill 14 0 255 0 0 51");
    assert_eq!(picture(&canvas).pixels, [[51, 0, 0, 255], [51, 0, 0, 255], [51, 0, 0, 255], BLACK]);
    // The closed path can be filled again; a rectangle begins another.
    assert_eq!(draw(&mut canvas, "cfill 14 0 255 0 0 255; rect 0 3 0 1 1; cfill 14 0 0 255 0 255"), []);
    assert_eq!(letters(&canvas), "rrrg");
    let refusals = draw(&mut canvas, &"rect 0 0 0 1 1;".repeat(513));
    assert_eq!(refusals, [DrawError::PathSegments { layer: 0, limit: 512 }]);
}

#[test]
fn a_copy_within_a_layer_reads_what_was_there_before() {
    let stripes =
        "size 0 4 1; rect 0 0 0 1 1; cfill 14 0 255 0 0 255; rect 0 1 0 1 1; cfill 14 0 0 255 0 255;
        rect 0 2 0 1 1; cfill 14 0 0 0 255 255;";
    assert_eq!(letters(&drawn(&format!("{stripes} copy 0 0 0 3 1 14 0 1 0"))), "rrgb");
    assert_eq!(letters(&drawn(&format!("{stripes} copy 0 1 0 3 1 14 0 0 0"))), "gbb.");
    assert_eq!(letters(&drawn(&format!("{stripes} copy 0 -1 0 4 1 14 0 1 0"))), "rgrg");
    // SRC clears what is outside the shape, also of the source.
    assert_eq!(letters(&drawn(&format!("{stripes} copy 0 0 0 2 1 12 0 2 0"))), "..rg");
    assert_eq!(letters(&drawn(&format!("{stripes} copy 0 9 0 2 1 12 0 2 0"))), "rgb.");
}

#[test]
fn buffers_grow_and_layers_clip() {
    let mut canvas = drawn("size 0 2 1; rect -1 1 0 2 1; cfill 14 -1 255 0 0 255; copy -1 0 0 9 9 14 0 -1 0");
    assert_eq!(letters(&canvas), "rr");
    assert_eq!(
        draw(&mut canvas, "copy 0 0 0 1 1 14 -1 4 2; copy -1 4 2 1 1 12 0 0 0; copy -7 0 0 1 1 14 0 0 0"),
        []
    );
    assert_eq!(letters(&canvas), "r.");
    assert_eq!(canvas.layers.size_of(-1), Size { width: 5, height: 3 });
    let grown = |width, height| DrawError::Side { layer: -1, width, height, limit_pixels: 8192 };
    assert_eq!(draw(&mut canvas, "copy 0 0 0 1 1 14 -1 2147483647 0"), [grown(0x8000_0000, 3)]);
    assert_eq!(draw(&mut canvas, "rect -1 2147483647 0 2147483647 1"), [grown(0xFFFF_FFFE, 3)]);
    assert_eq!(canvas.layers.size_of(-1), Size { width: 5, height: 3 });
    assert_eq!(draw(&mut canvas, "dispose -1; copy -1 0 0 9 9 14 0 -1 0"), []);
}

#[test]
fn refusals_name_their_limit() {
    let mut canvas = Canvas::new(Limits {
        buffers: 1,
        streams: 1,
        canvas_pixels: 100,
        side_pixels: 50,
        image_bytes: 9,
        cursor_side_pixels: 4,
        ..Limits::default()
    });
    let refusals = draw(
        &mut canvas,
        "size 0 51 1; size 0 10 10; size -1 1 1; size -1 0 0; size -2 0 0; cfill 5 0 0 0 0 0;
         transfer 0 0 0 1 1 16 0 0 0; cursor 0 0 0 0 0 5 1; img 1 14 0 image/png 0 0; img 2 14 0 image/png 0 0;
         blob 1 AAAAAAAA; blob 1 AAAAAAAA; blob 1 AAAA; end 1; img 2 14 0 image/png 0 0; blob 2 AAA; end 2;
         png 14 0 0 0 ****; png 14 0 0 0 AAAAAAAAAAAAAAAA; png 14 0 0 0 AAAA; img 3 7 0 image/png 0 0",
    );
    assert_eq!(
        refusals,
        [
            DrawError::Side { layer: 0, width: 51, height: 1, limit_pixels: 50 },
            DrawError::CanvasPixels { layer: -1, pixels: 101, limit_pixels: 100 },
            DrawError::Buffers { layer: -2, limit: 1 },
            DrawError::Mask { mask: 5 },
            DrawError::Function { function: 16 },
            DrawError::CursorSide { width: 5, height: 1, limit_pixels: 4 },
            DrawError::Streams { stream: 2, limit: 1 },
            DrawError::ImageBytes { stream: 1, limit_bytes: 9 },
            DrawError::Base64 { stream: 2 },
            DrawError::InlineBase64,
            DrawError::InlineImageBytes { chars: 16, limit_bytes: 9 },
            DrawError::Image { layer: 0, error: ImageError::Format },
            DrawError::Mask { mask: 7 },
        ]
    );
    assert_eq!(canvas.streams.take(1).map(|image| image.bytes), None);
}

#[test]
fn a_refused_image_leaves_the_canvas_as_it_was() {
    let mut canvas = drawn("size 0 2 1; rect 0 0 0 2 1; cfill 14 0 255 0 0 255");
    canvas.take_damage();
    let bomb = STANDARD.encode_to_string(crate::canvas::image::tests::flat_jpeg(65_500, 65_500));
    let refusals = draw(&mut canvas, &format!("img 1 12 0 image/jpeg 0 0; blob 1 {bomb}; end 1"));
    let error = ImageError::Pixels {
        format: ImageFormat::Jpeg,
        width: 65_500,
        height: 65_500,
        limit_pixels: Limits::default().image_pixels,
    };
    assert_eq!(refusals, [DrawError::Image { layer: 0, error }]);
    assert_eq!((letters(&canvas).as_str(), canvas.take_damage()), ("rr", Damage::default()));
}

#[test]
fn an_image_comes_in_pieces_and_is_drawn_at_its_end() {
    let image = base64_png(RED, 2, 2);
    let (head, tail) = image.split_at(40);
    let mut canvas = drawn(&format!("size 0 3 2; img 4 14 0 image/png 1 1; blob 4 {head}; blob 4 {tail}"));
    assert_eq!(letters(&canvas), "... ...");
    assert_eq!(draw(&mut canvas, "end 4"), []);
    assert_eq!(letters(&canvas), "... .rr");
    assert_eq!(draw(&mut canvas, &format!("png 14 0 -1 -1 {image}; end 4; end 9")), []);
    assert_eq!(letters(&canvas), "r.. .rr");
    assert_eq!(draw(&mut canvas, &format!("png 12 0 2 -1 {image}")), []);
    assert_eq!(letters(&canvas), "..r ...");
}

#[test]
fn a_stream_of_another_kind_does_not_draw_the_image_of_its_index_again() {
    let (red, green) = (base64_png(RED, 1, 1), base64_png(GREEN, 1, 1));
    let first = format!("size 0 1 1; img 5 14 0 image/png 0 0; blob 5 {red}; end 5;");
    let second = format!("img 6 14 0 image/png 0 0; blob 6 {green}; end 6;");
    for open in ["clipboard 5 text/plain", "audio 5 audio/L16;rate=8000", "pipe 5 text/plain name"] {
        let open = open.replace(';', ",");
        let canvas = drawn(&format!("{first} {second} {open}; blob 5 AAAA; end 5"));
        assert_eq!(letters(&canvas), "g");
        // The end belongs to what was opened last; an image that came before goes on, unless guacd reused its index.
        let (head, tail) = green.split_at(40);
        let opened = format!("{first} img 5 14 0 image/png 0 0; blob 5 {head}; {open}; blob 5 AAAA; end 5");
        let mut canvas = drawn(&opened);
        assert_eq!(letters(&canvas), "r");
        assert_eq!(draw(&mut canvas, &format!("blob 5 {tail}; end 5; end 5")), []);
        assert_eq!(letters(&canvas), if open.starts_with("audio") { "r" } else { "g" });
    }
}

#[test]
fn the_cursor_is_hidden_until_the_mouse_moves() {
    let image = "size 0 3 1; rect -1 0 0 2 1; cfill 14 -1 255 0 0 255; cursor 1 0 -1 0 0 2 1;";
    let mut canvas = drawn(image);
    assert!(canvas.cursor().is_none());
    assert_eq!(draw(&mut canvas, "mouse 1 0 0"), []);
    let first = canvas.cursor().unwrap();
    assert_eq!((first.corner(), first.area().width(), first.size().width), ((0, 0), 2, 2));
    let revision = first.revision();
    canvas.take_damage();
    assert_eq!(draw(&mut canvas, "cursor 1 0 -1 0 0 2 1; mouse 3 0 0"), []);
    let moved = canvas.cursor().unwrap();
    assert_eq!(moved.revision(), revision);
    let mut shown = picture(&canvas);
    moved.draw(Rect::of_size(canvas.size()), &mut shown);
    assert_eq!(shown.pixels, [BLACK, BLACK, RED]);
    assert!(canvas.take_damage().is_empty());
    assert_eq!(draw(&mut canvas, "cursor 1 0 -1 1 0 2 1; mouse 2147483647 -2147483648 0"), []);
    let far = canvas.cursor().unwrap();
    assert!(far.area().is_empty() && far.revision() != revision);
    assert_eq!(far.pixels(), [RED, [0; 4]]);
    assert_eq!(draw(&mut canvas, "cursor 0 0 -1 0 0 0 0"), []);
    assert!(canvas.cursor().is_none());
}

#[test]
fn a_transfer_inverts() {
    let canvas = drawn("size 0 2 1; rect 0 0 0 1 1; cfill 14 0 0 255 255 255; transfer 0 0 0 1 1 12 0 1 0");
    assert_eq!(letters(&canvas).chars().nth(1), Some('r'));
    let canvas = drawn("size 0 1 1; rect 0 0 0 1 1; cfill 14 0 0 255 255 255; transfer 0 0 0 1 1 10 0 0 0");
    assert_eq!(letters(&canvas), "r");
}

#[test]
fn a_scroll_is_a_copy_vector() {
    let mut canvas = drawn("size 0 20 20; copy 0 0 0 20 20 14 -1 0 0");
    assert_eq!(canvas.take_damage().copies, []);
    let scroll = |top, bottom, dx, dy| CopyVector { to: Rect { left: 0, top, right: 20, bottom }, dx, dy };
    assert_eq!(draw(&mut canvas, "copy -1 0 5 20 15 14 0 0 0; copy 0 0 0 20 10 14 0 0 10"), []);
    let damage = canvas.take_damage();
    assert_eq!(damage.copies, [scroll(0, 15, 0, -5), scroll(10, 20, 0, 10), scroll(10, 20, 0, 5)]);
    assert_eq!(damage.rects, [Rect::of_size(canvas.size())]);
    // Neither a small buffer, nor a copy in place, nor a mask that keeps what is below.
    assert_eq!(draw(&mut canvas, "size -2 5 5; copy -2 0 1 5 4 14 0 0 0; copy -1 0 0 20 20 14 0 0 0"), []);
    assert_eq!(draw(&mut canvas, "copy 0 0 1 20 19 11 0 0 0"), []);
    assert_eq!(canvas.take_damage().copies, []);
}

/// Pixels of a layer after the fill or copy of a shape by a mask, by the plain definition.
fn unbounded_model(
    mask: u8,
    inside: impl Fn(usize) -> bool,
    below: &[[u8; 4]],
    above: [u8; 4],
) -> Vec<[u8; 4]> {
    let mask = Mask::from_protocol(mask).unwrap();
    let result = below.iter().enumerate().map(|(x, &below)| {
        let mut pixel = [below];
        match (inside(x), mask.is_unbounded()) {
            (true, _) => mask.composite(&mut pixel, &[above]),
            (false, true) => pixel = [[0; 4]],
            (false, false) => {}
        }
        pixel[0]
    });
    result.collect()
}

#[test]
fn unbounded_masks_clear_outside_fills_copies_and_images() {
    let below = [[0, 255, 0, 255], [0; 4], [0, 51, 0, 51], [0, 255, 0, 255], [0; 4], [0, 51, 0, 51]];
    let base = "size 0 6 1; rect 0 0 0 1 1; rect 0 3 0 1 1; cfill 12 0 0 255 0 255;
        rect 0 2 0 1 1; rect 0 5 0 1 1; cfill 14 0 0 255 0 51; rect -1 0 0 2 1; cfill 14 -1 255 0 0 153;";
    let image = base64_png([255, 0, 0, 153], 2, 1);
    for mask in [0x1, 0x2, 0x4, 0x6, 0x8, 0x9, 0xA, 0xB, 0xC, 0xE, 0xF] {
        let above = [153, 0, 0, 153];
        let middle = unbounded_model(mask, |x| (2..4).contains(&x), &below, above);
        let ends = unbounded_model(mask, |x| !(2..4).contains(&x), &below, above);
        for (operation, expected) in [
            (format!("copy -1 0 0 2 1 {mask} 0 2 0"), &middle),
            (format!("rect 0 2 0 2 1; cfill {mask} 0 255 0 0 153"), &middle),
            (format!("png {mask} 0 2 0 {image}"), &middle),
            (format!("rect 0 4 0 9 9; rect 0 0 -3 2 8; rect 0 1 0 1 1; cfill {mask} 0 255 0 0 153"), &ends),
        ] {
            let canvas = drawn(&format!("{base} {operation}"));
            assert_eq!(canvas.layers.get(0).unwrap().surface.pixels(), *expected, "{operation}");
        }
    }
}

/// Any coordinate: mostly near the canvas, sometimes extreme.
fn coordinate() -> impl Strategy<Value = i32> {
    prop_oneof![8 => -4..20_i32, 1 => prop::sample::select(vec![i32::MIN, i32::MIN + 1, i32::MAX - 1, i32::MAX])]
}

fn instruction() -> impl Strategy<Value = String> {
    let mask = || prop::sample::select(vec![1, 2, 4, 6, 8, 9, 10, 11, 12, 14, 14, 14, 15, 3]);
    let layer = || -2..4_i32;
    let point = || (coordinate(), coordinate());
    let area = || (coordinate(), coordinate(), coordinate(), coordinate());
    let color = prop::sample::select(vec!["255 0 0 255", "0 255 0 255", "0 0 255 100", "9 9 9 0"]);
    prop_oneof![
        1 => (layer(), point()).prop_map(|(layer, (w, h))| format!("size {layer} {w} {h}")),
        2 => (layer(), 0..4, point(), -1..2).prop_map(|(l, p, (x, y), z)| format!("move {l} {p} {x} {y} {z}")),
        1 => (layer(), prop::sample::select(vec![0, 80, 255])).prop_map(|(l, o)| format!("shade {l} {o}")),
        1 => layer().prop_map(|layer| format!("dispose {layer}")),
        4 => (layer(), area()).prop_map(|(l, (x, y, w, h))| format!("rect {l} {x} {y} {w} {h}")),
        4 => (mask(), layer(), color).prop_map(|(m, l, c)| format!("cfill {m} {l} {c}")),
        4 => (layer(), area(), mask(), layer(), point()).prop_map(|(s, (x, y, w, h), m, l, (tx, ty))| {
            format!("copy {s} {x} {y} {w} {h} {m} {l} {tx} {ty}")
        }),
        1 => (layer(), area(), 0..17, layer(), point()).prop_map(|(s, (x, y, w, h), f, l, (tx, ty))| {
            format!("transfer {s} {x} {y} {w} {h} {f} {l} {tx} {ty}")
        }),
        1 => (mask(), layer(), point()).prop_map(|(mask, layer, (x, y))| {
            format!("png {mask} {layer} {x} {y} {}", base64_png([200, 100, 50, 150], 5, 4))
        }),
        1 => (point(), layer(), area()).prop_map(|((hx, hy), l, (x, y, w, h))| {
            format!("cursor {hx} {hy} {l} {x} {y} {w} {h}; mouse {x} {y} 0")
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn what_is_not_damaged_did_not_change(script in prop::collection::vec(instruction(), 1..60)) {
        let limits = Limits { side_pixels: 64, ..Limits::default() };
        let mut canvas = Canvas::new(limits);
        draw(&mut canvas, "size 0 16 12");
        canvas.take_damage();
        let mut shown = picture(&canvas);
        for line in script {
            draw(&mut canvas, &line);
            let damage = canvas.take_damage();
            let now = picture(&canvas);
            if now.size != shown.size {
                shown = Picture::black(now.size);
            }
            // Flattening the damage alone brings the old picture up to date.
            for rect in &damage.rects {
                prop_assert!(!rect.is_empty() && Rect::of_size(now.size).contains(rect));
                canvas.flatten(*rect, &mut shown);
            }
            prop_assert_eq!(&shown, &now, "{}", line);
            prop_assert!(now.pixels.iter().all(|pixel| pixel[3] == 255));
            if let Some(cursor) = canvas.cursor() {
                cursor.draw(Rect::of_size(canvas.size()), &mut now.clone());
            }
        }
    }
}

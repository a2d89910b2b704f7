use crate::canvas::drawing::Drawing;
use crate::canvas::layer::Layer;
use crate::canvas::mask::{premultiply, unpremultiply};
use crate::canvas::path::Path;
use crate::canvas::{Canvas, Packing};
use crate::geometry::Rect;
use crate::limits::Limits;
use crate::matrix::Matrix;
use crate::picture::Picture;
use crate::source::guac::{Arc, Color, Instruction, LineCap, LineJoin, OtherStreamKind, Parser, Pen, Vector};
use base64_simd::STANDARD;
use proptest::prelude::*;

/// Small ones, so that random instructions reach them.
fn limits() -> Limits {
    Limits {
        layers: 3,
        buffers: 3,
        streams: 3,
        canvas_pixels: 60_000,
        side_pixels: 200,
        path_segments: 7,
        all_segments: 14,
        clips: 3,
        saved_states: 3,
        image_bytes: 300_000,
        ..Limits::default()
    }
}

/// All that a canvas is made of, as far as it can ever be told from another one.
#[derive(Debug, PartialEq)]
struct Known {
    layers: Vec<(i32, KnownLayer)>,
    /// The children of each layer from the lowest to the highest.
    children: Vec<(i32, Vec<i32>)>,
    streams: String,
    /// Hidden for good without pixels, whatever its sides.
    pointer: Option<(Vec<[u8; 4]>, usize, String)>,
    tip: String,
}

#[derive(Debug, PartialEq)]
struct KnownLayer {
    size: (usize, usize),
    pixels: Vec<[u8; 4]>,
    drawing: Drawing,
    parent: Option<i32>,
    position: [i32; 3],
    opacity: u8,
    matrix: Matrix,
}

fn known(canvas: &Canvas) -> Known {
    let state = canvas.parts();
    let mut layers = state.layers.in_order();
    layers.sort_by_key(|(index, _)| *index);
    let indexes: Vec<_> = layers.iter().map(|(index, _)| *index).collect();
    let pointer = state.cursor.state();
    Known {
        layers: layers.into_iter().map(|(index, layer)| (index, known_layer(layer))).collect(),
        children: indexes.iter().map(|&index| (index, state.layers.children(index))).collect(),
        streams: format!("{:?}", state.streams),
        pointer: (pointer.image.size().area() > 0).then(|| {
            (pointer.image.pixels().to_vec(), pointer.image.size().width, format!("{:?}", pointer.hot))
        }),
        tip: format!("{:?}", pointer.tip),
    }
}

fn known_layer(layer: &Layer) -> KnownLayer {
    let size = layer.surface.size();
    let mut drawing = layer.drawing.clone();
    if drawing.path.steps().is_empty() {
        // A path without segments is the same, ended or not.
        drawing.path = Path::default();
    }
    let placement = layer.placement;
    KnownLayer {
        size: (size.width, size.height),
        pixels: layer.surface.pixels().to_vec(),
        drawing,
        parent: placement.parent,
        position: [placement.x, placement.y, placement.z],
        opacity: placement.opacity,
        matrix: placement.matrix,
    }
}

/// An instruction that owns its text.
#[derive(Debug, Clone)]
enum Step {
    Draw(Instruction<'static>),
    Blob(i32, Vec<u8>),
}

impl Step {
    fn apply(&self, canvas: &mut Canvas) -> bool {
        match self {
            Self::Draw(instruction) => canvas.apply(instruction).is_ok(),
            Self::Blob(stream, bytes) => {
                let data = STANDARD.encode_to_string(bytes);
                canvas.apply(&Instruction::Blob { stream: *stream, data: &data }).is_ok()
            }
        }
    }
}

fn layer() -> impl Strategy<Value = i32> {
    -4..=4_i32
}

fn at() -> impl Strategy<Value = i32> {
    prop_oneof![4 => -20..150_i32, 1 => Just(0), 1 => prop_oneof![Just(i32::MIN), Just(i32::MAX)]]
}

fn side() -> impl Strategy<Value = i32> {
    prop_oneof![1 => Just(0), 8 => 1..150_i32, 1 => Just(250)]
}

fn mask() -> impl Strategy<Value = u8> {
    prop_oneof![3 => Just(14_u8), 1 => Just(12_u8), 3 => prop::sample::select(vec![1, 2, 4, 6, 8, 9, 10, 11, 15, 3])]
}

fn color() -> impl Strategy<Value = Color> {
    let alpha = prop_oneof![2 => Just(255), 2 => any::<u8>(), 1 => Just(0)];
    (any::<[u8; 3]>(), alpha).prop_map(|([red, green, blue], alpha)| Color { red, green, blue, alpha })
}

/// An image of random pixels: many colours, so that it is not written with a palette.
fn image(width: u32, height: u32, seed: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgba);
    let mut state = u32::from(seed) + 1;
    let pixels: Vec<u8> = (0..width * height * 4)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [byte, ..] = state.to_be_bytes();
            if seed < 80 { byte | 0x80 } else { byte }
        })
        .collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    bytes
}

fn picture_steps() -> impl Strategy<Value = Vec<Step>> {
    let parts = (0..4_i32, mask(), layer(), at(), at(), 1..90_u32, 1..90_u32, any::<u8>(), 0..4_u8);
    parts.prop_map(|(stream, mask, layer, x, y, width, height, seed, ending)| {
        let bytes = image(width, height, seed);
        let half = bytes.len() / 2;
        let open = Instruction::Img { stream, mask, layer, mimetype: "image/png", x, y };
        let mut steps = vec![Step::Draw(open), Step::Blob(stream, bytes[..half].to_vec())];
        if ending > 0 {
            steps.push(Step::Blob(stream, bytes[half..].to_vec()));
        }
        if ending > 1 {
            steps.push(Step::Draw(Instruction::End { stream }));
        }
        steps
    })
}

fn layer_steps() -> impl Strategy<Value = Vec<Step>> {
    let one = prop_oneof![
        4 => (layer(), side(), side()).prop_map(|(layer, width, height)| Instruction::Size { layer, width, height }),
        3 => (layer(), layer(), at(), at(), -1..2_i32)
            .prop_map(|(layer, parent, x, y, z)| Instruction::Move { layer, parent, x, y, z }),
        1 => (layer(), any::<u8>()).prop_map(|(layer, opacity)| Instruction::Shade { layer, opacity }),
        2 => layer().prop_map(|layer| Instruction::Dispose { layer }),
        4 => (layer(), at(), at(), side(), side())
            .prop_map(|(layer, x, y, width, height)| Instruction::Rect { layer, x, y, width, height }),
        4 => (mask(), layer(), color()).prop_map(|(mask, layer, color)| Instruction::Cfill { mask, layer, color }),
        1 => (at(), at(), layer(), at(), at(), 0..40_i32, 0..40_i32).prop_map(
            |(hot_x, hot_y, source, source_x, source_y, width, height)| Instruction::Cursor {
                hot_x, hot_y, source, source_x, source_y, width, height
            }
        ),
        1 => (at(), at()).prop_map(|(x, y)| Instruction::Mouse { x, y, buttons: 0, timestamp: None }),
    ];
    one.prop_map(|instruction| vec![Step::Draw(instruction)])
}

/// Few, so that clips and saved states stay usable, and some that cannot be undone.
fn matrix() -> impl Strategy<Value = Matrix> {
    prop::sample::select(vec![
        Matrix::IDENTITY,
        Matrix::moving(3.5, -20.0),
        Matrix { a: 0.5, d: 1.5, ..Matrix::IDENTITY },
        Matrix { a: 0.8, b: 0.6, c: -0.6, d: 0.8, e: 1.0 / 3.0, f: 40.1 },
        Matrix { a: 0.0, d: 1e-300, ..Matrix::IDENTITY },
    ])
}

fn vector() -> impl Strategy<Value = Vector> {
    let pen = Pen { cap: LineCap::Round, join: LineJoin::Miter, thickness: 7 };
    prop_oneof![
        3 => (at(), at()).prop_map(|(x, y)| Vector::Start { x, y }),
        3 => (at(), at()).prop_map(|(x, y)| Vector::Line { x, y }),
        1 => (at(), at(), at(), at(), at(), at())
            .prop_map(|(x1, y1, x2, y2, x, y)| Vector::Curve { x1, y1, x2, y2, x, y }),
        1 => (at(), at(), 0..90_i32, -7.0..7.0_f64, -7.0..7.0_f64, any::<bool>())
            .prop_map(|(x, y, radius, start, end, negative)| Vector::Arc(Arc { x, y, radius, start, end, negative })),
        2 => Just(Vector::Close),
        2 => Just(Vector::Clip),
        1 => (mask(), layer()).prop_map(|(mask, source)| Vector::Lfill { mask, source }),
        2 => (mask(), color()).prop_map(move |(mask, color)| Vector::Cstroke { mask, pen, color }),
        2 => Just(Vector::Push),
        2 => Just(Vector::Pop),
        1 => Just(Vector::Reset),
        1 => Just(Vector::Identity),
        2 => matrix().prop_map(Vector::Transform),
        1 => (0.0..20.0_f64).prop_map(Vector::MiterLimit),
        1 => matrix().prop_map(Vector::Distort),
    ]
}

fn vector_steps() -> impl Strategy<Value = Vec<Step>> {
    let some = prop::collection::vec(vector(), 1..6);
    (layer(), some).prop_map(|(layer, vectors)| {
        let step = |vector| Step::Draw(Instruction::Vector { layer, vector });
        vectors.into_iter().map(step).collect()
    })
}

fn other_stream_steps() -> impl Strategy<Value = Vec<Step>> {
    let kind = OtherStreamKind::Pipe;
    (0..4_i32).prop_map(move |stream| {
        vec![Step::Draw(Instruction::OtherStream { stream, kind, mimetype: "text/plain", name: "" })]
    })
}

fn copy_steps() -> impl Strategy<Value = Vec<Step>> {
    let areas = ((layer(), at(), at(), side(), side()), (layer(), at(), at()), mask(), 0..20_u8);
    areas.prop_map(|((source, source_x, source_y, width, height), (layer, x, y), mask, function)| {
        vec![Step::Draw(match function {
            16.. => Instruction::Copy { source, source_x, source_y, width, height, mask, layer, x, y },
            function => {
                Instruction::Transfer { source, source_x, source_y, width, height, function, layer, x, y }
            }
        })]
    })
}

fn steps(count: usize) -> impl Strategy<Value = Vec<Step>> {
    let some = prop_oneof![
        8 => layer_steps(),
        4 => picture_steps(),
        1 => other_stream_steps(),
        4 => copy_steps(),
        4 => vector_steps(),
    ];
    let start = Instruction::Size { layer: 0, width: 140, height: 100 };
    prop::collection::vec(some, 0..count)
        .prop_map(move |steps| [vec![Step::Draw(start)], steps.concat()].concat())
}

fn picture(canvas: &Canvas) -> Picture {
    let mut picture = Picture::black(canvas.size());
    canvas.flatten(Rect::of_size(canvas.size()), &mut picture);
    picture
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn a_restored_canvas_cannot_be_told_from_the_one_it_was_made_of(
        before in steps(40),
        after in steps(12),
    ) {
        let mut canvas = Canvas::new(limits());
        for step in &before {
            step.apply(&mut canvas);
        }
        let key_state = canvas.key_state(Packing::Tight, usize::MAX).unwrap();
        let mut restored = Canvas::restore(&key_state, limits()).unwrap();
        prop_assert_eq!(known(&restored), known(&canvas));
        prop_assert_eq!(picture(&restored), picture(&canvas));
        let screen = Rect::of_size(canvas.size());
        prop_assert_eq!(restored.take_damage().rects, if screen.is_empty() { vec![] } else { vec![screen] });
        canvas.take_damage();
        for step in &after {
            prop_assert_eq!(step.apply(&mut restored), step.apply(&mut canvas));
            prop_assert_eq!(restored.take_damage(), canvas.take_damage());
        }
        prop_assert_eq!(known(&restored), known(&canvas));
    }
}

#[test]
fn straight_colors_give_back_every_premultiplied_one() {
    for alpha in 0..=255 {
        for color in 0..=alpha {
            let pixel = [color, 0, alpha, alpha];
            assert_eq!(premultiply(unpremultiply(pixel)), pixel);
        }
    }
}

#[test]
fn a_key_state_holds_only_what_the_protocol_allows_and_its_limit() {
    let mut canvas = Canvas::new(Limits::default());
    let bytes = image(150, 150, 1);
    let open = Instruction::Img { stream: 7, mask: 12, layer: 0, mimetype: "image/webp", x: -2, y: 3 };
    for step in [
        Step::Draw(Instruction::Size { layer: 0, width: 150, height: 150 }),
        Step::Draw(open),
        Step::Blob(7, bytes),
        Step::Draw(Instruction::End { stream: 7 }),
        Step::Draw(open),
        Step::Blob(7, vec![0; 20_000]),
    ] {
        assert!(step.apply(&mut canvas));
    }
    let key_state = canvas.key_state(Packing::Tight, usize::MAX).unwrap();
    assert_eq!(canvas.key_state(Packing::Tight, key_state.len()).as_ref(), Some(&key_state));
    assert_eq!(canvas.key_state(Packing::Tight, key_state.len() - 1), None);
    let mut parser = Parser::new(Limits::default());
    parser.push(&key_state);
    let mut names = Vec::new();
    while let Some(instruction) = parser.read().unwrap() {
        if let Instruction::Blob { data, .. } = instruction {
            assert!(data.len() <= 8064, "{}", data.len());
        }
        names.push(instruction.name());
    }
    names.dedup();
    assert_eq!(names, ["size", "img", "blob", "end", "img", "blob"]);
    assert!(Canvas::restore(&key_state[..key_state.len() - 1], Limits::default()).is_err());
    assert!(Canvas::restore(b"4.size,2.-1,5.99999,1.1;", Limits::default()).is_err());
}

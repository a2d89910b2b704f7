//! The canvas beside a model of it: slow, one pixel after the other, by the words of Layer.js and of W3C
//! Compositing and Blending.

use super::tests::{draw, picture};
use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

type Rgba = [u8; 4];

#[derive(Clone, Default)]
struct Plane {
    width: i32,
    height: i32,
    pixels: BTreeMap<(i32, i32), Rgba>,
    boxes: Vec<[i32; 4]>,
    drawn: bool,
    parent: Option<i32>,
    came: usize,
    place: (i32, i32),
    z: i32,
    opacity: u8,
}

impl Plane {
    fn at(&self, x: i32, y: i32) -> Rgba {
        self.pixels.get(&(x, y)).copied().unwrap_or_default()
    }

    fn has(&self, x: i32, y: i32) -> bool {
        (0..self.width).contains(&x) && (0..self.height).contains(&y)
    }

    fn resize(&mut self, width: i32, height: i32) {
        if (width, height) != (self.width, self.height) {
            (self.width, self.height) = (width, height);
            self.pixels.retain(|&(x, y), _| x < width && y < height);
            self.boxes.clear();
        }
    }

    /// Draws what `source` gives inside of a shape, and clears outside if the mask does.
    fn composite(&mut self, mask: u8, source: impl Fn(i32, i32) -> Option<Rgba>) {
        for (x, y) in (0..self.width).flat_map(|x| (0..self.height).map(move |y| (x, y))) {
            let below = self.at(x, y);
            let above = match source(x, y) {
                Some(above) => above,
                None if [0x1, 0x4, 0x8, 0x9, 0xC].contains(&mask) => [0; 4],
                None => continue,
            };
            self.pixels.insert((x, y), blend(mask, above, below));
        }
    }
}

/// One pixel above another, by the Porter-Duff operator of a channel mask.
fn blend(mask: u8, above: Rgba, below: Rgba) -> Rgba {
    let (a, b) = (f64::from(above[3]) / 255.0, f64::from(below[3]) / 255.0);
    let (of_above, of_below) = match mask {
        0x1 => (0.0, a),
        0x2 => (0.0, 1.0 - a),
        0x4 => (b, 0.0),
        0x6 => (b, 1.0 - a),
        0x8 => (1.0 - b, 0.0),
        0x9 => (1.0 - b, a),
        0xA => (1.0 - b, 1.0 - a),
        0xB => (1.0 - b, 1.0),
        0xC => (1.0, 0.0),
        0xF => (1.0, 1.0),
        // Browsers have their own rounding here.
        0xE => {
            return [0, 1, 2, 3].map(|i| above[i] + byte(f64::from(below[i]) * (256.0 - a * 255.0) / 256.0));
        }
        _ => panic!("not a mask"),
    };
    [0, 1, 2, 3].map(|i| byte((f64::from(above[i]) * of_above + f64::from(below[i]) * of_below).round()))
}

/// The whole part, up to 255; products of whole numbers may be less by the precision of a float.
fn byte(value: f64) -> u8 {
    (0..=255_u8).rev().find(|byte| f64::from(*byte) <= value + 1e-9).unwrap_or(0)
}

fn fade(pixel: Rgba, opacity: u8) -> Rgba {
    pixel.map(|channel| byte((f64::from(channel) * f64::from(opacity) / 255.0).round()))
}

fn straight(pixel: Rgba) -> [u8; 3] {
    [0, 1, 2].map(|i| {
        if pixel[3] == 0 { 0 } else { byte((f64::from(pixel[i]) * 255.0 / f64::from(pixel[3])).round()) }
    })
}

fn transferred(function: u8, from: Rgba, to: Rgba) -> Rgba {
    if function == 0x3 {
        return from;
    }
    let ([s, d], alpha) = ([straight(from), straight(to)], if function == 0xC { from[3] } else { to[3] });
    // A function is a truth table of (source, destination): 00 in its highest bit, 11 in the lowest.
    let bit = |i: usize, bit: u8| {
        let row = (s[i] >> bit & 1) * 2 + (d[i] >> bit & 1);
        (function >> (3 - row) & 1) << bit
    };
    let channel = |i| (0..8).map(|at| bit(i, at)).sum();
    let color = [channel(0), channel(1), channel(2), 255];
    let [red, green, blue, _] = fade(color, alpha);
    [red, green, blue, alpha]
}

#[derive(Default)]
struct Model {
    planes: BTreeMap<i32, Plane>,
    came: usize,
}

#[derive(Debug, Clone)]
enum Step {
    Size(i32, i32, i32),
    Move(i32, i32, [i32; 3]),
    Shade(i32, u8),
    Dispose(i32),
    Rect(i32, [i32; 4]),
    Fill(u8, i32, Rgba),
    Copy(i32, [i32; 4], u8, i32, [i32; 2]),
    Transfer(i32, [i32; 4], u8, i32, [i32; 2]),
    Image(u8, i32, [i32; 2], Rgba),
}

const IMAGE_SIDES: (u32, u32) = (5, 3);

impl Step {
    /// As an instruction.
    fn line(&self) -> String {
        let words = |numbers: &[i32]| numbers.iter().map(i32::to_string).collect::<Vec<_>>().join(" ");
        match self {
            Self::Size(layer, width, height) => format!("size {layer} {width} {height}"),
            Self::Move(layer, parent, at) => format!("move {layer} {parent} {}", words(at)),
            Self::Shade(layer, opacity) => format!("shade {layer} {opacity}"),
            Self::Dispose(layer) => format!("dispose {layer}"),
            Self::Rect(layer, area) => format!("rect {layer} {}", words(area)),
            Self::Fill(mask, layer, color) => {
                format!("cfill {mask} {layer} {}", words(&color.map(i32::from)))
            }
            Self::Copy(source, area, mask, layer, to) => {
                format!("copy {source} {} {mask} {layer} {}", words(area), words(to))
            }
            Self::Transfer(source, area, function, layer, to) => {
                format!("transfer {source} {} {function} {layer} {}", words(area), words(to))
            }
            Self::Image(mask, layer, [x, y], color) => {
                let image = super::tests::base64_png(*color, IMAGE_SIDES.0, IMAGE_SIDES.1);
                format!("png {mask} {layer} {x} {y} {image}")
            }
        }
    }
}

impl Model {
    fn plane(&mut self, index: i32) -> &mut Plane {
        if !self.planes.contains_key(&index) {
            let screen = self.planes.get(&0).map_or((0, 0), |screen| (screen.width, screen.height));
            let (width, height) = if index > 0 { screen } else { (0, 0) };
            self.came += 1;
            let (parent, came) = ((index > 0).then_some(0), self.came);
            self.planes
                .insert(index, Plane { width, height, parent, came, opacity: 255, ..Plane::default() });
        }
        self.planes.get_mut(&index).unwrap()
    }

    /// Buffers grow to hold what is drawn.
    fn fit(&mut self, index: i32, right: i32, bottom: i32) -> &mut Plane {
        let plane = self.plane(index);
        if index < 0 {
            plane.resize(plane.width.max(right), plane.height.max(bottom));
        }
        plane
    }

    fn is_inside(&self, mut at: i32, ancestor: i32) -> bool {
        while at != ancestor {
            match self.planes.get(&at).and_then(|plane| plane.parent) {
                Some(parent) => at = parent,
                None => return false,
            }
        }
        true
    }

    /// The part of a box that is on a plane, and the plane as it is before.
    fn source(&mut self, index: i32, [x, y, width, height]: [i32; 4]) -> Option<(Plane, [i32; 4])> {
        if index > 0 {
            self.plane(index);
        }
        let plane = self.planes.get(&index)?.clone();
        let (left, top) = (x.max(0), y.max(0));
        let (right, bottom) = ((x + width).min(plane.width), (y + height).min(plane.height));
        (left < right && top < bottom).then_some((plane, [left, top, right, bottom]))
    }

    fn follow(&mut self, step: &Step) {
        match *step {
            Step::Size(layer, width, height) => self.plane(layer).resize(width, height),
            Step::Move(layer, parent, [x, y, z]) => {
                if layer <= 0 || parent < 0 {
                    return;
                }
                self.plane(layer);
                self.plane(parent);
                if self.is_inside(parent, layer) {
                    return;
                }
                self.came += 1;
                let came = self.came;
                let plane = self.plane(layer);
                if plane.parent != Some(parent) {
                    (plane.parent, plane.came) = (Some(parent), came);
                }
                (plane.place, plane.z) = ((x, y), z);
            }
            Step::Shade(layer, opacity) if layer >= 0 => self.plane(layer).opacity = opacity,
            Step::Shade(..) => {}
            Step::Dispose(layer) => {
                if layer != 0 {
                    self.planes.remove(&layer);
                }
                for plane in
                    self.planes.values_mut().filter(|plane| plane.parent == Some(layer) && layer != 0)
                {
                    plane.parent = None;
                }
            }
            Step::Rect(layer, [x, y, width, height]) => {
                let plane = self.fit(layer, x + width, y + height);
                if std::mem::take(&mut plane.drawn) {
                    plane.boxes.clear();
                }
                plane.boxes.push([x, y, x + width, y + height]);
            }
            Step::Fill(mask, layer, [red, green, blue, alpha]) => {
                let plane = self.plane(layer);
                plane.drawn = true;
                let boxes = plane.boxes.clone();
                let [red, green, blue, _] = fade([red, green, blue, 255], alpha);
                let is_in = |x, y| boxes.iter().any(|b| b[0] <= x && x < b[2] && b[1] <= y && y < b[3]);
                if !boxes.is_empty() {
                    plane.composite(mask, |x, y| is_in(x, y).then_some([red, green, blue, alpha]));
                }
            }
            Step::Copy(source, area, mask, layer, [to_x, to_y]) => {
                let [x, y, ..] = area;
                let Some((from, [left, top, right, bottom])) = self.source(source, area) else { return };
                let plane = self.fit(layer, to_x + right - x, to_y + bottom - y);
                plane.composite(mask, |at_x, at_y| {
                    let (x, y) = (at_x - to_x + x, at_y - to_y + y);
                    ((left..right).contains(&x) && (top..bottom).contains(&y)).then(|| from.at(x, y))
                });
            }
            Step::Transfer(source, area, function, layer, [to_x, to_y]) => {
                let [x, y, ..] = area;
                let Some((from, [left, top, right, bottom])) = self.source(source, area) else { return };
                let plane = self.fit(layer, to_x + right - x, to_y + bottom - y);
                for (from_x, from_y) in (left..right).flat_map(|x| (top..bottom).map(move |y| (x, y))) {
                    let at = (from_x - x + to_x, from_y - y + to_y);
                    if plane.has(at.0, at.1) {
                        let pixel = transferred(function, from.at(from_x, from_y), plane.at(at.0, at.1));
                        plane.pixels.insert(at, pixel);
                    }
                }
            }
            Step::Image(mask, layer, [x, y], color) => {
                let (width, height) = (IMAGE_SIDES.0.cast_signed(), IMAGE_SIDES.1.cast_signed());
                let [red, green, blue, _] = fade([color[0], color[1], color[2], 255], color[3]);
                let plane = self.fit(layer, x + width, y + height);
                let is_in = |at_x, at_y| (x..x + width).contains(&at_x) && (y..y + height).contains(&at_y);
                plane.composite(mask, |x, y| is_in(x, y).then_some([red, green, blue, color[3]]));
            }
        }
    }

    /// What is seen of a layer and those inside it at a place of it, on what is below.
    fn seen(&self, index: i32, x: i32, y: i32, below: Rgba) -> Rgba {
        let plane = &self.planes[&index];
        if !plane.has(x, y) || plane.opacity == 0 {
            return below;
        }
        let mut inside: Vec<_> =
            self.planes.iter().filter(|(_, child)| child.parent == Some(index)).collect();
        inside.sort_by_key(|(_, child)| (child.z, child.came));
        let together = plane.opacity < 255 && !inside.is_empty();
        let (start, own) =
            if together { ([0; 4], plane.at(x, y)) } else { (below, fade(plane.at(x, y), plane.opacity)) };
        let all = inside.iter().fold(blend(0xE, own, start), |seen, (child, plane)| {
            self.seen(**child, x - plane.place.0, y - plane.place.1, seen)
        });
        if together { blend(0xE, fade(all, plane.opacity), below) } else { all }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let place = || -6..14_i32;
    let point = move || [place(), place()];
    let area = move || (place(), place(), 0..14_i32, 0..14_i32).prop_map(|(x, y, w, h)| [x, y, w, h]);
    let mask = || prop::sample::select(vec![1_u8, 2, 4, 6, 8, 9, 10, 11, 12, 14, 14, 14, 15]);
    let layer = || -2..4_i32;
    let color = || (any::<[u8; 3]>(), prop::sample::select(vec![255_u8, 255, 96, 1, 0]));
    let color = move || color().prop_map(|([red, green, blue], alpha)| [red, green, blue, alpha]);
    prop_oneof![
        1 => (layer(), 0..16_i32, 0..16_i32).prop_map(|(l, w, h)| Step::Size(l, w, h)),
        2 => (1..4_i32, 0..4_i32, point(), -1..2_i32).prop_map(|(l, p, [x, y], z)| Step::Move(l, p, [x, y, z])),
        1 => (layer(), prop::sample::select(vec![0, 80, 254, 255])).prop_map(|(l, o)| Step::Shade(l, o)),
        1 => layer().prop_map(Step::Dispose),
        5 => (layer(), area()).prop_map(|(l, area)| Step::Rect(l, area)),
        5 => (mask(), layer(), color()).prop_map(|(m, l, color)| Step::Fill(m, l, color)),
        4 => (layer(), area(), mask(), layer(), point()).prop_map(|(s, a, m, l, to)| Step::Copy(s, a, m, l, to)),
        2 => (layer(), area(), 0..16_u8, layer(), point())
            .prop_map(|(s, a, f, l, to)| Step::Transfer(s, a, f, l, to)),
        2 => (mask(), layer(), point(), color()).prop_map(|(m, l, to, color)| Step::Image(m, l, to, color)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn every_pixel_is_that_of_the_model(steps in prop::collection::vec(step(), 1..40)) {
        let (mut canvas, mut model) = (Canvas::new(Limits::default()), Model::default());
        for step in [Step::Size(0, 12, 10)].into_iter().chain(steps) {
            model.follow(&step);
            let refusals = draw(&mut canvas, &step.line());
            let in_itself = |refusal: &DrawError| matches!(refusal, DrawError::Cycle { .. });
            prop_assert!(refusals.iter().all(in_itself), "{:?}: {:?}", step, refusals);
            for (&index, plane) in &model.planes {
                let surface = &canvas.layers.get(index).unwrap().surface;
                let rows = (0..plane.height).flat_map(|y| (0..plane.width).map(move |x| (x, y)));
                let expected: Vec<_> = rows.map(|(x, y)| plane.at(x, y)).collect();
                prop_assert_eq!(surface.pixels(), expected.as_slice(), "layer {} after {:?}", index, step);
            }
        }
        let screen = &model.planes[&0];
        let rows = (0..screen.height).flat_map(|y| (0..screen.width).map(move |x| (x, y)));
        let expected: Vec<_> = rows.map(|(x, y)| model.seen(0, x, y, [0, 0, 0, 255])).collect();
        prop_assert_eq!(picture(&canvas).pixels, expected);
    }
}

//! Lines, blocks, dots and arrows that join from cell to cell: computed from the size of a cell, so that no gap is left.
//!
//! Source: The Unicode Standard, charts U+2500 to U+259F, U+2800 and U+1FB00; Powerline's symbols from U+E0B0 on.

use super::square::{Square, length};
use crate::geometry::{Rect, Size};

/// What leaves the centre of U+2500 and all behind it upwards, to the right, downwards and to the left: nothing, a light
/// line, a heavy one or two of them. By their names in the Unicode Standard.
const ARMS: [&str; 8] = [
    "0101 0202 1010 2020 0101 0202 1010 2020 0101 0202 1010 2020 0110 0210 0120 0220",
    "0011 0012 0021 0022 1100 1200 2100 2200 1001 1002 2001 2002 1110 1210 2110 1120",
    "2120 2210 1220 2220 1011 1012 2011 1021 2021 2012 1022 2022 0111 0112 0211 0212",
    "0121 0122 0221 0222 1101 1102 1201 1202 2101 2102 2201 2202 1111 1112 1211 1212",
    "2111 1121 2121 2112 2211 1122 1221 2212 1222 2122 2221 2222 0101 0202 1010 2020",
    "0303 3030 0310 0130 0330 0013 0031 0033 1300 3100 3300 1003 3001 3003 1310 3130",
    "3330 1013 3031 3033 0313 0131 0333 1303 3101 3303 1313 3131 3333 0000 0000 0000",
    "0000 0000 0000 0000 0001 1000 0100 0010 0002 2000 0200 0020 0201 1020 0102 2010",
];

/// Draws a character of these kinds in a cell. `None` for all others.
pub(super) fn shape(character: char, size: Size) -> Option<Square> {
    let mut square = Square::new(size);
    let code = u32::from(character);
    match code {
        0x2500..=0x257F => lines(&mut square, code),
        0x2580..=0x259F => block(&mut square, code),
        0x2800..=0x28FF => dots(&mut square, code - 0x2800),
        0x1FB00..=0x1FB3B => sixths(&mut square, code - 0x1FB00),
        0xE0B0..=0xE0B7 => arrow(&mut square, code),
        _ => return None,
    }
    Some(square)
}

/// Thickness of a light line.
fn light(size: Size) -> usize {
    (size.width / 8).max(1)
}

/// What leaves the centre, by direction: up, right, down, left.
fn arms_of(code: u32) -> [u8; 4] {
    let index = usize::try_from(code - 0x2500).unwrap_or(0);
    let arms = ARMS.get(index / 16).and_then(|row| row.split(' ').nth(index % 16)).unwrap_or("0000");
    let mut digits = arms.bytes().map(|digit| digit - b'0');
    [(); 4].map(|()| digits.next().unwrap_or(0))
}

fn lines(square: &mut Square, code: u32) {
    match code {
        0x2504..=0x250B | 0x254C..=0x254F => dashes(square, code),
        0x256D..=0x2570 => arc(square, code),
        0x2571..=0x2573 => diagonals(square, code),
        _ => {
            let arms = arms_of(code);
            for direction in 0..4 {
                arm(square, arms, direction);
            }
        }
    }
}

/// A frame of reference in which each arm leads down: the cell turned or not.
#[derive(Clone, Copy)]
struct Turned {
    size: Size,
    direction: usize,
}

impl Turned {
    /// Length along the arm and across it.
    fn sides(self) -> (usize, usize) {
        match self.direction {
            0 | 2 => (self.size.height, self.size.width),
            _ => (self.size.width, self.size.height),
        }
    }

    /// The part from `from` on, counted along the arm from where the cell begins, between `near` and `far` across it.
    fn part(self, from: usize, [near, far]: [usize; 2]) -> Rect {
        let Size { width, height } = self.size;
        match self.direction {
            0 => Rect { left: near, top: 0, right: far, bottom: height - from.min(height) },
            1 => Rect { left: from, top: near, right: width, bottom: far },
            2 => Rect { left: near, top: from, right: far, bottom: height },
            _ => Rect { left: 0, top: near, right: width - from.min(width), bottom: far },
        }
    }

    /// Where a band of some thickness around the centre, moved across by `shift`, begins and ends.
    fn band(self, thickness: usize, shift: isize) -> [usize; 2] {
        let (_, across) = self.sides();
        let start = (across.saturating_sub(thickness) / 2).saturating_add_signed(shift);
        [start, start + thickness]
    }

    /// How far the same band around the centre reaches along the arm: it begins there.
    fn along(self, thickness: usize, shift: isize) -> usize {
        let (along, _) = self.sides();
        let start = (along.saturating_sub(thickness) / 2).saturating_add_signed(match self.direction {
            1 | 2 => shift,
            // Counted from the other end, the rest of an odd length lies on the other side.
            _ => shift + isize::try_from(along.saturating_sub(thickness) % 2).unwrap_or(0),
        });
        start.min(along)
    }
}

/// Draws what leaves the centre in one direction.
fn arm(square: &mut Square, arms: [u8; 4], direction: usize) {
    let turned = Turned { size: square.size, direction };
    let thin = light(square.size);
    let step = isize::try_from(thin + 1).unwrap_or(1);
    let before = arms[(direction + 3) % 4];
    let after = arms[(direction + 1) % 4];
    let opposite = arms[(direction + 2) % 4];
    // Across a cell, what leaves upwards or to the left is on the near side.
    let (near, far) = if direction == 0 || direction == 1 { (before, after) } else { (after, before) };
    match arms[direction] {
        0 => {}
        3 => {
            for (side, other, shift) in [(near, far, -step), (far, near, step)] {
                let from = match (side, other) {
                    (3, _) => turned.along(thin, step),
                    (0, 3) => turned.along(thin, -step),
                    (_, _) => turned.along(thin, 0),
                };
                square.fill(turned.part(from, turned.band(thin, shift)), 255);
            }
        }
        weight => {
            let thickness = if weight == 2 { 3 * thin } else { thin };
            let from = match (near, far) {
                (3, 3) if opposite == 0 => turned.along(thin, step),
                (3, 0) | (0, 3) if opposite == 0 => turned.along(thin, -step),
                (_, _) => {
                    let widest = if near == 2 || far == 2 || opposite == 2 { 3 * thin } else { thin };
                    turned.along(if near == 0 && far == 0 { thin } else { widest }, 0)
                }
            };
            square.fill(turned.part(from, turned.band(thickness, 0)), 255);
        }
    }
}

/// A line in two, three or four pieces.
fn dashes(square: &mut Square, code: u32) {
    let Size { width, height } = square.size;
    let pieces = match code {
        0x2504..=0x2507 => 3,
        0x2508..=0x250B => 4,
        _ => 2,
    };
    let direction = if arms_of(code)[1] > 0 { 1 } else { 2 };
    let turned = Turned { size: square.size, direction };
    let weight = arms_of(code)[direction];
    let thickness = if weight == 2 { 3 * light(square.size) } else { light(square.size) };
    let [near, far] = turned.band(thickness, 0);
    let (along, _) = turned.sides();
    for piece in 0..pieces {
        let (start, end) = (piece * along / pieces, (piece + 1) * along / pieces);
        let end = end.saturating_sub(((end - start) / 3).max(1));
        square.fill(
            match direction {
                1 => Rect { left: start, top: near, right: end.min(width), bottom: far },
                _ => Rect { left: near, top: start, right: far, bottom: end.min(height) },
            },
            255,
        );
    }
}

/// A rounded corner.
fn arc(square: &mut Square, code: u32) {
    let size = square.size;
    let thin = light(size);
    let (down, right) = (code == 0x256D || code == 0x256E, code == 0x256D || code == 0x2570);
    let vertical = Turned { size, direction: if down { 2 } else { 0 } };
    let horizontal = Turned { size, direction: if right { 1 } else { 3 } };
    let [left, _] = vertical.band(thin, 0);
    let [top, _] = horizontal.band(thin, 0);
    let half = length(thin) / 2.0;
    let (x, y) = (length(left) + half, length(top) + half);
    // It ends before the side of the cell, which the straight lines reach.
    let radius = (length(size.width.min(size.height)) / 2.0 - half - 1.0).max(0.0);
    let (across, along) =
        (if right { x + radius } else { x - radius }, if down { y + radius } else { y - radius });
    square.shade(|px, py| {
        let (inside_x, inside_y) =
            (if right { px < across } else { px > across }, if down { py < along } else { py > along });
        if !inside_x || !inside_y {
            return 0.0;
        }
        let distance = ((px - across).powi(2) + (py - along).powi(2)).sqrt();
        half + 0.5 - (distance - radius).abs()
    });
    let reach = |center: f32| whole(center);
    let (from_y, from_x) = (reach(along), reach(across));
    let (width, height) = (size.width, size.height);
    let stem = match down {
        true => Rect { left, top: from_y, right: left + thin, bottom: height },
        false => Rect { left, top: 0, right: left + thin, bottom: from_y },
    };
    let branch = match right {
        true => Rect { left: from_x, top, right: width, bottom: top + thin },
        false => Rect { left: 0, top, right: from_x, bottom: top + thin },
    };
    square.fill(stem, 255);
    square.fill(branch, 255);
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place inside a cell is small and not negative"
)]
fn whole(pixels: f32) -> usize {
    pixels.round().max(0.0) as usize
}

fn diagonals(square: &mut Square, code: u32) {
    let (width, height) = (length(square.size.width), length(square.size.height));
    let half = length(light(square.size)) / 2.0;
    let norm = (width * width + height * height).sqrt();
    let rising = move |x: f32, y: f32| half + 0.5 - ((x * height + y * width - width * height) / norm).abs();
    let falling = move |x: f32, y: f32| half + 0.5 - ((x * height - y * width) / norm).abs();
    if code != 0x2572 {
        square.shade(rising);
    }
    if code != 0x2571 {
        square.shade(falling);
    }
}

fn block(square: &mut Square, code: u32) {
    let Size { width, height } = square.size;
    let whole = Rect { left: 0, top: 0, right: width, bottom: height };
    let part = |side: usize, eighths: u32| (side * usize::try_from(eighths).unwrap_or(0) + 4) / 8;
    match code {
        0x2580 => square.fill(Rect { bottom: part(height, 4), ..whole }, 255),
        0x2581..=0x2588 => {
            square.fill(Rect { top: height - part(height, code - 0x2580), ..whole }, 255);
        }
        0x2589..=0x258F => square.fill(Rect { right: part(width, 0x2590 - code), ..whole }, 255),
        0x2590 => square.fill(Rect { left: part(width, 4), ..whole }, 255),
        0x2591..=0x2593 => square.fill(whole, [64, 128, 191][usize::try_from(code - 0x2591).unwrap_or(0)]),
        0x2594 => square.fill(Rect { bottom: part(height, 1), ..whole }, 255),
        0x2595 => square.fill(Rect { left: width - part(width, 1), ..whole }, 255),
        _ => {
            // Upper left 1, upper right 2, lower left 4, lower right 8.
            const QUARTERS: [u8; 10] = [4, 8, 1, 13, 9, 7, 11, 2, 6, 14];
            let quarters = QUARTERS[usize::try_from(code - 0x2596).unwrap_or(0).min(9)];
            grid(square, [2, 2], |index| quarters >> index & 1 == 1);
        }
    }
}

/// Two columns of three: the codes leave out the empty cell, both halves and the full one.
fn sixths(square: &mut Square, index: u32) {
    let mut bits = index + 1;
    bits += u32::from(bits >= 21);
    bits += u32::from(bits >= 42);
    grid(square, [2, 3], |index| bits >> index & 1 == 1);
}

/// Covers those fields of a grid of columns and rows that are asked for, row by row.
fn grid(square: &mut Square, [columns, rows]: [usize; 2], is_covered: impl Fn(usize) -> bool) {
    let Size { width, height } = square.size;
    for index in (0..columns * rows).filter(|&index| is_covered(index)) {
        let (column, row) = (index % columns, index / columns);
        let area = Rect {
            left: column * width / columns,
            top: row * height / rows,
            right: (column + 1) * width / columns,
            bottom: (row + 1) * height / rows,
        };
        square.fill(area, 255);
    }
}

/// Braille: two columns of four dots.
fn dots(square: &mut Square, bits: u32) {
    /// Column and row of each bit.
    const PLACES: [(usize, usize); 8] = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)];
    let Size { width, height } = square.size;
    let side = (width / 4).max(1);
    for (_, (column, row)) in PLACES.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1) {
        let left = (2 * column + 1) * width / 4 - side / 2;
        let top = (2 * row + 1) * height / 8 - side / 2;
        square.fill(Rect { left, top, right: left + side, bottom: top + side }, 255);
    }
}

/// Powerline: triangles and half circles, filled or not, that touch the whole side of a cell.
fn arrow(square: &mut Square, code: u32) {
    let (width, height) = (length(square.size.width), length(square.size.height));
    let half = height / 2.0;
    let (is_filled, is_round) = (code.is_multiple_of(2), code >= 0xE0B4);
    let points_left = matches!(code, 0xE0B2 | 0xE0B3 | 0xE0B6 | 0xE0B7);
    let line = length(light(square.size));
    square.shade(|x, y| {
        let x = if points_left { width - x } else { x };
        // How far inside the outline a point is.
        let inside = match is_round {
            false => {
                let edge = width * (1.0 - (y - half).abs() / half);
                (edge - x) * half / (width * width + half * half).sqrt()
            }
            true => {
                let (across, along) = (x / width, (y - half) / half);
                let distance = (across * across + along * along).sqrt();
                (1.0 - distance) * width.min(half)
            }
        };
        let ink = inside + 0.5;
        if is_filled { ink } else { ink.min(line + 0.5 - inside) }
    });
}

#[cfg(test)]
mod tests;

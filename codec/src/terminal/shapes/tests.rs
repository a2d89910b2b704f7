use super::*;

const SIZE: Size = Size { width: 10, height: 20 };

fn drawn(character: char) -> Square {
    shape(character, SIZE).unwrap()
}

/// The covered pixels of the four sides: top and bottom row, left and right column.
fn sides(square: &Square) -> [Vec<usize>; 4] {
    let Size { width, height } = square.size;
    let row = |y: usize| (0..width).filter(|&x| square.at(x, y) > 0).collect();
    let column = |x: usize| (0..height).filter(|&y| square.at(x, y) > 0).collect();
    [row(0), row(height - 1), column(0), column(width - 1)]
}

#[test]
fn lines_of_one_weight_join_those_of_the_next_cell() {
    for size in [SIZE, Size { width: 8, height: 16 }, Size { width: 6, height: 12 }] {
        for (vertical, horizontal, weight) in [('│', '─', 1), ('┃', '━', 2), ('║', '═', 3)] {
            let [top, bottom, _, _] = sides(&shape(vertical, size).unwrap());
            let [_, _, left, right] = sides(&shape(horizontal, size).unwrap());
            assert!(top == bottom && left == right && !top.is_empty() && !left.is_empty());
            for code in (0x2500..0x2580).filter(|code| !matches!(code, 0x2504..=0x250B | 0x254C..=0x254F)) {
                let square = shape(char::from_u32(code).unwrap(), size).unwrap();
                let arms = match code {
                    0x256D => [0, 1, 1, 0],
                    0x256E => [0, 0, 1, 1],
                    0x256F => [1, 0, 0, 1],
                    0x2570 => [1, 1, 0, 0],
                    0x2571..=0x2573 => continue,
                    _ => arms_of(code),
                };
                // In small cells, the lines of the other direction touch the sides.
                if size.width < 8 && arms.contains(&3) {
                    continue;
                }
                let found = sides(&square);
                let expected = [(0, &top), (2, &bottom), (3, &left), (1, &right)];
                for (index, (direction, ends)) in expected.into_iter().enumerate() {
                    if arms[direction] == weight {
                        assert_eq!(&found[index], ends, "U+{code:X} side {index} {size:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_lines_of_a_character_are_one_piece() {
    for code in (0x2500..0x2580).filter(|code| !matches!(code, 0x2504..=0x250B | 0x254C..=0x254F)) {
        let square = shape(char::from_u32(code).unwrap(), SIZE).unwrap();
        let ink: Vec<_> = (0..SIZE.area()).filter(|&at| square.ink[at] > 40).collect();
        let mut reached = vec![*ink.first().unwrap()];
        let mut next = 0;
        while let Some(&at) = reached.get(next) {
            let (x, y) = (at % SIZE.width, at / SIZE.width);
            let close = |other: &usize| {
                (other % SIZE.width).abs_diff(x) <= 1 && (other / SIZE.width).abs_diff(y) <= 1
            };
            let found: Vec<_> =
                ink.iter().filter(|other| close(other) && !reached.contains(other)).copied().collect();
            reached.extend(found);
            next += 1;
        }
        let doubles = arms_of(code).iter().filter(|&&arm| arm == 3).count();
        // Parallel lines do not touch.
        assert!(reached.len() == ink.len() || doubles > 0, "U+{code:X}");
    }
}

#[test]
fn crossings_of_double_lines_are_hollow_and_corners_are_square() {
    let picture = |character: char| -> Vec<String> {
        let square = shape(character, Size { width: 9, height: 9 }).unwrap();
        let ink = |at: &u8| if *at > 0 { '#' } else { '.' };
        square.ink.chunks(9).map(|row| row.iter().map(ink).collect()).collect()
    };
    let cross = [
        "..#...#..",
        "..#...#..",
        "###...###",
        ".........",
        ".........",
        ".........",
        "###...###",
        "..#...#..",
        "..#...#..",
    ];
    assert_eq!(picture('╬'), cross);
    let corner = [
        ".........",
        ".........",
        "..#######",
        "..#......",
        "..#......",
        "..#......",
        "..#...###",
        "..#...#..",
        "..#...#..",
    ];
    assert_eq!(picture('╔'), corner);
    let tee = [
        "..#...#..",
        "..#...#..",
        "..#...#..",
        "..#...#..",
        "..#...###",
        "..#...#..",
        "..#...#..",
        "..#...#..",
        "..#...#..",
    ];
    assert_eq!(picture('╟'), tee);
    let light = [
        ".........",
        ".........",
        ".........",
        ".........",
        "....#####",
        "....#....",
        "....#....",
        "....#....",
        "....#....",
    ];
    assert_eq!(picture('┌'), light);
}

#[test]
fn blocks_cover_their_part_and_nothing_else() {
    let covered = |character: char| drawn(character).ink.iter().filter(|&&ink| ink == 255).count();
    assert_eq!(covered('█'), 200);
    assert_eq!((covered('▀'), covered('▄'), covered('▌'), covered('▐')), (100, 100, 100, 100));
    assert_eq!((covered('▖'), covered('▟'), covered('▚')), (50, 150, 100));
    assert!(drawn('▒').ink.iter().all(|&ink| ink == 128));
    let both = drawn('▀').ink.iter().zip(&drawn('▄').ink).all(|(up, down)| (*up == 255) != (*down == 255));
    assert!(both);
    assert_eq!(drawn('\u{1FB00}').ink.iter().filter(|&&ink| ink > 0).count(), 30);
    assert_eq!(drawn('\u{1FB3B}').ink.iter().filter(|&&ink| ink > 0).count(), 200 - 30);
}

#[test]
fn braille_has_a_dot_for_each_bit() {
    for bits in 0..256_u32 {
        let ink = shape(char::from_u32(0x2800 + bits).unwrap(), SIZE).unwrap();
        let dots = ink.ink.iter().filter(|&&ink| ink > 0).count();
        assert_eq!(dots, 4 * usize::try_from(bits.count_ones()).unwrap(), "{bits:x}");
    }
}

#[test]
fn an_arrow_covers_the_side_that_it_leaves() {
    let arrow = drawn('\u{E0B0}');
    let [_, _, left, right] = sides(&arrow);
    assert_eq!(left.len(), 20);
    assert!(right.len() <= 4, "{right:?}");
    let mirrored = drawn('\u{E0B2}');
    for y in 0..20 {
        for x in 0..10 {
            assert!(arrow.at(x, y).abs_diff(mirrored.at(9 - x, y)) <= 1, "{x},{y}");
        }
    }
}

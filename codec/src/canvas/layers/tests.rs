use crate::canvas::canvas::tests::{RED, base64_png, draw, drawn, letters, picture};
use crate::geometry::{Rect, Size};

/// A fill of a whole layer.
fn full(layer: i32, color: &str) -> String {
    format!("rect {layer} 0 0 99 99; cfill 14 {layer} {color};")
}

const R: &str = "255 0 0 255";
const G: &str = "0 255 0 255";
const B: &str = "0 0 255 255";

#[test]
fn children_of_children_are_cut_to_all_that_they_are_in() {
    let script = format!(
        "size 0 6 4; size 1 4 3; size 2 3 9; size 3 9 9; {} {} {}
         move 1 0 1 1 0; move 2 1 -1 -1 0; move 3 2 1 2 0",
        full(1, R),
        full(2, G),
        full(3, B)
    );
    let mut canvas = drawn(&script);
    assert_eq!(letters(&canvas), "...... .ggrr. .bbrr. .bbrr.");
    // A moved parent takes along all that is in it, and leaves nothing behind.
    canvas.take_damage();
    assert_eq!(draw(&mut canvas, "move 1 0 -2 0 0"), []);
    assert_eq!(letters(&canvas), "rr.... rr.... rr.... ......");
    assert_eq!(draw(&mut canvas, "move 1 0 3 2 0"), []);
    assert_eq!(letters(&canvas), "...... ...... ...ggr ...bbr");
    let all = Rect { left: 0, top: 0, right: 6, bottom: 4 };
    let damaged: usize = canvas.take_damage().rects.iter().map(|rect| rect.intersection(&all).area()).sum();
    assert!(damaged >= 18, "old and new places");
    // A parent that shrinks cuts what is in it.
    assert_eq!(draw(&mut canvas, "size 1 1 9; move 1 0 0 0 0"), []);
    assert_eq!(letters(&canvas), "g..... b..... b..... b.....");
}

#[test]
fn of_equal_z_the_last_to_come_is_above_and_stays_there() {
    let layers = format!("size 0 2 1; {} {} move 2 0 0 0 5; move 1 0 0 0 5;", full(1, R), full(2, G));
    let mut canvas = drawn(&layers);
    assert_eq!(letters(&canvas), "gg");
    // Moving within the same parent is no coming; a lower z is below, and a higher one above.
    assert_eq!(draw(&mut canvas, "move 1 0 1 0 5"), []);
    assert_eq!(letters(&canvas), "gg");
    assert_eq!(draw(&mut canvas, "move 1 0 1 0 6"), []);
    assert_eq!(letters(&canvas), "gr");
    assert_eq!(draw(&mut canvas, "move 2 1 0 0 0; move 2 0 0 0 6"), []);
    assert_eq!(letters(&canvas), "gg");
}

#[test]
fn a_screen_that_shrinks_and_grows_keeps_what_is_inside() {
    let mut canvas =
        drawn(&format!("size 0 0 0; size 0 4 2; {} size 1 2 1; {} move 1 0 3 1 0", full(0, R), full(1, G)));
    assert_eq!(letters(&canvas), "rrrr rrrg");
    assert_eq!(draw(&mut canvas, "size 0 2 3"), []);
    assert_eq!(letters(&canvas), "rr rr ..");
    assert_eq!(draw(&mut canvas, "size 0 5 2"), []);
    assert_eq!(letters(&canvas), "rr... rr.gg");
    assert_eq!(canvas.take_damage().rects, [Rect::of_size(Size { width: 5, height: 2 })]);
}

#[test]
fn a_disposed_layer_comes_back_as_a_new_one() {
    let mut canvas =
        drawn(&format!("size 0 3 1; size 1 1 1; {} move 1 0 1 0 -1; shade 1 0; dispose 1", full(1, R)));
    // As large as the screen, opaque, at its corner, above its siblings.
    assert_eq!(draw(&mut canvas, &full(1, G)), []);
    assert_eq!(letters(&canvas), "ggg");
    // Neither the pixels nor the path of a buffer survive, and layer 0 is never disposed of.
    assert_eq!(draw(&mut canvas, "rect -1 0 0 3 1; cfill 14 -1 0 0 255 255; dispose -1; dispose 0"), []);
    assert_eq!(draw(&mut canvas, "cfill 14 -1 255 0 0 255; copy -1 0 0 3 1 12 0 0 0; dispose 1"), []);
    assert_eq!(letters(&canvas), "...");
    assert_eq!(canvas.layers.size_of(-1), Size::default());
}

#[test]
fn a_missing_layer_is_transparent_and_a_missing_buffer_is_nothing() {
    let screen = format!("size 0 3 1; {}", full(0, R));
    assert_eq!(letters(&drawn(&format!("{screen} copy -5 0 0 3 1 12 0 0 0"))), "rrr");
    assert_eq!(letters(&drawn(&format!("{screen} copy 5 0 0 1 1 12 0 0 0"))), "...");
    assert_eq!(letters(&drawn(&format!("{screen} copy 5 0 0 1 1 14 0 0 0"))), "rrr");
    assert_eq!(letters(&drawn(&format!("{screen} transfer 5 0 0 1 1 3 0 1 0"))), "r.r");
}

#[test]
fn a_copy_lands_by_its_whole_box_also_where_its_source_ends() {
    let buffer =
        "size 0 5 1; rect -1 0 0 1 1; cfill 14 -1 255 0 0 255; rect -1 1 0 1 1; cfill 14 -1 0 255 0 255;";
    for (area, seen) in
        [("-1 0 3 9", "..rg."), ("-2 0 9 1", "...rg"), ("1 0 9 9", ".g..."), ("0 -3 2 4", ".....")]
    {
        assert_eq!(letters(&drawn(&format!("{buffer} copy -1 {area} 14 0 1 0"))), seen, "{area}");
    }
    // Three rows above the buffer come first.
    assert_eq!(
        letters(&drawn(&format!("{buffer} size 0 3 4; copy -1 0 -3 2 4 14 0 1 0"))),
        "... ... ... .rg"
    );
}

#[test]
fn a_layer_overlaps_itself_in_all_directions() {
    let grid = "size 0 3 3; rect 0 0 0 1 1; cfill 14 0 255 0 0 255; rect 0 1 1 1 1; cfill 14 0 0 255 0 255;
        rect 0 2 2 1 1; cfill 14 0 0 0 255 255;";
    assert_eq!(letters(&drawn(grid)), "r.. .g. ..b");
    for (to, seen) in [
        ("1 1", "r.. .r. ..g"),
        ("-1 -1", "g.. .b. ..b"),
        ("1 0", "rr. ..g ..."),
        ("-1 0", "... g.. .bb"),
        ("0 1", "r.. r.. .g."),
        ("0 -1", ".g. ..b ..b"),
        ("1 -1", "r.g ... ..b"),
        ("-1 1", "r.. ... g.b"),
    ] {
        let mut canvas = drawn(grid);
        assert_eq!(draw(&mut canvas, &format!("transfer 0 0 0 3 3 3 0 {to}")), []);
        assert_eq!(letters(&canvas), seen, "{to}");
    }
}

#[test]
fn a_buffer_grows_for_boxes_copies_and_images_and_begins_its_path_anew() {
    let image = base64_png(RED, 2, 1);
    let mut canvas = drawn(&format!("size 0 6 1; png 14 -1 3 0 {image}; copy -1 0 0 9 9 14 0 0 0"));
    assert_eq!(
        (letters(&canvas).as_str(), canvas.layers.size_of(-1)),
        ("...rr.", Size { width: 5, height: 1 })
    );
    assert_eq!(
        draw(
            &mut canvas,
            "copy -1 3 0 2 1 14 -2 1 2; rect -2 0 0 1 1; rect -2 3 0 1 1; cfill 14 -2 0 255 0 255"
        ),
        []
    );
    assert_eq!(canvas.layers.size_of(-2), Size { width: 4, height: 3 });
    assert_eq!(draw(&mut canvas, "copy -2 0 0 4 1 12 0 0 0"), []);
    assert_eq!(letters(&canvas), "...g..", "the second box made it grow");
}

#[test]
fn images_partly_outside_clear_the_rest_by_unbounded_masks() {
    let image = base64_png(RED, 3, 3);
    let screen = format!("size 0 3 2; {}", full(0, G));
    for (at, seen) in [("-1 -1", "rr. rr."), ("2 1", "... ..r"), ("-9 0", "... ..."), ("0 -2", "rrr ...")] {
        assert_eq!(letters(&drawn(&format!("{screen} png 12 0 {at} {image}"))), seen, "{at}");
        let open = format!("img 1 12 0 image/jpeg {at}; blob 1 {image}; end 1");
        assert_eq!(letters(&drawn(&format!("{screen} {open}"))), seen, "{at}, and its mimetype lies");
    }
    // A visible layer does not grow with it.
    assert_eq!(drawn(&format!("{screen} png 14 0 2 1 {image}")).size(), Size { width: 3, height: 2 });
}

#[test]
fn the_cursor_outlives_the_buffer_that_it_came_from() {
    let mut canvas = drawn(&format!("size 0 2 1; size -2 1 1; {} mouse 1 0 0 5", full(-2, R)));
    assert!(canvas.cursor().is_none(), "no image yet");
    assert_eq!(
        draw(&mut canvas, "cursor 0 0 -2 0 0 1 1; dispose -2; cursor 0 0 -7 0 0 0 0; size -2 1 1"),
        []
    );
    assert!(canvas.cursor().is_none());
    assert_eq!(draw(&mut canvas, &format!("{} cursor 0 0 -2 0 0 1 1; dispose -2", full(-2, G))), []);
    let mut shown = picture(&canvas);
    canvas.cursor().unwrap().draw(Rect::of_size(canvas.size()), &mut shown);
    assert_eq!(shown.pixels, [[0, 0, 0, 255], [0, 255, 0, 255]]);
    // Another user's mouse is the same pointer.
    assert_eq!(draw(&mut canvas, "mouse 0 0 1 9; mouse 1 0 0 8"), []);
    assert_eq!(canvas.cursor().unwrap().corner(), (1, 0));
}

#[test]
fn a_second_recording_behind_the_first_draws_on() {
    let first =
        format!("size 0 3 1; {} size 1 1 1; {} img 4 14 0 image/png 0 0; sync 9000", full(0, R), full(1, G));
    let second = format!("size 1 1 1; size 0 2 1; {} sync 5; size 0 3 1; dispose 1; sync 6", full(0, B));
    let mut canvas = drawn(&first);
    assert_eq!(letters(&canvas), "grr");
    assert_eq!(draw(&mut canvas, &second), []);
    // What the second does not draw on stays, as it does in a player.
    assert_eq!(letters(&canvas), "bb.");
}

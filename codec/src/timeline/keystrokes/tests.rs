use super::super::clipboard::Began;
use super::*;

const CTRL: u32 = 0xFFE3;
const SHIFT: u32 = 0xFFE1;
const RETURN: u32 = 0xFF0D;

/// Presses and releases: (time, keysym, pressed).
fn fold(keys: &[(i64, u32, bool)], limits: &Limits) -> KeystrokeFold {
    let mut fold = KeystrokeFold::new();
    for &(at_ms, keysym, pressed) in keys {
        fold.key(Key(keysym), pressed, KeyTime { at_ms, event_ms: at_ms }, limits);
    }
    fold
}

fn pressed(at_ms: i64, keysyms: &[u32]) -> Vec<(i64, u32, bool)> {
    keysyms.iter().flat_map(|keysym| [(at_ms, *keysym, true), (at_ms, *keysym, false)]).collect()
}

fn batches(fold: &KeystrokeFold) -> Vec<KeyBatch> {
    fold.keystrokes([].iter(), 0, &Limits::default()).batches
}

fn batch(at_ms: i64, end_ms: i64, text: &str, display: &str) -> KeyBatch {
    KeyBatch { at_ms, end_ms, text: text.into(), display: display.into() }
}

#[test]
fn plain_text_is_plain_and_the_players_text_names_return() {
    let keys = pressed(40, &[0x6C, 0x73, 0xFF09, 0x0101_F600, RETURN, 0xFF56, 0xFF7A]);
    let expected = batch(40, 40, "ls<Tab>😀\n<PageDown><0xff7a>", "ls<Tab>😀<Return>\n<Page Down><0xff7a>");
    assert_eq!(batches(&fold(&keys, &Limits::default())), [expected]);
}

#[test]
fn combinations_name_what_is_held() {
    let ctrl_shift_v = [(1, CTRL, true), (2, SHIFT, true), (3, 0x56, true), (4, SHIFT, false)];
    let keys = [&ctrl_shift_v[..], &[(5, 0x63, true), (6, CTRL, false), (7, 0x63, true)]].concat();
    let expected = batch(3, 7, "<Ctrl+Shift+V><Ctrl+c>c", "<Shift+Ctrl+V><Ctrl+c>c");
    assert_eq!(batches(&fold(&keys, &Limits::default())), [expected]);

    // Shift alone chooses another character; of a key that types none it says more.
    let keys = [(1, SHIFT, true), (2, 0x41, true), (3, 0xFF63, true), (4, RETURN, true)];
    let expected = batch(2, 4, "A<Shift+Insert>\n", "A<Insert><Return>\n");
    assert_eq!(batches(&fold(&keys, &Limits::default())), [expected]);
}

#[test]
fn a_pause_of_five_seconds_after_any_event_begins_a_batch() {
    let keys = [
        (10, 0x61, true),
        (4_000, 0x61, false),
        (8_999, 0x62, true),
        (13_999, 0x62, false),
        (14_000, 0x63, true),
    ];
    let expected = [batch(10, 8_999, "ab", "ab"), batch(14_000, 14_000, "c", "c")];
    assert_eq!(batches(&fold(&keys, &Limits::default())), expected);
}

#[test]
fn keys_before_the_first_sync_are_at_zero_and_their_pauses_stay() {
    let limits = Limits::default();
    let mut fold = fold(&pressed(4_000, &[0x61]), &limits);
    fold.begin(4_500);
    fold.key(Key(0x62), true, KeyTime { at_ms: 4_499, event_ms: 4_499 }, &limits);
    fold.key(Key(0x63), true, KeyTime { at_ms: 9_499, event_ms: 9_499 }, &limits);
    assert_eq!(batches(&fold), [batch(0, 4_499, "ab", "ab"), batch(9_499, 9_499, "c", "c")]);
}

#[test]
fn a_clipboard_is_whole_in_the_text_and_short_in_the_players() {
    let limits = Limits::default();
    let mut fold = fold(&pressed(90, &[0x61]), &limits);
    let long = "é".repeat(49) + "😀z";
    let began = Began { at_ms: 100, event_ms: 90 };
    let clipboard = |mimetype: &str, content: &[u8]| Clipboard {
        began,
        mimetype: mimetype.into(),
        bytes: u64::try_from(content.len()).unwrap(),
        content: content.into(),
    };
    fold.clipboard(&clipboard("text/plain", long.as_bytes()), &limits);
    fold.clipboard(&clipboard("image/png", b"\x89PNG"), &limits);
    let open = Clipboard { bytes: 9, ..clipboard("text/plain", b"b\xff") };
    let keystrokes = fold.keystrokes([open].iter(), 1, &limits);
    let text = format!("a[Clipboard: {long}][Clipboard: image/png, 4 bytes][Clipboard: b\u{FFFD}]");
    let display =
        format!("a[Clipboard: {}][Clipboard: image/png, 4 bytes][Clipboard: b\u{FFFD}]", "é".repeat(49));
    let expected = Keystrokes {
        keystrokes_version: 1,
        batches: vec![batch(90, 100, &text, &display)],
        keystrokes_left_out: 2,
    };
    assert_eq!(keystrokes, expected);
}

#[test]
fn what_does_not_fit_is_counted_and_batches_go_on() {
    let keys = [pressed(0, &[0x61]), pressed(6_000, &[0x62]), pressed(12_000, &[0x63])].concat();
    let few = fold(&keys, &Limits { key_batches: 2, ..Limits::default() });
    assert_eq!(batches(&few), [batch(0, 0, "a", "a"), batch(6_000, 12_000, "bc", "bc")]);
    let short = fold(&keys, &Limits { key_text_bytes: 4, ..Limits::default() });
    let keystrokes = short.keystrokes([].iter(), 0, &Limits::default());
    assert_eq!((keystrokes.batches.len(), keystrokes.keystrokes_left_out), (2, 1));
}

#[test]
fn the_form_is_the_documented_one() {
    let keystrokes =
        fold(&pressed(7, &[0x61]), &Limits::default()).keystrokes([].iter(), 0, &Limits::default());
    let json = r#"{"keystrokes_version":1,"keystrokes":[{"t_ms":7,"end_ms":7,"text":"a","display":"a"}],"keystrokes_left_out":0}"#;
    assert_eq!(serde_json::to_string(&keystrokes).unwrap(), json);
    assert_eq!(serde_json::from_str::<Keystrokes>(json).unwrap(), keystrokes);
}

use super::*;
use proptest::prelude::*;

/// Pushes `bytes` in pieces of `piece` and describes what comes out.
fn read_all(bytes: &[u8], piece: usize) -> (Vec<String>, Result<(), ParseError>) {
    let mut parser = Parser::new(Limits::default());
    let mut out = Vec::new();
    for bytes in bytes.chunks(piece.max(1)) {
        parser.push(bytes);
        loop {
            match parser.read() {
                Ok(Some(instruction)) => out.push(format!("{instruction:?}")),
                Ok(None) => break,
                Err(error) => return (out, Err(error)),
            }
        }
    }
    let end = parser.finish();
    (out, end)
}

fn error_of(bytes: &[u8]) -> ParseError {
    let (_, result) = read_all(bytes, bytes.len());
    assert_eq!(read_all(bytes, 1).1, result, "pieces change nothing");
    result.unwrap_err()
}

#[test]
fn lengths_count_characters_and_values_hold_separators() {
    let mut parser = Parser::new(Limits::default());
    parser.push("5.audio,1.1,31.audio/L16;rate=44100,channels=2;5.error,4.ä,€😀,1.3;4.sync,2.17;".as_bytes());
    assert_eq!(
        parser.read(),
        Ok(Some(Instruction::Audio { stream: 1, mimetype: "audio/L16;rate=44100,channels=2" }))
    );
    assert_eq!(parser.read(), Ok(Some(Instruction::Error { text: "ä,€😀", status: 3 })));
    assert_eq!(parser.read(), Ok(Some(Instruction::Sync { timestamp: 17 })));
    assert_eq!(parser.read(), Ok(None));
    assert_eq!(parser.finish(), Ok(()));
}

#[test]
fn numbers_beyond_32_bits_are_the_nearest_and_unreadable_ones_make_it_another_instruction() {
    let (seen, end) = read_all(b"4.size,1.0,10.9999999999,2.-1;4.size,1.0;4.size,1.0,1.x,1.1;3.zzz;", 64);
    assert_eq!(end, Ok(()));
    assert_eq!(
        seen,
        [
            "Size { layer: 0, width: 2147483647, height: -1 }",
            r#"Other { opcode: "size" }"#,
            r#"Other { opcode: "size" }"#,
            r#"Other { opcode: "zzz" }"#,
        ]
    );
}

#[test]
fn damage_is_named_with_its_position() {
    let limits = Limits::default();
    let chars = limits.element_chars;
    assert_eq!(error_of(b"3.nop;x"), ParseError::Length { position: 6, found: b'x' });
    assert_eq!(error_of(b"-1.a;"), ParseError::Length { position: 0, found: b'-' });
    assert_eq!(error_of(b"+5.a;"), ParseError::Length { position: 0, found: b'+' });
    assert_eq!(error_of(b".a;"), ParseError::Length { position: 0, found: b'.' });
    assert_eq!(
        error_of(b"3.nop,99999999999.a"),
        ParseError::ElementTooLong { position: 6, limit_chars: chars }
    );
    assert_eq!(error_of(b"3.nop,8193.a"), ParseError::ElementTooLong { position: 6, limit_chars: chars });
    assert_eq!(error_of(b"4.nop;3.nop;"), ParseError::Separator { position: 6, found: b'3' });
    assert_eq!(error_of(b"3.nop;4.sync,2.1"), ParseError::Truncated { position: 6 });
    assert_eq!(error_of(b"3.nop;5.error,1.\xff,1.0;"), ParseError::Encoding { position: 16 });
    // Bytes that continue no character belong to the element, however they are pushed.
    assert_eq!(error_of(b"4.sync,2.19\xaa\xaa;"), ParseError::Encoding { position: 9 });
    let many = format!("3.nop{};", ",1.a".repeat(128));
    assert_eq!(error_of(many.as_bytes()), ParseError::TooManyElements { position: 0, limit: 128 });
    let long = format!("3.nop;3.nop{};", format!(",8000.{}", "a".repeat(8000)).repeat(5));
    let limit_bytes = limits.instruction_bytes;
    assert_eq!(error_of(long.as_bytes()), ParseError::InstructionTooLong { position: 6, limit_bytes });
    let wrong = format!("3.nop{}x", format!(",8000.{}", "a".repeat(8000)).repeat(5));
    assert_eq!(error_of(wrong.as_bytes()), ParseError::InstructionTooLong { position: 0, limit_bytes });
}

#[test]
fn an_inline_image_of_an_old_dump_may_be_long() {
    let data = "A".repeat(100_000);
    let dump = format!("3.png,2.14,1.0,1.3,1.4,100000.{data};4.sync,1.9;");
    let (seen, end) = read_all(dump.as_bytes(), 4096);
    assert_eq!((seen.len(), end), (2, Ok(())));
    assert!(seen[0].starts_with("InlineImage { mimetype: \"image/png\", mask: 14, layer: 0, x: 3, y: 4"));
}

proptest! {
    #[test]
    fn pieces_change_nothing_and_nothing_panics(
        texts in prop::collection::vec(prop::collection::vec(".{0,9}", 1..5), 0..6),
        cut in 0_usize..200,
        flip in prop::option::of((0_usize..200, any::<u8>())),
        piece in 1_usize..20,
    ) {
        let mut bytes: Vec<u8> = texts
            .iter()
            .flat_map(|elements| {
                let elements: Vec<_> =
                    elements.iter().map(|e| format!("{}.{e}", e.chars().count())).collect();
                (elements.join(",") + ";").into_bytes()
            })
            .collect();
        if flip.is_none() && cut >= bytes.len() {
            prop_assert_eq!(read_all(&bytes, piece).1, Ok(()));
        }
        bytes.truncate(cut);
        if let Some((at, byte)) = flip && at < bytes.len() {
            bytes[at] = byte;
        }
        prop_assert_eq!(read_all(&bytes, piece), read_all(&bytes, usize::MAX));
    }
}

/// Reads on behind damage, pushed in pieces of `piece`: the instructions, what was skipped, and the end.
fn read_past(bytes: &[u8], piece: usize) -> (Vec<String>, Vec<Skipped>, Result<(), ParseError>) {
    let mut parser = Parser::new(Limits { on_damage: OnDamage::Resync, ..Limits::default() });
    let (mut out, mut skipped) = (Vec::new(), Vec::new());
    let mut end = 0;
    for bytes in bytes.chunks(piece.max(1)) {
        parser.push(bytes);
        loop {
            match parser.read_on() {
                Ok(Some(read)) => {
                    assert!(read.end_byte > end);
                    end = read.end_byte;
                    out.push(format!("{:?}", read.instruction));
                    skipped.extend(read.skipped);
                }
                Ok(None) => break,
                Err(error) => return (out, skipped, Err(error)),
            }
        }
    }
    let total: u64 = skipped.iter().map(|skipped| skipped.bytes).sum();
    assert_eq!(parser.skipped_bytes(), total);
    let end = parser.finish();
    (out, skipped, end)
}

#[test]
fn behind_damage_the_next_whole_instruction_is_found() {
    let nop = "Nop".to_owned();
    let sync = |timestamp: i64| format!("{:?}", Instruction::Sync { timestamp });
    let length = |position, found| ParseError::Length { position, found };
    let separator = |position, found| ParseError::Separator { position, found };
    for (bytes, expected, skipped) in [
        // The rest of an older instruction, then whole ones.
        (&b"3.nop;ase64data;4.sync,1.5;"[..], vec![nop.clone(), sync(5)], Some((6, 10, length(6, b'a')))),
        // A recording that is cut in its time, and another one behind it.
        (b"3.nop;4.sync,7.123454.sync,1.9;", vec![nop.clone(), sync(9)], Some((6, 14, separator(22, b's')))),
        // A start whose instruction cannot be read is none.
        (b"3.nop;x4.sync,x;3.nop;", vec![nop.clone(), nop.clone()], Some((6, 10, length(6, b'x')))),
    ] {
        let skipped: Vec<_> =
            skipped.into_iter().map(|(position, bytes, error)| Skipped { position, bytes, error }).collect();
        for piece in [1, 2, 7, bytes.len()] {
            assert_eq!(read_past(bytes, piece), (expected.clone(), skipped.clone(), Ok(())), "{piece}");
        }
    }
}

#[test]
fn damage_with_nothing_behind_it_is_the_end() {
    for bytes in [&b"3.nop;x;3.zzz;"[..], b"3.nop;x;4.syn", b"3.nop;x;4.sync,1.1"] {
        let end = Err(ParseError::Length { position: 6, found: b'x' });
        assert_eq!(read_past(bytes, 3), (vec!["Nop".to_owned()], Vec::new(), end));
    }
}

#[test]
fn false_starts_without_end_stop_the_search() {
    let bytes = b"4.sync,8000.".repeat(20_000);
    let (seen, _, end) = read_past(&bytes, 4096);
    assert_eq!((seen.len(), end.is_err()), (0, true));
    assert_eq!(read_past(&bytes, usize::MAX).2, end);
}

proptest! {
    #[test]
    fn what_is_found_behind_damage_does_not_depend_on_pieces(
        noise in prop::collection::vec("[a-z0-9.;,]{0,12}|4\\.sync,1\\.7;|3\\.nop;", 0..30),
        piece in 1_usize..20,
    ) {
        let bytes = noise.concat().into_bytes();
        prop_assert_eq!(read_past(&bytes, piece), read_past(&bytes, usize::MAX));
    }
}

use super::super::allowance::Allowance;
use super::{ImageError, ImageFormat, Surface};
use crate::cost::Cost;
use crate::geometry::Size;
use proptest::prelude::*;

const LIMIT_PIXELS: usize = 1 << 20;

/// Decodes with nothing limited but pixels.
fn decode(bytes: &[u8], limit_pixels: usize) -> Result<Surface, ImageError> {
    let mut cost = Cost::default();
    let mut allowance = Allowance {
        limit_pixels,
        free_bytes: usize::MAX,
        cost: &mut cost,
        cost_max: Cost::MAX,
        decoded: None,
    };
    super::decode(bytes, &mut allowance)
}

/// A PNG of 2x2 pixels.
fn png_of(color: png::ColorType, depth: png::BitDepth, rows: &[u8]) -> Vec<u8> {
    let mut info = png::Info::with_size(2, 2);
    info.color_type = color;
    info.bit_depth = depth;
    if color == png::ColorType::Indexed {
        info.palette = Some([10, 20, 30, 200, 100, 50].as_slice().into());
        info.trns = Some([255, 51].as_slice().into());
    }
    let mut bytes = Vec::new();
    let mut writer = png::Encoder::with_info(&mut bytes, info).unwrap().write_header().unwrap();
    writer.write_image_data(rows).unwrap();
    writer.finish().unwrap();
    bytes
}

/// A PNG with the given header and image data as zlib, both put in as they are.
fn raw_png(header: &[u8; 13], chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [(b"IHDR", header.as_slice())].iter().chain(chunks).chain([&(b"IEND", &[][..])]) {
        bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        let checked = [kind.as_slice(), data].concat();
        bytes.extend(&checked);
        bytes.extend(crc32(&checked).to_be_bytes());
    }
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(
            crc ^ u32::from(byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 },
        )
    })
}

/// Uncompressed zlib; the decoder does not look at its checksum.
fn stored(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap();
    [&[0x78, 0x01, 0x01], &length.to_le_bytes()[..], &(!length).to_le_bytes(), data, &[0; 4]].concat()
}

/// A grey JPEG whose scan holds one flat block, whatever its header says.
pub(in crate::canvas) fn flat_jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = b"\xFF\xD8\xFF\xDB\x00\x43\x00".to_vec();
    bytes.extend([1; 64]);
    bytes.extend(b"\xFF\xC0\x00\x0B\x08");
    bytes.extend([height.to_be_bytes(), width.to_be_bytes()].concat());
    bytes.extend(b"\x01\x01\x11\x00");
    for class in [0x00, 0x10] {
        bytes.extend(b"\xFF\xC4\x00\x14");
        bytes.push(class);
        bytes.extend(b"\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    }
    bytes.extend(b"\xFF\xDA\x00\x08\x01\x01\x00\x00\x3F\x00\x3F\xFF\xD9");
    bytes
}

fn webp_of(pixels: &[u8], width: u32, height: u32, color: image_webp::ColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    image_webp::WebPEncoder::new(&mut bytes).encode(pixels, width, height, color).unwrap();
    bytes
}

/// A WebP whose container says 1x1, and whose bitstream says `side` x `side`.
fn lying_webp(side: u16) -> Vec<u8> {
    let [low, high] = side.to_le_bytes();
    let frame = [&[0x10, 0, 0, 0x9D, 0x01, 0x2A, low, high, low, high][..], &[0; 40]].concat();
    let mut bytes = b"RIFF\x58\x00\x00\x00WEBPVP8X\x0A\x00\x00\x00\0\0\0\0\0\0\0\0\0\0VP8 ".to_vec();
    bytes.extend(u32::try_from(frame.len()).unwrap().to_le_bytes());
    bytes.extend(frame);
    bytes
}

#[test]
fn png_of_every_colour_type_becomes_premultiplied_rgba() {
    use png::{BitDepth, ColorType};
    let decoded = |color, depth, rows: &[u8]| {
        decode(&png_of(color, depth, rows), LIMIT_PIXELS).unwrap().pixels().to_vec()
    };
    let grey = |value: u8| [value, value, value, 255];
    let greys = [grey(0), grey(255), grey(255), grey(0)];
    assert_eq!(decoded(ColorType::Grayscale, BitDepth::One, &[0b0100_0000, 0b1000_0000]), greys);
    assert_eq!(decoded(ColorType::Grayscale, BitDepth::Two, &[0b0011_0000, 0b1100_0000]), greys);
    assert_eq!(decoded(ColorType::Grayscale, BitDepth::Four, &[0x0F, 0xF0]), greys);
    assert_eq!(decoded(ColorType::Grayscale, BitDepth::Eight, &[0, 255, 255, 0]), greys);
    assert_eq!(decoded(ColorType::Grayscale, BitDepth::Sixteen, &[0, 9, 255, 9, 255, 9, 0, 9]), greys);
    let half = [[128, 128, 128, 128], [0; 4], grey(7), [1, 1, 1, 51]];
    assert_eq!(decoded(ColorType::GrayscaleAlpha, BitDepth::Eight, &[255, 128, 255, 0, 7, 255, 5, 51]), half);
    let colors = [[1, 2, 3, 255], [4, 5, 6, 255], [7, 8, 9, 255], [10, 11, 12, 255]];
    assert_eq!(decoded(ColorType::Rgb, BitDepth::Eight, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]), colors);
    let wide: Vec<u8> = (1..=12).flat_map(|value| [value, 77]).collect();
    assert_eq!(decoded(ColorType::Rgb, BitDepth::Sixteen, &wide), colors);
    let straight = [255, 100, 0, 51, 1, 2, 3, 255, 9, 9, 9, 0, 255, 255, 255, 128];
    let premultiplied = [[51, 20, 0, 51], [1, 2, 3, 255], [0; 4], [128; 4]];
    assert_eq!(decoded(ColorType::Rgba, BitDepth::Eight, &straight), premultiplied);
    let palette = [[10, 20, 30, 255], [40, 20, 10, 51], [40, 20, 10, 51], [10, 20, 30, 255]];
    assert_eq!(decoded(ColorType::Indexed, BitDepth::One, &[0b0100_0000, 0b1000_0000]), palette);
}

#[test]
fn an_image_that_takes_too_much_memory_or_time_is_refused_by_its_header() {
    let image = flat_jpeg(100, 100);
    let mut cost = Cost::default();
    let mut decode = |free_bytes, cost_max| {
        let mut allowance =
            Allowance { limit_pixels: LIMIT_PIXELS, free_bytes, cost: &mut cost, cost_max, decoded: None };
        super::decode(&image, &mut allowance)
    };
    let (format, width, height) = (ImageFormat::Jpeg, 100, 100);
    let memory = ImageError::Memory { format, width, height, bytes: 110_000, free_bytes: 109_999 };
    assert_eq!(decode(109_999, Cost::MAX), Err(memory));
    assert!(decode(110_000, Cost::MAX).is_ok());
    assert_eq!(decode(110_000, Cost::of_ms(0)), Err(ImageError::Time { format, width, height }));
}

#[test]
fn an_interlaced_png_is_put_in_order() {
    let header = [0, 0, 0, 2, 0, 0, 0, 2, 8, 0, 0, 0, 1];
    // Adam7: the first pixel in pass 1, the second in pass 6, the second row in pass 7.
    let bytes = raw_png(&header, &[(b"IDAT", &stored(&[0, 1, 0, 2, 0, 3, 4]))]);
    let greys: Vec<u8> =
        decode(&bytes, LIMIT_PIXELS).unwrap().pixels().iter().map(|pixel| pixel[0]).collect();
    assert_eq!(greys, [1, 2, 3, 4]);
}

#[test]
fn jpeg_and_webp_are_decoded_whatever_the_mimetype_says() {
    let grey = decode(&flat_jpeg(8, 8), LIMIT_PIXELS).unwrap();
    assert_eq!((grey.size().area(), grey.pixels()[63]), (64, [128, 128, 128, 255]));
    let plain = webp_of(&[1, 2, 3, 4, 5, 6], 2, 1, image_webp::ColorType::Rgb8);
    assert_eq!(decode(&plain, LIMIT_PIXELS).unwrap().pixels(), [[1, 2, 3, 255], [4, 5, 6, 255]]);
    let clear = webp_of(&[255, 100, 0, 51], 1, 1, image_webp::ColorType::Rgba8);
    assert_eq!(decode(&clear, LIMIT_PIXELS).unwrap().pixels(), [[51, 20, 0, 51]]);
    for bytes in [&b"GIF89a"[..], b"", b"RIFF", b"\x89PNG"] {
        assert_eq!(decode(bytes, LIMIT_PIXELS), Err(ImageError::Format));
    }
}

#[test]
fn claimed_dimensions_are_refused_before_memory_is_spent() {
    let png = |width: u32, height: u32| {
        let mut header = [0, 0, 0, 0, 0, 0, 0, 0, 8, 6, 0, 0, 0];
        header[..4].copy_from_slice(&width.to_be_bytes());
        header[4..8].copy_from_slice(&height.to_be_bytes());
        decode(&raw_png(&header, &[(b"IDAT", &stored(&[0; 5]))]), LIMIT_PIXELS)
    };
    let refused =
        |format, width, height| Err(ImageError::Pixels { format, width, height, limit_pixels: LIMIT_PIXELS });
    assert_eq!(png(30_000, 30_000), refused(ImageFormat::Png, 30_000, 30_000));
    assert_eq!(png(1_000_000_000, 1), refused(ImageFormat::Png, 1_000_000_000, 1));
    assert_eq!(png(0x7FFF_FFFF, 0x7FFF_FFFF), refused(ImageFormat::Png, 0x7FFF_FFFF, 0x7FFF_FFFF));
    assert!(png(0, 0).is_err());
    assert_eq!(decode(&flat_jpeg(65_500, 65_500), LIMIT_PIXELS), refused(ImageFormat::Jpeg, 65_500, 65_500));
    assert!(decode(&flat_jpeg(0, 8), LIMIT_PIXELS).is_err());
    assert_eq!(decode(&lying_webp(16_383), LIMIT_PIXELS), refused(ImageFormat::WebP, 16_383, 16_383));
    let lossless = [&b"RIFF\x18\0\0\0WEBPVP8L\x0C\0\0\0\x2F\xFE\xFF\xFF\x0F"[..], &[0; 16]].concat();
    assert_eq!(decode(&lossless, LIMIT_PIXELS), refused(ImageFormat::WebP, 16_383, 16_384));
}

#[test]
fn ancillary_chunks_are_not_unpacked() {
    let header = [0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0];
    // Neither holds valid zlib: unpacking one would be an error.
    let profile = [&b"icc\0\0"[..], &[0xFF; 64]].concat();
    let text = [&b"key\0\0"[..], &[0xFF; 64]].concat();
    let bytes = raw_png(&header, &[(b"iCCP", &profile), (b"zTXt", &text), (b"IDAT", &stored(&[0, 42]))]);
    assert_eq!(decode(&bytes, LIMIT_PIXELS).unwrap().pixels(), [[42, 42, 42, 255]]);
}

#[test]
fn of_an_animation_the_first_frame_is_drawn() {
    let header = [0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0];
    let control = |sequence: u8| {
        [&[0, 0, 0, sequence][..], &[0, 0, 0, 1, 0, 0, 0, 1], &[0; 8], &[0, 1, 0, 1, 0, 0]].concat()
    };
    let (first, second) = (control(0), control(1));
    let (image, later) = (stored(&[0, 42]), [&[0, 0, 0, 2][..], &stored(&[0, 99])].concat());
    for frames in [[0, 0, 0, 2], [0x7F, 0xFF, 0xFF, 0xFF], [0xFF; 4]] {
        let animation = [frames, [0; 4]].concat();
        let chunks: [(&[u8; 4], &[u8]); 5] = [
            (b"acTL", &animation),
            (b"fcTL", &first),
            (b"IDAT", &image),
            (b"fcTL", &second),
            (b"fdAT", &later),
        ];
        for chunks in [&chunks[..], &[chunks[0], chunks[2]]] {
            match decode(&raw_png(&header, chunks), LIMIT_PIXELS) {
                Ok(image) => assert_eq!(image.pixels(), [[42, 42, 42, 255]]),
                Err(error) => assert!(frames[0] == 0xFF, "{error}"),
            }
        }
    }
    let still = webp_of(&[1, 2, 3, 255, 4, 5, 6, 255], 2, 1, image_webp::ColorType::Rgba8);
    assert_eq!(
        decode(&animated_webp(&still), LIMIT_PIXELS).unwrap().pixels(),
        [[1, 2, 3, 255], [4, 5, 6, 255]]
    );
}

/// An animation of 2x1 pixels that shows the bitstream of `still` twice.
fn animated_webp(still: &[u8]) -> Vec<u8> {
    let chunk = |kind: &[u8], data: &[u8]| {
        let length = u32::try_from(data.len()).unwrap().to_le_bytes();
        [kind, &length, data, &[0][..data.len() % 2]].concat()
    };
    let frame = chunk(b"ANMF", &[&[0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 9, 0, 0, 2], &still[12..]].concat());
    let body = [
        b"WEBP".to_vec(),
        chunk(b"VP8X", &[0x12, 0, 0, 0, 1, 0, 0, 0, 0, 0]),
        chunk(b"ANIM", &[0; 6]),
        frame.clone(),
        frame,
    ];
    chunk(b"RIFF", &body.concat())
}

/// Images to damage, one of each format.
fn samples() -> [Vec<u8>; 4] {
    let pixels: Vec<u8> = (0..=255).collect();
    [
        png_of(png::ColorType::Rgba, png::BitDepth::Eight, &pixels[..16]),
        flat_jpeg(8, 8),
        webp_of(&pixels, 8, 8, image_webp::ColorType::Rgba8),
        lying_webp(1),
    ]
}

#[test]
fn an_image_cut_at_any_byte_is_drawn_or_refused() {
    for sample in samples() {
        for length in 0..sample.len() {
            let _ = decode(&sample[..length], LIMIT_PIXELS);
        }
    }
}

proptest! {
    #[test]
    fn a_damaged_image_is_drawn_or_refused(
        which in 0..4_usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = samples()[which].clone();
        for (index, byte) in damage {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = decode(&bytes, LIMIT_PIXELS);
    }
}

#[test]
fn other_decoders_see_the_same() {
    // Written and decoded by Pillow 13.0 with libjpeg-turbo and libwebp: one picture below the other.
    let expected = decode(include_bytes!("samples/expected.png"), LIMIT_PIXELS).unwrap();
    let images: [(&str, &[u8], u8); 10] = [
        ("baseline-420.jpg", include_bytes!("samples/baseline-420.jpg"), 4),
        ("baseline-422.jpg", include_bytes!("samples/baseline-422.jpg"), 4),
        ("progressive-444.jpg", include_bytes!("samples/progressive-444.jpg"), 4),
        ("grey.jpg", include_bytes!("samples/grey.jpg"), 1),
        ("cmyk.jpg", include_bytes!("samples/cmyk.jpg"), 4),
        ("lossy.webp", include_bytes!("samples/lossy.webp"), 1),
        ("lossy-alpha.webp", include_bytes!("samples/lossy-alpha.webp"), 1),
        ("lossless-alpha.webp", include_bytes!("samples/lossless-alpha.webp"), 0),
        ("palette-trns.png", include_bytes!("samples/palette-trns.png"), 0),
        ("grey-16.png", include_bytes!("samples/grey-16.png"), 0),
    ];
    let side = expected.size().width;
    for ((name, bytes, most), expected) in images.into_iter().zip(expected.pixels().chunks(side * side)) {
        let drawn = decode(bytes, LIMIT_PIXELS).unwrap();
        assert_eq!(drawn.size(), Size { width: side, height: side }, "{name}");
        let pairs = drawn.pixels().as_flattened().iter().zip(expected.as_flattened());
        let worst = pairs.map(|(drawn, expected)| drawn.abs_diff(*expected)).max().unwrap();
        assert!(worst <= most, "{name} differs by {worst}");
    }
}

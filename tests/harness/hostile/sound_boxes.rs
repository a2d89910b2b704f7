//! Files of sound, built byte by byte.

/// Samples of a second.
pub(super) const RATE_HZ: u32 = 8_000;
/// Samples of a frame of FLAC: the most that its streamable subset has at this rate is less, and decoders take more.
pub(super) const FLAC_FRAME: u16 = u16::MAX;

/// A WAVE file of a second: channels, rate, bits of a sample, and what its two lengths claim.
pub(super) struct Wave {
    pub(super) channels: u16,
    pub(super) rate_hz: u32,
    pub(super) bits: u16,
    pub(super) claimed: Option<[u32; 2]>,
}

impl Wave {
    /// In which nothing is wrong.
    pub(super) const SOUND: Self = Self { channels: 1, rate_hz: RATE_HZ, bits: 16, claimed: None };

    pub(super) fn bytes(&self) -> Vec<u8> {
        let samples: Vec<u8> =
            (0..8_000_i16).flat_map(|index| index.wrapping_mul(900).to_le_bytes()).collect();
        let length = u32::try_from(samples.len()).expect("a second is short");
        let [all, data] = self.claimed.unwrap_or([length + 36, length]);
        let frame = self.channels.wrapping_mul(self.bits / 8);
        let format =
            [&1_u16.to_le_bytes()[..], &self.channels.to_le_bytes(), &self.rate_hz.to_le_bytes()].concat();
        let bytes_per_s = self.rate_hz.wrapping_mul(u32::from(frame)).to_le_bytes();
        let sizes = [&bytes_per_s[..], &frame.to_le_bytes(), &self.bits.to_le_bytes()].concat();
        let head = [b"RIFF", &all.to_le_bytes()[..], b"WAVEfmt \x10\0\0\0", &format, &sizes].concat();
        [&head, &b"data"[..], &data.to_le_bytes(), &samples].concat()
    }

    /// The extensible format with so many channels, and a mask of as many as there can be.
    pub(super) fn extensible(channels: u16) -> Vec<u8> {
        let head = [&b"RIFF\xFF\xFF\xFF\x7FWAVEfmt \x28\0\0\0\xFE\xFF"[..], &channels.to_le_bytes()].concat();
        let sizes = [RATE_HZ.to_le_bytes(), (2 * RATE_HZ).to_le_bytes(), *b"\x02\0\x10\0"].concat();
        let further =
            b"\x16\0\x10\0\xFF\xFF\xFF\xFF\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71data\x10\0\0\0";
        [&head, &sizes, &further[..], &[1; 16]].concat()
    }
}

/// A FLAC file of one channel: blocks between its head and its frames, and how many frames of silence.
pub(super) fn flac(blocks: &[(u8, &[u8])], frames: u32) -> Vec<u8> {
    let mut bytes = b"fLaC".to_vec();
    bytes.extend([if blocks.is_empty() { 0x80 } else { 0 }, 0, 0, 34]);
    bytes.extend(FLAC_FRAME.to_be_bytes().repeat(2));
    bytes.extend([0; 6]);
    // 20 bits of rate, 3 of channels, 5 of sample bits, 36 of samples, which may be unknown; then a hash, which too.
    bytes.extend((u64::from(RATE_HZ) << 44 | 15 << 36).to_be_bytes());
    bytes.extend([0; 16]);
    for (index, (kind, body)) in blocks.iter().enumerate() {
        let last = if index + 1 == blocks.len() { 0x80 } else { 0 };
        let length = u32::try_from(body.len()).expect("blocks are short").to_be_bytes();
        bytes.extend([kind | last, length[1], length[2], length[3]]);
        bytes.extend(*body);
    }
    (0..frames).for_each(|number| bytes.extend(flac_frame(number)));
    bytes
}

/// A frame of equal samples.
fn flac_frame(number: u32) -> Vec<u8> {
    // Fixed blocks; their length and the rate in kHz stand behind the number; one channel, 16 bits.
    let mut frame = vec![0xFF, 0xF8, 0x7C, 0x08];
    let number = char::from_u32(number).expect("fewer frames than where surrogates begin");
    frame.extend(number.encode_utf8(&mut [0; 4]).bytes());
    frame.extend((FLAC_FRAME - 1).to_be_bytes());
    frame.push(u8::try_from(RATE_HZ / 1_000).expect("kHz are few"));
    frame.push(u8::try_from(crc(&frame, 8, 0x07)).expect("8 bits"));
    frame.extend([0, 0, 0]);
    let check = u16::try_from(crc(&frame, 16, 0x8005)).expect("16 bits");
    frame.extend(check.to_be_bytes());
    frame
}

/// Pages of Ogg that begin streams, each with a number of its own and nothing that is known.
pub(super) fn ogg_streams(count: u32) -> Vec<u8> {
    let page = |serial: u32| {
        let head = [&b"OggS\0\x02\0\0\0\0\0\0\0\0"[..], &serial.to_le_bytes(), &[0; 4]].concat();
        let body = [1, 1, 7];
        let check = crc(&[&head, &[0; 4][..], &body].concat(), 32, 0x04C1_1DB7);
        [&head, &check.to_le_bytes()[..], &body].concat()
    };
    (0..count).flat_map(page).collect()
}

/// A checksum of so many bits, the first bit of each byte first, from zero.
fn crc(bytes: &[u8], bits: u32, polynomial: u32) -> u32 {
    let top = 1_u32 << (bits - 1);
    let step = |crc: u32, _| (crc << 1) ^ if crc & top > 0 { polynomial } else { 0 };
    let folded = bytes.iter().fold(0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte) << (bits - 8), step));
    folded & (u32::MAX >> (32 - bits))
}

/// A box of MP4.
pub(super) fn mp4_box(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 8).expect("boxes are short");
    [&length.to_be_bytes(), name.as_slice(), body].concat()
}

/// What of an MP4 file lies, if anything: bodies of its tables.
#[derive(Default)]
pub(super) struct Mp4<'a> {
    pub(super) stts: Option<&'a [u8]>,
    pub(super) stsz: Option<&'a [u8]>,
    pub(super) edits: Option<&'a [u8]>,
    pub(super) timescale: Option<u32>,
}

impl Mp4<'_> {
    /// An MP4 file of FLAC, so many frames of silence.
    pub(super) fn bytes(&self, frames: u32) -> Vec<u8> {
        let flac = flac(&[], frames);
        let (head, sound) = flac.split_at(42);
        let at = |moov: &[u8]| u32::try_from(FTYP.len() + 8 + moov.len() + 8).expect("a short file");
        let moov = self.moov(head, sound, frames, 0);
        let moov = self.moov(head, sound, frames, at(&moov));
        [FTYP.to_vec(), mp4_box(b"moov", &moov), mp4_box(b"mdat", sound)].concat()
    }

    fn moov(&self, head: &[u8], sound: &[u8], frames: u32, at: u32) -> Vec<u8> {
        let full = |fields: &[u32]| fields.iter().flat_map(|field| field.to_be_bytes()).collect::<Vec<u8>>();
        let info = mp4_box(b"dfLa", &[&[0; 4], &[0x80, 0, 0, 34], &head[8..]].concat());
        let entry =
            [&[0; 6][..], &[0, 1], &[0; 8], &[0, 1, 0, 16, 0, 0, 0, 0], &full(&[RATE_HZ << 16]), &info]
                .concat();
        let lengths: Vec<u32> =
            (0..frames).map(|number| u32::try_from(flac_frame(number).len()).unwrap_or(0)).collect();
        let stts = full(&[0, 1, frames, u32::from(FLAC_FRAME)]);
        let stsz = [full(&[0, 0, frames]), full(&lengths)].concat();
        assert_eq!(lengths.iter().sum::<u32>(), u32::try_from(sound.len()).unwrap_or(0));
        let tables = [
            mp4_box(b"stsd", &[full(&[0, 1]), mp4_box(b"fLaC", &entry)].concat()),
            mp4_box(b"stts", self.stts.unwrap_or(&stts)),
            mp4_box(b"stsc", &full(&[0, 1, 1, frames, 1])),
            mp4_box(b"stsz", self.stsz.unwrap_or(&stsz)),
            mp4_box(b"stco", &full(&[0, 1, at])),
        ];
        let dinf =
            mp4_box(b"dinf", &mp4_box(b"dref", &[full(&[0, 1]), mp4_box(b"url ", &full(&[1]))].concat()));
        let minf = [mp4_box(b"smhd", &[0; 8]), dinf, mp4_box(b"stbl", &tables.concat())].concat();
        let timescale = self.timescale.unwrap_or(RATE_HZ);
        let duration = frames * u32::from(FLAC_FRAME);
        let mdhd = full(&[0, 0, 0, timescale, duration, 0x55C4_0000]);
        let hdlr = [&[0; 8][..], b"soun", &[0; 13]].concat();
        let mdia = [mp4_box(b"mdhd", &mdhd), mp4_box(b"hdlr", &hdlr), mp4_box(b"minf", &minf)].concat();
        let matrix = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];
        let tkhd =
            [full(&[7, 0, 0, 1, 0, duration, 0, 0, 0, 0x0100_0000]), full(&matrix), full(&[0, 0])].concat();
        let edts = self.edits.map(|edits| mp4_box(b"edts", &mp4_box(b"elst", edits))).unwrap_or_default();
        let trak = [mp4_box(b"tkhd", &tkhd), edts, mp4_box(b"mdia", &mdia)].concat();
        let mvhd = [
            full(&[0, 0, 0, RATE_HZ, duration, 0x1_0000, 0x0100_0000, 0, 0]),
            full(&matrix),
            full(&[0; 6]),
            full(&[2]),
        ];
        [mp4_box(b"mvhd", &mvhd.concat()), mp4_box(b"trak", &trak)].concat()
    }
}

const FTYP: &[u8] = b"\0\0\0\x18ftypM4A \0\0\0\0M4A isom";

//! Files of sound, built byte by byte.

/// Samples of a second.
pub(super) const RATE_HZ: u32 = 8_000;
/// Samples of a frame of FLAC: the most that its streamable subset has at this rate is less, and decoders take more.
pub(super) const FLAC_FRAME: u16 = u16::MAX;

/// Flags of Ogg's pages: a stream begins, and ends.
pub(super) const OGG_BEGIN: u8 = 2;
pub(super) const OGG_END: u8 = 4;

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
    (0..frames).for_each(|number| bytes.extend(flac_frame(number, 1)));
    bytes
}

/// A frame of equal samples.
pub(super) fn flac_frame(number: u32, channels: u8) -> Vec<u8> {
    // Fixed blocks; their length and the rate in kHz stand behind the number; 16 bits.
    let mut frame = vec![0xFF, 0xF8, 0x7C, (channels - 1) << 4 | 0x08];
    let number = char::from_u32(number).expect("fewer frames than where surrogates begin");
    frame.extend(number.encode_utf8(&mut [0; 4]).bytes());
    frame.extend((FLAC_FRAME - 1).to_be_bytes());
    frame.push(u8::try_from(RATE_HZ / 1_000).expect("kHz are few"));
    frame.push(u8::try_from(crc(&frame, 8, 0x07)).expect("8 bits"));
    frame.extend([0, 0, 0].repeat(usize::from(channels)));
    let check = u16::try_from(crc(&frame, 16, 0x8005)).expect("16 bits");
    frame.extend(check.to_be_bytes());
    frame
}

/// A page of Ogg with one packet: its stream, the page's number, its flags, and the samples up to its end.
pub(super) fn ogg_page(serial: u32, number: u32, flags: u8, samples: u64, packet: &[u8]) -> Vec<u8> {
    let begin =
        [&b"OggS\0"[..], &[flags], &samples.to_le_bytes(), &serial.to_le_bytes(), &number.to_le_bytes()];
    let mut lengths = vec![u8::MAX; packet.len() / 255];
    lengths.push(u8::try_from(packet.len() % 255).expect("less than 255"));
    let count = u8::try_from(lengths.len()).expect("a page has no more");
    let body = [&[count], &lengths[..], packet].concat();
    let begin = begin.concat();
    let check = crc(&[&begin, &[0; 4][..], &body].concat(), 32, 0x04C1_1DB7);
    [&begin, &check.to_le_bytes()[..], &body].concat()
}

/// Pages that begin streams, each with a number of its own and nothing that is known.
pub(super) fn ogg_streams(count: u32) -> Vec<u8> {
    (0..count).flat_map(|serial| ogg_page(serial, 0, OGG_BEGIN, 0, &[7])).collect()
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
    /// Whether its second frame has a description of its own, of a coding that the bytes have not.
    pub(super) is_switched: bool,
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
            (0..frames).map(|number| u32::try_from(flac_frame(number, 1).len()).unwrap_or(0)).collect();
        let stts = full(&[0, 1, frames, u32::from(FLAC_FRAME)]);
        let stsz = [full(&[0, 0, frames]), full(&lengths)].concat();
        assert_eq!(lengths.iter().sum::<u32>(), u32::try_from(sound.len()).unwrap_or(0));
        let opus = mp4_box(b"dOps", b"\0\x01\0\0\0\0\xBB\x80\0\0\0");
        let other = mp4_box(b"Opus", &[&entry[..entry.len() - info.len()], &opus].concat());
        let entry = mp4_box(b"fLaC", &entry);
        let (entries, chunks) = if self.is_switched {
            ([full(&[0, 2]), entry, other].concat(), full(&[0, 2, 1, 1, 1, 2, frames - 1, 2]))
        } else {
            ([full(&[0, 1]), entry].concat(), full(&[0, 1, 1, frames, 1]))
        };
        let second = at + lengths.first().copied().unwrap_or(0);
        let offsets = if self.is_switched { full(&[0, 2, at, second]) } else { full(&[0, 1, at]) };
        let tables = [
            mp4_box(b"stsd", &entries),
            mp4_box(b"stts", self.stts.unwrap_or(&stts)),
            mp4_box(b"stsc", &chunks),
            mp4_box(b"stsz", self.stsz.unwrap_or(&stsz)),
            mp4_box(b"stco", &offsets),
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

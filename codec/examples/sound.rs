//! Writes the decoded sound track of a Guacamole recording as a WAV file, to listen to and to measure.
//!
//! `cargo run --release -p codec --example sound -- recording.guac[.zst] sound.wav`

use anyhow::Context as _;
use codec::audio::{SoundPacket, SoundSettings, SoundTrack};
use codec::cut::Cut;
use codec::limits::Limits;
use codec::source::guac::{Instruction, MediaTime, Parser};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Instant;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(recording), Some(wav)) = (arguments.next(), arguments.next()) else {
        anyhow::bail!("expected the path of a recording and the path of a WAV file to write");
    };
    let bytes = read(Path::new(&recording))?;
    let begin = Instant::now();
    let (track, packets) = convert(&bytes)?;
    let seconds = begin.elapsed().as_secs_f64();
    let coded: usize = packets.iter().map(|packet| packet.data.len()).sum();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} packets, {coded} bytes, {seconds:.3} s", packets.len())?;
    writeln!(out, "{:?}\n{:?}\nsound ends at {} ms", track.head(), track.report(), track.sound_end_ms())?;
    let samples = decode(&packets, track.head().pre_skip)?;
    write_wav(Path::new(&wav), &samples)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = std::fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    if path.extension().is_some_and(|extension| extension == "zst") {
        ruzstd::decoding::StreamingDecoder::new(file)?.read_to_end(&mut bytes)?;
    } else {
        file.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn convert(bytes: &[u8]) -> anyhow::Result<(SoundTrack, Vec<SoundPacket>)> {
    let limits = Limits::default();
    let mut parser = Parser::new(limits);
    let mut time = MediaTime::new(limits.gap_ms);
    let mut track = SoundTrack::new(limits, SoundSettings::default(), Cut::whole(i64::MAX))?;
    let mut packets = Vec::new();
    for piece in bytes.chunks(64 << 10) {
        parser.push(piece);
        // What follows damage is not heard.
        while let Ok(Some(instruction)) = parser.read() {
            if let Instruction::Sync { timestamp } = instruction {
                time.sync(timestamp);
            }
            if let Instruction::Mouse { timestamp: Some(timestamp), .. }
            | Instruction::Key { timestamp: Some(timestamp), .. } = instruction
            {
                time.event(timestamp);
            }
            track.apply(&instruction, time.now_ms());
            while let Some(packet) = track.next_packet()? {
                packets.push(packet);
            }
        }
    }
    track.finish(time.now_ms());
    while let Some(packet) = track.next_packet()? {
        packets.push(packet);
    }
    Ok((track, packets))
}

fn decode(packets: &[SoundPacket], pre_skip: u16) -> anyhow::Result<Vec<i16>> {
    let mut decoder = opus_pure::OpusDecoder::new(48_000, 2)?;
    let mut block = vec![0; 2 * opus_pure::MAX_PACKET_SAMPLES];
    let mut samples = Vec::new();
    for packet in packets {
        decoder.decode_s16(&packet.data, opus_pure::MAX_PACKET_SAMPLES, &mut block)?;
        samples.extend_from_slice(&block[..2 * usize::try_from(packet.samples)?]);
    }
    samples.drain(..(2 * usize::from(pre_skip)).min(samples.len()));
    Ok(samples)
}

fn write_wav(path: &Path, samples: &[i16]) -> anyhow::Result<()> {
    let data_bytes = u32::try_from(2 * samples.len())?;
    let mut wav = Vec::new();
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(36 + data_bytes).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt ");
    for field in [16_u32, 1 | 2 << 16, 48_000, 192_000, 4 | 16 << 16] {
        wav.extend_from_slice(&field.to_le_bytes());
    }
    wav.extend_from_slice(b"data");
    wav.extend_from_slice(&data_bytes.to_le_bytes());
    wav.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    std::fs::write(path, wav).with_context(|| format!("cannot write {}", path.display()))
}

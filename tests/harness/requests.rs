//! How many requests three members answer, and how fast.

use crate::appender::scratch_folder;
use crate::hostile::instruction;
use crate::processes::wait_until;
use crate::random::Random;
use crate::recorder::Door;
use crate::servers::{MEMBERS, Servers};
use anyhow::{Context, ensure};
use base64_simd::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Sessions of which reports and lists are asked for.
const SESSIONS: usize = 200;
/// What a download asks for at once.
const RANGE_BYTES: usize = 1 << 20;
/// A recording that nothing makes small: so many pictures of noise, of so many pixels.
const PICTURES: i64 = 60;
const WIDTH: u32 = 640;
const HEIGHT: u32 = 480;
/// What guacd puts into one blob.
const BLOB_BYTES: usize = 6048;
/// An index and a video on a busy machine take less.
const DEADLINE: Duration = Duration::from_secs(300);

/// Clients that ask as fast as they are answered.
#[derive(Debug, Clone, Copy)]
pub struct Requests {
    /// Chooses everything.
    pub seed: u64,
    /// Clients at the same time, by turns of each member.
    pub clients: u64,
    /// Requests of each kind.
    pub requests: u64,
}

/// What was measured.
#[derive(Debug, Serialize)]
pub struct RequestsOutcome {
    /// The report of a session.
    pub report: Rate,
    /// A page of 50 sessions.
    pub list: Rate,
    /// A range of a video of at most 1 MiB.
    pub range: Rate,
    /// The video's bytes.
    pub video_bytes: usize,
    /// Bytes of ranges, in MiB in a second.
    pub range_mib_per_s: u64,
}

/// Requests of one kind.
#[derive(Debug, Serialize)]
pub struct Rate {
    /// How many.
    pub requests: usize,
    /// All clients together.
    pub per_s: u64,
    /// The median from a request to the end of its answer, in microseconds.
    pub p50_us: u64,
    /// The 99th percentile, nearest rank.
    pub p99_us: u64,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

/// What a client asks for: where, and which bytes.
type Asked = (String, Option<std::ops::Range<usize>>);

impl Requests {
    /// Does it. An error means that the measurement could not be done, or that a request was not answered.
    pub fn run(self) -> anyhow::Result<RequestsOutcome> {
        ensure!(self.clients > 0 && self.requests > 0, "somebody asks for something");
        let mut random = Random::new(self.seed);
        let folder = scratch_folder()?;
        let servers = Servers::start_in(folder.path())?;
        let (video, video_bytes) = video(&servers, &mut random)?;
        let sessions =
            (0..SESSIONS).map(|number| session(&servers, number)).collect::<Result<Vec<_>, _>>()?;
        let content = format!("/v1/videos/{video}/content");
        ensure!(video_bytes > RANGE_BYTES, "the video has {video_bytes} bytes");
        let (report, _) =
            self.measure(&servers, |random| (format!("/v1/sessions/{}", random.choose(&sessions)), None))?;
        let (list, _) = self.measure(&servers, |_| ("/v1/sessions?limit=50".to_owned(), None))?;
        let last = u64::try_from(video_bytes - RANGE_BYTES)?;
        let (range, (bytes, took)) = self.measure(&servers, |random| {
            let from = usize::try_from(random.below(last)).unwrap_or(0);
            (content.clone(), Some(from..from + RANGE_BYTES))
        })?;
        let range_mib_per_s = per_s(bytes >> 20, took);
        Ok(RequestsOutcome { report, list, range, video_bytes, range_mib_per_s })
    }

    /// Asks, and says how fast that was, how many bytes came, and how long it took in all.
    fn measure(
        self,
        servers: &Servers,
        asks: impl Fn(&mut Random) -> Asked + Sync,
    ) -> anyhow::Result<(Rate, (usize, Duration))> {
        let began = Instant::now();
        let answered = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..self.clients)
                .map(|client| {
                    let member = MEMBERS[usize::try_from(client).unwrap_or(0) % MEMBERS.len()];
                    let (door, asks) = (servers.administrator(member), &asks);
                    let share =
                        self.requests / self.clients + u64::from(client < self.requests % self.clients);
                    let mut random = Random::new(self.seed ^ ((client + 1) << 32));
                    scope.spawn(move || -> anyhow::Result<Vec<(Duration, usize)>> {
                        (0..share).map(|_| ask(&door, asks(&mut random))).collect()
                    })
                })
                .collect();
            let joined = clients.into_iter().map(|one| one.join());
            joined
                .map(|one| one.map_err(|_| anyhow::anyhow!("a client panicked"))?)
                .collect::<anyhow::Result<Vec<_>>>()
        })?;
        let took = began.elapsed();
        let (mut times, bytes): (Vec<Duration>, Vec<usize>) = answered.into_iter().flatten().unzip();
        times.sort_unstable();
        let us = |percent: usize| {
            let time = times.get((times.len() * percent).div_ceil(100).saturating_sub(1));
            time.map_or(0, |time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
        };
        let rate =
            Rate { requests: times.len(), per_s: per_s(times.len(), took), p50_us: us(50), p99_us: us(99) };
        Ok((rate, (bytes.into_iter().sum(), took)))
    }
}

fn per_s(count: usize, took: Duration) -> u64 {
    let per_s = u128::try_from(count).unwrap_or(0) * 1_000_000 / took.as_micros().max(1);
    u64::try_from(per_s).unwrap_or(u64::MAX)
}

fn ask(door: &Door, (path, range): Asked) -> anyhow::Result<(Duration, usize)> {
    let wanted = if range.is_some() { 206 } else { 200 };
    let began = Instant::now();
    let answer = door.fetch(&path, range)?;
    let took = began.elapsed();
    ensure!(answer.status == wanted, "{path} is answered {}", answer.status);
    Ok((took, answer.body.len()))
}

/// A small session that has ended.
fn session(servers: &Servers, number: usize) -> anyhow::Result<String> {
    let door = servers.recorder(MEMBERS[number % MEMBERS.len()]);
    let (session, bytes) = (door.open()?, b"4.size,1.0,3.640,3.480;4.sync,13.1760000000000;");
    door.append(&session, 0, bytes)?;
    door.seal(&session, u64::try_from(bytes.len())?)?;
    Ok(session)
}

/// A video of a recording of noise, and its bytes.
fn video(servers: &Servers, random: &mut Random) -> anyhow::Result<(String, usize)> {
    let (recorder, all) = (servers.recorder(MEMBERS[0]), servers.administrator(MEMBERS[0]));
    all.put("/v1/parameters/video_download_enabled", &json!({ "value": true }))?;
    let session = recorder.open()?;
    let mut length = recorder.append(&session, 0, &instruction(&[&"size", &0, &WIDTH, &HEIGHT]))?;
    for number in 0..PICTURES {
        let picture = picture(random)?;
        let end = instruction(&[&"sync", &(1_760_000_000_000 + number * 200)]);
        length = recorder.append(&session, length, &[picture, end].concat())?;
    }
    recorder.seal(&session, length)?;
    let path = format!("/v1/sessions/{session}/videos");
    let video: Named = all.post(&path, &json!({})).context("a video is asked for")?;
    wait_until("the video", DEADLINE, || {
        let state: Value = all.get(&format!("/v1/videos/{}", video.id))?;
        ensure!(state["state"] != "failed", "the video is not made: {state}");
        Ok(state["state"] == "ready")
    })?;
    let ready: Value = all.get(&format!("/v1/videos/{}", video.id))?;
    let bytes = ready["size_bytes"].as_u64().context("a video that is ready has a size")?;
    Ok((video.id, usize::try_from(bytes)?))
}

/// An image of noise.
fn picture(random: &mut Random) -> anyhow::Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let words = (0..WIDTH * HEIGHT / 4).map(|_| u32::try_from(random.below(1 << 32)).unwrap_or(0));
    let noise: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
    encoder.write_header()?.write_image_data(&noise)?;
    let mut bytes = instruction(&[&"img", &3, &14, &0, &"image/png", &0, &0]);
    for piece in file.chunks(BLOB_BYTES) {
        bytes.extend(instruction(&[&"blob", &3, &STANDARD.encode_to_string(piece)]));
    }
    bytes.extend(instruction(&[&"end", &3]));
    Ok(bytes)
}

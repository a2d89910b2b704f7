//! A video that is read from three members while one of them makes it.

use crate::appender::scratch_folder;
use crate::hostile::instruction;
use crate::processes::wait_until;
use crate::recorder::{Door, Fetched};
use crate::servers::{MEMBERS, Servers};
use anyhow::Context;
use serde_json::{Value, json};
use std::io::Read;
use std::time::Duration;

/// All of them last many times as long as those of the first fragment.
const PICTURES: u64 = 900;
const WIDTH: u32 = 160;
const HEIGHT: u32 = 120;
/// To combine two of these takes some milliseconds.
const BUFFER_WIDTH: u32 = 2048;
const BUFFER_HEIGHT: u32 = 1024;
/// An index and a video on a busy machine take less.
const DEADLINE: Duration = Duration::from_secs(300);

/// What came of it.
#[derive(Debug)]
pub struct PlayingOutcome {
    /// Whether an answer broke off when the video was cancelled.
    pub is_broken_off: bool,
    /// What the first boxes are that each member has sent.
    pub begun: Vec<Vec<String>>,
    /// What each member says of the video after those: its state, and whether it is playable.
    pub told: Vec<(Value, Value)>,
    /// With which status who may not have the video is answered, while it is made and when it is complete.
    pub refused: [Vec<u16>; 2],
    /// Whether what each member has sent is what each of them has of the complete video.
    pub is_whole: Vec<bool>,
    /// Whether each member gives a range of the complete video.
    pub is_ranged: Vec<bool>,
}

/// The next box of a file: its type, and all of its bytes.
pub fn next_box(video: &mut impl Read) -> anyhow::Result<(String, Vec<u8>)> {
    let mut head = [0; 8];
    video.read_exact(&mut head)?;
    let [length @ .., _, _, _, _] = head;
    let mut bytes = vec![0; usize::try_from(u32::from_be_bytes(length))?];
    bytes[..8].copy_from_slice(&head);
    video.read_exact(&mut bytes[8..])?;
    Ok((String::from_utf8_lossy(&head[4..]).into_owned(), bytes))
}

/// Has a video in fragments made, and reads it from all members meanwhile, whichever of them makes it.
pub fn playing() -> anyhow::Result<PlayingOutcome> {
    let folder = scratch_folder()?;
    let servers = Servers::start_in(folder.path())?;
    let video = wanted(&servers)?;
    let (content, doors) =
        (format!("{video}/content"), MEMBERS.map(|member| servers.administrator(member).within(DEADLINE)));
    let refused = refused(&servers)?;
    let is_broken_off = cancelled(&doors, &video)?;
    for door in &doors {
        wait_until_playable(door, &video)?;
    }
    let refusals = || {
        let status = |door: &Door| Ok(door.fetch(&content, None)?.status);
        refused.iter().map(status).collect::<anyhow::Result<Vec<_>>>()
    };
    let (mut begun, mut reading, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for door in &doors {
        let mut body = door.stream(&content)?;
        let boxes = (0..4).map(|_| next_box(&mut body)).collect::<anyhow::Result<Vec<_>>>()?;
        let (kinds, bytes): (Vec<_>, Vec<_>) = boxes.into_iter().unzip();
        begun.push(kinds);
        reading.push((body, bytes.concat()));
    }
    let refused_meanwhile = refusals()?;
    for door in &doors {
        let now: Value = door.get(&video)?;
        told.push((now["state"].clone(), now["playable"].clone()));
    }
    let mut sent = Vec::new();
    for (mut body, mut bytes) in reading {
        body.read_to_end(&mut bytes)?;
        sent.push(bytes);
    }
    let (mut is_whole, mut is_ranged) = (Vec::new(), Vec::new());
    for (door, sent) in doors.iter().zip(&sent) {
        let Fetched { status, body, .. } = door.fetch(&content, None)?;
        is_whole.push(status == 200 && body == *sent);
        let part = door.fetch(&content, Some(100..1_000))?;
        is_ranged.push(part.status == 206 && part.body == sent[100..1_000]);
    }
    let refused = [refused_meanwhile, refusals()?];
    Ok(PlayingOutcome { is_broken_off, begun, told, refused, is_whole, is_ranged })
}

/// A video in fragments that somebody asks for; where it is.
fn wanted(servers: &Servers) -> anyhow::Result<String> {
    let [first, second, _] = MEMBERS;
    let (recorder, all) = (servers.recorder(first), servers.administrator(second));
    all.put("/v1/parameters/video_download_enabled", &json!({ "value": true }))?;
    let session = recorder.open()?;
    let length = recorder.append(&session, 0, &recording())?;
    recorder.seal(&session, length)?;
    let wanted = json!({ "format": "fragmented-mp4" });
    let video: Value = all.post(&format!("/v1/sessions/{session}/videos"), &wanted)?;
    Ok(format!("/v1/videos/{}", video["id"].as_str().context("a video has a name")?))
}

fn wait_until_playable(door: &Door, video: &str) -> anyhow::Result<()> {
    wait_until("a video that can be played", DEADLINE, || Ok(door.get::<Value>(video)?["playable"] == true))
}

/// Cancels a video that is read from another member, and has it made anew. Whether its reader was told that it is not whole.
fn cancelled([first, second, _]: &[Door; 3], video: &str) -> anyhow::Result<bool> {
    wait_until_playable(first, video)?;
    let mut body = first.stream(&format!("{video}/content"))?;
    next_box(&mut body)?;
    let _: Value = second.post(&format!("{video}/cancel"), &json!({}))?;
    let is_broken_off = body.read_to_end(&mut Vec::new()).is_err();
    let _: Value = second.post(&format!("{video}/retry"), &json!({}))?;
    Ok(is_broken_off)
}

/// Who may not read sessions at all, and who may not have their videos.
fn refused(servers: &Servers) -> anyhow::Result<Vec<Door>> {
    let [first, _, third] = MEMBERS;
    let door = |roles: &[&str]| {
        let body = json!({ "kind": "user", "subject": "harness", "roles": roles });
        let made: Value = servers.administrator(first).post("/v1/tokens", &body)?;
        let token = made["token"].as_str().context("a token has a text")?;
        Ok(servers.door(third, token))
    };
    [&[][..], &["System Administrator"]].into_iter().map(door).collect()
}

/// Frames that are coded to a few bytes, and buffers that are combined for each and take long to draw.
fn recording() -> Vec<u8> {
    let mut bytes = instruction(&[&"size", &0, &WIDTH, &HEIGHT]);
    for buffer in [-5, -6] {
        bytes.extend(instruction(&[&"size", &buffer, &BUFFER_WIDTH, &BUFFER_HEIGHT]));
    }
    let combined = instruction(&[&"transfer", &-5, &0, &0, &BUFFER_WIDTH, &BUFFER_HEIGHT, &6, &-6, &0, &0]);
    for number in 0..PICTURES {
        bytes.extend(instruction(&[&"rect", &0, &0, &0, &WIDTH, &HEIGHT]));
        let (red, green) = (number * 53 % 256, number % 256);
        bytes.extend(instruction(&[&"cfill", &14, &0, &red, &green, &60, &255]));
        bytes.extend(combined.repeat(2));
        bytes.extend(instruction(&[&"sync", &(1_760_000_000_000 + number * 100)]));
    }
    bytes
}

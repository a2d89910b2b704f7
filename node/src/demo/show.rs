//! The demonstration as one straight line.

use super::error::DemoError;
use super::mail_sink::{CaughtMail, MailSink};
use super::members::{MEMBERS, Members, MembersOptions};
use super::recorder::{ADDRESS, Recorded, Recorder, Resumed, hex};
use crate::client::Client;
use crate::config::Secret;
use crate::interrupt::Interrupt;
use crate::tasks::Tasks;
use ring::digest::{Context, SHA256};
use serde::Deserialize;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

/// The member that takes the recording, and is killed.
const RECEIVER: u64 = 2;
/// How long a video may take.
const VIDEO_LIMIT: Duration = Duration::from_secs(900);
/// How long a mail may take once its video is ready.
const MAIL_LIMIT: Duration = Duration::from_secs(30);
/// How long the mail server of the demonstration may take to end.
const GRACE: Duration = Duration::from_secs(2);
/// Between two looks at the flag that ends the demonstration.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What to show.
#[derive(Debug)]
pub(crate) struct Demo {
    /// Recordings to import.
    pub(crate) files: Vec<PathBuf>,
    /// Where everything is kept.
    pub(crate) data_dir: PathBuf,
    /// Where the first member's API answers, on loopback.
    pub(crate) listen: String,
    /// Where its metrics and health answer, on loopback.
    pub(crate) health: String,
    /// Whether to end once everything was shown.
    pub(crate) is_once: bool,
}

/// A sample on its way.
struct Sample<'a> {
    path: &'a Path,
    recorded: Recorded,
    video: String,
}

/// What is looked at of a video.
#[derive(Deserialize)]
struct Video {
    state: String,
    message: String,
    duration_ms: Option<u64>,
    size_bytes: Option<u64>,
}

impl Demo {
    /// Shows it.
    pub(crate) fn run(&self, interrupt: &Interrupt) -> Result<(), DemoError> {
        let runtime = Runtime::new().map_err(DemoError::MailSink)?;
        let (sink, mut mails) = runtime.block_on(MailSink::bind()).map_err(DemoError::MailSink)?;
        let smtp_port = sink.address().map_err(DemoError::MailSink)?.port();
        let mut tasks = Tasks::new();
        runtime.block_on(async { tasks.spawn("mail sink", GRACE, |stop| sink.run(stop)) });
        let options = MembersOptions {
            data_dir: &self.data_dir,
            listen: &self.listen,
            health: &self.health,
            smtp_port,
        };
        let shown = Members::start(&options, interrupt).and_then(|mut members| {
            self.present(&mut members, &mut mails, interrupt)?;
            while !self.is_once && !interrupt.is_set() {
                std::thread::sleep(LOOK_EVERY);
            }
            Ok(())
        });
        runtime.block_on(tasks.stop());
        shown
    }

    /// Token, recordings, a kill, videos, mails: everything that is done once.
    fn present(
        &self,
        members: &mut Members,
        mails: &mut mpsc::Receiver<CaughtMail>,
        interrupt: &Interrupt,
    ) -> Result<(), DemoError> {
        let token = members.token()?;
        for member in MEMBERS {
            print(&format!("member {member}    serving on {}", members.url(member)))?;
        }
        print(&format!("token       {}\n", token.reveal()))?;
        let administrator = Client::new(&members.url(1), token.clone(), None)?;
        administrator.switch_on("video_download_enabled")?;
        let recorder = Recorder { token: administrator.make_recorder("demo recorder")?, interrupt };

        let mut samples = Vec::new();
        let mut resumed_by = None;
        for path in &self.files {
            let recorded = match resumed_by {
                Some(by) => recorder.record(members, path, by)?,
                None => {
                    let (recorded, resumed) = recorder.record_and_kill(members, path, RECEIVER)?;
                    print_resumed(path, &resumed)?;
                    resumed_by = Some(resumed.by);
                    recorded
                }
            };
            let Recorded { session, bytes, .. } = &recorded;
            print(&format!("recorded    {} ({bytes} bytes) as session {session}", path.display()))?;
            let video = administrator.request_video(session, &[ADDRESS.to_owned()])?;
            samples.push(Sample { path, recorded, video });
        }
        print("")?;
        let mut ready = 0;
        for sample in &samples {
            ready += u32::from(show_result(members, &token, sample)?);
        }
        for _ in 0..ready {
            let CaughtMail { recipients, text } =
                members.wait("a mail", MAIL_LIMIT, || mails.try_recv().ok())?;
            print(&format!("\nmail to     {}\n{}", recipients.join(", "), indented(readable(&text))))?;
        }
        print(&format!("open {}/ and use the token {}", members.url(1), token.reveal()))?;
        if !self.is_once {
            print("Ctrl-C ends the demonstration")?;
        }
        Ok(())
    }
}

fn print_resumed(path: &Path, resumed: &Resumed) -> io::Result<()> {
    let Resumed { acknowledged, on_its_way, by, durable, after } = resumed;
    print(&format!(
        "recording   {} at member {RECEIVER}: {acknowledged} bytes acknowledged, {on_its_way} on their way\n\
         killed      member {RECEIVER}, in the middle of them\n\
         resumed     at member {by} after {} ms: it has {durable} bytes, and takes the rest",
        path.display(),
        after.as_millis()
    ))
}

/// Waits for a video, and gets recording and video from every member that is left. Answers whether there is a video.
fn show_result(members: &mut Members, token: &Secret, sample: &Sample<'_>) -> Result<bool, DemoError> {
    let (name, path) = (sample.path.display(), format!("/v1/videos/{}", sample.video));
    let clients: Vec<_> = members
        .running()
        .into_iter()
        .map(|member| Client::new(&members.url(member), token.clone(), None))
        .collect::<Result<_, _>>()?;
    let running: Vec<_> = members.running().iter().map(u64::to_string).collect();
    let from = format!("from members {}", running.join(" and "));

    let recording = format!("/v1/sessions/{}/recording", sample.recorded.session);
    let differs = |what| DemoError::Differs { what, path: sample.path.to_owned() };
    if same_everywhere(&clients, &recording)?.as_deref() != Some(&sample.recorded.hash) {
        return Err(differs("the recording"));
    }
    print(&format!("served      {name} {from}: as it was recorded"))?;
    let finished = || {
        let video: Option<Video> = clients.iter().find_map(|client| client.get(&path).ok());
        video.filter(|video| video.state != "pending")
    };
    let video = members.wait("a video", VIDEO_LIMIT, finished)?;
    let (Some(ms), Some(bytes)) = (video.duration_ms, video.size_bytes) else {
        print(&format!("no video of {name}: {}", video.message))?;
        return Ok(false);
    };
    same_everywhere(&clients, &format!("{path}/content"))?.ok_or_else(|| differs("the video"))?;
    print(&format!("video of    {name} {from}: {ms} ms, {bytes} bytes, {}{path}/content", members.url(1)))?;
    Ok(true)
}

/// The SHA-256 of what stands at a path; none when members differ.
fn same_everywhere(clients: &[Client], path: &str) -> Result<Option<String>, DemoError> {
    let mut hashes = Vec::new();
    for client in clients {
        let mut hash = Context::new(&SHA256);
        client.download(path, |piece| hash.update(piece))?;
        hashes.push(hex(hash));
    }
    hashes.dedup();
    Ok(hashes.pop().filter(|_| hashes.is_empty()))
}

/// The headers of a mail and its plain part, without the same as HTML behind it.
fn readable(mail: &str) -> &str {
    mail.split_once("\nContent-Type: text/html").map_or(mail, |(plain, _)| plain)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  | {line}\n")).collect()
}

fn print(line: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()
}

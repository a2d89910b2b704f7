//! The demonstration as one straight line.

use super::mail_sink::{CaughtMail, MailSink};
use crate::client::Client;
use crate::config::{ConfigError, Secret, Settings, Values};
use crate::import::{Import, ImportError, Imported, protocol_of};
use crate::interrupt::Interrupt;
use crate::serve::{Member, MemberOptions, NewToken, RunError, Signals, StartError, block_on, create_token};
use crate::tasks::{Tasks, ThreadError, on_thread};
use crate::telemetry;
use cluster::Cluster;
use cluster::catalog::{Command, ParameterValue, Protocol, PutParameter, TokenKind, VideoState};
use cluster::facts::SubmitError;
use cluster::id::VideoId;
use ring::rand::SystemRandom;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Whom the demonstration's mails are for.
const ADDRESS: &str = "ada@example.org";
/// How long all videos and mails may take.
const SHOW_LIMIT: Duration = Duration::from_secs(900);
/// How long a mail may take once its video is ready.
const MAIL_LIMIT: Duration = Duration::from_secs(30);
/// How often the videos are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long the mail server of the demonstration may take to end.
const GRACE: Duration = Duration::from_secs(2);

/// What to show.
#[derive(Debug)]
pub(crate) struct Demo {
    /// Recordings to import.
    pub(crate) files: Vec<PathBuf>,
    /// Where everything is kept.
    pub(crate) data_dir: PathBuf,
    /// Where the API answers, on loopback.
    pub(crate) listen: String,
    /// Where metrics and health answer, on loopback.
    pub(crate) health: String,
    /// Whether to end once the mails are there.
    pub(crate) is_once: bool,
}

/// Why the demonstration ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// The settings are refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The member did not start or does not go on.
    #[error(transparent)]
    Run(#[from] RunError),
    /// No mail server.
    #[error("cannot catch mails: {0}")]
    MailSink(io::Error),
    /// Nothing can be printed.
    #[error("cannot print: {0}")]
    Print(#[from] io::Error),
    /// A fact was not committed.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// A recording was not imported, or its video not asked for.
    #[error("{} was not imported: {source}", path.display())]
    Import {
        /// Which.
        path: PathBuf,
        /// Why.
        source: ImportError,
    },
    /// A thread ended.
    #[error(transparent)]
    Thread(#[from] ThreadError),
    /// The facts cannot be read.
    #[error("the videos cannot be looked at: {0}")]
    Look(String),
    /// A video is ready, and nobody was told.
    #[error("no mail came within {} s of its video", MAIL_LIMIT.as_secs())]
    NoMail,
    /// It takes too long.
    #[error("videos and mails were not there after {} s", SHOW_LIMIT.as_secs())]
    Deadline,
}

impl From<StartError> for DemoError {
    fn from(error: StartError) -> Self {
        Self::Run(error.into())
    }
}

/// A sample on its way.
struct Sample {
    path: PathBuf,
    imported: Imported,
    video: VideoId,
}

impl Demo {
    /// Shows it.
    pub(crate) fn run(self) -> Result<(), DemoError> {
        block_on(self.show())?
    }

    async fn show(self) -> Result<(), DemoError> {
        let mut signals = Signals::listen()?;
        let (sink, mut mails) = MailSink::bind().await.map_err(DemoError::MailSink)?;
        let settings = self.settings(sink.address().map_err(DemoError::MailSink)?.port())?;
        telemetry::start_quietly();
        let mut tasks = Tasks::new();
        tasks.spawn("mail sink", GRACE, |stop| sink.run(stop));
        let mut member = Member::start(settings, MemberOptions { without_first_token: true }).await?;

        let cluster = std::sync::Arc::clone(member.cluster());
        let url = format!("http://{}", member.address());
        let result = tokio::select! {
            result = self.present(&cluster, &url, &mut mails) => result.map(|()| true),
            error = member.failed() => Err(error.into()),
            _ = signals.next() => Ok(false),
        };
        drop(cluster);
        let result = match result {
            Ok(true) if !self.is_once => tokio::select! {
                error = member.failed() => Err(error.into()),
                _ = signals.next() => Ok(()),
            },
            result => result.map(|_| ()),
        };
        member.stop().await;
        tasks.stop().await;
        result
    }

    /// Loopback only, and mails to our own receiver.
    fn settings(&self, smtp_port: u16) -> Result<Settings, ConfigError> {
        let mut values = Values::default();
        // A path that is no text is refused as an empty one: the usual folder must not take its place.
        let data_dir = Some(self.data_dir.to_str().unwrap_or("").to_owned());
        for (key, value) in [
            ("data_dir", data_dir),
            ("listen.api", Some(self.listen.clone())),
            ("listen.health", Some(self.health.clone())),
            ("smtp.host", Some("127.0.0.1".to_owned())),
            ("smtp.port", Some(smtp_port.to_string())),
            ("smtp.encryption", Some("none".to_owned())),
            ("smtp.from", Some("Custody <custody@example.org>".to_owned())),
        ] {
            values.set_flag(key, value)?;
        }
        Settings::check(&values, None)
    }

    /// Tokens, recordings, videos, mails: everything that is done once.
    async fn present(
        &self,
        cluster: &Cluster,
        url: &str,
        mails: &mut mpsc::Receiver<CaughtMail>,
    ) -> Result<(), DemoError> {
        let random = SystemRandom::new();
        let token = create_token(cluster, &random, NewToken::ADMINISTRATOR).await?;
        let recorder = NewToken { kind: TokenKind::Recorder, subject: "demo recorder", roles: &[] };
        let recorder = create_token(cluster, &random, recorder).await?;
        allow_videos(cluster).await?;
        print(&format!("serving on {url}\ntoken       {}\n", token.reveal()))?;
        let mut samples = Vec::new();
        for path in &self.files {
            let sample = import(url, &recorder, &token, path).await?;
            let Imported { session, bytes } = &sample.imported;
            print(&format!("imported    {} ({bytes} bytes) as session {session}", path.display()))?;
            samples.push(sample);
        }
        let shown = timeout(SHOW_LIMIT, show_results(cluster, url, &samples, mails)).await;
        shown.map_err(|_| DemoError::Deadline)??;
        print(&format!("\nopen {url}/ and use the token {}", token.reveal()))?;
        if !self.is_once {
            print("Ctrl-C ends the demonstration")?;
        }
        Ok(())
    }
}

async fn allow_videos(cluster: &Cluster) -> Result<(), SubmitError> {
    let put = PutParameter {
        name: "video_download_enabled".to_owned(),
        value: ParameterValue::Switch(true),
        expected_version: None,
        by: "custody demo".to_owned(),
    };
    cluster.submit(Command::PutParameter(put)).await.map(drop)
}

/// Imports one recording as its recorder, and asks for its video as the administrator.
async fn import(url: &str, recorder: &Secret, token: &Secret, path: &Path) -> Result<Sample, DemoError> {
    let (url, recorder, token) = (url.to_owned(), recorder.clone(), token.clone());
    let file = path.to_owned();
    let done = on_thread("import", move || -> Result<(Imported, String), ImportError> {
        let import = Import {
            protocol: Some(protocol_of(&file).unwrap_or(Protocol::Ssh)),
            device_address: "10.0.0.7:3389".to_owned(),
            credential_user: "root".to_owned(),
            user_name: ADDRESS.to_owned(),
        };
        let imported = import.run(&Client::new(&url, recorder, None)?, &file, &Interrupt::default())?;
        let asking = Client::new(&url, token, None)?;
        let video = asking.request_video(&imported.session, &[ADDRESS.to_owned()])?;
        Ok((imported, video))
    });
    let failed = |source| DemoError::Import { path: path.to_owned(), source };
    let (imported, video) = done.await?.map_err(failed)?;
    let video = video.parse().map_err(|_| DemoError::Look(format!("{video} names no video")))?;
    Ok(Sample { path: path.to_owned(), imported, video })
}

/// Waits for the videos, and for one mail each.
async fn show_results(
    cluster: &Cluster,
    url: &str,
    samples: &[Sample],
    mails: &mut mpsc::Receiver<CaughtMail>,
) -> Result<(), DemoError> {
    for sample in samples {
        let name = sample.path.display();
        match finished(cluster, sample.video).await? {
            VideoState::Ready(facts) => {
                let Sample { video, .. } = sample;
                let (ms, bytes) = (facts.duration_ms, facts.length);
                print(&format!(
                    "video of    {name}: {ms} ms, {bytes} bytes, {url}/v1/videos/{video}/content"
                ))?;
                let mail = timeout(MAIL_LIMIT, mails.recv()).await.map_err(|_| DemoError::NoMail)?;
                let CaughtMail { recipients, text } = mail.ok_or(DemoError::NoMail)?;
                print(&format!("mail to     {}\n{}", recipients.join(", "), indented(readable(&text))))?;
            }
            VideoState::Failed { failure } => print(&format!("no video of {name}: {failure}"))?,
            VideoState::Cancelled | VideoState::Pending | VideoState::Purged => {
                print(&format!("no video of {name}"))?
            }
        }
    }
    Ok(())
}

/// The state of a video once it is no longer being made.
async fn finished(cluster: &Cluster, video: VideoId) -> Result<VideoState, DemoError> {
    let unread = |error: &dyn std::error::Error| DemoError::Look(error.to_string());
    loop {
        let catalog = cluster.catalog().map_err(|error| unread(&error))?;
        let row = catalog.video(video).map_err(|error| unread(&error))?;
        match row.map(|row| row.state) {
            Some(VideoState::Pending) => tokio::time::sleep(LOOK_EVERY).await,
            Some(state) => return Ok(state),
            None => return Err(DemoError::Look(format!("there is no video {video}"))),
        }
    }
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

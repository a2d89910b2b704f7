//! One member, from the start of its tasks to their end.

use super::ballast::Ballast;
use super::error::{RunError, StartError};
use super::members::{self, Others};
use super::{audit, clock, disks, forgetting, identity, kek, keks, retention, roles, scrub, systemd, tokens};
use crate::config::Settings;
use crate::jobs::{JobTools, Runner, Work};
use crate::mail::{Mailer, MailerError, Mails, Templates};
use crate::membership;
use crate::outbox::{Channel, Outbox};
use crate::seams::{CodecMedia, FormatIntake};
use crate::tasks::{TaskError, Tasks};
use crate::webhook::{self, Webhook};
use api::{
    Ahead, ApiState, CheckpointKey, Closing, IdentityProvider, Metrics, Rates, Server, ServerOptions,
    Stopper, Threads, Trail,
};
use cluster::catalog::MemberState;
use cluster::chunk::disk::{Disk as _, RealDisk};
use cluster::chunk::key::Random;
use cluster::cluster::{FatalError, StartReport};
use cluster::id::MemberId;
use cluster::joining::CaKeyError;
use cluster::rpc::{NoPeers, Peers};
use cluster::{Cluster, ClusterOptions};
use policy::AuthorizerCell;
use ring::rand::SystemRandom;
use std::collections::BTreeSet;
use std::fs::DirBuilder;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

/// How long a member may take to know what is committed.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// The same for one that joins, which is sent all of it.
const JOIN_LIMIT: Duration = Duration::from_secs(3600);
/// How long a task may take to end.
const GRACE: Duration = Duration::from_secs(5);
/// How long requests may take to end; the server itself waits a little less.
const SERVER_GRACE: Duration = Duration::from_secs(30);
/// How long a job may take to stop: a worker finishes the piece it has.
const JOB_GRACE: Duration = Duration::from_secs(20);
/// How long threads may hold on to the cluster once their tasks have ended.
const RELEASE_LIMIT: Duration = Duration::from_secs(10);
/// Identifies this start of the machine.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// The version of the codec; another one makes other videos.
const CODEC_VERSION: u32 = 4;

/// A member that serves.
pub(crate) struct Member {
    cluster: Arc<Cluster>,
    tasks: Tasks,
    address: SocketAddr,
}

impl Member {
    /// Starts everything, each part when those that it needs are there. Called in the runtime in which it runs.
    pub(crate) async fn start(settings: Settings) -> Result<Self, StartError> {
        for folder in [&settings.data_dir, &settings.work_dir] {
            make_folder(folder)?;
        }
        release_ballast(&settings)?;
        let random: Arc<dyn Random> = Arc::new(SystemRandom::new());
        let mut others = members::open(&settings)?;
        if let Some(wire) = &others.wire {
            wire.check(others.member).await?;
        }
        let cluster = start_cluster(&settings, &others, Arc::clone(&random)).await?;
        let mut tasks = Tasks::new();
        if let Some(wire) = others.wire.take() {
            let tended = wire.tended(&cluster);
            let answered = Arc::clone(&cluster);
            tasks.spawn("members", GRACE, |stop| wire.run(answered, stop));
            tasks.spawn("membership", GRACE, |stop| membership::tend(tended, stop));
            let handed_over = Arc::clone(&cluster);
            tasks.spawn("hand over", GRACE, |stop| async move {
                stop.stopped().await;
                handed_over.hand_over().await;
                Ok(())
            });
        }
        match Self::start_tasks(&settings, &cluster, &others, random, &mut tasks).await {
            Ok(address) => Ok(Self { cluster, tasks, address }),
            Err(error) => {
                tasks.stop().await;
                stop_cluster(cluster).await;
                Err(error)
            }
        }
    }

    /// What runs on the cluster. Tasks stop in the reverse of this order: first no requests, then no mails and no
    /// jobs, then no time; before the others cannot reach this member any more, it hands over what it leads and owns.
    async fn start_tasks(
        settings: &Settings,
        cluster: &Arc<Cluster>,
        others: &Others,
        random: Arc<dyn Random>,
        tasks: &mut Tasks,
    ) -> Result<SocketAddr, StartError> {
        wait_ready(cluster, others, tasks).await?;
        check_kek(cluster)?;
        membership::describe(cluster, &others.own).await?;
        clock::tell(cluster).await?;
        let checkpoint_key = audit::begin(cluster, &*random, &settings.data_dir.join("audit-key")).await?;
        let trail = Arc::new(Trail::new(audit::WINDOW));
        let first_token = settings.data_dir.join("first-admin-token");
        let is_new =
            others.first == others.member && tokens::create_first(cluster, &*random, &first_token).await?;
        let authorizer = Arc::new(AuthorizerCell::new(roles::authorizer(cluster)?));
        let provider = settings.identity.clone().map(|rules| Arc::new(IdentityProvider::new(rules)));
        let judges = Judges { authorizer: Arc::clone(&authorizer), identity: provider.clone() };
        let witness = Witness { trail: Arc::clone(&trail), checkpoint_key };
        let media = Arc::new(CodecMedia::new(cluster, Handle::current(), settings.work_dir.clone()));
        let server = bind(settings, cluster, judges, witness, (Arc::clone(&random), Arc::clone(&media)))?;
        let address = server.address();
        if is_new {
            tokens::tell_first(&first_token, &settings.public_url(address));
        }
        let channels = channels(settings, settings.public_url(address))?;

        let of = || Arc::clone(cluster);
        let told = of();
        tasks.spawn("clock", GRACE, |stop| clock::run(told, stop));
        let told = of();
        tasks.spawn("audit", GRACE, |stop| audit::run(told, trail, stop));
        let kept = of();
        tasks.spawn("retention", GRACE, |stop| retention::run(kept, stop));
        let filled = of();
        let ballast = Ballast::new(&settings.data_dir, settings.ballast_mib);
        tasks.spawn("disks", GRACE, |stop| disks::run(filled, ballast, random, stop));
        let compared = of();
        tasks.spawn("scrub", GRACE, |stop| scrub::run(compared, stop));
        let purged = of();
        tasks.spawn("forget", GRACE, |stop| forgetting::run(purged, stop));
        let wrapped = of();
        tasks.spawn("keys", GRACE, |stop| keks::run(wrapped, stop));
        tasks.spawn("pictures", GRACE, |stop| media.sweep(stop));
        let judged = of();
        tasks.spawn("roles", GRACE, |stop| roles::run(judged, authorizer, stop));
        if let Some(provider) = provider {
            tasks.spawn("identity", GRACE, |stop| identity::run(provider, stop));
        }
        for (name, work) in [("index", Work::Index), ("convert", Work::Convert)] {
            let runner = Runner::new(job_tools(settings, of()), work);
            tasks.spawn(name, JOB_GRACE, |stop| runner.run(stop));
        }
        for (channel, grace) in channels {
            let name = channel.name();
            let outbox = Outbox::new(of(), channel);
            tasks.spawn(name, grace, |stop| outbox.run(stop));
        }
        if let Some(every) = systemd::watchdog_every() {
            let watched = of();
            tasks.spawn("watchdog", GRACE, move |stop| systemd::watch(watched, every, stop));
        }
        let stopper = server.stopper();
        tasks.spawn("server", SERVER_GRACE, |stop| async move {
            let serving = async { server.run().await.map_err(TaskError::new) };
            let stopping = async {
                stop.stopped().await;
                end_requests(&stopper).await;
            };
            tokio::join!(serving, stopping).0
        });
        tracing::info!(%address, member = %others.member, "serving");
        Ok(address)
    }

    /// Where the API answers.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the member cannot go on. Cancel-safe.
    pub(crate) async fn failed(&mut self) -> RunError {
        let fatal: FatalError = tokio::select! {
            fatal = self.cluster.fatal() => fatal,
            ended = self.tasks.ended() => return ended.into(),
        };
        fatal.into()
    }

    /// Stops everything.
    pub(crate) async fn stop(self) {
        self.tasks.stop().await;
        stop_cluster(self.cluster).await;
        tracing::info!("stopped");
    }
}

async fn end_requests(stopper: &Stopper) {
    stopper.stop(true).await;
}

/// Waits until this member knows what is committed. One that joins has all of it to learn first.
async fn wait_ready(cluster: &Cluster, others: &Others, tasks: &mut Tasks) -> Result<(), StartError> {
    let row = cluster.known_members()?.into_iter().find(|(member, _)| *member == others.member);
    let is_settled = others.identity.is_none()
        || !others.founders.is_empty()
        || row.is_some_and(|(_, row)| row.state == MemberState::Member);
    let limit = if is_settled { READY_LIMIT } else { JOIN_LIMIT };
    if !is_settled {
        tracing::info!(member = %others.member, "learns what the cluster knows");
    }
    let ready = async {
        let mut ready = pin!(cluster.ready(limit));
        tokio::select! {
            ready = &mut ready => ready,
            () = membership::introduce(cluster, &others.own) => ready.await,
        }
    };
    tokio::select! {
        ready = ready => Ok(ready?),
        ended = tasks.ended() => Err(StartError::Ended(ended)),
    }
}

/// The CA's key tells whether this member's KEK is the cluster's: another one of the same number does not open it.
fn check_kek(cluster: &Cluster) -> Result<(), StartError> {
    let Some(ca) = cluster.catalog()?.ca()? else { return Ok(()) };
    match cluster.ca_key(&ca) {
        Err(error @ (CaKeyError::Unauthentic { .. } | CaKeyError::Malformed)) => Err(error.into()),
        // One that was sealed under another KEK tells nothing.
        Ok(_) | Err(CaKeyError::OtherKek { .. }) => Ok(()),
    }
}

async fn start_cluster(
    settings: &Settings,
    others: &Others,
    random: Arc<dyn Random>,
) -> Result<Arc<Cluster>, StartError> {
    if others.first != others.member && !settings.kek_file.exists() {
        return Err(StartError::KekElsewhere { path: settings.kek_file.clone(), first: others.first.0 });
    }
    let cluster =
        open_cluster(settings, others.member, others.founders.clone(), Arc::clone(&others.peers), random)
            .await?;
    if let Some(identity) = &others.identity {
        identity.mark_started()?;
    }
    Ok(Arc::new(cluster))
}

/// Opens the cluster of one member that nobody else can reach meanwhile, ready for its first facts.
pub(crate) async fn open_alone(
    settings: &Settings,
    member: MemberId,
    random: Arc<dyn Random>,
) -> Result<Arc<Cluster>, StartError> {
    let founders = BTreeSet::from([member]);
    let cluster = open_cluster(settings, member, founders, Arc::new(NoPeers), Arc::clone(&random)).await?;
    let first_facts = async {
        cluster.ready(READY_LIMIT).await?;
        clock::tell(&cluster).await?;
        audit::begin(&cluster, &*random, &settings.data_dir.join("audit-key")).await
    };
    match first_facts.await {
        Ok(_) => Ok(Arc::new(cluster)),
        Err(error) => {
            stop_cluster(Arc::new(cluster)).await;
            Err(error)
        }
    }
}

async fn open_cluster(
    settings: &Settings,
    member: MemberId,
    founders: BTreeSet<MemberId>,
    peers: Arc<dyn Peers>,
    random: Arc<dyn Random>,
) -> Result<Cluster, StartError> {
    let dir = settings.data_dir.join("store");
    let keks = kek::load_or_create(&settings.kek_file, &dir, &*random)?;
    let boot_id = std::fs::read_to_string(BOOT_ID).map_err(StartError::Runtime)?;
    let options = ClusterOptions { founders, ..ClusterOptions::new(member, dir, boot_id.trim().to_owned()) };
    let (cluster, report) = Cluster::start(options, keks, Arc::new(RealDisk), random, peers).await?;
    log_report(&report);
    Ok(cluster)
}

fn log_report(report: &StartReport) {
    if let Some(torn) = &report.facts.torn_tail {
        tracing::warn!(?torn, "cut an unacknowledged end of the log");
    }
    if let Some(rebuilt) = report.facts.rebuilt {
        tracing::info!(?rebuilt, "the catalog is rebuilt from snapshot and log");
    }
    if !report.recovered.is_empty() {
        tracing::info!(chunks = report.recovered.len(), "found open chunks of the last run, whole");
    }
    for chunk in &report.damaged {
        tracing::error!(%chunk, "an open chunk of the last run is damaged or missing");
    }
}

/// Stops the cluster once nobody else holds it.
pub(crate) async fn stop_cluster(cluster: Arc<Cluster>) {
    let until = Instant::now() + RELEASE_LIMIT;
    let mut shared = cluster;
    let cluster = loop {
        match Arc::try_unwrap(shared) {
            Ok(cluster) => break cluster,
            Err(held) if Instant::now() < until => shared = held,
            Err(_) => {
                tracing::warn!("a thread still uses the cluster: it is not closed in order");
                return;
            }
        }
        sleep(Duration::from_millis(20)).await;
    };
    if let Err(error) = cluster.stop().await {
        tracing::warn!(%error, "the cluster was not closed in order");
    }
}

/// Who says who somebody is, and what they may do.
struct Judges {
    authorizer: Arc<AuthorizerCell>,
    identity: Option<Arc<IdentityProvider>>,
}

/// Who writes down what was seen, and signs it.
struct Witness {
    trail: Arc<Trail>,
    checkpoint_key: CheckpointKey,
}

fn bind(
    settings: &Settings,
    cluster: &Arc<Cluster>,
    judges: Judges,
    witness: Witness,
    (random, media): (Arc<dyn Random>, Arc<CodecMedia>),
) -> Result<Server, StartError> {
    let state = ApiState {
        cluster: Arc::clone(cluster),
        authorizer: judges.authorizer,
        identity: judges.identity,
        intake: Arc::new(FormatIntake),
        media,
        random,
        metrics: Metrics::install().or_else(|_| Metrics::detached())?,
        codec_version: CODEC_VERSION,
        limits: settings.limits,
        origins: settings.origins.clone(),
        rates: Rates::new(&settings.limits),
        trail: witness.trail,
        checkpoint_key: witness.checkpoint_key,
        ahead: Ahead::default(),
        threads: Threads::default(),
        closing: Closing::default(),
    };
    let tls = settings.tls.as_ref();
    let options = ServerOptions {
        listen: settings.listen.api,
        tls: tls.map(|tls| api::TlsFiles { certificate: tls.certificate.clone(), key: tls.key.clone() }),
        metrics_listen: Some(settings.listen.health),
        threads: std::thread::available_parallelism().map_or(2, usize::from),
    };
    Ok(Server::bind(&options, Arc::new(state))?)
}

/// Whom what stands in the outbox is handed to, and how long each may take to end.
fn channels(settings: &Settings, public_url: String) -> Result<Vec<(Channel, Duration)>, StartError> {
    let credentials = settings.credentials.as_deref();
    let mut channels = Vec::new();
    match &settings.smtp {
        Some(smtp) => {
            let mailer = Mailer::new(smtp, credentials).map_err(|error| match error {
                MailerError::Config(error) => StartError::Config(error),
                MailerError::Tls(_) => StartError::Mailer(error),
            })?;
            let templates = Templates::load(&smtp.texts)?;
            let (from, public_url) = (smtp.from.clone(), public_url.clone());
            let mails = Mails { mailer, from, public_url, templates };
            channels.push((Channel::Mail(mails), settings.mail_grace()));
        }
        None => tracing::info!("no smtp.host is set: mails wait in the outbox"),
    }
    if let Some(webhook) = &settings.webhook {
        let webhook = Webhook::new(webhook, public_url, credentials)?;
        channels.push((Channel::Webhook(webhook), webhook::GRACE));
    }
    Ok(channels)
}

fn job_tools(settings: &Settings, cluster: Arc<Cluster>) -> JobTools {
    let work_dir: PathBuf = settings.work_dir.clone();
    JobTools { cluster, runtime: Handle::current(), work_dir, workers: settings.workers }
}

/// Gives the ballast free where the disk is full, so that there is room to start with.
fn release_ballast(settings: &Settings) -> Result<(), StartError> {
    let path = &settings.data_dir;
    let failed = |source| StartError::Ballast { path: path.clone(), source };
    let space = RealDisk.space(path).map_err(failed)?;
    let ballast = Ballast::new(path, settings.ballast_mib);
    if let Some(bytes) = ballast.release_if_full(space).map_err(failed)? {
        tracing::error!(
            bytes,
            "the disk was full: the ballast is gone, so that this member can start; make room"
        );
    }
    Ok(())
}

/// A folder that only its owner can look into.
pub(crate) fn make_folder(path: &Path) -> Result<(), StartError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| StartError::Folder { path: path.to_owned(), source })
}

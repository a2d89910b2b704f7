//! How many appends a member acknowledges: `cargo run --release -p cluster --example appends -- FOLDER`. Beside each
//! stands what the same disk takes of as many threads that write and sync files of their own.

use cluster::catalog::{Format, Protocol, SessionInfo};
use cluster::chunk::disk::RealDisk;
use cluster::chunk::key::{Kek, KekId};
use cluster::cluster::NewSession;
use cluster::id::{MemberId, ObjectId};
use cluster::rpc::NoPeers;
use cluster::{Cluster, ClusterOptions};
use ring::rand::SystemRandom;
use std::collections::BTreeSet;
use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long each measurement takes.
const SPAN: Duration = Duration::from_secs(5);
/// How long the disk alone is measured, and after how many bytes a file begins anew.
const PLAIN_SPAN: Duration = Duration::from_secs(2);
const CHUNK_BYTES: usize = 8 << 20;
/// Recorders at once, and the bytes of their appends.
const LOADS: [(usize, usize); 3] = [(64, 1 << 10), (1_000, 1 << 10), (8, 4 << 20)];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("expected a new folder")?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(folder))
}

async fn measure(folder: PathBuf) -> Result<(), Box<dyn Error>> {
    let plain_folder = folder.join("plain");
    let member = MemberId(1);
    let options = ClusterOptions {
        founders: BTreeSet::from([member]),
        ..ClusterOptions::new(member, folder, "measured".to_owned())
    };
    let random = Arc::new(SystemRandom::new());
    let kek = Kek::generate(KekId(1), &*random)?;
    let (cluster, _) = Cluster::start(options, kek, Arc::new(RealDisk), random, Arc::new(NoPeers)).await?;
    cluster.ready(Duration::from_secs(30)).await?;
    let cluster = Arc::new(cluster);
    for (recorders, bytes) in LOADS {
        let plain = plain_bytes_per_second(&plain_folder, recorders, bytes)?;
        let mut tasks = JoinSet::new();
        for _ in 0..recorders {
            tasks.spawn(record(Arc::clone(&cluster), bytes));
        }
        let mut waits: Vec<Duration> = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            waits.extend(ended?.map_err(|error| error.to_string())?);
        }
        waits.sort_unstable();
        let at =
            |part: usize| waits.get(waits.len().saturating_sub(1) * part / 100).copied().unwrap_or_default();
        let per_second = waits.len() / usize::try_from(SPAN.as_secs())?;
        writeln!(
            std::io::stdout(),
            "{recorders} recorders, {bytes} bytes each: {per_second} appends/s, {} KiB/s ({} % of {} KiB/s \
             written and synced), p50 {:?}, p99 {:?}",
            per_second * bytes / 1024,
            100 * per_second * bytes / plain.max(1),
            plain / 1024,
            at(50),
            at(99),
        )?;
    }
    Ok(Arc::into_inner(cluster).ok_or("nobody else has it")?.stop().await?)
}

/// What threads write to files of their own, as long as a chunk, and sync after each piece of so many bytes.
fn plain_bytes_per_second(folder: &Path, threads: usize, bytes: usize) -> Result<usize, Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let write = |thread: usize| -> std::io::Result<usize> {
        let (path, piece) = (folder.join(thread.to_string()), vec![1; bytes]);
        let (began, mut written) = (Instant::now(), 0);
        let mut file = File::create(&path)?;
        while began.elapsed() < PLAIN_SPAN {
            if written % CHUNK_BYTES < bytes {
                file = File::create(&path)?;
            }
            file.write_all(&piece)?;
            file.sync_data()?;
            written += bytes;
        }
        Ok(written)
    };
    let written: std::io::Result<usize> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(move || write(thread))).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| std::io::ErrorKind::Other)?).sum()
    });
    std::fs::remove_dir_all(folder)?;
    Ok(written? / usize::try_from(PLAIN_SPAN.as_secs())?)
}

/// Appends to a recording of its own; how long each append took.
async fn record(cluster: Arc<Cluster>, bytes: usize) -> Result<Vec<Duration>, Box<dyn Error + Send + Sync>> {
    let info = SessionInfo {
        protocol: Protocol::Ssh,
        format: Format::Guacamole,
        device_address: "192.0.2.1".to_owned(),
        credential_user: String::new(),
        user_name: String::new(),
        user_address: String::new(),
        start_ms: 0,
        recorder_token: None,
    };
    let object = ObjectId::from(cluster.open_session(NewSession { info }).await?);
    let mut offset = cluster.append(object, 0, vec![1; bytes]).await?;
    let (began, mut waits) = (Instant::now(), Vec::new());
    while began.elapsed() < SPAN {
        let asked = Instant::now();
        offset = cluster.append(object, offset, vec![1; bytes]).await?;
        waits.push(asked.elapsed());
    }
    Ok(waits)
}

//! A second look at the member's folder.

use crate::append::growing;
use crate::member::{self, MemberArguments, Serving};
use anyhow::Context;
use cluster::Cluster;
use cluster::catalog::{
    ObjectState, RetentionScope, SessionColumn, SessionFilter, SessionQuery, SessionState,
};
use cluster::chunk::Hash;
use cluster::id::{ObjectId, RecordingId};
use harness::{Acknowledged, Verdict, content};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How long it may take until somebody knows how far a recording is.
const SETTLE_LIMIT: Duration = Duration::from_secs(60);
/// Before it is asked again.
const PAUSE: Duration = Duration::from_millis(20);

/// What the member still has of a recording.
struct Kept {
    /// As far as it could be read.
    bytes: Vec<u8>,
    /// Why no further.
    error: Option<String>,
}

/// Starts the member, looks for every line, and reads every recording, acknowledged or not. A member of several stays
/// until its standard input ends: the others need it.
pub(crate) async fn run(
    arguments: &MemberArguments,
    lines: &[Acknowledged],
    is_abandoned: bool,
) -> anyhow::Result<()> {
    let serving = arguments.start_serving().await?;
    look(arguments, &serving, lines).await?;
    if !arguments.wire.is_alone() {
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    }
    match is_abandoned || !arguments.wire.is_alone() {
        true => std::process::exit(0),
        false => Ok(serving.cluster.stop().await?),
    }
}

async fn look(
    arguments: &MemberArguments,
    Serving { cluster, report, .. }: &Serving,
    lines: &[Acknowledged],
) -> anyhow::Result<()> {
    if !arguments.wire.is_alone() {
        settle(cluster).await?;
    }
    let mut verdict = Verdict {
        lines: 0,
        bytes: 0,
        missing: Vec::new(),
        wrong: Vec::new(),
        recovered: report.recovered.len(),
        damaged: report.damaged.len(),
        torn_tail: report.facts.torn_tail.is_some(),
        rebuilt: report.facts.rebuilt.map(|why| format!("{why:?}")),
    };
    let rules = cluster.catalog()?.retention_rules()?;
    let rules: BTreeMap<_, _> = rules.into_iter().map(|rule| (rule.scope, rule.changed_by)).collect();
    let mut recordings = all_recordings(cluster)?;
    recordings.extend(lines.iter().filter_map(recording_of));
    let mut kept = BTreeMap::new();
    for recording in recordings {
        let found = read(cluster, recording).await;
        verdict.bytes += u64::try_from(found.bytes.len())?;
        let recording = recording.to_string();
        if found.bytes != content(arguments.seed, &recording, 0, found.bytes.len()) {
            verdict.wrong.push(format!("{recording} has other bytes than were appended"));
        }
        kept.insert(recording, found);
    }
    for line in lines {
        verdict.lines += 1;
        if let Some(missing) = missing(cluster, &rules, &kept, line)? {
            verdict.missing.push(missing);
        }
    }
    member::print(&verdict)
}

/// Waits until all that grows is ended as far as it was acknowledged, by whoever owns it.
async fn settle(cluster: &Cluster) -> anyhow::Result<()> {
    for recording in growing(cluster)? {
        let object = ObjectId::from(recording);
        let known = async {
            while cluster.durable_offset(object).await.is_err() {
                sleep(PAUSE).await;
            }
        };
        timeout(SETTLE_LIMIT, known).await.with_context(|| format!("how far {recording} is"))?;
    }
    cluster.read_index().await?;
    Ok(())
}

pub(crate) fn all_recordings(cluster: &Cluster) -> anyhow::Result<BTreeSet<RecordingId>> {
    let (mut found, mut after) = (BTreeSet::new(), None);
    loop {
        let (filter, sort) = (SessionFilter::default(), SessionColumn::Start);
        let query = SessionQuery { filter, sort, descending: false, limit: 1000, after };
        let page = cluster.catalog()?.sessions(&query)?;
        found.extend(page.sessions.into_iter().map(|(recording, _)| recording));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(found),
        }
    }
}

fn recording_of(line: &Acknowledged) -> Option<RecordingId> {
    match line {
        Acknowledged::Session { recording }
        | Acknowledged::Bytes { recording, .. }
        | Acknowledged::Sealed { recording, .. }
        | Acknowledged::Ended { recording } => recording.parse().ok(),
        Acknowledged::Ready | Acknowledged::Rule { .. } => None,
    }
}

/// Reads as much as the member gives out.
async fn read(cluster: &Cluster, recording: RecordingId) -> Kept {
    let object = ObjectId::from(recording);
    let mut bytes = Vec::new();
    let error = match cluster.length(object).await {
        Err(error) => Some(error.to_string()),
        Ok(length) => match cluster.read(object, 0..length).await {
            Err(error) => Some(error.to_string()),
            Ok(mut pieces) => loop {
                match pieces.next().await {
                    None => break None,
                    Some(Ok(piece)) => bytes.extend_from_slice(&piece),
                    Some(Err(error)) => break Some(error.to_string()),
                }
            },
        },
    };
    Kept { bytes, error }
}

/// What is missing of a line.
fn missing(
    cluster: &Cluster,
    rules: &BTreeMap<RetentionScope, String>,
    kept: &BTreeMap<String, Kept>,
    line: &Acknowledged,
) -> anyhow::Result<Option<String>> {
    let catalog = cluster.catalog()?;
    let is_kept = match line {
        Acknowledged::Ready => true,
        Acknowledged::Rule { device, by } => rules.get(&RetentionScope::Device(device.clone())) == Some(by),
        Acknowledged::Session { recording } => catalog.session(recording.parse()?)?.is_some(),
        Acknowledged::Ended { recording } => catalog
            .session(recording.parse()?)?
            .is_some_and(|session| matches!(session.state, SessionState::Ended { .. })),
        Acknowledged::Sealed { recording, length, root } => {
            let object = catalog.object(ObjectId::from(recording.parse::<RecordingId>()?))?;
            object.is_some_and(|object| match object.state {
                ObjectState::Sealed(facts) => facts.length == *length && facts.root.to_string() == *root,
                ObjectState::Open | ObjectState::Interrupted { .. } => false,
            })
        }
        Acknowledged::Bytes { recording, offset, length, hash } => {
            let start = usize::try_from(*offset)?;
            let range = start..start + usize::try_from(*length)?;
            let Some(found) = kept.get(recording) else { return Ok(Some(format!("{line:?}"))) };
            match found.bytes.get(range) {
                Some(bytes) => Hash::of(&[bytes]).to_string() == *hash,
                None => {
                    let why = found.error.clone().unwrap_or_else(|| format!("{} bytes", found.bytes.len()));
                    return Ok(Some(format!("{recording} at {offset}, {length} bytes: {why}")));
                }
            }
        }
    };
    Ok((!is_kept).then(|| format!("{line:?}")))
}

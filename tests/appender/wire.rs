//! How members of several processes talk.

use anyhow::Context;
use clap::Args;
use cluster::Cluster;
use cluster::id::MemberId;
use cluster::rpc::{Answering, Client, MemberTls, NoPeers, Peers, serve};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Which member of which cluster.
#[derive(Debug, Args)]
pub(crate) struct WireArguments {
    /// Its number.
    #[arg(long, default_value_t = 1)]
    pub(crate) member: u64,
    /// All members, as NUMBER=ADDRESS; none in a cluster of one.
    #[arg(long = "at")]
    at: Vec<String>,
    /// The folder with ca.pem, and certificate.pem and key.pem of this member.
    #[arg(long)]
    certificates: Option<PathBuf>,
}

impl WireArguments {
    /// Whether there are others.
    pub(crate) fn is_alone(&self) -> bool {
        self.at.is_empty()
    }

    fn directory(&self) -> anyhow::Result<BTreeMap<MemberId, SocketAddr>> {
        let parse = |text: &String| -> anyhow::Result<(MemberId, SocketAddr)> {
            let (member, address) = text.split_once('=').with_context(|| text.clone())?;
            Ok((MemberId(member.parse()?), address.parse()?))
        };
        self.at.iter().map(parse).collect()
    }

    fn tls(&self) -> anyhow::Result<MemberTls> {
        let folder = self.certificates.as_ref().context("members show certificates")?;
        let read = |name| std::fs::read(folder.join(name)).with_context(|| folder.display().to_string());
        Ok(MemberTls { ca: read("ca.pem")?, certificate: read("certificate.pem")?, key: read("key.pem")? })
    }

    /// The members of the cluster, and the way to them.
    pub(crate) fn peers(&self) -> anyhow::Result<(BTreeSet<MemberId>, Arc<dyn Peers>)> {
        if self.is_alone() {
            return Ok((BTreeSet::from([MemberId(self.member)]), Arc::new(NoPeers)));
        }
        let directory = self.directory()?;
        Ok((
            directory.keys().copied().collect(),
            Arc::new(Client::new(self.tls()?, Arc::new(directory.into()))),
        ))
    }

    /// Answers the others for as long as the tasks are there. Called in a runtime.
    pub(crate) fn serve(&self, cluster: &Cluster) -> anyhow::Result<JoinSet<()>> {
        let mut tasks = JoinSet::new();
        if self.is_alone() {
            return Ok(tasks);
        }
        let directory = self.directory()?;
        let own = directory.get(&MemberId(self.member)).context("this member is one of them")?;
        let (listener, tls) = (TcpListener::bind(own)?, self.tls()?);
        let answering = Answering { handler: cluster.handler(), directory: Arc::default(), gate: None };
        tasks.spawn(async move {
            if let Err(error) = serve(listener, tls, answering, std::future::pending()).await {
                crate::member::say(&format!("appender: {error}"));
            }
        });
        Ok(tasks)
    }
}

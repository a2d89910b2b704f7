//! Facts of three members that talk over mutual TLS.

use super::rotation::StoredKeks;
use super::*;
use crate::catalog::{DescribeMember, Parameter, ParameterValue, PutParameter};
use crate::rpc::tests::TestCa;
use crate::rpc::{Answer, Answering, CallError, Client, Directory, Handled, serve};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// A member, its disk and its server.
pub(super) struct Running {
    pub(super) cluster: Cluster,
    pub(super) disk: MemoryDisk,
    server: JoinSet<()>,
    stop: oneshot::Sender<()>,
    wire: Wire,
}

/// The way of a member to the others and back, which can be cut.
#[derive(Clone)]
pub(super) struct Wire {
    is_cut: Arc<AtomicBool>,
    directory: Arc<Directory>,
    client: Arc<Client>,
}

impl Peers for Wire {
    fn call(&self, target: MemberId, request: Vec<u8>, deadline: Duration) -> Answer<'_> {
        match self.is_cut.load(Ordering::Relaxed) {
            true => Box::pin(std::future::ready(Err(CallError::Unknown { target }))),
            false => self.client.call(target, request, deadline),
        }
    }
}

/// Answers unless the wire is cut.
struct Behind {
    handler: Arc<dyn Handler>,
    is_cut: Arc<AtomicBool>,
}

impl Handler for Behind {
    fn handle(&self, from: MemberId, request: Vec<u8>) -> Handled<'_> {
        match self.is_cut.load(Ordering::Relaxed) {
            true => Box::pin(std::future::ready(None)),
            false => self.handler.handle(from, request),
        }
    }
}

/// Three members that can be stopped and started.
pub(super) struct Three {
    ca: TestCa,
    addresses: BTreeMap<MemberId, SocketAddr>,
    pub(super) running: BTreeMap<MemberId, Running>,
    pub(super) stored: BTreeMap<MemberId, StoredKeks>,
}

impl Three {
    pub(super) async fn start() -> Self {
        let any = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let listeners: Vec<_> = (1..=3).map(|number| (MemberId(number), any())).collect();
        let address =
            |(member, listener): &(MemberId, TcpListener)| (*member, listener.local_addr().unwrap());
        let addresses = listeners.iter().map(address).collect();
        let mut three =
            Self { ca: TestCa::new(), addresses, running: BTreeMap::new(), stored: BTreeMap::new() };
        for (member, listener) in listeners {
            three.begin(member, listener, MemoryDisk::default()).await;
        }
        for running in three.running.values() {
            running.cluster.ready(DEADLINE).await.unwrap();
        }
        three
    }

    async fn begin(&mut self, member: MemberId, listener: TcpListener, disk: MemoryDisk) {
        let options = ClusterOptions {
            founders: self.addresses.keys().copied().collect(),
            snapshot_after_bytes: 64 << 10,
            ..ClusterOptions::new(member, PathBuf::from("member"), "boot".to_owned())
        };
        let (random, engine) = (Arc::new(SystemRandom::new()), Arc::new(MemoryEngine::new()));
        let directory: Arc<Directory> = Arc::new(self.addresses.clone().into());
        let client = Arc::new(Client::new(self.ca.member(member), Arc::clone(&directory)));
        let wire = Wire { is_cut: Arc::default(), directory, client };
        let keks = self.stored.entry(member).or_default().load();
        let (disk_too, peers) = (Arc::new(disk.clone()), Arc::new(wire.clone()));
        let started = Cluster::start_on(options, keks, disk_too, random, engine, peers).await;
        let (cluster, _) = started.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move { drop(stopped.await) };
        let handler = Arc::new(Behind { handler: cluster.handler(), is_cut: Arc::clone(&wire.is_cut) });
        let answering = Answering { handler, directory: Arc::default(), gate: None };
        let tls = self.ca.member(member);
        let mut server = JoinSet::new();
        server.spawn(async move { serve(listener, tls, answering, stopped).await.unwrap() });
        self.running.insert(member, Running { cluster, disk, server, stop, wire });
    }

    /// Cuts a member off from the others, or ends that.
    pub(super) fn cut(&self, member: MemberId, is_cut: bool) {
        self.running[&member].wire.is_cut.store(is_cut, Ordering::Relaxed);
    }

    /// Ends a member; its disk stays.
    pub(super) async fn stop(&mut self, member: MemberId) -> MemoryDisk {
        let Running { cluster, disk, mut server, stop, .. } = self.running.remove(&member).unwrap();
        drop(stop);
        server.shutdown().await;
        cluster.stop().await.unwrap();
        disk
    }

    pub(super) async fn restart(&mut self, member: MemberId, disk: MemoryDisk) {
        let listener = TcpListener::bind(self.addresses[&member]).unwrap();
        self.begin(member, listener, disk).await;
        self.running[&member].cluster.ready(DEADLINE).await.unwrap();
    }

    /// Starts members again, which need one another to be ready.
    pub(super) async fn restart_all(&mut self, disks: Vec<(MemberId, MemoryDisk)>) {
        for (member, disk) in disks {
            let listener = TcpListener::bind(self.addresses[&member]).unwrap();
            self.begin(member, listener, disk).await;
        }
        for running in self.running.values() {
            running.cluster.ready(DEADLINE).await.unwrap();
        }
    }

    pub(super) fn members(&self) -> Vec<MemberId> {
        self.running.keys().copied().collect()
    }

    pub(super) fn leader(&self) -> Option<MemberId> {
        let of = |running: &Running| running.cluster.members().into_iter().find(|member| member.is_leader);
        self.running.values().find_map(of).map(|member| member.id)
    }

    /// What members do again and again: they learn where the others are.
    async fn learn(&self) {
        loop {
            for Running { cluster, wire, .. } in self.running.values() {
                cluster.teach(&wire.directory).unwrap();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn submit(&self, member: MemberId, days: u64) {
        let command = Command::PutParameter(PutParameter {
            name: "retention_days".to_owned(),
            value: ParameterValue::Number(days),
            expected_version: None,
            by: "ada".to_owned(),
        });
        self.running[&member].cluster.submit(command).await.unwrap();
    }

    /// What a member says after a read index.
    async fn retention(&self, member: MemberId) -> ParameterValue {
        let cluster = &self.running[&member].cluster;
        cluster.read_index().await.unwrap();
        cluster.catalog().unwrap().parameter(Parameter::named("retention_days").unwrap()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_one_member_is_told_every_member_knows() {
    let three = Three::start().await;
    for days in 1..=30 {
        let told = three.members()[usize::try_from(days % 3).unwrap()];
        three.submit(told, days).await;
        for member in three.members() {
            assert_eq!(three.retention(member).await, ParameterValue::Number(days), "{member}");
        }
    }
    let voters = three.running.values().next().unwrap().cluster.members();
    assert_eq!(voters.iter().filter(|member| member.is_voter).count(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn facts_go_on_without_the_leader_and_come_back_by_a_snapshot() {
    /// More entries than the log keeps beside a snapshot.
    const LAST: u64 = 5_500;
    let mut three = Three::start().await;
    three.submit(MemberId(1), 1).await;
    let leader = three.leader().unwrap();
    let disk = three.stop(leader).await;
    for days in 2..=LAST {
        three.submit(three.members()[usize::try_from(days % 2).unwrap()], 1 + days % 1000).await;
    }
    three.submit(three.members()[0], 200).await;
    let purged =
        three.members().into_iter().filter_map(|member| three.running[&member].cluster.shared.facts.purged());
    assert!(purged.min() > Some(100), "the log still holds what the member lacks");
    three.restart(leader, disk).await;
    assert_eq!(three.retention(leader).await, ParameterValue::Number(200));
    three.submit(leader, 201).await;
    for member in three.members() {
        assert_eq!(three.retention(member).await, ParameterValue::Number(201), "{member}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn without_a_majority_nothing_is_answered_and_nothing_is_lost() {
    let mut three = Three::start().await;
    three.submit(MemberId(2), 7).await;
    let mut disks = Vec::new();
    for member in [MemberId(1), MemberId(3)] {
        disks.push((member, three.stop(member).await));
    }
    let alone = &three.running[&MemberId(2)].cluster;
    assert!(alone.read_index().await.is_err());
    for (member, disk) in disks.drain(..1) {
        three.restart(member, disk).await;
    }
    for member in three.members() {
        assert_eq!(three.retention(member).await, ParameterValue::Number(7));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_leader_that_is_left_alone_with_what_it_cannot_commit_stops_all_the_same() {
    let mut three = Three::start().await;
    let leader = three.leader().unwrap();
    for member in three.members().into_iter().filter(|member| *member != leader) {
        three.stop(member).await;
    }
    let by = "ada".to_owned();
    let command = Command::PutParameter(PutParameter {
        name: "retention_days".to_owned(),
        value: ParameterValue::Number(9),
        expected_version: None,
        by,
    });
    let submitted = three.running[&leader].cluster.submit(command).await;
    assert!(submitted.is_err(), "{submitted:?}");
    tokio::time::timeout(DEADLINE, three.stop(leader)).await.unwrap();
}

fn at(member: MemberId, address: SocketAddr) -> DescribeMember {
    let (name, api_address, fingerprint) = (None, None, None);
    DescribeMember { member, name, address: address.to_string(), api_address, fingerprint }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_member_that_has_moved_tells_the_others_before_it_is_ready() {
    let mut three = Three::start().await;
    for (member, address) in three.addresses.clone() {
        let described = Command::DescribeMember(at(member, address));
        three.running[&member].cluster.submit(described).await.unwrap();
    }
    let leader = three.leader().unwrap();
    let moved = three.members().into_iter().find(|member| *member != leader).unwrap();
    // Taken before its old place is free, so that it is another one.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let own = at(moved, listener.local_addr().unwrap());
    let disk = three.stop(moved).await;
    three.submit(leader, 7).await;
    three.begin(moved, listener, disk).await;

    let cluster = &three.running[&moved].cluster;
    // Long enough for it to stand for election, of which nothing comes but that it knows no leader any more.
    let unheard = cluster.ready(Duration::from_secs(3)).await;
    assert!(unheard.is_err(), "nobody knows where it is: {unheard:?}");
    let told = async {
        while !cluster.tell_others(own.clone()).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        cluster.ready(DEADLINE).await.unwrap();
    };
    tokio::select! {
        told = tokio::time::timeout(2 * DEADLINE, told) => told.unwrap(),
        () = three.learn() => {}
    }
    assert_eq!(three.retention(moved).await, ParameterValue::Number(7));
}

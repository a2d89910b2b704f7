use super::*;
use crate::catalog::{Fingerprint, MemberRow, MemberState};
use crate::id::MemberId;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tonic::transport::Endpoint;
use tonic::transport::server::TcpIncoming;

const DEADLINE: Duration = Duration::from_secs(10);

/// A CA that lasts as long as a test.
pub(crate) struct TestCa(CertifiedIssuer<'static, KeyPair>);

impl TestCa {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn member(&self, member: MemberId) -> MemberTls {
        self.named(&member_name(member))
    }

    fn named(&self, name: &str) -> MemberTls {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.0).unwrap();
        MemberTls {
            ca: self.0.pem().into_bytes(),
            certificate: certificate.pem().into_bytes(),
            key: key.serialize_pem().into_bytes(),
        }
    }
}

/// Sends back who called and what was said; understands no empty request.
struct Echo;

impl Handler for Echo {
    fn handle(&self, from: MemberId, mut request: Vec<u8>) -> Handled<'_> {
        Box::pin(async move {
            if request.is_empty() {
                return None;
            }
            if request == b"sleep" {
                std::future::pending::<()>().await;
            }
            request.extend_from_slice(from.to_string().as_bytes());
            Some(request)
        })
    }
}

/// Says back what a stranger has said.
struct EchoGate;

impl Gate for EchoGate {
    fn join(&self, request: Vec<u8>) -> Handled<'_> {
        Box::pin(std::future::ready(Some([b"welcome ", request.as_slice()].concat())))
    }
}

fn answering() -> Answering {
    Answering { handler: Arc::new(Echo), directory: Arc::default(), gate: None }
}

/// A server of [`Echo`] as a member, until the sender is dropped.
fn echo(tls: MemberTls, tasks: &mut JoinSet<()>) -> (SocketAddr, oneshot::Sender<()>) {
    echo_by(tls, answering(), tasks)
}

fn echo_by(
    tls: MemberTls,
    answering: Answering,
    tasks: &mut JoinSet<()>,
) -> (SocketAddr, oneshot::Sender<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async move { drop(stopped.await) };
    tasks.spawn(async move { serve(listener, tls, answering, stopped).await.unwrap() });
    (address, stop)
}

fn client(tls: MemberTls, target: MemberId, address: SocketAddr) -> Client {
    Client::new(tls, Arc::new(Directory::new([(target, address.to_string())])))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_of_one_ca_talk_and_know_who_calls() {
    let mut tasks = JoinSet::new();
    let (ca, target) = (TestCa::new(), MemberId(2));
    let (address, _stop) = echo(ca.member(target), &mut tasks);
    let caller = client(ca.member(MemberId(7)), target, address);
    assert_eq!(caller.call(target, b"hello ".to_vec(), DEADLINE).await.unwrap(), b"hello 7");
    let long = vec![1; 8 << 20];
    assert_eq!(caller.call(target, long.clone(), DEADLINE).await.unwrap().len(), long.len() + 1);
    let refused = caller.call(target, Vec::new(), DEADLINE).await;
    assert_eq!(refused, Err(CallError::Answer { target }));
    let deadline = Duration::from_millis(50);
    let late = caller.call(target, b"sleep".to_vec(), deadline).await;
    assert_eq!(late, Err(CallError::Deadline { target, deadline }));
    let unknown = caller.call(MemberId(3), b"hello".to_vec(), DEADLINE).await;
    assert_eq!(unknown, Err(CallError::Unknown { target: MemberId(3) }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raft_is_answered_while_all_places_for_others_are_taken() {
    let mut tasks = JoinSet::new();
    let (ca, target) = (TestCa::new(), MemberId(2));
    let (address, _stop) = echo(ca.member(target), &mut tasks);
    let caller = Arc::new(client(ca.member(MemberId(7)), target, address));
    for _ in 0..server::REQUESTS_AT_ONCE {
        let caller = Arc::clone(&caller);
        tasks.spawn(async move { drop(caller.call(target, b"sleep".to_vec(), 6 * DEADLINE).await) });
    }
    let short = Duration::from_millis(200);
    while caller.call(target, b"hello".to_vec(), short).await.is_ok() {}
    let piece = crate::raft::RaftRequest::SnapshotPiece { id: String::new(), offset: 0, bytes: Vec::new() };
    let request = encode(&Request::Raft(piece));
    let answer = caller.call(target, request.clone(), DEADLINE).await.unwrap();
    assert!(answer.starts_with(&request), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_is_answered_or_believed() {
    let mut tasks = JoinSet::new();
    let (ca, other_ca, target) = (TestCa::new(), TestCa::new(), MemberId(2));
    let (address, _stop) = echo(ca.member(target), &mut tasks);
    let own_ca = ca.member(MemberId(7)).ca;
    for stranger in [
        // Of another cluster, with the right name.
        MemberTls { ca: own_ca.clone(), ..other_ca.member(MemberId(7)) },
        // Certified, but not as a member.
        ca.named("portal.example"),
        ca.named("member-07.custody"),
    ] {
        let refused = client(stranger, target, address).call(target, b"hello".to_vec(), DEADLINE).await;
        assert!(refused.is_err(), "{refused:?}");
    }
    // Another member answers at the address: what is meant for one goes to no other.
    let wrong = MemberId(5);
    let misled =
        client(ca.member(MemberId(7)), wrong, address).call(wrong, b"hello".to_vec(), DEADLINE).await;
    assert!(misled.is_err(), "{misled:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_comes_back_is_reached_again() {
    let mut tasks = JoinSet::new();
    let (ca, target) = (TestCa::new(), MemberId(2));
    let (address, stop) = echo(ca.member(target), &mut tasks);
    let caller = client(ca.member(MemberId(7)), target, address);
    caller.call(target, b"one".to_vec(), DEADLINE).await.unwrap();
    drop(stop);
    while caller.call(target, b"two".to_vec(), DEADLINE).await.is_ok() {}
    let listener = TcpListener::bind(address).unwrap();
    let tls = ca.member(target);
    tasks.spawn(async move { serve(listener, tls, answering(), std::future::pending()).await.unwrap() });
    let again = async {
        while caller.call(target, b"three".to_vec(), DEADLINE).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, again).await.unwrap();
}

/// A member's row, of which only state and key count here.
fn row(state: MemberState, fingerprint: Option<Fingerprint>) -> MemberRow {
    MemberRow {
        name: String::new(),
        address: "127.0.0.1:1".to_owned(),
        api_address: None,
        fingerprint,
        zone: String::new(),
        weight: 1,
        state,
        since_ms: 0,
        by: String::new(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_shows_no_certificate_may_ask_to_join_and_nothing_else() {
    let mut tasks = JoinSet::new();
    let (ca, target) = (TestCa::new(), MemberId(2));
    let open = Answering { gate: Some(Arc::new(EchoGate)), ..answering() };
    let (address, _stop) = echo_by(ca.member(target), open, &mut tasks);
    let address = address.to_string();
    let pem = ca.member(target).ca;
    let at = GateAt { member: target, address: &address, ca: &pem };
    assert_eq!(ask_to_join(at, b"me".to_vec(), DEADLINE).await.unwrap(), b"welcome me");

    let channel = Endpoint::from_shared(format!("https://{address}")).unwrap();
    let channel = channel.tls_config(tls::stranger(&pem, target)).unwrap().connect().await.unwrap();
    let call = || generated::members_client::MembersClient::new(channel.clone());
    let raft = crate::raft::RaftRequest::SnapshotPiece { id: String::new(), offset: 0, bytes: Vec::new() };
    for request in [b"hello".to_vec(), encode(&Request::Hello), encode(&Request::Raft(raft))] {
        let plain = codec::Plain(request.into());
        let refused = call().call(tonic::Request::new(plain)).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::Unauthenticated, "{refused:?}");
    }

    let long = tonic::Request::new(codec::Plain(vec![0; 32 << 10].into()));
    let too_long = generated::gate_client::GateClient::new(channel).join(long).await.unwrap_err();
    assert_eq!(too_long.code(), tonic::Code::OutOfRange, "{too_long:?}");

    // Who is asked proves to be the member that is meant, of the cluster that is meant.
    let other = GateAt { member: MemberId(3), ..at };
    assert!(ask_to_join(other, b"me".to_vec(), DEADLINE).await.is_err());
    let foreign = TestCa::new().member(target).ca;
    assert!(ask_to_join(GateAt { ca: &foreign, ..at }, b"me".to_vec(), DEADLINE).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_joins_a_certificate_is_needed_to_connect() {
    let mut tasks = JoinSet::new();
    let (ca, target) = (TestCa::new(), MemberId(2));
    let (address, _stop) = echo(ca.member(target), &mut tasks);
    let (address, pem) = (address.to_string(), ca.member(target).ca);
    let at = GateAt { member: target, address: &address, ca: &pem };
    assert!(ask_to_join(at, b"me".to_vec(), DEADLINE).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_member_is_refused_once_raft_has_let_it_go_and_so_is_another_key() {
    let mut tasks = JoinSet::new();
    let (ca, target, member) = (TestCa::new(), MemberId(2), MemberId(7));
    let directory = Arc::new(Directory::default());
    let known = Answering { directory: Arc::clone(&directory), ..answering() };
    let (address, _stop) = echo_by(ca.member(target), known, &mut tasks);
    let tls = ca.member(member);
    let own = fingerprint_of(&tls.certificate);
    let caller = client(tls, target, address);
    let call = async || caller.call(target, b"hello ".to_vec(), DEADLINE).await;
    assert_eq!(call().await.unwrap(), b"hello 7", "newer than what is known");
    directory.learn([(member, row(MemberState::Member, own))], &BTreeSet::new());
    assert_eq!(call().await.unwrap(), b"hello 7");
    directory.learn([(member, row(MemberState::Member, Some([1; 32])))], &BTreeSet::new());
    let other_key = "member 7 has another key than the cluster knows".to_owned();
    assert_eq!(call().await, Err(CallError::Denied { target, reason: other_key }));
    directory.learn([(member, row(MemberState::Removed, own))], &BTreeSet::from([member]));
    assert_eq!(call().await.unwrap(), b"hello 7", "its vote may be needed");
    directory.learn([(member, row(MemberState::Removed, own))], &BTreeSet::new());
    let removed = "member 7 was removed from the cluster".to_owned();
    assert_eq!(call().await, Err(CallError::Denied { target, reason: removed }));
    assert_eq!(directory.take_refused(), BTreeMap::from([(member, 2)]));
    assert_eq!(directory.take_refused(), BTreeMap::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_moves_is_found_where_it_is_and_a_removed_one_nowhere() {
    let mut tasks = JoinSet::new();
    let (ca, target) = (TestCa::new(), MemberId(2));
    let (address, _stop) = echo(ca.member(target), &mut tasks);
    let directory = Arc::new(Directory::new([(target, "127.0.0.1:1".to_owned())]));
    let caller = Client::new(ca.member(MemberId(7)), Arc::clone(&directory));
    let call = async || caller.call(target, b"hello ".to_vec(), DEADLINE).await;
    assert!(matches!(call().await, Err(CallError::Unreachable { .. })));
    let moved = MemberRow { address: address.to_string(), ..row(MemberState::Member, None) };
    directory.learn([(target, moved)], &BTreeSet::new());
    assert_eq!(call().await.unwrap(), b"hello 7");
    directory.learn([(target, row(MemberState::Removed, None))], &BTreeSet::new());
    assert_eq!(call().await, Err(CallError::Unknown { target }));
    // Where a configuration says that it is, it is.
    let configured = Arc::new(Directory::configured([(target, address.to_string())]));
    configured.learn([(target, row(MemberState::Member, None))], &BTreeSet::new());
    let caller = Client::new(ca.member(MemberId(7)), configured);
    assert_eq!(caller.call(target, b"hello ".to_vec(), DEADLINE).await.unwrap(), b"hello 7");
}

/// A member whose program knows version 1 alone, and says nothing of versions.
struct Older(mpsc::UnboundedSender<u8>);

#[tonic::async_trait]
impl generated::members_server::Members for Older {
    async fn call(
        &self,
        request: tonic::Request<codec::Plain>,
    ) -> Result<tonic::Response<codec::Plain>, tonic::Status> {
        let version = request.into_inner().0.first().copied().unwrap();
        self.0.send(version).unwrap();
        match version == peers::OLDEST {
            true => Ok(tonic::Response::new(codec::Plain(vec![peers::OLDEST, 9].into()))),
            false => Err(tonic::Status::invalid_argument("a request of another version")),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_member_of_the_version_before_that_one_is_spoken() {
    let mut tasks = JoinSet::new();
    let (ca, target) = (TestCa::new(), MemberId(2));
    let (tell, mut told) = mpsc::unbounded_channel();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let incoming = tokio::net::TcpListener::from_std(listener).unwrap();
    let service = generated::members_server::MembersServer::new(Older(tell));
    let server = tonic::transport::Server::builder().tls_config(ca.member(target).server(false));
    let serving = server.unwrap().add_service(service).serve_with_incoming(TcpIncoming::from(incoming));
    tasks.spawn(async move { serving.await.unwrap() });
    let caller = client(ca.member(MemberId(7)), target, address);
    for _ in 0..2 {
        let answer = caller.call(target, encode(&3_u8), DEADLINE).await.unwrap();
        assert_eq!(decode::<u8>(&answer), Some(9));
        assert!(!caller.is_newest(target));
    }
    let mut versions = Vec::new();
    while let Ok(version) = told.try_recv() {
        versions.push(version);
    }
    assert_eq!(versions, [peers::NEWEST, peers::OLDEST, peers::OLDEST], "it is found out once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_of_the_version_before_is_answered_in_it() {
    /// Answers with a number, as this program does.
    struct Newer;
    impl Handler for Newer {
        fn handle(&self, _from: MemberId, request: Vec<u8>) -> Handled<'_> {
            let number = decode::<u8>(&request);
            Box::pin(std::future::ready(number.map(|number| encode(&(number + 1)))))
        }
    }
    let mut tasks = JoinSet::new();
    let (ca, target) = (TestCa::new(), MemberId(2));
    let newer = Answering { handler: Arc::new(Newer), ..answering() };
    let (address, _stop) = echo_by(ca.member(target), newer, &mut tasks);
    let caller = client(ca.member(MemberId(7)), target, address);
    assert!(!caller.is_newest(target), "it has said nothing yet");
    let call = async |request| caller.call(target, request, DEADLINE).await;
    assert_eq!(call(vec![peers::OLDEST, 3]).await.unwrap(), [peers::OLDEST, 4]);
    assert_eq!(call(vec![peers::NEWEST, 3]).await.unwrap(), [peers::NEWEST, 4]);
    assert_eq!(call(vec![peers::NEWEST + 1, 3]).await, Err(CallError::Answer { target }));
    assert!(caller.is_newest(target));
}

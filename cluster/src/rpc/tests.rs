use super::*;
use crate::id::MemberId;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

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

fn answering() -> Answering {
    Answering { handler: Arc::new(Echo), directory: Arc::default(), gate: None }
}

/// A server of [`Echo`] as a member, until the sender is dropped.
fn echo(tls: MemberTls, tasks: &mut JoinSet<()>) -> (SocketAddr, oneshot::Sender<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async move { drop(stopped.await) };
    tasks.spawn(async move { serve(listener, tls, answering(), stopped).await.unwrap() });
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

//! What this member says to the others: in order, bounded, and lost when it cannot be said in time.

use super::inbox::Inbox;
use super::input::Input;
use super::machine::size;
use crate::chunk::CHUNK_BYTES_MAX;
use crate::id::{ChunkId, MemberId};
use crate::rpc::{self, Peers};
use crate::tail::{Bytes, Message};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Most bytes that wait for one member. What comes on top is lost: the machines say it again.
const WAITING_BYTES_MAX: usize = 32 << 20;
/// What a message takes besides its records.
const MESSAGE_BYTES: usize = 512;
/// Most bytes of messages that are sent together.
const TOGETHER_BYTES_MAX: usize = 4 << 20;
/// How long a member may take to take messages.
const DEADLINE: Duration = Duration::from_millis(1_500);
/// How long a member may take to send a piece of a chunk.
pub(super) const PIECE_DEADLINE: Duration = Duration::from_secs(3);
/// How long the end of this member may wait for others to hear of it.
const FAREWELL: Duration = Duration::from_millis(300);
/// A piece of a chunk that another member sends.
pub(super) const PIECE_BYTES: usize = 1 << 20;
/// Chunks that are fetched at once.
const COPIES_AT_ONCE: usize = 8;

/// The ways to all other members.
pub(super) struct Outbox {
    peers: Arc<dyn Peers>,
    inbox: Inbox,
    runtime: Handle,
    ways: BTreeMap<MemberId, Way>,
    tasks: JoinSet<()>,
    copies: Arc<Semaphore>,
}

/// The way to one member.
struct Way {
    queue: mpsc::UnboundedSender<(Message, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
}

impl Outbox {
    /// No way is taken yet. Must be called in a tokio runtime.
    pub(super) fn new(peers: Arc<dyn Peers>, inbox: Inbox) -> Self {
        let (ways, tasks) = (BTreeMap::new(), JoinSet::new());
        let copies = Arc::new(Semaphore::new(COPIES_AT_ONCE));
        Self { peers, inbox, runtime: Handle::current(), ways, tasks, copies }
    }

    /// Sends a message, unless too much waits before it.
    pub(super) fn send(&mut self, to: MemberId, message: Message) {
        if let Message::AskCopy { chunk } = message {
            return self.fetch(to, chunk);
        }
        let bytes = u32::try_from(size(&message) + MESSAGE_BYTES).unwrap_or(u32::MAX);
        let way = self.way(to);
        if let Ok(place) = Arc::clone(&way.room).try_acquire_many_owned(bytes) {
            // Its task ends with this outbox only.
            let _: Result<(), _> = way.queue.send((message, place));
        }
    }

    /// Waits until all that was said is taken, a little while.
    pub(super) async fn finish(&self) {
        let all = u32::try_from(WAITING_BYTES_MAX).unwrap_or(u32::MAX);
        let taken = async {
            for way in self.ways.values() {
                // The room is never closed.
                drop(way.room.acquire_many(all).await);
            }
        };
        let _: Result<(), _> = timeout(FAREWELL, taken).await;
    }

    fn way(&mut self, to: MemberId) -> &Way {
        self.ways.entry(to).or_insert_with(|| {
            let (queue, waiting) = mpsc::unbounded_channel();
            let peers = Arc::clone(&self.peers);
            self.tasks.spawn_on(carry(peers, to, waiting), &self.runtime);
            Way { queue, room: Arc::new(Semaphore::new(WAITING_BYTES_MAX)) }
        })
    }

    /// Fetches a closed chunk in pieces; it comes in as one message.
    fn fetch(&mut self, from: MemberId, chunk: ChunkId) {
        while self.tasks.try_join_next().is_some() {}
        // Who asks asks again.
        let Ok(place) = Arc::clone(&self.copies).try_acquire_owned() else { return };
        let (peers, inbox) = (Arc::clone(&self.peers), self.inbox.clone());
        let fetch = async move {
            let message = match pieces(&*peers, from, chunk).await {
                Some(bytes) => Message::Copy { chunk, bytes: bytes.into() },
                None => Message::NoCopy { chunk },
            };
            inbox.tell(Input::Receive { from, message, place: Some(place) });
        };
        self.tasks.spawn_on(fetch, &self.runtime);
    }
}

/// Takes messages to a member, those that wait together at once, in order.
async fn carry(
    peers: Arc<dyn Peers>,
    to: MemberId,
    mut waiting: mpsc::UnboundedReceiver<(Message, OwnedSemaphorePermit)>,
) {
    while let Some((first, place)) = waiting.recv().await {
        // Who does not understand a message takes none of those that come with it. It passes for one that does not answer.
        let takes_all = peers.is_newest(to);
        let encoded = |message: &Message| (takes_all || message.is_old()).then(|| encoded(message));
        let (mut bytes, mut places) = (size(&first), vec![place]);
        let mut messages: Vec<Bytes> = encoded(&first).into_iter().collect();
        while bytes < TOGETHER_BYTES_MAX
            && let Ok((message, place)) = waiting.try_recv()
        {
            bytes += size(&message);
            messages.extend(encoded(&message));
            places.push(place);
        }
        if messages.is_empty() {
            continue;
        }
        let request = rpc::encode(&rpc::Request::Tail(messages));
        // What is lost is said again by the machines.
        let _: Result<Vec<u8>, _> = peers.call(to, request, DEADLINE).await;
        drop(places);
    }
}

fn encoded(message: &Message) -> Bytes {
    Bytes::from(message.encode())
}

/// The whole file of a chunk that another member has; what it says is checked by whoever wants it.
async fn pieces(peers: &dyn Peers, from: MemberId, chunk: ChunkId) -> Option<Vec<u8>> {
    let mut file = Vec::new();
    loop {
        let offset = u64::try_from(file.len()).ok().filter(|length| *length <= CHUNK_BYTES_MAX)?;
        let request = rpc::encode(&rpc::Request::Piece { chunk, offset });
        let answer = peers.call(from, request, PIECE_DEADLINE).await.ok()?;
        let piece: Bytes = rpc::decode::<Option<Bytes>>(&answer)??;
        file.extend_from_slice(&piece.0);
        if piece.0.len() < PIECE_BYTES {
            return Some(file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::Answer;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Keeps what it is sent.
    #[derive(Default)]
    struct Listener {
        is_newest: AtomicBool,
        heard: Mutex<Vec<Message>>,
    }

    impl Peers for Listener {
        fn call(&self, _target: MemberId, request: Vec<u8>, _deadline: Duration) -> Answer<'_> {
            let Some(rpc::Request::Tail(messages)) = rpc::decode(&request) else { unreachable!() };
            let messages = messages.iter().map(|message| Message::decode(&message.0).unwrap());
            self.heard.lock().unwrap().extend(messages);
            Box::pin(std::future::ready(Ok(rpc::encode(&()))))
        }

        fn is_newest(&self, _target: MemberId) -> bool {
            self.is_newest.load(Ordering::Relaxed)
        }
    }

    #[tokio::test]
    async fn a_member_of_the_version_before_is_not_asked_which_copies_it_keeps() {
        let listener = Arc::new(Listener::default());
        let ask = || Message::AskKept { stamp: 3, chunks: Vec::new() };
        let kept = || Message::Kept { stamp: 3, chunks: Vec::new() };
        let say = async |messages: Vec<Message>| {
            let (queue, waiting) = mpsc::unbounded_channel();
            let room = Arc::new(Semaphore::new(messages.len()));
            for message in messages {
                let place = Arc::clone(&room).try_acquire_owned().unwrap();
                queue.send((message, place)).unwrap();
            }
            drop(queue);
            carry(Arc::<Listener>::clone(&listener), MemberId(2), waiting).await;
            std::mem::take(&mut *listener.heard.lock().unwrap())
        };
        let all = || vec![ask(), Message::Alive, kept(), Message::Gone];
        assert_eq!(say(all()).await, [Message::Alive, Message::Gone]);
        assert_eq!(say(vec![ask(), kept()]).await, []);
        listener.is_newest.store(true, Ordering::Relaxed);
        assert_eq!(say(all()).await, all());
    }
}

//! Answers to other members.

use super::input::Input;
use super::machine::size;
use super::outbox::PIECE_BYTES;
use super::shared::Shared;
use crate::chunk::{CopyState, FileError};
use crate::facts::NotReady;
use crate::id::{ChunkId, MemberId, ObjectId};
use crate::rpc::{self, Handled, Handler};
use crate::tail::{Answer, Bytes, Message, Request};
use std::sync::{Arc, Weak};

/// Records of less than so many bytes are checked where they come in.
const CHECKED_HERE_BYTES: usize = 32 << 10;

/// What other members talk to. It does not keep the door open: after a stop nothing is answered.
pub(super) struct Answers(pub(super) Weak<Shared>);

impl Handler for Answers {
    fn handle(&self, from: MemberId, request: Vec<u8>) -> Handled<'_> {
        Box::pin(async move {
            let shared = self.0.upgrade()?;
            Some(match rpc::decode(&request)? {
                rpc::Request::Raft(request) => shared.facts.answer_raft(request).await,
                rpc::Request::Facts(request) => rpc::encode(&shared.facts.answer(request).await),
                rpc::Request::Tail(messages) => rpc::encode(&shared.take_messages(from, messages).await?),
                rpc::Request::Piece { chunk, offset } => rpc::encode(&shared.piece(chunk, offset).await?),
                rpc::Request::Ask { object, request } => rpc::encode(&shared.answer(object, request).await),
                rpc::Request::Length { object } => rpc::encode(&shared.length_here(object).ok()),
                rpc::Request::Copies { object, chunks } => {
                    rpc::encode(&shared.copies_for_other(object, chunks).await?)
                }
                rpc::Request::Workers => rpc::encode(&shared.statuses()),
                rpc::Request::Residue => rpc::encode(&shared.residue().await),
                rpc::Request::Disk => rpc::encode(&shared.space_here()),
                rpc::Request::Order { worker, order } => rpc::encode(&shared.order(&worker, order)),
                rpc::Request::Kek { kek, held } => rpc::encode(&shared.kek_for(from, kek, &held)),
                rpc::Request::Hello => rpc::encode(&shared.hello()),
            })
        })
    }
}

impl Shared {
    /// Hands messages to the machine, as soon as it has room; nothing when one of them cannot be understood.
    async fn take_messages(&self, from: MemberId, messages: Vec<Bytes>) -> Option<()> {
        let length: usize = messages.iter().map(|message| message.0.len()).sum();
        let read = move || -> Option<Vec<Message>> {
            let message = |bytes: &Bytes| Some(Message::decode(&bytes.0).ok()?.check());
            messages.iter().map(message).collect()
        };
        // What is hashed at once is no work for an async thread.
        let messages = if length < CHECKED_HERE_BYTES { read()? } else { self.takers.run(read).await?? };
        for message in messages {
            let bytes = u32::try_from(size(&message)).ok()?;
            let place = Arc::clone(&self.message_room).acquire_many_owned(bytes).await.ok();
            self.inbox.tell(Input::Receive { from, message, place });
        }
        Some(())
    }

    /// What a caller of another member wants; nothing before this one is ready.
    async fn answer(&self, object: ObjectId, request: Request) -> Option<Answer> {
        match self.catalog() {
            Ok(_) => self.ask_here(object, request).await,
            Err(NotReady) => None,
        }
    }

    /// What the copies of this member are worth; nothing before it is ready.
    async fn copies_for_other(
        self: &Arc<Self>,
        object: ObjectId,
        chunks: Vec<rpc::Asked>,
    ) -> Option<Option<Vec<CopyState>>> {
        self.catalog().ok()?;
        let shared = Arc::clone(self);
        let look = move || shared.copies(object, &chunks);
        Some(self.readers.run(look).await?.ok())
    }

    /// A piece of a closed chunk's file, as it lies here; the last one is shorter than the others, or empty.
    async fn piece(&self, chunk: ChunkId, offset: u64) -> Option<Option<Bytes>> {
        let store = self.store.clone();
        let read = move || -> Result<Vec<u8>, FileError> { store.piece(chunk, offset, PIECE_BYTES) };
        let read = self.readers.run(read).await?;
        Some(read.ok().map(Bytes::from))
    }
}

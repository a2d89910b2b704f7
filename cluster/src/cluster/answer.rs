//! Answers to other members.

use super::shared::Shared;
use crate::id::MemberId;
use crate::rpc::{self, Handled, Handler};
use std::sync::Weak;

/// What other members talk to. It does not keep the door open: after a stop nothing is answered.
pub(super) struct Answers(pub(super) Weak<Shared>);

impl Handler for Answers {
    fn handle(&self, _from: MemberId, request: Vec<u8>) -> Handled<'_> {
        Box::pin(async move {
            let shared = self.0.upgrade()?;
            Some(match rpc::decode(&request)? {
                rpc::Request::Raft(request) => shared.facts.answer_raft(request).await,
                rpc::Request::Facts(request) => rpc::encode(&shared.facts.answer(request).await),
            })
        })
    }
}

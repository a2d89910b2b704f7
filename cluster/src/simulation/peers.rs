//! The ways between members: requests and answers are handed to the world, which carries them or does not.

use super::output::{Output, Outputs};
use crate::id::MemberId;
use crate::rpc::{Answer, CallError, Peers};
use crate::runtime;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// What becomes of a call.
pub(crate) type CallAnswer = Result<Vec<u8>, CallError>;

/// The calls of one process.
pub(crate) struct SimulatedPeers {
    outputs: Outputs,
    calls: Mutex<Calls>,
}

#[derive(Debug, Default)]
struct Calls {
    last: u64,
    waiting: BTreeMap<u64, oneshot::Sender<CallAnswer>>,
}

impl SimulatedPeers {
    pub(crate) fn new(outputs: Outputs) -> Self {
        Self { outputs, calls: Mutex::default() }
    }

    /// A call is answered, if its caller still waits.
    pub(crate) fn answer(&self, call: u64, answer: CallAnswer) {
        if let Some(waiting) = self.calls().waiting.remove(&call) {
            let _: Result<(), CallAnswer> = waiting.send(answer);
        }
    }

    fn begin(&self) -> (u64, oneshot::Receiver<CallAnswer>) {
        let (answer, answered) = oneshot::channel();
        let mut calls = self.calls();
        calls.waiting.retain(|_, waiting| !waiting.is_closed());
        calls.last += 1;
        let call = calls.last;
        calls.waiting.insert(call, answer);
        (call, answered)
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Peers for SimulatedPeers {
    fn call(&self, target: MemberId, request: Vec<u8>, deadline: Duration) -> Answer<'_> {
        Box::pin(async move {
            let (call, answered) = self.begin();
            self.outputs.push(Output::Call { to: target, call, request });
            match runtime::timeout(deadline, answered).await {
                Some(Ok(answer)) => answer,
                Some(Err(_)) | None => Err(CallError::Deadline { target, deadline }),
            }
        })
    }
}

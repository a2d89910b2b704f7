//! Members of one process, and what stands between them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster::id::MemberId;
use cluster::rpc::{Answer, CallError, Handler, Peers};

/// How long a message takes on a slow wire: longer than a member takes to answer by itself, and short beside a heartbeat.
const SLOW: Duration = Duration::from_millis(20);

/// Carries messages until it is cut.
#[derive(Clone, Default)]
pub(super) struct Wire {
    handlers: Arc<Mutex<BTreeMap<MemberId, Arc<dyn Handler>>>>,
    is_cut: Arc<AtomicBool>,
    is_slow: Arc<AtomicBool>,
}

/// A member's end of it.
pub(super) struct End {
    member: MemberId,
    wire: Wire,
}

impl Wire {
    pub(super) fn end(&self, member: MemberId) -> End {
        End { member, wire: self.clone() }
    }

    pub(super) fn connect(&self, member: MemberId, handler: Arc<dyn Handler>) {
        self.handlers.lock().unwrap().insert(member, handler);
    }

    pub(super) fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
    }

    /// From here on a member knows later than the one that leads what is committed.
    pub(super) fn slow_down(&self) {
        self.is_slow.store(true, Ordering::SeqCst);
    }
}

impl Peers for End {
    fn call(&self, target: MemberId, request: Vec<u8>, deadline: Duration) -> Answer<'_> {
        Box::pin(async move {
            let handler = self.wire.handlers.lock().unwrap().get(&target).cloned();
            let is_cut = self.wire.is_cut.load(Ordering::SeqCst);
            let Some(handler) = handler.filter(|_| !is_cut) else {
                return Err(CallError::Unreachable { target, reason: "cut".to_owned() });
            };
            if self.wire.is_slow.load(Ordering::SeqCst) {
                tokio::time::sleep(SLOW).await;
            }
            let answered = tokio::time::timeout(deadline, handler.handle(self.member, request)).await;
            let answer = answered.map_err(|_| CallError::Deadline { target, deadline })?;
            answer.ok_or(CallError::Answer { target })
        })
    }
}

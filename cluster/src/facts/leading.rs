//! Commands and read indexes go to the leader, wherever it is.

use super::Facts;
use super::errors::{ReadIndexError, SubmitError};
use super::message::{Committed, FactsAnswer, FactsRequest, NotCommitted};
use crate::catalog::{Applied, Command, DescribeMember, Request};
use crate::id::MemberId;
use crate::raft::RaftRequest;
use crate::rpc::{self, CallError};
use crate::runtime::{self, Instant};
use openraft::error::{CheckIsLeaderError, RaftError};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long the leader may take to answer before another one is looked for.
const ANSWER_DEADLINE: Duration = Duration::from_secs(3);
/// How long to wait for a change of leader before asking again.
const PAUSE: Duration = Duration::from_millis(50);

impl Facts {
    /// Has a request committed, by whoever leads, and waits until it is applied here. A request that may be repeated
    /// is sent again when its outcome is not known.
    pub(super) async fn commit(
        &self,
        request: Request,
        may_repeat: bool,
        until: Instant,
    ) -> Result<Applied, SubmitError> {
        let id = request.id;
        let mut is_doubtful = false;
        let mut known = None;
        while Instant::now() < until {
            let tried = match self.leader().await {
                Some(leader) if leader == self.member => self.commit_here(request.clone()).await,
                Some(leader) => self.forward(leader, request.clone()).await,
                None => Err(NotCommitted::NotLeader { leader: None }),
            };
            match tried {
                Ok(Committed { index, applied }) => {
                    return match self.applied(index, until).await {
                        true => Ok(applied),
                        false => Err(SubmitError::Unknown { id }),
                    };
                }
                Err(NotCommitted::Stopped) => return Err(SubmitError::Stopped),
                Err(NotCommitted::NotLeader { leader }) => known = leader,
                Err(NotCommitted::NoQuorum | NotCommitted::Unknown) if may_repeat => is_doubtful = true,
                Err(NotCommitted::NoQuorum | NotCommitted::Unknown) => {
                    return Err(SubmitError::Unknown { id });
                }
            }
            match self.pause(until).await {
                true => {}
                false if is_doubtful => break,
                false => return Err(SubmitError::Stopped),
            }
        }
        Err(match is_doubtful {
            true => SubmitError::Unknown { id },
            false => SubmitError::NotLeader { leader: known },
        })
    }

    /// Waits until all that was committed before the call is applied here.
    pub(super) async fn catch_up(&self, until: Instant) -> Result<(), ReadIndexError> {
        let mut error = ReadIndexError::NoLeader;
        while Instant::now() < until {
            let asked = match self.leader().await {
                Some(leader) if leader == self.member => self.read_index_here().await,
                Some(leader) => self.ask_read_index(leader).await,
                None => Err(NotCommitted::NotLeader { leader: None }),
            };
            error = match asked {
                Ok(index) => {
                    return match self.applied(index, until).await {
                        true => Ok(()),
                        false => Err(ReadIndexError::Behind { index }),
                    };
                }
                Err(NotCommitted::Stopped) => return Err(ReadIndexError::Stopped),
                Err(NotCommitted::NoQuorum) => ReadIndexError::NoQuorum,
                Err(NotCommitted::NotLeader { leader: Some(leader) }) => {
                    ReadIndexError::NotLeader { leader: Some(leader) }
                }
                Err(NotCommitted::NotLeader { leader: None } | NotCommitted::Unknown) => {
                    ReadIndexError::NoLeader
                }
            };
            if !self.pause(until).await {
                return Err(ReadIndexError::Stopped);
            }
        }
        Err(error)
    }

    /// Has whoever leads the others commit where this member is, and does not wait until that is applied here: until the
    /// leader knows it, nothing comes here. Whether it was answered. Once committed twice, it says the same.
    ///
    /// All that vote are asked: a member to which nothing comes has stood for election, and knows of no leader.
    pub async fn tell_others(&self, own: DescribeMember) -> bool {
        let request = Request { id: None, command: Command::DescribeMember(own) };
        let voters = self.members().into_iter().filter(|status| status.is_voter);
        let mut left: Vec<MemberId> = voters.map(|status| status.id).collect();
        left.extend(self.leader().await);
        let mut asked = BTreeSet::from([self.member]);
        while let Some(member) = left.pop() {
            if !asked.insert(member) {
                continue;
            }
            match self.forward(member, request.clone()).await {
                Ok(Committed { .. }) => return true,
                Err(NotCommitted::NotLeader { leader }) => left.extend(leader),
                Err(NotCommitted::NoQuorum | NotCommitted::Unknown | NotCommitted::Stopped) => {}
            }
        }
        false
    }

    /// Answers another member.
    pub(crate) async fn answer(&self, request: FactsRequest) -> FactsAnswer {
        match request {
            FactsRequest::Submit(request) => FactsAnswer::Submitted(self.commit_here(*request).await),
            FactsRequest::ReadIndex => FactsAnswer::ReadIndex(self.read_index_here().await),
            FactsRequest::Elect => {
                self.stand().await;
                FactsAnswer::Stands
            }
        }
    }

    /// Answers another member's Raft: the encoded answer.
    pub(crate) async fn answer_raft(&self, request: RaftRequest) -> Vec<u8> {
        rpc::encode(&self.raft_door.answer(request).await)
    }

    async fn commit_here(&self, request: Request) -> Result<Committed, NotCommitted> {
        if self.hands_over.load(Ordering::Acquire) {
            return Err(NotCommitted::NotLeader { leader: None });
        }
        let committed = runtime::timeout(ANSWER_DEADLINE, self.proposer.propose(request)).await;
        committed.unwrap_or(Err(NotCommitted::Unknown))
    }

    async fn read_index_here(&self) -> Result<u64, NotCommitted> {
        // It would be heard by the voters, and keep them from electing another leader.
        if self.hands_over.load(Ordering::Acquire) {
            return Err(NotCommitted::NotLeader { leader: None });
        }
        // Each would be a heartbeat to all voters, and a thousand recorders ask at once when a leader is gone.
        let round = async {
            match runtime::timeout(ANSWER_DEADLINE, self.raft.get_read_log_id()).await {
                Some(Ok((read, _))) => Ok(read.map_or(0, |id| id.index)),
                Some(Err(RaftError::APIError(CheckIsLeaderError::ForwardToLeader(forward)))) => {
                    Err(NotCommitted::NotLeader { leader: forward.leader_id.map(MemberId) })
                }
                Some(Err(RaftError::APIError(CheckIsLeaderError::QuorumNotEnough(_)))) | None => {
                    Err(NotCommitted::NoQuorum)
                }
                Some(Err(RaftError::Fatal(_))) => Err(NotCommitted::Stopped),
            }
        };
        self.leading_rounds.ask(round).await
    }

    async fn forward(&self, leader: MemberId, request: Request) -> Result<Committed, NotCommitted> {
        match self.ask(leader, FactsRequest::Submit(Box::new(request))).await {
            Ok(FactsAnswer::Submitted(submitted)) => submitted.map_err(stopped_elsewhere),
            // It was sent; whether it came there nobody knows.
            Ok(FactsAnswer::ReadIndex(_) | FactsAnswer::Stands) | Err(_) => Err(NotCommitted::Unknown),
        }
    }

    async fn ask_read_index(&self, leader: MemberId) -> Result<u64, NotCommitted> {
        let round = async {
            match self.ask(leader, FactsRequest::ReadIndex).await {
                Ok(FactsAnswer::ReadIndex(index)) => index.map_err(stopped_elsewhere),
                Ok(FactsAnswer::Submitted(_) | FactsAnswer::Stands) | Err(_) => {
                    Err(NotCommitted::NotLeader { leader: None })
                }
            }
        };
        self.following_rounds.ask(round).await
    }

    pub(super) async fn ask(
        &self,
        leader: MemberId,
        request: FactsRequest,
    ) -> Result<FactsAnswer, CallError> {
        let request = rpc::encode(&rpc::Request::Facts(request));
        let answer = self.peers.call(leader, request, ANSWER_DEADLINE).await?;
        rpc::decode(&answer).ok_or(CallError::Answer { target: leader })
    }

    /// Waits until the log is applied here up to an index; whether it is.
    async fn applied(&self, index: u64, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        self.raft.wait(Some(left)).applied_index_at_least(Some(index), "what the leader has").await.is_ok()
    }

    /// Waits for another leader, a little while. Whether Raft still runs: else nobody comes, and nobody waits.
    async fn pause(&self, until: Instant) -> bool {
        let mut metrics = self.raft.metrics();
        let leader = metrics.borrow_and_update().current_leader;
        let another = async { metrics.wait_for(|raft| raft.current_leader != leader).await.is_ok() };
        runtime::timeout_at(until.min(Instant::now() + PAUSE), another).await.unwrap_or(true)
    }
}

/// A leader that ends is no reason to end here.
fn stopped_elsewhere(error: NotCommitted) -> NotCommitted {
    match error {
        NotCommitted::Stopped => NotCommitted::NotLeader { leader: None },
        NotCommitted::NotLeader { .. } | NotCommitted::NoQuorum | NotCommitted::Unknown => error,
    }
}

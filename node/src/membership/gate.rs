//! Answers those who want to join.

use super::authority::{Authority, PublicKey};
use cluster::Cluster;
use cluster::catalog::{AdmitMember, CaRow, Command, Outcome, Refusal};
use cluster::facts::SubmitError;
use cluster::joining::{JoinAnswer, JoinRefused, JoinRequest, JoinToken, Joined, SealedKek, answer_to_bytes};
use cluster::rpc::{Directory, Gate, Handled, fingerprint};
use ring::rand::SystemRandom;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::time::Instant;

/// So many requests are looked at in a second, whoever sends them.
const TRIES_PER_S: u32 = 5;
const SECOND: Duration = Duration::from_secs(1);

/// The door of this member. It does not keep the cluster open.
pub(crate) struct JoinGate {
    cluster: Weak<Cluster>,
    directory: Arc<Directory>,
    rate: Mutex<Rate>,
}

/// How many have come in this second.
struct Rate {
    since: Instant,
    tries: u32,
}

impl Rate {
    /// Whether one more is looked at.
    fn take(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.since) >= SECOND {
            *self = Self { since: now, tries: 0 };
        }
        self.tries = self.tries.saturating_add(1);
        self.tries <= TRIES_PER_S
    }
}

impl JoinGate {
    /// A door. Called in a tokio runtime.
    pub(crate) fn new(cluster: &Arc<Cluster>, directory: Arc<Directory>) -> Self {
        let rate = Mutex::new(Rate { since: Instant::now(), tries: 0 });
        Self { cluster: Arc::downgrade(cluster), directory, rate }
    }

    async fn answer(&self, request: &[u8]) -> JoinAnswer {
        if !self.rate.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now()) {
            return Err(JoinRefused::Busy);
        }
        let request = JoinRequest::from_bytes(request).ok_or(JoinRefused::Malformed)?;
        let key = PublicKey::from_der(&request.public_key).ok_or(JoinRefused::Malformed)?;
        let cluster = self.cluster.upgrade().ok_or_else(|| not_ready("it is stopping"))?;
        cluster.read_index().await.map_err(not_ready)?;
        let ca = known(&cluster, &request)?;
        // Opened before anything is committed: who cannot sign admits nobody.
        let ca_key = cluster.ca_key(&ca).map_err(not_ready)?;
        let authority = Authority::open(&ca_key).map_err(not_ready)?;
        let member = match cluster.submit(Command::AdmitMember(admission(&request))).await {
            Ok(Outcome::Admitted { member }) => member,
            Ok(outcome) => return Err(not_ready(format!("expected a member, found {outcome:?}"))),
            Err(error) => return Err(refused(error)),
        };
        let certificate = authority.certify(member, &key).map_err(not_ready)?;
        let random = SystemRandom::new();
        let kek = cluster.kek().map_err(not_ready)?;
        let kek = SealedKek::seal(&kek, member, request.agreement, &random).map_err(not_ready)?;
        cluster.teach(&self.directory).map_err(not_ready)?;
        tracing::info!(%member, address = %request.address, "a member joins");
        Ok(Box::new(Joined { member, certificate, kek, members: self.directory.addresses() }))
    }
}

impl Gate for JoinGate {
    fn join(&self, request: Vec<u8>) -> Handled<'_> {
        Box::pin(async move {
            let answer = self.answer(&request).await;
            if let Err(refused) = &answer {
                tracing::warn!(%refused, "somebody does not join");
            }
            Some(answer_to_bytes(&answer))
        })
    }
}

/// The CA, for a request whose token is known. Looked up before anything is committed: guesses leave nothing in the log.
fn known(cluster: &Cluster, request: &JoinRequest) -> Result<CaRow, JoinRefused> {
    let catalog = cluster.catalog().map_err(not_ready)?;
    let row = catalog.join_token(request.token).map_err(not_ready)?;
    let hash = JoinToken::hash(&request.secret);
    row.filter(|row| row.hash == hash).ok_or(JoinRefused::TokenUnknown)?;
    let ca = catalog.ca().map_err(not_ready)?;
    ca.ok_or_else(|| JoinRefused::Rule { reason: Refusal::CaMissing.to_string() })
}

fn admission(request: &JoinRequest) -> AdmitMember {
    AdmitMember {
        token: request.token,
        hash: JoinToken::hash(&request.secret),
        fingerprint: fingerprint(&request.public_key),
        name: request.name.clone(),
        address: request.address.clone(),
        zone: request.zone.clone(),
        weight: request.weight,
    }
}

fn refused(error: SubmitError) -> JoinRefused {
    match error {
        SubmitError::Refused(Refusal::JoinTokenUnknown { .. }) => JoinRefused::TokenUnknown,
        SubmitError::Refused(Refusal::JoinTokenUsed { .. }) => JoinRefused::TokenUsed,
        SubmitError::Refused(Refusal::JoinTokenExpired { .. }) => JoinRefused::TokenExpired,
        SubmitError::Refused(refusal) => JoinRefused::Rule { reason: refusal.to_string() },
        SubmitError::TooLong { .. } | SubmitError::Unencodable => JoinRefused::Malformed,
        SubmitError::NotReady(_)
        | SubmitError::NotLeader { .. }
        | SubmitError::Unknown { .. }
        | SubmitError::Stopped => not_ready(error),
    }
}

fn not_ready(reason: impl ToString) -> JoinRefused {
    JoinRefused::NotReady { reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_requests_a_second_are_looked_at_and_the_others_are_not() {
        let since = Instant::now();
        let mut rate = Rate { since, tries: 0 };
        let taken = |rate: &mut Rate, now| (0..9).filter(|_| rate.take(now)).count();
        assert_eq!(taken(&mut rate, since), 5);
        assert_eq!(taken(&mut rate, since + SECOND - Duration::from_millis(1)), 0);
        assert_eq!(taken(&mut rate, since + SECOND), 5);
    }
}

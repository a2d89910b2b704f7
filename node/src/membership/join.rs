//! `custody cluster join`: somebody becomes a member.

use super::error::MembershipError;
use super::identity::{Identity, MemberKey, NewIdentity};
use crate::serve;
use cluster::chunk::key::Kek;
use cluster::id::MemberId;
use cluster::joining::{
    JoinAnswer, JoinRefused, JoinRequest, JoinToken, Joined, KekReceiver, answer_from_bytes,
};
use cluster::rpc::{CallError, GateAt, NewCertificate, ask_to_join};
use ring::rand::SystemRandom;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::sleep;

/// How long a member may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// How often all members that the token names are asked.
const ROUNDS: u32 = 3;
/// Between two rounds.
const PAUSE: Duration = Duration::from_secs(2);

/// Who wants to join, and with what.
pub(crate) struct JoinOptions {
    /// The token.
    pub(crate) token: JoinToken,
    /// An empty folder.
    pub(crate) data_dir: PathBuf,
    /// Where the cluster's key will be.
    pub(crate) kek_file: PathBuf,
    /// Host and port on which other members will reach this one.
    pub(crate) address: String,
    /// What people call it; may be empty.
    pub(crate) name: String,
    /// The zone that it asks for.
    pub(crate) zone: String,
    /// The weight that it asks for.
    pub(crate) weight: u16,
}

/// An answer that was checked.
struct Admitted {
    joined: Joined,
    kek: Kek,
}

/// Joins a cluster; gives the number of the new member. May be called again, with the same token, when it did not come
/// to its end. Blocks.
pub(crate) fn join(options: &JoinOptions) -> Result<MemberId, MembershipError> {
    if !Identity::is_free(&options.data_dir)? {
        return Err(MembershipError::NotEmpty { path: options.data_dir.clone() });
    }
    if options.kek_file.exists() {
        return Err(MembershipError::KekExists { path: options.kek_file.clone() });
    }
    serve::make_folder(&options.data_dir)?;
    let key = MemberKey::load_or_create(&options.data_dir)?;
    let Admitted { joined, kek } = serve::block_on(ask_all(options, &key.public()))??;
    serve::write_kek(&options.kek_file, &kek)?;
    let new = NewIdentity {
        member: joined.member,
        ca: &options.token.ca,
        certificate: &joined.certificate,
        members: &joined.members,
    };
    Identity::write(&options.data_dir, new)?;
    Ok(joined.member)
}

/// Asks the members that the token names, one after the other, until one of them decides.
async fn ask_all(options: &JoinOptions, public_key: &[u8]) -> Result<Admitted, MembershipError> {
    let ca = super::authority::pem("CERTIFICATE", &options.token.ca);
    let mut last = MembershipError::NobodyToAsk;
    for round in 0..ROUNDS {
        if round > 0 {
            sleep(PAUSE).await;
        }
        for (target, address) in &options.token.members {
            let at = GateAt { member: *target, address, ca: ca.as_bytes() };
            let receiver = KekReceiver::new(&SystemRandom::new())?;
            let request = request(options, public_key, &receiver);
            let answered = ask_to_join(at, request.to_bytes(), ANSWER_LIMIT).await;
            match answered.and_then(|answer| read(*target, &answer)) {
                Ok(Ok(joined)) => return check(options, public_key, *joined, receiver),
                Ok(Err(refused)) if refused.is_passing() => last = refused.into(),
                Ok(Err(refused)) => return Err(refused.into()),
                Err(source) => {
                    last = MembershipError::Unreachable { target: *target, address: address.clone(), source };
                }
            }
        }
    }
    Err(last)
}

fn request(options: &JoinOptions, public_key: &[u8], receiver: &KekReceiver) -> JoinRequest {
    JoinRequest {
        token: options.token.id,
        secret: options.token.secret,
        public_key: public_key.to_vec(),
        agreement: receiver.public(),
        name: options.name.clone(),
        address: options.address.clone(),
        zone: options.zone.clone(),
        weight: options.weight,
    }
}

fn read(target: MemberId, answer: &[u8]) -> Result<JoinAnswer, CallError> {
    answer_from_bytes(answer).ok_or(CallError::Answer { target })
}

/// Nothing of an answer is kept before all of it is right.
fn check(
    options: &JoinOptions,
    public_key: &[u8],
    joined: Joined,
    receiver: KekReceiver,
) -> Result<Admitted, MembershipError> {
    let Joined { member, certificate, kek, members } = &joined;
    let new = NewCertificate { certificate, ca: &options.token.ca, member: *member, public_key };
    new.check(Duration::from_millis(serve::wall_ms()))?;
    let kek = receiver.open(*member, kek)?;
    if members.iter().all(|(other, _)| other == member) {
        return Err(JoinRefused::NotReady { reason: "it names no other member".to_owned() }.into());
    }
    Ok(Admitted { joined, kek })
}

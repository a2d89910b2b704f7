//! Refusals since the last leaves: one leaf for each caller and action, however often they were refused.

use std::collections::BTreeMap;

use cluster::catalog::{AuditEvent, AuditKind};

use super::Who;

/// Callers and actions that are told apart; others are counted together.
const KNOWN_MAX: usize = 1000;
/// The same of those who have not shown who they are: anybody may come from many addresses, and name anybody at a login.
const UNKNOWN_MAX: usize = 64;

/// A refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Without a valid token.
    Unauthenticated,
    /// Without the permission.
    Forbidden,
    /// Without the permission to know that it is there.
    Hidden,
}

/// Who was refused what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Caller {
    pub(super) who: Who,
    pub(super) action: &'static str,
}

/// How often.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Count {
    unauthenticated: u64,
    forbidden: u64,
    hidden: u64,
    /// What it was about, the last time.
    object: String,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Refusals(BTreeMap<Caller, Count>);

impl Refusals {
    pub(super) fn count(&mut self, caller: Caller, refused: Refused, object: String) {
        let mut count = Count { object, ..Count::default() };
        match refused {
            Refused::Unauthenticated => count.unauthenticated = 1,
            Refused::Forbidden => count.forbidden = 1,
            Refused::Hidden => count.hidden = 1,
        }
        self.add(caller, count);
    }

    pub(super) fn add(&mut self, caller: Caller, count: Count) {
        let is_unknown = caller.who.user.is_empty() || count.unauthenticated > 0;
        let limit = if is_unknown { UNKNOWN_MAX } else { KNOWN_MAX };
        let caller = match self.0.len() < limit || self.0.contains_key(&caller) {
            true => caller,
            false => Caller { who: Who::default(), action: "others" },
        };
        let kept = self.0.entry(caller).or_default();
        kept.unauthenticated = kept.unauthenticated.saturating_add(count.unauthenticated);
        kept.forbidden = kept.forbidden.saturating_add(count.forbidden);
        kept.hidden = kept.hidden.saturating_add(count.hidden);
        kept.object = count.object;
    }

    pub(super) fn take(&mut self) -> BTreeMap<Caller, Count> {
        std::mem::take(&mut self.0)
    }
}

/// The leaf of a caller's refusals.
pub(super) fn event(caller: &Caller, count: &Count) -> AuditEvent {
    let Who { user, service, address } = caller.who.clone();
    let counts = [("401", count.unauthenticated), ("403", count.forbidden), ("404", count.hidden)];
    let told =
        counts.iter().filter(|(_, times)| *times > 0).map(|(status, times)| format!("{times} x {status}"));
    let detail = told.collect::<Vec<_>>().join(", ");
    let (action, object) = (caller.action.to_owned(), count.object.clone());
    AuditEvent { kind: AuditKind::Refusal, user, service, action, object, address, detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(user: &str, address: usize) -> Caller {
        let who = Who { user: user.to_owned(), address: address.to_string(), ..Who::default() };
        Caller { who, action: "PAM.Audit.Read" }
    }

    #[test]
    fn strangers_from_many_addresses_do_not_crowd_out_those_who_are_known() {
        let mut refusals = Refusals::default();
        for address in 0..5000 {
            let named = if address % 2 == 0 { "" } else { "grace" };
            refusals.count(caller(named, address), Refused::Unauthenticated, String::new());
        }
        for address in 0..5000 {
            refusals.count(caller("ada", address), Refused::Forbidden, "session/1".to_owned());
            refusals.count(caller("ada", 7), Refused::Hidden, "session/2".to_owned());
        }
        let taken = refusals.take();
        assert_eq!(taken.len(), KNOWN_MAX);
        let told: Vec<_> = taken.iter().map(|(caller, count)| event(caller, count)).collect();
        let find = |user: &str, address: &str| {
            told.iter().find(|leaf| leaf.user == user && leaf.address == address).unwrap()
        };
        assert_eq!(find("ada", "7").detail, "1 x 403, 5000 x 404");
        assert_eq!(find("ada", "7").object, "session/2");
        assert_eq!(find("", "2").detail, "1 x 401");
        assert_eq!(told.iter().filter(|leaf| leaf.user == "grace").count(), UNKNOWN_MAX / 2);
        let all: u64 =
            taken.values().map(|count| count.unauthenticated + count.forbidden + count.hidden).sum();
        assert_eq!(all, 15_000);
        assert!(refusals.take().is_empty());
    }
}

//! How people and a session relate: whom it names, whom it denies itself to, and who has an approval to watch it.

use cluster::catalog::{
    ApprovalId, AskApproval, ClockSample, Command, DecideApproval, ParameterValue, PutAccess, PutParameter,
};
use cluster::id::MemberId;

use super::cell::Cell;
use super::{UNTIL_MS, World};

/// Relations of people. Each is the name of a caller, too, so that all of them hold of a session at once.
pub(super) const PEOPLE: [&str; 12] = [
    "auditor",
    "auditor of another",
    "denied",
    "denied auditor",
    "unapproved",
    "expired approval",
    "own approval",
    "approval of the recorded user",
    "approval of another session",
    "approved",
    "unapproved auditor",
    "approved auditor",
];
const AUDITORS: [&str; 4] = ["auditor", "denied auditor", "unapproved auditor", "approved auditor"];
const DENIED: [&str; 2] = ["denied", "denied auditor"];
/// Who says yes, and neither watches nor was recorded.
const APPROVER: &str = "somebody";
/// Whom the sessions of the tests record.
const RECORDED: &str = "grace";

/// Who asks: everybody is the same person but those who relate to a session.
pub(super) fn caller(cell: &Cell) -> &str {
    if is_of_people(cell) { &cell.relation } else { "caller" }
}

pub(super) fn is_of_people(cell: &Cell) -> bool {
    PEOPLE.contains(&cell.relation.as_str())
}

impl World {
    /// Has all people relate to a session as their names say.
    pub(super) async fn relate(&mut self, session: &str) {
        self.name(session, &AUDITORS, &DENIED).await;
        if !self.related.insert(session.to_owned()) {
            return;
        }
        let other = self.member.sealed(&self.recorder, b"x").await;
        self.name(&other, &["auditor of another"], &[]).await;
        let approvals = [
            (session, "approved", APPROVER),
            (session, "approved auditor", APPROVER),
            (session, "expired approval", APPROVER),
            (session, "own approval", "own approval"),
            (session, "approval of the recorded user", RECORDED),
            (&other, "approval of another session", APPROVER),
        ];
        let now_ms = self.member.state.cluster.catalog().unwrap().clock().unwrap().now_ms;
        for (session, asked_by, by) in approvals {
            let until_ms = if asked_by == "expired approval" { now_ms + 1 } else { UNTIL_MS };
            let is_given = self.approve(session, asked_by, by, until_ms).await;
            assert_eq!(is_given, by == APPROVER, "{asked_by}");
        }
        let sample = ClockSample { member: MemberId(1), wall_ms: now_ms + 1 };
        self.member.submit(Command::Clock(sample)).await;
    }

    /// Whether approvals are needed is as the cell's relation asks.
    pub(super) async fn demand_approval(&mut self, cell: &Cell) {
        let is_on = cell.relation.contains("approv");
        if is_on != self.needs_approval {
            let (name, value) = ("watch_needs_approval".to_owned(), ParameterValue::Switch(is_on));
            let put = PutParameter { name, value, expected_version: None, by: APPROVER.to_owned() };
            self.member.submit(Command::PutParameter(put)).await;
            self.needs_approval = is_on;
        }
    }

    async fn name(&self, session: &str, auditors: &[&str], denied: &[&str]) {
        let names = |users: &[&str]| users.iter().map(|user| (*user).to_owned()).collect();
        let recording = session.parse().unwrap();
        let (auditors, denied, by) = (names(auditors), names(denied), APPROVER.to_owned());
        let put = PutAccess { recording, auditors, denied, expected_version: None, by };
        self.member.submit(Command::PutAccess(put)).await;
    }

    /// Somebody asks for an approval and somebody says yes; whether that counts.
    async fn approve(&self, session: &str, asked_by: &str, by: &str, until_ms: u64) -> bool {
        let approval = self.ask(session, asked_by, until_ms).await;
        let (recording, reason, by) = (session.parse().unwrap(), String::new(), by.to_owned());
        let decide = DecideApproval { approval, recording, is_approved: true, reason, by };
        self.member.state.cluster.submit(Command::DecideApproval(decide)).await.is_ok()
    }

    /// An approval that somebody asks for.
    pub(super) async fn ask(&self, session: &str, by: &str, until_ms: u64) -> ApprovalId {
        let mut id = [0; 16];
        self.member.state.random.fill(&mut id).unwrap();
        let (approval, recording, by) = (ApprovalId(id), session.parse().unwrap(), by.to_owned());
        let (reason, ticket) = ("inquiry".to_owned(), String::new());
        let ask = AskApproval { approval, recording, reason, ticket, from_ms: 0, until_ms, by };
        self.member.submit(Command::AskApproval(ask)).await;
        approval
    }
}

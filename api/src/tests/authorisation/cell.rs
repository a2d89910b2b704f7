//! Rows of policy/authorisation.csv.

const HEADER: &str = "route,target,action,credential,role,relation,status";
/// Stands for several in a column.
const AND: char = '+';

/// A row: who asks for what, and which status answers.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) line: usize,
    /// Method and address, as in the document.
    pub(super) route: String,
    /// What the route's address names.
    pub(super) target: String,
    /// The permissions that are asked for, in this order; none for what is open to anyone or to every valid token.
    pub(super) actions: Vec<String>,
    /// How the caller shows who they are; with `-for`, they name a user, with `-foreign`, a page of another site asks.
    pub(super) credential: String,
    /// The credential's roles.
    pub(super) roles: Vec<String>,
    /// How a recorder, or a person, and the session relate.
    pub(super) relation: String,
    pub(super) status: u16,
    /// Which problem a 403 is, where there are several.
    pub(super) problem: Option<String>,
}

pub(super) fn cells() -> Vec<Cell> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../policy/authorisation.csv");
    let file = std::fs::read_to_string(path).unwrap();
    let mut lines = file.lines().enumerate();
    assert_eq!(lines.next().unwrap().1, HEADER);
    lines.map(|(index, line)| cell(index + 1, line)).collect()
}

fn cell(line: usize, row: &str) -> Cell {
    let columns: Vec<&str> = row.split(',').collect();
    let [route, target, actions, credential, roles, relation, status] = columns[..] else {
        panic!("line {line}: expected the columns {HEADER}")
    };
    let several = |names: &str| {
        let named = names.split(AND).filter(|name| !name.is_empty() && *name != "no role");
        named.map(str::to_owned).collect()
    };
    let (status, problem) = match status.split_once(' ') {
        Some((status, problem)) => (status, Some(problem.to_owned())),
        None => (status, None),
    };
    Cell {
        line,
        route: route.to_owned(),
        target: target.to_owned(),
        actions: several(actions),
        credential: credential.to_owned(),
        roles: several(roles),
        relation: relation.to_owned(),
        status: status.parse().unwrap(),
        problem,
    }
}

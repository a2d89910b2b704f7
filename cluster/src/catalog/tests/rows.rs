use super::super::row;
use super::*;

#[test]
fn a_damaged_row_is_never_believed() {
    let row = ParameterRow {
        value: ParameterValue::Number(3),
        version: 1,
        changed_by: "ada".to_owned(),
        changed_ms: 5,
    };
    let bytes = row::encode(b"replicas", &row).unwrap();
    assert_eq!(row::decode::<ParameterRow>(b"replicas", &bytes), Ok(row.clone()));
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        let tree = Tree::Parameters;
        assert_eq!(row::decode::<ParameterRow>(b"replicas", &damaged), Err(RowError::Checksum { tree }));
        assert!(row::decode::<ParameterRow>(b"replicas", &bytes[..at]).is_err());
    }
    assert!(row::decode::<ParameterRow>(b"retention_days", &bytes).is_err(), "it stands at another place");
}

#[test]
fn a_row_above_the_limit_is_refused_and_changes_nothing() {
    let row = RoleRow {
        permissions: vec!["P.R".repeat(40); 40],
        version: 1,
        changed_by: String::new(),
        changed_ms: 0,
    };
    assert!(matches!(row::encode(b"R", &row), Err(RowError::TooLong { tree: Tree::Roles, .. })));
}

#[test]
fn trees_keep_their_numbers() {
    for (number, tree) in (0u8..).zip(Tree::ALL) {
        assert_eq!((tree.number(), Tree::from_number(number)), (number, Some(tree)));
    }
    let behind = u8::try_from(Tree::ALL.len()).unwrap();
    assert_eq!(Tree::from_number(behind), None);
}

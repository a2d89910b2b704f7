//! A member goes on as what it was started as when a newer program takes the place of its own.

use harness::picture_after_replacement;

const SEED: u64 = 20_261_123;

#[test]
fn a_member_whose_program_is_replaced_starts_its_workers_as_before() -> anyhow::Result<()> {
    let (status, picture) = picture_after_replacement(SEED)?;
    assert_eq!((status, picture.get(..8)), (200, Some(&b"\x89PNG\r\n\x1a\n"[..])));
    Ok(())
}

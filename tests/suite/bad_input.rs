//! The bad-input table, a quick share of it: one small recording of each case. All of it is `make soak SUITE=hostile`.

use harness::{Trials, cases};

/// Meets the first small variant of every case of a section.
fn quick_share(section: char) -> anyhow::Result<()> {
    let mut trials = Trials::new()?;
    let mut failures = Vec::new();
    for case in cases().iter().filter(|case| case.section == section) {
        let Some(variant) = case.variants.iter().find(|variant| !variant.is_large) else { continue };
        if let Err(error) = trials.run(case, variant) {
            failures.push(format!("{}, {}: {error:#}", case.name, variant.name));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

#[test]
fn bad_png_has_a_typed_outcome_in_bounded_time_and_memory() -> anyhow::Result<()> {
    quick_share('A')
}

#[test]
fn bad_jpeg_has_a_typed_outcome_in_bounded_time_and_memory() -> anyhow::Result<()> {
    quick_share('B')
}

#[test]
fn bad_webp_has_a_typed_outcome_in_bounded_time_and_memory() -> anyhow::Result<()> {
    quick_share('C')
}

#[test]
fn bad_sound_has_a_typed_outcome_in_bounded_time_and_memory() -> anyhow::Result<()> {
    quick_share('D')
}

#[test]
fn bad_instructions_have_a_typed_outcome_in_bounded_time_and_memory() -> anyhow::Result<()> {
    quick_share('E')
}

#[test]
fn bad_casts_have_a_typed_outcome_in_bounded_time_and_memory() -> anyhow::Result<()> {
    quick_share('F')
}

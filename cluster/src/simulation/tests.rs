//! A fixed share of the histories; `make soak SUITE=simulation` runs many more.

use super::*;

#[test]
fn a_seed_gives_the_same_history_twice() {
    for seed in [1, 2] {
        assert_eq!(Simulation::new(seed).run(), Simulation::new(seed).run());
    }
}

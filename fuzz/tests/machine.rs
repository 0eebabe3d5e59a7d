//! Any list of commands, applied to the mapping machine and to its model, with the shortest list that tells them apart.

use proptest::prelude::*;

/// More with `CROSSPOINT_CASES`.
fn cases() -> u32 {
    std::env::var("CROSSPOINT_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(100)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_machine_says_what_its_model_says_after_any_command(
        steps in prop::collection::vec(any::<crosspoint_fuzz::machine::Step>(), 1..100)
    ) {
        crosspoint_fuzz::machine::agrees(&steps);
    }
}

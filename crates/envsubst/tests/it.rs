//! Templates give what Flux's own module gives.
//!
//! The oracle is `tests/oracles/postbuild`. `ENVSUBST_TEMPLATES=n` makes the comparison of made-up templates longer.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod it {
    mod corpus;
    mod generated;
    mod limits;
    mod setting;
}

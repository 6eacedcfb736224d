//! Patterns find what Go's find, and fail with Go's words.
//!
//! The oracle is `tests/oracles/regexp`. `REGEXP_PATTERNS=n` makes the comparison of made-up patterns longer.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod it {
    mod answer;
    mod corpus;
    mod generated;
    mod limits;
}

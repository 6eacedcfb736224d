//! The crate beside Go's libraries: same bytes, same errors.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::format_push_string,
    clippy::format_collect,
    reason = "helpers of tests"
)]

#[path = "it/comments.rs"]
mod comments;
#[path = "it/corpus.rs"]
mod corpus;
#[path = "it/differences.rs"]
mod differences;
#[path = "it/fuzz.rs"]
mod fuzz;
#[path = "it/generated.rs"]
mod generated;
#[path = "it/oracle.rs"]
mod oracle;
#[path = "it/robustness.rs"]
mod robustness;

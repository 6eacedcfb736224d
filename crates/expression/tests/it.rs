//! The crate beside cel-go: same values, same errors.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "it/corpus.rs"]
mod corpus;
#[path = "it/generated.rs"]
mod generated;
#[path = "it/limits.rs"]
mod limits;
#[path = "it/oracle.rs"]
mod oracle;

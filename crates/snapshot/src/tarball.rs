//! Artifacts: gzip-compressed tar archives, as Flux's source-controller writes and its consumers
//! read them.
//!
//! Both directions stream. [`extract`] puts each file into a blob store as it comes by and makes a
//! snapshot only of an archive that was good to its last byte; [`write()`] takes the content of
//! each file when its turn comes, so that an artifact can be made straight from a Git tree.

mod extract;
mod header;
mod limits;
mod pax;
mod write;

pub use extract::{ExtractError, extract, extract_verified};
pub use limits::{Limit, Limits};
pub use write::{Member, MemberKind, WriteError, Written, write};

#[cfg(test)]
mod tests;

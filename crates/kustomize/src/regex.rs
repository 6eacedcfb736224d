//! Go's regular expressions, with this crate's errors.

pub(crate) use regexp::Pattern;

use crate::error::{Error, Result};

/// Compiles a pattern that may match anywhere.
pub(crate) fn pattern(text: &str) -> Result<Pattern> {
    Pattern::new(text).map_err(|error| Error::invalid(error.to_string()))
}

/// Compiles a pattern that must match the whole text; an empty one matches anything.
pub(crate) fn anchored(text: &str) -> Result<Pattern> {
    Pattern::anchored(text).map_err(|error| Error::invalid(error.to_string()))
}

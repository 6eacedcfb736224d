//! How much a template may ask for.

use crate::Error;

/// How deep substitutions may be nested: each level is a few frames of the stack.
pub(crate) const DEEPEST: usize = 100;
/// The longest text that comes out: far above what an API server takes.
pub(crate) const LONGEST: usize = 16 << 20;
/// How many comparisons all patterns of a template may take together.
const MOST_WORK: usize = 20_000_000;

/// Counts comparisons.
#[derive(Debug, Default)]
pub(crate) struct Work(usize);

impl Work {
    pub(crate) fn spend(&mut self, comparisons: usize) -> Result<(), Error> {
        self.0 = self.0.saturating_add(comparisons);
        if self.0 > MOST_WORK {
            return Err(Error::TooMuchWork);
        }
        Ok(())
    }
}

//! What an evaluation may cost.
//!
//! Flux sets no limit and relies on its context being cancelled. Here each step, each element that is looked at
//! and every 16 bytes of text that are read or made count as one, so that no expression can hold a
//! worker or fill the memory, however many loops it nests. Patterns count by their size: when they are compiled, which
//! an expression of literals does before it runs, and with each byte that is searched.

use std::collections::HashMap;
use std::rc::Rc;

use crate::failure::Failure;
use crate::regex::{Pattern, SIZE_LIMIT};

/// The steps of one evaluation. A hundred conditions over ten thousand elements fit; a
/// full budget is well below a second and below 64 MiB of text.
pub(crate) const STEPS: usize = 4_000_000;

/// How many bytes of text are one step.
const BYTES_PER_STEP: usize = 16;

/// What the attempt to compile a pattern costs; a large one costs its size, too.
const STEPS_PER_PATTERN: usize = 1_000;

/// How many bytes of a compiled pattern are one step.
const PATTERN_BYTES_PER_STEP: usize = 2;

/// How many states of a pattern are one step for each byte that is searched: at worst all are visited.
const STATES_PER_STEP: usize = 64;

#[derive(Debug)]
pub(crate) struct Budget {
    left: usize,
    /// The patterns that were compiled on the way.
    patterns: HashMap<Box<str>, Rc<Pattern>>,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self {
            left: STEPS,
            patterns: HashMap::new(),
        }
    }

    /// Takes `steps`, or fails for good.
    pub(crate) fn spend(&mut self, steps: usize) -> Result<(), Failure> {
        let left = self.left.checked_sub(steps);
        self.left = left.unwrap_or(0);
        left.map(|_| ()).ok_or(Failure::Exhausted)
    }

    /// Takes what reading or making `bytes` costs.
    pub(crate) fn spend_bytes(&mut self, bytes: usize) -> Result<(), Failure> {
        self.spend(bytes / BYTES_PER_STEP)
    }

    /// Compiles a pattern that is known only now, once.
    pub(crate) fn pattern(&mut self, text: &str) -> Result<Rc<Pattern>, Failure> {
        if let Some(pattern) = self.patterns.get(text) {
            return Ok(Rc::clone(pattern));
        }
        let pattern = Rc::new(self.compile(text)?);
        self.patterns.insert(text.into(), Rc::clone(&pattern));
        Ok(pattern)
    }

    /// Compiles a pattern.
    pub(crate) fn compile(&mut self, text: &str) -> Result<Pattern, Failure> {
        self.spend(STEPS_PER_PATTERN)?;
        self.spend_bytes(text.len() * 16)?;
        let compiled = Pattern::new(text);
        let size = match &compiled {
            Ok(pattern) => pattern.size(),
            // It was given up at the limit.
            Err(error) if error.is_size() => SIZE_LIMIT,
            Err(_) => 0,
        };
        self.spend(size / PATTERN_BYTES_PER_STEP)?;
        compiled.map_err(|error| Failure::text(error.to_string()))
    }

    /// Takes what looking for a pattern in a text of `bytes` costs.
    pub(crate) fn spend_search(&mut self, pattern: &Pattern, bytes: usize) -> Result<(), Failure> {
        self.spend_bytes(bytes * 4)?;
        self.spend(bytes.saturating_mul(pattern.states()) / STATES_PER_STEP)
    }
}

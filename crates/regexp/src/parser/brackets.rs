//! Sets of characters in brackets.

use regex_syntax::hir::ClassUnicode;

use super::{Parser, Result};
use crate::class;
use crate::fault::{Fault, InvalidPattern};

impl Parser<'_> {
    pub(super) fn class(&mut self) -> Result<ClassUnicode> {
        let whole = self.rest();
        self.bump();
        let is_negated = self.peek() == Some('^');
        if is_negated {
            self.bump();
        }
        let mut class = ClassUnicode::empty();
        let mut is_first = true;
        // A bracket right at the start is itself.
        while is_first || self.peek() != Some(']') {
            is_first = false;
            let part = match self.posix_class()? {
                Some(part) => part,
                None => match self.named_class()? {
                    Some(part) => part,
                    None => self.class_range(whole)?,
                },
            };
            class.union(&part);
        }
        self.bump();
        if is_negated {
            class.negate();
        }
        Ok(class)
    }

    /// Reads `[:name:]` or `[:^name:]`.
    fn posix_class(&mut self) -> Result<Option<ClassUnicode>> {
        let start = self.at;
        let Some((name, _)) = self
            .rest()
            .strip_prefix("[:")
            .and_then(|rest| rest.split_once(":]"))
        else {
            return Ok(None);
        };
        self.at += "[:".len() + name.len() + ":]".len();
        let plain = name.strip_prefix('^');
        match class::posix(plain.unwrap_or(name)) {
            Some(class) => Ok(Some(self.signed(class, plain.is_some()))),
            None => Err(self.since(start, Fault::ClassRange)),
        }
    }

    fn class_range(&mut self, whole: &str) -> Result<ClassUnicode> {
        let start = self.at;
        let low = self.class_char(whole)?;
        let rest = self.rest();
        let mut high = low;
        // A hyphen before the end is itself.
        if rest.len() >= 2 && rest.starts_with('-') && !rest.starts_with("-]") {
            self.bump();
            high = self.class_char(whole)?;
        }
        if high < low {
            return Err(self.since(start, Fault::ClassRange));
        }
        Ok(self.folded(class::range(low, high)))
    }

    fn class_char(&mut self, whole: &str) -> Result<u32> {
        match self.peek() {
            Some('\\') => self.escaped(),
            Some(c) => {
                self.bump();
                Ok(u32::from(c))
            }
            None => Err(InvalidPattern::new(Fault::ClassUnclosed, whole)),
        }
    }
}

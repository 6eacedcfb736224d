//! What begins with a backslash.

use regex_syntax::hir::{ClassUnicode, Hir, Look};

use super::{Parser, Result};
use crate::class;
use crate::fault::{Fault, InvalidPattern};

impl Parser<'_> {
    pub(super) fn escape(&mut self) -> Result<()> {
        let rest = self.rest();
        let look = match rest.get(..2) {
            Some(r"\A") => Look::Start,
            Some(r"\z") => Look::End,
            Some(r"\b") => Look::WordAscii,
            Some(r"\B") => Look::WordAsciiNegate,
            Some(r"\Q") => return self.quoted(),
            _ => {
                if let Some(class) = self.named_class()? {
                    return self.push_class(class);
                }
                let code_point = self.escaped()?;
                return self.literal(code_point);
            }
        };
        self.at += 2;
        self.push(Hir::look(look))
    }

    fn quoted(&mut self) -> Result<()> {
        self.at += r"\Q".len();
        let rest = self.rest();
        let (text, length) = match rest.split_once(r"\E") {
            Some((text, _)) => (text, text.len() + r"\E".len()),
            None => (rest, rest.len()),
        };
        for c in text.chars() {
            self.literal(u32::from(c))?;
        }
        self.at += length;
        Ok(())
    }

    /// Reads an escape that stands for a set: `\d`, `\pL`, `\p{Greek}`.
    pub(super) fn named_class(&mut self) -> Result<Option<ClassUnicode>> {
        let (start, rest) = (self.at, self.rest());
        let Some(letter) = rest.strip_prefix('\\').and_then(|rest| rest.chars().next()) else {
            return Ok(None);
        };
        if !matches!(letter, 'p' | 'P') {
            let Some(class) = class::perl(letter.to_ascii_lowercase()) else {
                return Ok(None);
            };
            self.at += 2;
            return Ok(Some(self.signed(class, letter.is_ascii_uppercase())));
        }
        self.at += 2;
        let name = match self.bump() {
            Some('{') => {
                let Some((name, _)) = self.rest().split_once('}') else {
                    return Err(InvalidPattern::new(Fault::ClassRange, rest));
                };
                self.at += name.len() + 1;
                name
            }
            Some(_) => self.slice(start + 2, self.at),
            None => "",
        };
        let (name, is_turned) = match name.strip_prefix('^') {
            Some(name) => (name, true),
            None => (name, false),
        };
        match class::unicode(name) {
            Some(class) => Ok(Some(self.signed(class, is_turned != (letter == 'P')))),
            None => Err(self.since(start, Fault::ClassRange)),
        }
    }

    /// Cases are added before a set is negated.
    pub(super) fn signed(&self, class: ClassUnicode, is_negated: bool) -> ClassUnicode {
        let mut class = self.folded(class);
        if is_negated {
            class.negate();
        }
        class
    }

    /// Reads an escape that stands for a code point.
    pub(super) fn escaped(&mut self) -> Result<u32> {
        let start = self.at;
        self.bump();
        let Some(c) = self.bump() else {
            return Err(InvalidPattern::new(Fault::TrailingBackslash, ""));
        };
        let is_octal = |c: Option<char>| c.is_some_and(|c| c.is_digit(8));
        let value = match c {
            // One digit alone would be a reference to a group.
            '1'..='7' if !is_octal(self.peek()) => None,
            '0'..='7' => {
                let mut value = c.to_digit(8);
                for _ in 0..2 {
                    let next = self.peek().and_then(|c| c.to_digit(8));
                    if let (Some(so_far), Some(digit)) = (value, next) {
                        self.bump();
                        value = Some(so_far * 8 + digit);
                    }
                }
                value
            }
            'x' => self.hexadecimal(),
            'a' => Some(0x07),
            'f' => Some(0x0C),
            'n' => Some(0x0A),
            'r' => Some(0x0D),
            't' => Some(0x09),
            'v' => Some(0x0B),
            _ if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(u32::from(c)),
            _ => None,
        };
        value.ok_or_else(|| self.since(start, Fault::Escape))
    }

    /// Reads two digits, or any number in braces.
    fn hexadecimal(&mut self) -> Option<u32> {
        let first = self.bump()?;
        if first != '{' {
            let second = self.bump();
            return Some(first.to_digit(16)? * 16 + second?.to_digit(16)?);
        }
        let mut value = None;
        loop {
            let c = self.bump()?;
            if c == '}' {
                return value;
            }
            let next = value.unwrap_or(0) * 16 + c.to_digit(16)?;
            value = Some(next).filter(|&next| next <= u32::from(char::MAX));
            value?;
        }
    }
}

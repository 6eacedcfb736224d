//! Go's syntax, read into the form that Rust's engine compiles.
//!
//! Captures and greed are left out: neither changes whether a pattern is found.
//! Source: Go's package `regexp/syntax` (1.26) with the flags `Perl`, and
//! <https://github.com/google/re2/wiki/Syntax>.

mod brackets;
mod escape;

use regex_syntax::hir::{Class, ClassUnicode, Dot, Hir, Look, Repetition};

use crate::class;
use crate::fault::{Fault, InvalidPattern};

/// The largest count, also of counts inside counts.
const MAX_REPEATS: u32 = 1000;

/// How deep expressions may lie in each other.
const MAX_HEIGHT: u32 = 1000;

type Result<T> = std::result::Result<T, InvalidPattern>;

pub(crate) fn parse(text: &str) -> Result<Hir> {
    let mut parser = Parser {
        text,
        at: 0,
        flags: Flags::default(),
        level: Level::default(),
        outer: Vec::new(),
    };
    parser.run()?;
    Ok(parser.level.close().hir)
}

#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    ignore_case: bool,
    multi_line: bool,
    dot_matches_newline: bool,
}

/// An expression, and what its limits are counted by.
#[derive(Debug)]
struct Item {
    hir: Hir,
    /// The largest product of counts inside each other.
    repeats: u32,
    height: u32,
}

impl Item {
    fn leaf(hir: Hir) -> Self {
        Self {
            hir,
            repeats: 1,
            height: 1,
        }
    }

    /// One expression of several, which `join` makes.
    fn of(mut parts: Vec<Self>, join: fn(Vec<Hir>) -> Hir) -> Self {
        if parts.len() == 1
            && let Some(only) = parts.pop()
        {
            return only;
        }
        let largest = |count: fn(&Self) -> u32| parts.iter().map(count).max();
        let repeats = largest(|part| part.repeats).unwrap_or(1);
        let height = largest(|part| part.height).map_or(1, |height| height + 1);
        Self {
            hir: join(parts.into_iter().map(|part| part.hir).collect()),
            repeats,
            height,
        }
    }
}

/// The inside of a group, or of the whole pattern.
#[derive(Debug, Default)]
struct Level {
    /// What stands before the last `|`.
    branches: Vec<Item>,
    /// What stands after it.
    items: Vec<Item>,
}

impl Level {
    fn end_branch(&mut self) {
        let items = std::mem::take(&mut self.items);
        self.branches.push(Item::of(items, Hir::concat));
    }

    fn close(mut self) -> Item {
        self.end_branch();
        Item::of(self.branches, Hir::alternation)
    }
}

/// A group that is not closed yet.
#[derive(Debug)]
struct Outer {
    level: Level,
    flags: Flags,
    is_capture: bool,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    flags: Flags,
    level: Level,
    outer: Vec<Outer>,
}

impl<'a> Parser<'a> {
    fn run(&mut self) -> Result<()> {
        // Where the operator begins that has just been read.
        let mut operator = None;
        while let Some(c) = self.peek() {
            let start = self.at;
            let before = operator.take();
            match c {
                '*' | '+' | '?' => {
                    self.bump();
                    let (min, max) = match c {
                        '*' => (0, None),
                        '+' => (1, None),
                        _ => (0, Some(1)),
                    };
                    self.repeat(start, before, min, max)?;
                    operator = Some(start);
                }
                '{' => {
                    if let Some((min, max)) = self.count()? {
                        self.repeat(start, before, min, max)?;
                        operator = Some(start);
                    } else {
                        self.bump();
                        self.literal(u32::from('{'))?;
                    }
                }
                _ => self.item(c)?,
            }
        }
        if self.outer.is_empty() {
            Ok(())
        } else {
            Err(self.whole(Fault::GroupUnclosed))
        }
    }

    /// Reads anything but an operator.
    fn item(&mut self, c: char) -> Result<()> {
        let Flags {
            multi_line,
            dot_matches_newline,
            ..
        } = self.flags;
        match c {
            '[' => {
                let class = self.class()?;
                return self.push_class(class);
            }
            '\\' => return self.escape(),
            _ => {}
        }
        if c == '(' && self.rest().starts_with("(?") {
            return self.flags_or_group();
        }
        self.bump();
        match c {
            '(' => {
                self.open(true);
                Ok(())
            }
            ')' => self.close(),
            '|' => {
                self.level.end_branch();
                Ok(())
            }
            '^' if multi_line => self.push(Hir::look(Look::StartLF)),
            '^' => self.push(Hir::look(Look::Start)),
            '$' if multi_line => self.push(Hir::look(Look::EndLF)),
            '$' => self.push(Hir::look(Look::End)),
            '.' if dot_matches_newline => self.push(Hir::dot(Dot::AnyChar)),
            '.' => self.push(Hir::dot(Dot::AnyCharExceptLF)),
            other => self.literal(u32::from(other)),
        }
    }

    fn push_item(&mut self, item: Item) -> Result<()> {
        if item.height > MAX_HEIGHT {
            return Err(self.whole(Fault::TooDeep));
        }
        self.level.items.push(item);
        Ok(())
    }

    fn push(&mut self, hir: Hir) -> Result<()> {
        self.push_item(Item::leaf(hir))
    }

    fn push_class(&mut self, class: ClassUnicode) -> Result<()> {
        self.push(Hir::class(Class::Unicode(class)))
    }

    fn literal(&mut self, code_point: u32) -> Result<()> {
        match char::from_u32(code_point) {
            Some(c) if !self.flags.ignore_case => {
                self.push(Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes()))
            }
            _ => {
                let class = self.folded(class::range(code_point, code_point));
                self.push_class(class)
            }
        }
    }

    /// With all the cases of its characters, if case is ignored.
    fn folded(&self, mut class: ClassUnicode) -> ClassUnicode {
        if self.flags.ignore_case {
            class.case_fold_simple();
        }
        class
    }

    // Groups.

    fn open(&mut self, is_capture: bool) {
        self.outer.push(Outer {
            level: std::mem::take(&mut self.level),
            flags: self.flags,
            is_capture,
        });
    }

    fn close(&mut self) -> Result<()> {
        let Some(outer) = self.outer.pop() else {
            return Err(self.whole(Fault::GroupUnopened));
        };
        let mut item = std::mem::replace(&mut self.level, outer.level).close();
        self.flags = outer.flags;
        item.height += u32::from(outer.is_capture);
        self.push_item(item)
    }

    /// Reads what begins with `(?`: a named group, flags, or a group with flags.
    fn flags_or_group(&mut self) -> Result<()> {
        let (start, rest) = (self.at, self.rest());
        for (opening, shortest) in [("(?P<", 5), ("(?<", 4)] {
            let Some(named) = rest.strip_prefix(opening) else {
                continue;
            };
            if rest.len() < shortest {
                continue;
            }
            let Some((name, _)) = named.split_once('>') else {
                return Err(InvalidPattern::new(Fault::GroupName, rest));
            };
            self.at += opening.len() + name.len() + 1;
            let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            if name.is_empty() || !name.bytes().all(is_name) {
                return Err(self.since(start, Fault::GroupName));
            }
            self.open(true);
            return Ok(());
        }
        self.at += "(?".len();
        let mut flags = self.flags;
        // What a letter does, and whether one has been seen since it does that.
        let (mut on, mut seen) = (true, false);
        while let Some(c) = self.bump() {
            match c {
                'i' => flags.ignore_case = on,
                'm' => flags.multi_line = on,
                's' => flags.dot_matches_newline = on,
                'U' => {}
                '-' if on => {
                    (on, seen) = (false, false);
                    continue;
                }
                ':' | ')' if on || seen => {
                    if c == ':' {
                        self.open(false);
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => break,
            }
            seen = true;
        }
        Err(self.since(start, Fault::PerlSyntax))
    }

    // Repetition.

    /// Reads `{n}`, `{n,}` or `{n,m}`; anything else that begins with a brace is `None`.
    fn count(&mut self) -> Result<Option<(u32, Option<u32>)>> {
        let Some((inside, _)) = self
            .rest()
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'))
        else {
            return Ok(None);
        };
        let is_number = |text: &str| {
            let has_leading_zero = text.len() > 1 && text.starts_with('0');
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && !has_leading_zero
        };
        let (low, high) = inside.split_once(',').unwrap_or((inside, inside));
        let is_open = high.is_empty() && inside.ends_with(',');
        if !is_number(low) || !(is_open || is_number(high)) {
            return Ok(None);
        }
        let start = self.at;
        self.at += inside.len() + "{}".len();
        let read = |text: &str| text.parse().ok().filter(|&count| count <= MAX_REPEATS);
        let counts = match (read(low), read(high)) {
            (Some(low), None) if is_open => Some((low, None)),
            (Some(low), Some(high)) if low <= high => Some((low, Some(high))),
            _ => None,
        };
        counts
            .map(Some)
            .ok_or_else(|| self.since(start, Fault::RepeatCount))
    }

    /// Repeats the last item; `start` is where the operator begins, `before` where one does that
    /// stands right before it.
    fn repeat(
        &mut self,
        start: usize,
        before: Option<usize>,
        min: u32,
        max: Option<u32>,
    ) -> Result<()> {
        if self.peek() == Some('?') {
            self.bump();
        }
        if let Some(before) = before {
            return Err(self.since(before, Fault::NestedRepeat));
        }
        let Some(item) = self.level.items.pop() else {
            return Err(self.since(start, Fault::RepeatsNothing));
        };
        let is_count = self.slice(start, self.at).starts_with('{');
        let repeats = match (is_count, max.unwrap_or(min)) {
            (false, _) => item.repeats,
            // What is never there does not count.
            (true, 0) if max.is_some() => 1,
            (true, times) => item.repeats.saturating_mul(times.max(1)),
        };
        if is_count && min.max(max.unwrap_or(0)) >= 2 && repeats > MAX_REPEATS {
            return Err(self.since(start, Fault::RepeatCount));
        }
        self.push_item(Item {
            hir: Hir::repetition(Repetition {
                min,
                max,
                greedy: true,
                sub: Box::new(item.hir),
            }),
            repeats,
            height: item.height + 1,
        })
    }

    // The text.

    fn rest(&self) -> &'a str {
        self.slice(self.at, self.text.len())
    }

    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// The fault of what has been read since `start`.
    fn since(&self, start: usize, fault: Fault) -> InvalidPattern {
        InvalidPattern::new(fault, self.slice(start, self.at))
    }

    fn whole(&self, fault: Fault) -> InvalidPattern {
        InvalidPattern::new(fault, self.text)
    }
}

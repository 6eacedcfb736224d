//! What is wrong with an expression, and where, as cel-go prints it.
//!
//! Issues end up in conditions and events, so the text is cel-go's to the letter: a line with place and
//! message, the line of the source, and a mark below the column.
//! Source: cel-go `common/error.go`, `common/errors.go` (0.27).

use std::fmt::{self, Write as _};

/// How many issues are told; the rest is counted.
const MAX_ISSUES: usize = 100;

/// The longest line of source that is shown, in bytes.
const MAX_SNIPPET: usize = 16_384;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issue {
    /// Where; nothing if it is about the source as a whole.
    pub(crate) place: Option<Place>,
    pub(crate) message: String,
}

/// Where in the source. Both count from where cel-go counts: lines from 1, columns, in characters, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Place {
    /// The place of the character at `position`.
    pub(crate) fn of(source: &str, position: usize) -> Self {
        let mut place = Self { line: 1, column: 0 };
        for character in source.chars().take(position) {
            if character == '\n' {
                place = Self {
                    line: place.line + 1,
                    column: 0,
                };
            } else {
                place.column += 1;
            }
        }
        place
    }
}

/// Everything that is wrong with a source, in the order of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issues {
    source: Box<str>,
    told: Vec<Issue>,
    /// How many are not told.
    more: usize,
}

impl Issues {
    pub(crate) fn new(source: &str, mut issues: Vec<Issue>) -> Self {
        let more = issues.len().saturating_sub(MAX_ISSUES);
        issues.truncate(MAX_ISSUES);
        issues.sort_by_key(|issue| issue.place);
        Self {
            source: source.into(),
            told: issues,
            more,
        }
    }
}

impl fmt::Display for Issues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, issue) in self.told.iter().enumerate() {
            if index > 0 {
                f.write_char('\n')?;
            }
            let Some(Place { line, column }) = issue.place else {
                write!(f, "ERROR: <input>:-1:0: {}", issue.message)?;
                continue;
            };
            // cel-go's column of an empty source is -1, and there is no line to show.
            if self.source.is_empty() {
                write!(f, "ERROR: <input>:{line}:{column}: {}", issue.message)?;
                continue;
            }
            write!(f, "ERROR: <input>:{line}:{}: {}", column + 1, issue.message)?;
            let text = self.source.split('\n').nth(line.saturating_sub(1));
            if let Some(text) = text.filter(|text| text.len() <= MAX_SNIPPET) {
                mark(f, &text.replace('\t', " "), column)?;
            }
        }
        if self.more > 0 {
            write!(f, "\n{} more errors were truncated", self.more)?;
        }
        Ok(())
    }
}

/// The line, and a mark below its `column`; wide characters get wide dots.
fn mark(f: &mut fmt::Formatter<'_>, text: &str, column: usize) -> fmt::Result {
    write!(f, "\n | {text}\n | ")?;
    let mut characters = text.chars();
    for character in characters.by_ref().take(column) {
        f.write_char(if character.is_ascii() {
            '.'
        } else {
            '\u{ff0e}'
        })?;
    }
    let wide = characters
        .next()
        .is_some_and(|character| !character.is_ascii());
    f.write_char(if wide { '\u{ff3e}' } else { '^' })
}

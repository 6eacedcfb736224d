//! How deep an expression nests, told from its text.
//!
//! The parser and everything behind it recurse, so a source is measured before it is parsed. The measure is an upper
//! bound of the depth of the tree: open brackets, pending `?:`, and in each of them the longest chain of
//! operators and selections. `&&` and `||` end a chain, because the parser balances them.

/// An upper bound of the depth of the tree of `source`.
pub(crate) fn measure(source: &str) -> usize {
    let mut scan = Scan {
        rest: source,
        levels: vec![Level::default()],
        deepest: 0,
    };
    scan.run();
    scan.deepest
}

/// What is open at one level of brackets.
#[derive(Default)]
struct Level {
    conditionals: usize,
    operators: usize,
    selections: usize,
}

impl Level {
    const fn depth(&self) -> usize {
        1 + self.conditionals + self.operators + self.selections
    }
}

struct Scan<'a> {
    rest: &'a str,
    levels: Vec<Level>,
    deepest: usize,
}

impl Scan<'_> {
    fn run(&mut self) {
        // The depth of all levels but the last.
        let mut below = 0;
        // Whether a question mark would mark an optional: after an opening bracket, a comma or a dot.
        let mut opens = true;
        let mut word = "";
        while let Some(character) = self.rest.chars().next() {
            let length = match character {
                '"' | '\'' => string_length(self.rest, is_raw(word)).unwrap_or(1),
                '/' if self.rest.starts_with("//") => {
                    self.rest.find('\n').unwrap_or(self.rest.len())
                }
                letter if letter.is_ascii_alphanumeric() || letter == '_' => {
                    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
                    self.rest.find(|c| !is_letter(c)).unwrap_or(self.rest.len())
                }
                '&' | '|' if self.rest.starts_with("&&") || self.rest.starts_with("||") => 2,
                other => other.len_utf8(),
            };
            let (token, rest) = self
                .rest
                .split_at_checked(length)
                .unwrap_or((self.rest, ""));
            self.rest = rest;
            let nested = self.levels.len() > 1;
            let Some(level) = self.levels.last_mut() else {
                return;
            };
            match token {
                "(" | "[" | "{" => {
                    level.selections += 1;
                    below += level.depth();
                    self.levels.push(Level::default());
                }
                ")" | "]" | "}" if nested => {
                    self.levels.pop();
                    below -= self.levels.last().map_or(0, Level::depth);
                }
                "." => level.selections += 1,
                "," => *level = Level::default(),
                "&&" | "||" | ":" => {
                    level.operators = 0;
                    level.selections = 0;
                }
                "?" if !opens => {
                    level.conditionals += 1;
                    level.operators = 0;
                    level.selections = 0;
                }
                "+" | "-" | "*" | "/" | "%" | "<" | ">" | "=" | "!" | "in" => {
                    level.operators += 1;
                    level.selections = 0;
                }
                _ => {}
            }
            let depth = below + self.levels.last().map_or(0, Level::depth);
            self.deepest = self.deepest.max(depth);
            if !token.trim().is_empty() {
                opens = matches!(token, "(" | "[" | "{" | "," | ".");
            }
            word = token;
        }
    }
}

/// Whether a string after this word takes backslashes as they are.
fn is_raw(word: &str) -> bool {
    matches!(word, "r" | "R" | "br" | "bR" | "Br" | "BR")
}

/// How long the string at the start of a text is; nothing if the lexer would not take it.
fn string_length(text: &str, raw: bool) -> Option<usize> {
    let quote = text.get(..1)?;
    let triple = quote.repeat(3);
    if text.starts_with(&triple)
        && let Some(length) = closed_by(text, &triple, raw, true)
    {
        return Some(length);
    }
    closed_by(text, quote, raw, false)
}

fn closed_by(text: &str, quote: &str, raw: bool, lines: bool) -> Option<usize> {
    let mut rest = text.strip_prefix(quote)?;
    loop {
        if let Some(rest) = rest.strip_prefix(quote) {
            return Some(text.len() - rest.len());
        }
        let character = rest.chars().next()?;
        rest = match character {
            '\n' | '\r' if !lines => return None,
            '\\' if !raw => after_escape(rest.get(1..)?)?,
            other => rest.get(other.len_utf8()..)?,
        };
    }
}

/// What comes after an escape, from behind its backslash.
fn after_escape(text: &str) -> Option<&str> {
    let letter = text.chars().next()?;
    let rest = text.get(letter.len_utf8()..)?;
    let digits = |count: usize, radix: u32| {
        let (digits, rest) = rest.split_at_checked(count)?;
        digits.chars().all(|c| c.is_digit(radix)).then_some(rest)
    };
    match letter {
        'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '"' | '\'' | '\\' | '?' | '`' => Some(rest),
        'x' | 'X' => digits(2, 16),
        'u' => digits(4, 16),
        'U' => digits(8, 16),
        '0'..='3' => digits(2, 8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::measure;

    #[test]
    fn bounds_the_depth() {
        for (source, depth) in [
            ("a", 1),
            ("a.b.c", 3),
            ("a + b.c + d", 3),
            ("a.b && c.d || e.f", 2),
            ("[1, 2, [3]]", 5),
            ("a ? b : c ? d : e", 3),
            ("a.?b.?c[?d]", 5),
            (r#"'a.b.c.d((((' == "...""#, 3),
            ("r'\\' + a", 2),
            ("// ((((\na", 1),
            // No strings: the lexer goes on behind the quote.
            ("'((((", 9),
            ("'\\q(((('", 9),
        ] {
            assert_eq!(measure(source), depth, "{source}");
        }
    }
}

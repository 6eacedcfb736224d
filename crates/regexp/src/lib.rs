//! Go's regular expressions on Rust's engine.
//!
//! Rust's classes are Unicode where Go's are ASCII, and `[`, `&&`, `--` and `~~` mean set operations
//! inside a class where Go takes them as they are; `\Q…\E` and `\z` exist in Go only. A pattern is
//! rewritten before it is compiled.
//! Source: <https://github.com/google/re2/wiki/Syntax>.

use std::iter::Peekable;
use std::str::Chars;

use regex_automata::meta::Regex;

/// The largest compiled pattern, in bytes.
const SIZE_LIMIT: usize = 1 << 20;

/// A pattern that does not compile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {fault}: `{text}`")]
pub struct InvalidPattern {
    text: String,
    fault: &'static str,
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Pattern(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Any,
    Literal(Box<str>),
    Regex(Box<Regex>),
}

impl Pattern {
    /// Compiles a pattern that may match anywhere.
    ///
    /// # Errors
    /// When Go would not compile it, or it is too large.
    pub fn new(text: &str) -> Result<Self, InvalidPattern> {
        let config = regex_automata::meta::Config::new().nfa_size_limit(Some(SIZE_LIMIT));
        let regex = Regex::builder()
            .configure(config)
            .build(&translate(text))
            .map_err(|_| InvalidPattern {
                text: text.to_owned(),
                fault: fault(&translate(text)),
            })?;
        Ok(Self(Kind::Regex(Box::new(regex))))
    }

    /// Compiles a pattern that must match the whole text; an empty one matches anything.
    ///
    /// # Errors
    /// As [`Pattern::new`].
    pub fn anchored(text: &str) -> Result<Self, InvalidPattern> {
        if text.is_empty() {
            return Ok(Self(Kind::Any));
        }
        if text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/'))
        {
            return Ok(Self(Kind::Literal(text.into())));
        }
        Self::new(&format!("^(?:{text})$"))
    }

    /// Whether the pattern is found in a text.
    pub fn is_match(&self, text: &str) -> bool {
        match &self.0 {
            Kind::Any => true,
            Kind::Literal(literal) => &**literal == text,
            Kind::Regex(regex) => regex.is_match(text),
        }
    }
}

/// What Go says of a pattern that does not compile.
fn fault(pattern: &str) -> &'static str {
    use regex_syntax::ast::ErrorKind;
    let Err(regex_syntax::Error::Parse(error)) = regex_syntax::parse(pattern) else {
        return "expression too large";
    };
    match error.kind() {
        ErrorKind::GroupUnclosed => "missing closing )",
        ErrorKind::GroupUnopened => "unexpected )",
        ErrorKind::ClassUnclosed => "missing closing ]",
        ErrorKind::ClassRangeInvalid => "invalid character class range",
        ErrorKind::EscapeUnexpectedEof => "trailing backslash at end of expression",
        ErrorKind::RepetitionMissing => "missing argument to repetition operator",
        ErrorKind::RepetitionCountInvalid => "invalid repeat count",
        ErrorKind::UnsupportedLookAround => "invalid or unsupported Perl syntax",
        _ => "invalid escape sequence",
    }
}

/// Rewrites Go's syntax into Rust's.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(&mut chars, &mut out, false),
            '[' => class(&mut chars, &mut out),
            // A brace that begins no count is itself.
            '{' if !begins_count(chars.clone()) => out.push_str(r"\{"),
            other => out.push(other),
        }
    }
    out
}

/// Whether what follows a brace makes it a count: `n}`, `n,}` or `n,m}`, without leading zeros.
fn begins_count(mut chars: Peekable<Chars<'_>>) -> bool {
    let mut number = || {
        let first = chars.next_if(char::is_ascii_digit);
        let mut length = usize::from(first.is_some());
        while chars.next_if(char::is_ascii_digit).is_some() {
            length += 1;
        }
        (length, first == Some('0') && length > 1, chars.next())
    };
    match number() {
        (1.., false, Some('}')) => true,
        (1.., false, Some(',')) => matches!(number(), (_, false, Some('}'))),
        _ => false,
    }
}

fn escape(chars: &mut Peekable<Chars<'_>>, out: &mut String, in_class: bool) {
    match chars.next() {
        Some('d') => out.push_str(if in_class { "0-9" } else { "[0-9]" }),
        Some('D') => out.push_str("[^0-9]"),
        Some('w') => out.push_str(if in_class {
            "0-9A-Za-z_"
        } else {
            "[0-9A-Za-z_]"
        }),
        Some('W') => out.push_str("[^0-9A-Za-z_]"),
        Some('s') => out.push_str(if in_class {
            r"\t\n\f\r "
        } else {
            r"[\t\n\f\r ]"
        }),
        Some('S') => out.push_str(r"[^\t\n\f\r ]"),
        Some('b') if !in_class => out.push_str(r"(?-u:\b)"),
        Some('Q') if !in_class => quoted(chars, out),
        Some(other) => {
            out.push('\\');
            out.push(other);
            // The braces of a class or of a code point.
            if matches!(other, 'p' | 'P' | 'x') && chars.peek() == Some(&'{') {
                for c in chars.by_ref() {
                    out.push(c);
                    if c == '}' {
                        break;
                    }
                }
            }
        }
        None => out.push('\\'),
    }
}

fn quoted(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    while let Some(c) = chars.next() {
        if c == '\\' && chars.peek() == Some(&'E') {
            chars.next();
            return;
        }
        if !c.is_alphanumeric() && c != '_' && c.is_ascii() {
            out.push('\\');
        }
        out.push(c);
    }
}

fn class(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    out.push('[');
    if chars.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    // A bracket right at the start is itself.
    if chars.next_if_eq(&']').is_some() {
        out.push_str(r"\]");
    }
    while let Some(c) = chars.next() {
        match c {
            ']' => {
                out.push(']');
                return;
            }
            '\\' => escape(chars, out, true),
            '[' if chars.peek() == Some(&':') => {
                out.push('[');
                for c in chars.by_ref() {
                    out.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            '[' | '&' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '-' if chars.peek() == Some(&'-') => out.push_str(r"\-"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn matches_as_go_does() {
        for (pattern, text, want) in [
            ("a.*", "abc", true),
            ("a|b", "ab", false),
            (r"\d+", "12", true),
            (r"\d+", "١٢", false),
            (r"[\w-]+", "a-b_c", true),
            (r"\Qa.b\E", "a.b", true),
            (r"\Qa.b\E", "axb", false),
            ("[[:alpha:]]+", "ab", true),
            ("[a&&b]+", "a&b", true),
            ("", "anything", true),
            ("^web$", "web", true),
            (r"\${NAME}-x", "${NAME}-x", true),
            ("a{2}", "aa", true),
            ("a{1,}b{1,2}", "aabb", true),
            ("a{,2}", "a{,2}", true),
            ("a{02}", "a{02}", true),
            ("a{", "a{", true),
            (r"\p{Greek}\x{61}", "αa", true),
        ] {
            let compiled = Pattern::anchored(pattern).unwrap();
            assert_eq!(compiled.is_match(text), want, "{pattern} on {text}");
        }
        assert!(Pattern::new("(").is_err());
    }
}

//! Go's regular expressions on Rust's engine.
//!
//! A pattern is read by Go's rules, which gives Go's error messages, and rewritten on the way: Rust's classes are
//! Unicode where Go's are ASCII, and `[`, `&&`, `--` and `~~` mean set operations inside a class where Go
//! takes them as they are; `\Q…\E` and octal escapes exist in Go only.
//! Source: <https://github.com/google/re2/wiki/Syntax>; Go `regexp/syntax`, with Perl's flags.

use std::fmt;

use regex_automata::meta::{Config, Regex};
use regex_automata::nfa::thompson;

/// The largest compiled pattern, in bytes.
pub(crate) const SIZE_LIMIT: usize = 1 << 20;

/// The highest count of a repetition.
const MAX_REPEAT: u32 = 1000;

/// A compiled pattern, which may match anywhere in a text.
#[derive(Debug)]
pub(crate) struct Pattern {
    regex: Regex,
    states: usize,
}

/// A pattern that does not compile. Its text is Go's.
#[derive(Debug)]
pub(crate) enum InvalidPattern {
    /// Go would not take it.
    Syntax(String),
    /// Its compiled form is too large.
    Size(String),
}

impl Pattern {
    /// Compiles a pattern.
    pub(crate) fn new(text: &str) -> Result<Self, InvalidPattern> {
        let mut translation = Translation::new(text);
        translation.run().map_err(InvalidPattern::Syntax)?;
        let pattern = &translation.out;
        let too_large = || InvalidPattern::Size(text.to_owned());
        let states = thompson::NFA::compiler()
            .configure(thompson::Config::new().nfa_size_limit(Some(SIZE_LIMIT)))
            .build(pattern)
            .map_err(|_| too_large())?
            .states()
            .len();
        let regex = Regex::builder()
            .configure(Config::new().nfa_size_limit(Some(SIZE_LIMIT)))
            .build(pattern)
            .map_err(|_| too_large())?;
        Ok(Self { regex, states })
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// In bytes.
    pub(crate) fn size(&self) -> usize {
        self.regex.memory_usage()
    }

    /// How many states a search may have to keep at each byte.
    pub(crate) fn states(&self) -> usize {
        self.states
    }
}

impl InvalidPattern {
    /// Whether much was done before it was given up.
    pub(crate) const fn is_size(&self) -> bool {
        matches!(self, Self::Size(_))
    }
}

impl fmt::Display for InvalidPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(problem) => write!(f, "error parsing regexp: {problem}"),
            Self::Size(text) => write!(f, "error parsing regexp: expression too large: `{text}`"),
        }
    }
}

struct Translation<'a> {
    whole: &'a str,
    /// What is not read yet.
    rest: &'a str,
    out: String,
    /// How many groups are open.
    groups: usize,
    /// What a repetition would repeat.
    last: Last<'a>,
}

/// What stands before a repetition.
#[derive(Clone, Copy)]
enum Last<'a> {
    Nothing,
    Atom,
    /// A repetition, and the text from where it begins.
    Repeat(&'a str),
}

type Step = Result<(), String>;

impl<'a> Translation<'a> {
    fn new(whole: &'a str) -> Self {
        Self {
            whole,
            rest: whole,
            out: String::with_capacity(whole.len() + 8),
            groups: 0,
            last: Last::Nothing,
        }
    }

    fn run(&mut self) -> Step {
        while let Some(character) = self.next() {
            match character {
                '(' => self.open()?,
                ')' => {
                    if self.groups == 0 {
                        return Err(format!("unexpected ): `{}`", self.whole));
                    }
                    self.groups -= 1;
                    self.atom(")");
                }
                '|' => {
                    self.out.push('|');
                    self.last = Last::Nothing;
                }
                '*' | '+' | '?' => self.repeat(character)?,
                '{' => self.count()?,
                '[' => self.class()?,
                '\\' => self.escape()?,
                '^' | '$' | '.' => self.atom(character.encode_utf8(&mut [0; 4])),
                literal => self.literal(literal),
            }
        }
        if self.groups > 0 {
            return Err(format!("missing closing ): `{}`", self.whole));
        }
        Ok(())
    }

    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next();
        self.rest = characters.as_str();
        next
    }

    fn skip(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// The text from where the remaining one is `length` bytes longer up to where reading stands.
    fn since(&self, rest: &'a str) -> &'a str {
        rest.get(..rest.len() - self.rest.len()).unwrap_or(rest)
    }

    fn atom(&mut self, text: &str) {
        self.out.push_str(text);
        self.last = Last::Atom;
    }

    fn literal(&mut self, character: char) {
        push_literal(&mut self.out, character);
        self.last = Last::Atom;
    }

    /// After an opening parenthesis.
    fn open(&mut self) -> Step {
        if !self.skip("?") {
            self.groups += 1;
            self.out.push('(');
            self.last = Last::Nothing;
            return Ok(());
        }
        if self.rest.starts_with("P<") || self.rest.starts_with('<') {
            return self.named();
        }
        let start = self.rest;
        while let Some(flag) = self.next() {
            match flag {
                'i' | 'm' | 's' | 'U' | '-' => {}
                ')' | ':' => {
                    self.out.push_str("(?");
                    let flags = self.since(start).to_owned();
                    self.out.push_str(&flags);
                    if flag == ':' {
                        self.groups += 1;
                    }
                    self.last = Last::Nothing;
                    return Ok(());
                }
                _ => break,
            }
        }
        let flags = self.since(start);
        if self.rest.is_empty() && !flags.ends_with(|c: char| !"imsU-".contains(c)) {
            return Err(format!("missing closing ): `{}`", self.whole));
        }
        Err(format!("invalid or unsupported Perl syntax: `(?{flags}`"))
    }

    /// A group with a name, after the question mark.
    fn named(&mut self) -> Step {
        let start = self.rest;
        self.skip("P");
        self.skip("<");
        let Some((name, rest)) = self.rest.split_once('>') else {
            return Err(format!("invalid named capture: `(?{start}`"));
        };
        self.rest = rest;
        let valid = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(valid) {
            return Err(format!("invalid named capture: `(?{}`", self.since(start)));
        }
        // Nobody asks for the name, and Rust does not take all that Go does.
        self.out.push('(');
        self.groups += 1;
        self.last = Last::Nothing;
        Ok(())
    }

    fn repeat(&mut self, operator: char) -> Step {
        let rest = self.rest_with(operator);
        self.skip("?");
        self.repetition(rest)
    }

    /// The text from the character just read.
    fn rest_with(&self, character: char) -> &'a str {
        let start = self.whole.len() - self.rest.len() - character.len_utf8();
        self.whole.get(start..).unwrap_or_default()
    }

    /// A repetition that begins at `rest` and ends where reading stands.
    fn repetition(&mut self, rest: &'a str) -> Step {
        let text = self.since(rest);
        match self.last {
            Last::Nothing => Err(format!("missing argument to repetition operator: `{text}`")),
            Last::Repeat(before) => Err(format!(
                "invalid nested repetition operator: `{}`",
                self.since(before)
            )),
            Last::Atom => {
                self.out.push_str(text);
                self.last = Last::Repeat(rest);
                Ok(())
            }
        }
    }

    /// After an opening brace, which is a literal if it is no count.
    fn count(&mut self) -> Step {
        let rest = self.rest_with('{');
        let Some((low, high, after)) = read_count(self.rest) else {
            self.literal('{');
            return Ok(());
        };
        self.rest = after;
        let too_high = |count: Option<u32>| count.is_none_or(|count| count > MAX_REPEAT);
        let bad = too_high(low)
            || high.is_some_and(|high| too_high(high) || low.zip(high).is_some_and(|(l, h)| l > h));
        if bad {
            return Err(format!("invalid repeat count: `{}`", self.since(rest)));
        }
        self.skip("?");
        self.repetition(rest)
    }

    /// After an opening bracket.
    fn class(&mut self) -> Step {
        let whole = self.rest_with('[');
        self.out.push('[');
        if self.skip("^") {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            if !first && self.skip("]") {
                self.out.push(']');
                self.last = Last::Atom;
                return Ok(());
            }
            first = false;
            let start = self.rest;
            if start.is_empty() {
                return Err(format!("missing closing ]: `{whole}`"));
            }
            if let Some((name, rest)) = start.strip_prefix("[:").and_then(|s| s.split_once(":]")) {
                self.rest = rest;
                if !is_class(name.strip_prefix('^').unwrap_or(name)) {
                    return Err(format!(
                        "invalid character class range: `{}`",
                        self.since(start)
                    ));
                }
                let text = self.since(start);
                self.out.push_str(text);
                continue;
            }
            let Some(low) = self.member(whole)? else {
                continue;
            };
            let is_range =
                self.rest.starts_with('-') && self.rest.len() > 1 && !self.rest.starts_with("-]");
            if !is_range {
                push_literal(&mut self.out, low);
                continue;
            }
            self.skip("-");
            let high = self.member(whole)?;
            match high {
                Some(high) if low <= high => {
                    push_literal(&mut self.out, low);
                    self.out.push('-');
                    push_literal(&mut self.out, high);
                }
                _ => {
                    let range = self.since(start);
                    return Err(format!("invalid character class range: `{range}`"));
                }
            }
        }
    }

    /// One member of a class; nothing if it was a class itself, which is written already.
    fn member(&mut self, whole: &str) -> Result<Option<char>, String> {
        let Some(character) = self.next() else {
            return Err(format!("missing closing ]: `{whole}`"));
        };
        if character != '\\' {
            return Ok(Some(character));
        }
        match self.rest.chars().next() {
            Some(letter @ ('d' | 'D' | 'w' | 'W' | 's' | 'S')) => {
                self.next();
                self.out.push_str(perl_class(letter));
                Ok(None)
            }
            Some('p' | 'P') => {
                self.property()?;
                Ok(None)
            }
            _ => self.escaped().map(Some),
        }
    }

    /// After a backslash outside a class.
    fn escape(&mut self) -> Step {
        match self.rest.chars().next() {
            Some(letter @ ('d' | 'D' | 'w' | 'W' | 's' | 'S')) => {
                self.next();
                self.atom(perl_class(letter));
            }
            Some('p' | 'P') => {
                self.property()?;
                self.last = Last::Atom;
            }
            Some(letter @ ('A' | 'z' | 'B')) => {
                self.next();
                self.out.push('\\');
                self.atom(letter.encode_utf8(&mut [0; 4]));
            }
            Some('b') => {
                self.next();
                self.atom(r"(?-u:\b)");
            }
            Some('Q') => {
                self.next();
                let (quoted, rest) = self.rest.split_once(r"\E").unwrap_or((self.rest, ""));
                self.rest = rest;
                for character in quoted.chars() {
                    self.literal(character);
                }
            }
            _ => {
                let character = self.escaped()?;
                self.literal(character);
            }
        }
        Ok(())
    }

    /// `\pN`, `\p{Name}`, `\P{Name}`, before the letter.
    fn property(&mut self) -> Step {
        let start = self.rest;
        self.next();
        if self.skip("{") {
            let Some((_, rest)) = self.rest.split_once('}') else {
                return Err(format!("invalid character class range: `\\{start}`"));
            };
            self.rest = rest;
        } else {
            self.next();
        }
        let text = self.since(start);
        // Go has categories and scripts only, and Rust knows them all.
        if Regex::new(&format!("\\{text}")).is_err() {
            return Err(format!("invalid character class range: `\\{text}`"));
        }
        self.out.push('\\');
        self.out.push_str(text);
        Ok(())
    }

    /// A character that is written with a backslash, before its letter.
    fn escaped(&mut self) -> Result<char, String> {
        let start = self.rest;
        let Some(letter) = self.next() else {
            return Err("trailing backslash at end of expression: ``".to_owned());
        };
        let character = match letter {
            'a' => Some('\u{7}'),
            'f' => Some('\u{c}'),
            't' => Some('\t'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            'v' => Some('\u{b}'),
            'x' => self.hexadecimal(),
            // A single digit other than 0 would be a back reference.
            '0' => Some(self.octal(0)),
            '1'..='7' if self.rest.starts_with(|c: char| ('0'..='7').contains(&c)) => {
                Some(self.octal(letter.to_digit(8).unwrap_or(0)))
            }
            other if other.is_ascii_alphanumeric() || !other.is_ascii() => None,
            punctuation => Some(punctuation),
        };
        character.ok_or_else(|| format!("invalid escape sequence: `\\{}`", self.since(start)))
    }

    fn octal(&mut self, first: u32) -> char {
        let mut code = first;
        for _ in 0..2 {
            let Some(digit) = self.rest.chars().next().and_then(|c| c.to_digit(8)) else {
                break;
            };
            self.next();
            code = code * 8 + digit;
        }
        char::from_u32(code).unwrap_or_default()
    }

    fn hexadecimal(&mut self) -> Option<char> {
        let digits = if self.skip("{") {
            let (digits, rest) = self.rest.split_once('}')?;
            self.rest = rest;
            digits
        } else {
            let (digits, rest) = self.rest.split_at_checked(2)?;
            self.rest = rest;
            digits
        };
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        char::from_u32(u32::from_str_radix(digits, 16).ok()?)
    }
}

/// Reads `n}`, `n,}` or `n,m}`: the counts, none if one is too large to be read, and what comes after.
type Count<'a> = (Option<u32>, Option<Option<u32>>, &'a str);

fn read_count(text: &str) -> Option<Count<'_>> {
    let number = |text: &str| {
        let valid = !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && (text.len() == 1 || !text.starts_with('0'));
        valid.then(|| text.parse().ok())
    };
    let (inside, rest) = text.split_once('}')?;
    match inside.split_once(',') {
        None => {
            let low = number(inside)?;
            Some((low, None, rest))
        }
        Some((low, "")) => Some((number(low)?, None, rest)),
        Some((low, high)) => Some((number(low)?, Some(number(high)?), rest)),
    }
}

fn push_literal(out: &mut String, character: char) {
    if character.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(character);
}

/// A class of Perl's, which is ASCII in Go.
const fn perl_class(letter: char) -> &'static str {
    match letter {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        's' => r"[\t\n\f\r ]",
        _ => r"[^\t\n\f\r ]",
    }
}

fn is_class(name: &str) -> bool {
    matches!(
        name,
        "alnum"
            | "alpha"
            | "ascii"
            | "blank"
            | "cntrl"
            | "digit"
            | "graph"
            | "lower"
            | "print"
            | "punct"
            | "space"
            | "upper"
            | "word"
            | "xdigit"
    )
}

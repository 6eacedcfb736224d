//! Constraints: alternatives (`||`) of conjunctions (space or comma) of comparisons.
//!
//! A prerelease satisfies a conjunction only if one of its comparisons has a prerelease too.

use super::Version;

/// A parsed constraint.
#[derive(Debug, Clone)]
pub struct Constraint {
    alternatives: Vec<Vec<Comparison>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Tilde,
    Caret,
}

/// Longer spellings first, so that a prefix never shadows them.
const OPERATORS: [(&str, Operator); 11] = [
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterEqual),
    ("=>", Operator::GreaterEqual),
    ("<=", Operator::LessEqual),
    ("=<", Operator::LessEqual),
    ("~>", Operator::Tilde),
    ("=", Operator::Equal),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
];

/// From which number on the comparison's version is left open (`1.x`, `1`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    Patch,
    Minor,
    Everything,
}

#[derive(Debug, Clone)]
struct Comparison {
    operator: Operator,
    version: Version,
    open: Open,
}

impl Constraint {
    /// Parses a constraint such as `>=1.2 <2 || ~3.0.x`.
    ///
    /// # Errors
    /// The text that Masterminds gives, such as `improper constraint: "x.y"`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = rewrite_ranges(text);
        let alternatives = text
            .split("||")
            .map(conjunction)
            .collect::<Result<Vec<_>, String>>()?;
        Ok(Self { alternatives })
    }

    /// Whether a version satisfies the constraint.
    ///
    /// ```
    /// use git::semver::{Constraint, Version};
    /// let constraint = Constraint::parse("^1.2").expect("constraint");
    /// assert!(Version::parse("1.9.0").is_some_and(|version| constraint.allows(&version)));
    /// assert!(Version::parse("1.9.0-rc.1").is_some_and(|version| !constraint.allows(&version)));
    /// ```
    pub fn allows(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|all| {
            let prereleases = all.iter().any(|one| !one.version.pre.is_empty());
            (version.pre.is_empty() || prereleases) && all.iter().all(|one| one.allows(version))
        })
    }
}

impl Comparison {
    fn allows(&self, version: &Version) -> bool {
        let ours = &self.version;
        match self.operator {
            Operator::Equal if self.open == Open::Nothing => version.cmp(ours).is_eq(),
            Operator::Equal | Operator::Tilde => self.tilde(version),
            Operator::NotEqual => self.not_equal(version),
            Operator::Greater => self.greater(version),
            Operator::Less => version < ours,
            Operator::GreaterEqual => version >= ours,
            Operator::LessEqual => self.less_equal(version),
            Operator::Caret => self.caret(version),
        }
    }

    fn not_equal(&self, version: &Version) -> bool {
        let ours = &self.version;
        match self.open {
            Open::Nothing => version.cmp(ours).is_ne(),
            Open::Minor => ours.major != version.major,
            Open::Patch => {
                ours.major != version.major
                    || ours.minor != version.minor
                    || super::compare_pre(&version.pre, &ours.pre).is_ne()
            }
            Open::Everything => {
                (ours.major, ours.minor, ours.patch)
                    != (version.major, version.minor, version.patch)
                    || version.cmp(ours).is_ne()
            }
        }
    }

    fn greater(&self, version: &Version) -> bool {
        let ours = &self.version;
        match self.open {
            Open::Nothing => version > ours,
            Open::Minor => version.major > ours.major,
            Open::Patch => (version.major, version.minor) > (ours.major, ours.minor),
            Open::Everything => version.major > ours.major || version > ours,
        }
    }

    fn less_equal(&self, version: &Version) -> bool {
        let ours = &self.version;
        match self.open {
            Open::Nothing => version <= ours,
            Open::Minor => version.major <= ours.major,
            Open::Patch | Open::Everything => {
                (version.major, version.minor) <= (ours.major, ours.minor)
            }
        }
    }

    fn tilde(&self, version: &Version) -> bool {
        let ours = &self.version;
        if version < ours {
            return false;
        }
        let zero = ours.major == 0 && ours.minor == 0 && ours.patch == 0;
        if zero && matches!(self.open, Open::Nothing | Open::Everything) {
            return true;
        }
        version.major == ours.major && (version.minor == ours.minor || self.open == Open::Minor)
    }

    fn caret(&self, version: &Version) -> bool {
        let ours = &self.version;
        if version < ours {
            return false;
        }
        if ours.major > 0 || self.open == Open::Minor {
            return version.major == ours.major;
        }
        if version.major > 0 {
            return false;
        }
        if ours.minor > 0 || self.open == Open::Patch {
            return version.minor == ours.minor;
        }
        version.minor == 0 && version.patch == ours.patch
    }
}

fn conjunction(text: &str) -> Result<Vec<Comparison>, String> {
    let improper = || format!("improper constraint: {text:?}");
    let mut rest = text.trim_start_matches(is_space);
    let mut spelled = Vec::new();
    loop {
        let (operator, after) = operator(rest);
        let after = after.trim_start_matches(is_space);
        let (version, after) = spelled_version(after).ok_or_else(improper)?;
        spelled.push((operator, version));
        let trimmed = after.trim_start_matches(is_space);
        if trimmed.is_empty() {
            break;
        }
        rest = match trimmed.strip_prefix(',') {
            Some(next) => next.trim_start_matches(is_space),
            None if trimmed.len() < after.len() => trimmed,
            None => return Err(improper()),
        };
    }
    // The whole is checked before any part, which decides between two messages.
    spelled
        .iter()
        .map(|(operator, version)| comparison(*operator, version))
        .collect()
}

fn operator(text: &str) -> (Operator, &str) {
    OPERATORS
        .iter()
        .find_map(|(spelling, operator)| Some((*operator, text.strip_prefix(spelling)?)))
        .unwrap_or((Operator::Equal, text))
}

/// A version as it stands in a constraint.
struct Spelled<'a> {
    whole: &'a str,
    numbers: Vec<&'a str>,
    /// With its dash, empty if there is none.
    pre: &'a str,
}

/// Takes the longest version off the front.
fn spelled_version(text: &str) -> Option<(Spelled<'_>, &str)> {
    let digit = |c: char| c.is_ascii_digit() || matches!(c, '|' | 'x' | 'X' | '*');
    let mut rest = text.strip_prefix('v').unwrap_or(text);
    let mut numbers = Vec::new();
    let (first, tail) = span(rest, digit)?;
    numbers.push(first);
    rest = tail;
    while numbers.len() < 3 {
        let Some((number, tail)) = rest.strip_prefix('.').and_then(|tail| span(tail, digit)) else {
            break;
        };
        numbers.push(number);
        rest = tail;
    }
    let (pre, rest) = suffix(rest, '-');
    let (_, rest) = suffix(rest, '+');
    let whole = text.strip_suffix(rest)?;
    Some((
        Spelled {
            whole,
            numbers,
            pre,
        },
        rest,
    ))
}

/// Splits a non-empty run off the front.
fn span(text: &str, member: impl Fn(char) -> bool) -> Option<(&str, &str)> {
    let end = text.find(|c| !member(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Splits `<mark>identifier(.identifier)*` off the front; the first part is empty if there is none.
fn suffix(text: &str, mark: char) -> (&str, &str) {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let Some((_, mut rest)) = text.strip_prefix(mark).and_then(|tail| span(tail, word)) else {
        return text.split_at(0);
    };
    while let Some((_, tail)) = rest.strip_prefix('.').and_then(|tail| span(tail, word)) {
        rest = tail;
    }
    text.split_at(text.len() - rest.len())
}

fn comparison(operator: Operator, spelled: &Spelled<'_>) -> Result<Comparison, String> {
    let number = |at: usize| spelled.numbers.get(at).copied().filter(|text| !is_x(text));
    let (text, open) = match (number(0), number(1), number(2)) {
        (None, ..) => (format!("0.0.0{}", spelled.pre), Open::Everything),
        (Some(major), None, _) => (format!("{major}.0.0{}", spelled.pre), Open::Minor),
        (Some(major), Some(minor), None) => {
            (format!("{major}.{minor}.0{}", spelled.pre), Open::Patch)
        }
        _ => (spelled.whole.to_owned(), Open::Nothing),
    };
    let version =
        Version::parse_loose(&text).ok_or_else(|| "constraint parser error".to_owned())?;
    Ok(Comparison {
        operator,
        version,
        open,
    })
}

fn is_x(text: &str) -> bool {
    matches!(text, "x" | "X" | "*")
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

/// Writes `1.2 - 1.4` as `>= 1.2, <= 1.4 `.
fn rewrite_ranges(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some((range, tail)) = range(rest) {
            out.push_str(&range);
            rest = tail;
        } else {
            let mut chars = rest.chars();
            out.extend(chars.next());
            rest = chars.as_str();
        }
    }
    out
}

fn range(text: &str) -> Option<(String, &str)> {
    let (from, rest) = spelled_version(text.trim_start_matches(is_space))?;
    let dash = rest.trim_start_matches(is_space);
    let after = dash.strip_prefix('-').filter(|_| dash.len() < rest.len())?;
    let (to, rest) = spelled_version(after.trim_start_matches(is_space))
        .filter(|_| after.starts_with(is_space))?;
    let range = format!(">= {}, <= {} ", from.whole, to.whole);
    Some((range, rest.trim_start_matches(is_space)))
}

//! Go's `path.Match` on one path component.
//!
//! `*` and `?` match within the component, `[a-z]` a class, `[^…]` its complement (`[!…]` is no
//! complement), `\` takes the next character literally. A malformed pattern matches nothing.
//!
//! Source: Go path/match.go (1.26).

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Glob {
    /// Malformed.
    Never,
    Literal(Box<str>),
    /// `*.ext`: by far the most frequent one with a wildcard.
    Suffix(Box<str>),
    Tokens(Box<[Token]>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Char(char),
    /// `?`
    AnyChar,
    /// `*`
    AnyRun,
    Class {
        negated: bool,
        ranges: Box<[(char, char)]>,
    },
}

impl Glob {
    pub(super) fn parse(text: &str) -> Self {
        let Some(tokens) = tokens(text) else {
            return Self::Never;
        };
        let literal = |tokens: &[Token]| {
            let char = |token: &Token| match token {
                Token::Char(c) => Some(*c),
                _ => None,
            };
            tokens
                .iter()
                .map(char)
                .collect::<Option<String>>()
                .map(String::into_boxed_str)
        };
        if let Some(text) = literal(&tokens) {
            return Self::Literal(text);
        }
        if let Some((Token::AnyRun, rest)) = tokens.split_first()
            && let Some(text) = literal(rest)
        {
            return Self::Suffix(text);
        }
        Self::Tokens(tokens.into())
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Never => false,
            Self::Literal(text) => **text == *name,
            Self::Suffix(text) => name.ends_with(&**text),
            Self::Tokens(tokens) => matches(tokens, name),
        }
    }
}

impl Token {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Char(own) => *own == c,
            Self::AnyChar | Self::AnyRun => true,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

/// Linear in `tokens × name`: only the last `*` is ever tried again, which is enough.
fn matches(tokens: &[Token], name: &str) -> bool {
    let (mut pattern, mut text) = (tokens, name.chars());
    let mut retry: Option<(&[Token], std::str::Chars<'_>)> = None;
    loop {
        match pattern.split_first() {
            Some((Token::AnyRun, rest)) => {
                retry = Some((rest, text.clone()));
                pattern = rest;
                continue;
            }
            Some((token, rest)) => {
                let mut next = text.clone();
                if next.next().is_some_and(|c| token.takes(c)) {
                    (pattern, text) = (rest, next);
                    continue;
                }
            }
            None if text.as_str().is_empty() => return true,
            None => {}
        }
        let Some((rest, from)) = &mut retry else {
            return false;
        };
        if from.next().is_none() {
            return false;
        }
        (pattern, text) = (rest, from.clone());
    }
}

/// `None` for what Go calls a bad pattern.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let token = match c {
            '*' if tokens.last() == Some(&Token::AnyRun) => continue,
            '*' => Token::AnyRun,
            '?' => Token::AnyChar,
            '[' => class(&mut rest)?,
            '\\' => Token::Char(rest.next()?),
            c => Token::Char(c),
        };
        tokens.push(token);
    }
    Some(tokens)
}

/// What follows a `[`, up to its `]`. At least one member is needed, so a `]` or `-` at its start
/// is malformed.
fn class(rest: &mut std::str::Chars<'_>) -> Option<Token> {
    let negated = rest.as_str().starts_with('^');
    if negated {
        rest.next();
    }
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && rest.as_str().starts_with(']') {
            rest.next();
            return Some(Token::Class {
                negated,
                ranges: ranges.into(),
            });
        }
        let low = member(rest)?;
        let mut high = low;
        if rest.as_str().starts_with('-') {
            rest.next();
            high = member(rest)?;
        }
        ranges.push((low, high));
    }
}

/// One end of a range. The pattern may not end with it: the `]` is still to come.
fn member(rest: &mut std::str::Chars<'_>) -> Option<char> {
    let c = match rest.next()? {
        '-' | ']' => return None,
        '\\' => rest.next()?,
        c => c,
    };
    (!rest.as_str().is_empty()).then_some(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers of Go's `path.Match`; a bad pattern counts as no match.
    #[test]
    fn agrees_with_go() {
        for (pattern, name, matched) in [
            ("abc", "abc", true),
            ("*", "abc", true),
            ("*c", "abc", true),
            ("a*", "a", true),
            ("a*b*c*d*e*", "axbxcxdxexxx", true),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("a*b?c*x", "abxbbxdbxebxczzy", false),
            ("ab[c]", "abc", true),
            ("ab[b-d]", "abc", true),
            ("ab[e-g]", "abc", false),
            ("ab[^c]", "abc", false),
            ("ab[^e-g]", "abc", true),
            ("ab[!e]", "abe", true),
            ("ab[!e]", "ab!", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "ab", false),
            ("a?b", "a☺b", true),
            ("a[^a]b", "a☺b", true),
            ("a???b", "a☺b", false),
            ("[a-ζ]*", "α", true),
            ("*[a-ζ]", "A", false),
            ("[\\]a]", "]", true),
            ("[\\-]", "-", true),
            ("[x\\-]", "z", false),
            ("[]a]", "]", false),
            ("[-]", "-", false),
            ("[x-]", "x", false),
            ("[-x]", "x", false),
            ("[a-b-c]", "a", false),
            ("[", "a", false),
            ("[^", "a", false),
            ("[^bc", "a", false),
            ("a[", "a", false),
            ("a[", "ab", false),
            ("*[", "a", false),
            ("\\", "\\", false),
            ("*x", "xxx", true),
            ("", "", true),
            ("", "a", false),
            ("**", "abc", true),
        ] {
            assert_eq!(
                Glob::parse(pattern).matches(name),
                matched,
                "{pattern:?} on {name:?}"
            );
        }
    }
}

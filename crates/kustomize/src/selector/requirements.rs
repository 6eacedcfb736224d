//! Label selectors: `app=web,tier in (a,b),!old`.
//!
//! Annotations are selected by the same grammar, label-value rules included.
//! Source: the grammar and messages of `k8s.io/apimachinery/pkg/labels`, which kyaml 0.21.1 carries.

use crate::error::{Error, Result};

/// All of them must hold.
#[derive(Debug, Default)]
pub(super) struct Requirements(Vec<Requirement>);

#[derive(Debug)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    NotExists,
    GreaterThan,
    LessThan,
}

/// The tokens of a selector. Words end at blanks and symbols; a symbol is as long as possible.
struct Tokens<'t> {
    tokens: Vec<&'t str>,
    next: usize,
}

impl Requirements {
    /// Parses a selector; an empty one holds for anything.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut tokens = Tokens::of(text);
        let mut requirements = Vec::new();
        loop {
            match tokens.peek() {
                "" => return Ok(Self(requirements)),
                token if token == "!" || is_word(token) => {
                    let requirement = Requirement::parse(&mut tokens).map_err(|message| {
                        Error::invalid(format!("unable to parse requirement: {message}"))
                    })?;
                    requirements.push(requirement);
                }
                token => {
                    return Err(Error::invalid(format!(
                        "found '{token}', expected: !, identifier, or 'end of string'"
                    )));
                }
            }
            match tokens.take() {
                "" => return Ok(Self(requirements)),
                "," if tokens.peek() == "!" || is_word(tokens.peek()) => {}
                "," => {
                    return Err(Error::invalid(format!(
                        "found '{}', expected: identifier after ','",
                        tokens.peek()
                    )));
                }
                token => {
                    return Err(Error::invalid(format!(
                        "found '{token}', expected: ',' or 'end of string'"
                    )));
                }
            }
        }
    }

    /// Whether a requirement names a key that begins so.
    pub(super) fn mention(&self, prefix: &str) -> bool {
        self.0
            .iter()
            .any(|requirement| requirement.key.starts_with(prefix))
    }

    pub(super) fn hold(&self, entries: &[(&str, &str)]) -> bool {
        self.0.iter().all(|requirement| requirement.holds(entries))
    }
}

impl Requirement {
    fn parse(tokens: &mut Tokens<'_>) -> Result<Self, String> {
        let mut key = tokens.take();
        let negated = key == "!";
        if negated {
            key = tokens.take();
        }
        if !is_word(key) {
            return Err(format!("found '{key}', expected: identifier"));
        }
        if !is_key(key) {
            return Err(format!("invalid label key {key:?}"));
        }
        let requirement = |operator, values| Self {
            key: key.to_owned(),
            operator,
            values,
        };
        if matches!(tokens.peek(), "" | ",") {
            let operator = if negated {
                Operator::NotExists
            } else {
                Operator::Exists
            };
            return Ok(requirement(operator, Vec::new()));
        }
        if negated {
            // A key that is negated takes no value.
            return Err(format!("found '{}', expected: ','", tokens.peek()));
        }
        let (operator, values) = match tokens.take() {
            "in" => (Operator::In, tokens.list()?),
            "notin" => (Operator::NotIn, tokens.list()?),
            "=" | "==" => (Operator::In, vec![tokens.value()?]),
            "!=" => (Operator::NotIn, vec![tokens.value()?]),
            ">" => (Operator::GreaterThan, vec![tokens.value()?]),
            "<" => (Operator::LessThan, vec![tokens.value()?]),
            token => {
                return Err(format!(
                    "found '{token}', expected: '=', '!=', '==', 'in', notin'"
                ));
            }
        };
        let numeric = matches!(operator, Operator::GreaterThan | Operator::LessThan);
        if numeric && values.iter().any(|value| value.parse::<i64>().is_err()) {
            return Err("for 'Gt', 'Lt' operators, the value must be an integer".to_owned());
        }
        if let Some(value) = values.iter().find(|value| !is_value(value)) {
            return Err(format!("invalid label value: {value:?}: at key: {key:?}"));
        }
        Ok(requirement(operator, values))
    }

    fn holds(&self, entries: &[(&str, &str)]) -> bool {
        let value = entries
            .iter()
            .find(|(key, _)| *key == self.key)
            .map(|(_, value)| *value);
        let listed = value.is_some_and(|value| self.values.iter().any(|wanted| wanted == value));
        let compare = |holds: fn(i64, i64) -> bool| {
            let limit = self.values.first().and_then(|wanted| wanted.parse().ok());
            let number = value.and_then(|value| value.parse().ok());
            matches!((number, limit), (Some(number), Some(limit)) if holds(number, limit))
        };
        match self.operator {
            Operator::In => listed,
            Operator::NotIn => !listed,
            Operator::Exists => value.is_some(),
            Operator::NotExists => value.is_none(),
            Operator::GreaterThan => compare(|number, limit| number > limit),
            Operator::LessThan => compare(|number, limit| number < limit),
        }
    }
}

impl<'t> Tokens<'t> {
    fn of(text: &'t str) -> Self {
        let mut tokens = Vec::new();
        let mut rest = text.trim_start_matches(is_blank);
        while !rest.is_empty() {
            let symbol = ["==", "!="].iter().any(|symbol| rest.starts_with(symbol));
            let length = if symbol {
                2
            } else if rest.starts_with(is_symbol) {
                1
            } else {
                rest.find(|c| is_blank(c) || is_symbol(c))
                    .unwrap_or(rest.len())
            };
            let (token, tail) = rest.split_at(length);
            tokens.push(token);
            rest = tail.trim_start_matches(is_blank);
        }
        Self { tokens, next: 0 }
    }

    /// The next token; empty at the end.
    fn peek(&self) -> &'t str {
        self.tokens.get(self.next).copied().unwrap_or_default()
    }

    fn take(&mut self) -> &'t str {
        let token = self.peek();
        self.next += 1;
        token
    }

    /// One value, which may be left out.
    fn value(&mut self) -> Result<String, String> {
        match self.peek() {
            "" | "," => Ok(String::new()),
            token if is_word(token) => Ok(self.take().to_owned()),
            token => Err(format!("found '{token}', expected: identifier")),
        }
    }

    /// `(a,b)`; nothing between commas is the empty value.
    fn list(&mut self) -> Result<Vec<String>, String> {
        let open = self.take();
        if open != "(" {
            return Err(format!("found '{open}' expected: '('"));
        }
        let mut values = Vec::new();
        loop {
            let value = match self.peek() {
                token if is_word(token) => self.take(),
                "," | ")" => "",
                token => {
                    return Err(format!("found '{token}', expected: ',', ')' or identifier"));
                }
            };
            values.push(value.to_owned());
            match self.take() {
                ")" => return Ok(values),
                "," => {}
                token => return Err(format!("found '{token}', expected: ',' or ')'")),
            }
        }
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_symbol(c: char) -> bool {
    matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<')
}

fn is_word(token: &str) -> bool {
    !token.is_empty() && !token.starts_with(is_symbol)
}

/// A name, after the prefix of a domain if there is a slash.
fn is_key(text: &str) -> bool {
    let (domain, name) = match text.split_once('/') {
        Some((domain, name)) => (Some(domain), name),
        None => (None, text),
    };
    let is_domain = |domain: &str| {
        domain.len() <= 253
            && domain.split('.').all(|label| {
                let edge = |b: Option<&u8>| {
                    b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
                };
                edge(label.as_bytes().first())
                    && edge(label.as_bytes().last())
                    && label
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            })
    };
    !name.is_empty() && is_value(name) && domain.is_none_or(is_domain)
}

/// At most 63 of `[A-Za-z0-9_.-]`, alphanumeric at the ends.
fn is_value(text: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::Requirements;

    #[test]
    fn label_selectors() {
        let labels = [("app", "web"), ("tier", "2"), ("x.io/in", "in")];
        for (text, want) in [
            ("app=web", true),
            ("app==web,tier", true),
            ("app!=web", false),
            ("app in (api, web)", true),
            ("app notin (api)", true),
            ("app in ()", false),
            ("app notin (,api)", true),
            ("x.io/in in (in)", true),
            ("!missing", true),
            ("missing", false),
            ("missing=", false),
            ("tier>1", true),
            ("tier<1", false),
            ("", true),
        ] {
            assert_eq!(
                Requirements::parse(text).unwrap().hold(&labels),
                want,
                "{text}"
            );
        }
        for text in [
            "a in b", "=x", "a=b c", "a=-b", "a,", ",a", "a in (b", "a ! b", "!a=b", "a>b", "-a",
            "X.io/a", "a=b=c",
        ] {
            assert!(Requirements::parse(text).is_err(), "{text}");
        }
    }
}

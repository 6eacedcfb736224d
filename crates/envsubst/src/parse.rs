//! From text to a tree.

use std::{borrow::Cow, sync::LazyLock};

use regexp::Pattern;

use crate::{
    ParseError,
    limit::DEEPEST,
    node::{Call, Node, Operator, Replace},
};

/// Reads the whole text.
pub(crate) fn template(text: &str) -> Result<Vec<Node<'_>>, ParseError> {
    let text = text.split('\0').next().unwrap_or_default();
    let mut parser = Parser { text, at: 0 };
    let mut nodes = Vec::new();
    while let Some(ahead) = parser.peek() {
        if ahead == '$' && parser.take("${") {
            nodes.push(Node::Call(parser.call(0)?));
        } else {
            nodes.push(Node::Text(parser.literal(Escapes::Dollar, |_| false)));
        }
    }
    Ok(nodes)
}

/// What a doubled or backslashed character stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    None,
    /// `$$`
    Dollar,
    /// `$$`, `\/` and `\\`
    All,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, wanted: &str) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len();
        }
        found
    }

    /// Takes up to `most` characters of a set and returns them.
    fn run(&mut self, most: usize, accept: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest
            .chars()
            .take(most)
            .take_while(|&c| accept(c))
            .map(char::len_utf8)
            .sum();
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn close(&mut self) -> Result<(), ParseError> {
        if self.take("}") {
            Ok(())
        } else {
            Err(ParseError::BadSubstitution)
        }
    }

    /// Text up to a substitution or a character that ends it. Empty only at such a character.
    fn literal(&mut self, escapes: Escapes, ends: impl Fn(char) -> bool) -> Cow<'a, str> {
        let mut text = Cow::Borrowed("");
        let mut from = self.at;
        loop {
            let special = |c| matches!(c, '$' | '\\') || ends(c);
            self.at += self.rest().find(special).unwrap_or(self.rest().len());
            let rest = self.rest();
            let mut ahead = rest.chars();
            let (first, second) = (ahead.next(), ahead.next());
            let escaped = match (first, second) {
                (Some('$'), Some('$')) => escapes != Escapes::None,
                (Some('\\'), Some('/' | '\\')) => escapes == Escapes::All,
                _ => false,
            };
            if escaped {
                text += self.text.get(from..self.at).unwrap_or_default();
                // The second of them stands for itself.
                from = self.at + 1;
                self.at += 2;
                continue;
            }
            match first {
                Some(c) if !rest.starts_with("${") && !ends(c) => self.at += c.len_utf8(),
                _ => break,
            }
        }
        text += self.text.get(from..self.at).unwrap_or_default();
        text
    }

    /// An argument: a substitution, or text up to the next one.
    fn argument(
        &mut self,
        depth: usize,
        escapes: Escapes,
        ends: impl Fn(char) -> bool,
    ) -> Result<Node<'a>, ParseError> {
        if self.take("${") {
            return self.call(depth + 1).map(Node::Call);
        }
        let from = self.at;
        let text = self.literal(escapes, ends);
        if self.at == from {
            return Err(ParseError::Argument);
        }
        Ok(Node::Text(text))
    }

    /// What follows `${`.
    fn call(&mut self, depth: usize) -> Result<Call<'a>, ParseError> {
        if depth > DEEPEST {
            return Err(ParseError::TooDeep);
        }
        if self.take("#") {
            let variable = self.run(usize::MAX, is_name);
            if variable.is_empty() {
                return Err(ParseError::BadSubstitution);
            }
            self.close()?;
            return Ok(Call {
                variable,
                operator: Operator::Length,
                arguments: Vec::new(),
            });
        }
        let variable = self.run(usize::MAX, is_name);
        if variable.is_empty() {
            return Err(ParseError::VariableName);
        }
        let (operator, arguments) = match self.peek() {
            Some(':') => self.default_or_part(depth)?,
            Some('=') => {
                self.at += 1;
                (Operator::Default, self.defaults(depth)?)
            }
            Some(',' | '^') => {
                let operator = match self.run(2, |c| matches!(c, ',' | '^')) {
                    "," => (false, false),
                    ",," => (false, true),
                    "^" => (true, false),
                    "^^" => (true, true),
                    _ => {
                        self.close()?;
                        return Ok(Call {
                            variable,
                            operator: Operator::Value,
                            arguments: Vec::new(),
                        });
                    }
                };
                self.close()?;
                let (upper, all) = operator;
                (Operator::Case { upper, all }, Vec::new())
            }
            Some('/') => self.replace(depth)?,
            Some(mark @ ('#' | '%')) => {
                let longest = self.run(2, |c| c == mark).len() == 2;
                let pattern = self.argument(depth, Escapes::None, |c| c == '}')?;
                self.close()?;
                let suffix = mark == '%';
                (Operator::Trim { suffix, longest }, vec![pattern])
            }
            _ if self.take("}") => (Operator::Value, Vec::new()),
            _ => return Err(ParseError::MissingClosingBrace),
        };
        Ok(Call {
            variable,
            operator,
            arguments,
        })
    }

    fn default_or_part(&mut self, depth: usize) -> Result<(Operator, Vec<Node<'a>>), ParseError> {
        self.at += 1;
        match self.peek() {
            Some('=' | '-' | '?' | '+') => {
                self.at += 1;
                Ok((Operator::Default, self.defaults(depth)?))
            }
            Some(c) if c.is_ascii() => Ok((Operator::Part, self.part(depth)?)),
            _ => Err(ParseError::BadSubstitution),
        }
    }

    /// All up to the brace.
    fn defaults(&mut self, depth: usize) -> Result<Vec<Node<'a>>, ParseError> {
        let mut arguments = Vec::new();
        while !self.take("}") {
            arguments.push(self.argument(depth, Escapes::None, |c| c == '}')?);
        }
        Ok(arguments)
    }

    fn part(&mut self, depth: usize) -> Result<Vec<Node<'a>>, ParseError> {
        let position = self.argument(depth, Escapes::None, |c| matches!(c, ':' | '}'))?;
        if self.take("}") {
            return Ok(vec![position]);
        }
        if self.run(usize::MAX, |c| c == ':').is_empty() {
            return Err(ParseError::BadSubstitution);
        }
        let length = self.argument(depth, Escapes::None, |c| c == '}')?;
        self.close()?;
        Ok(vec![position, length])
    }

    fn replace(&mut self, depth: usize) -> Result<(Operator, Vec<Node<'a>>), ParseError> {
        self.at += 1;
        let replace = match self.run(1, |c| matches!(c, '/' | '#' | '%')) {
            "/" => Replace::All,
            "#" => Replace::Prefix,
            "%" => Replace::Suffix,
            _ => Replace::First,
        };
        let mut arguments = vec![self.argument(depth, Escapes::All, |c| c == '/')?];
        if self.run(usize::MAX, |c| c == '/').is_empty() {
            return Err(ParseError::BadSubstitution);
        }
        if !self.take("}") {
            arguments.push(self.argument(depth, Escapes::All, |c| c == '}')?);
            self.close()?;
        }
        Ok((Operator::Replace(replace), arguments))
    }
}

/// Whether a character may stand in a name: Go's letters and digits, and `_`.
fn is_name(c: char) -> bool {
    static OTHERS: LazyLock<Option<Pattern>> =
        LazyLock::new(|| Pattern::new(r"[\p{L}\p{Nd}]").ok());
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    let mut buffer = [0; 4];
    OTHERS
        .as_ref()
        .is_some_and(|others| others.is_match(c.encode_utf8(&mut buffer)))
}

//! The parser's errors in cel-go's words.

use cel::parser::ParseErrors;

use crate::issue::{Issue, Place};

/// What may follow an operand; cel-go does not list it where something else must.
const OPERATORS: [&str; 17] = [
    "'=='", "'!='", "'in'", "'<'", "'<='", "'>='", "'>'", "'&&'", "'||'", "'['", "'.'", "'-'",
    "'?'", "'+'", "'*'", "'/'", "'%'",
];

pub(super) fn convert(source: &str, errors: &ParseErrors) -> Vec<Issue> {
    let mut issues = Vec::new();
    for error in &errors.errors {
        // Left-overs of a node that has an error of its own.
        let is_consequence = ["Incomplete `", "No `"]
            .iter()
            .any(|prefix| error.msg.starts_with(prefix));
        if is_consequence && errors.errors.len() > 1 {
            continue;
        }
        let (line, column) = error.pos;
        let mut place = Place {
            line: usize::try_from(line).unwrap_or(1).max(1),
            column: usize::try_from(column - 1).unwrap_or(0),
        };
        let is_literal = ["invalid string literal: ", "invalid bytes literal: "]
            .iter()
            .any(|prefix| error.msg.starts_with(prefix));
        let message = if is_literal {
            "unable to unescape string".to_owned()
        } else if error.msg == "unsupported syntax: '`'" {
            // It is the name that is not supported, not the dot before it.
            place.column += 1;
            error.msg.clone()
        } else if error.msg == "invalid int literal" {
            // The sign belongs to the number.
            let line = source.split('\n').nth(place.line - 1).unwrap_or_default();
            let before: Vec<char> = line.chars().take(place.column).collect();
            if let Some(sign) = sign_at_end(&before) {
                place.column = sign;
            }
            error.msg.clone()
        } else {
            without_operators(&error.msg)
        };
        issues.push(Issue {
            place: Some(place),
            message,
        });
    }
    issues
}

/// Leaves out the operators where an expression has ended.
fn without_operators(message: &str) -> String {
    let listed = message
        .split_once("expecting {")
        .and_then(|(head, tail)| Some((head, tail.strip_suffix('}')?)));
    let Some((head, tail)) = listed.filter(|(_, tail)| tail.contains("'=='")) else {
        return message.to_owned();
    };
    let rest: Vec<&str> = tail
        .split(", ")
        .filter(|token| !OPERATORS.contains(token))
        .collect();
    match rest.as_slice() {
        [] => message.to_owned(),
        [single] => format!("{head}expecting {single}"),
        several => format!("{head}expecting {{{}}}", several.join(", ")),
    }
}

/// Where a sign stands that the number after this text has, and that is no subtraction.
fn sign_at_end(before: &[char]) -> Option<usize> {
    let last = |text: &[char]| {
        text.iter()
            .rposition(|character| !character.is_whitespace())
    };
    let sign = last(before).filter(|&sign| before.get(sign) == Some(&'-'))?;
    let left = before.get(..sign)?;
    let is_operand = last(left)
        .and_then(|index| left.get(index))
        .is_some_and(|&left| left.is_alphanumeric() || "_)]}'\"`".contains(left));
    (!is_operand).then_some(sign)
}

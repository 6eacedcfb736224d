//! `string.format`: clauses, what they take, and the texts they give.
//!
//! Source: cel-go `ext/formatting_v2.go` (0.27).

use crate::budget::Budget;
use crate::failure::Failure;
use crate::function::convert::duration_text;
use crate::number;
use crate::value::Value;

/// How many digits a clause has after its point if it does not say.
const DEFAULT_PRECISION: usize = 6;

/// The most digits after a point that are calculated; further ones are an error.
const MAX_PRECISION: usize = 1_000;

/// One piece of a format.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    Clause(Clause),
}

/// How an argument is to be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clause {
    String,
    Decimal,
    Fixed(usize),
    Scientific(usize),
    Binary,
    Hexadecimal { upper: bool },
    Octal,
}

/// Takes the first piece off a format; the error is what cel-go says of a clause.
pub(crate) fn next_piece(format: &str) -> Result<Option<(Piece<'_>, &str)>, String> {
    let Some(percent) = format.find('%') else {
        let all = Piece::Text(format);
        return Ok((!format.is_empty()).then_some((all, "")));
    };
    if percent > 0 {
        let (text, rest) = format.split_at_checked(percent).unwrap_or((format, ""));
        return Ok(Some((Piece::Text(text), rest)));
    }
    let rest = format.strip_prefix('%').unwrap_or_default();
    if let Some(rest) = rest.strip_prefix('%') {
        return Ok(Some((Piece::Text("%"), rest)));
    }
    let (clause, rest) = read_clause(rest)
        .map_err(|problem| format!("could not parse formatting clause: {problem}"))?;
    Ok(Some((Piece::Clause(clause), rest)))
}

fn read_clause(text: &str) -> Result<(Clause, &str), String> {
    let (precision, rest) = read_precision(text)
        .map_err(|problem| format!("error while parsing precision: {problem}"))?;
    let mut characters = rest.chars();
    let clause = match characters.next() {
        Some('s') => Clause::String,
        Some('d') => Clause::Decimal,
        Some('f') => Clause::Fixed(precision),
        Some('e') => Clause::Scientific(precision),
        Some('b') => Clause::Binary,
        Some('x') => Clause::Hexadecimal { upper: false },
        Some('X') => Clause::Hexadecimal { upper: true },
        Some('o') => Clause::Octal,
        other => {
            let other = other.unwrap_or_default();
            return Err(format!("unrecognized formatting clause \"{other}\""));
        }
    };
    Ok((clause, characters.as_str()))
}

fn read_precision(text: &str) -> Result<(usize, &str), String> {
    let Some(rest) = text.strip_prefix('.') else {
        return Ok((DEFAULT_PRECISION, text));
    };
    let count = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = rest.split_at_checked(count).unwrap_or((rest, ""));
    if rest.is_empty() {
        return Err("could not find end of precision specifier".to_owned());
    }
    let precision: usize = digits.parse().map_err(|_| {
        format!(
            "error while converting precision to integer: \
             strconv.Atoi: parsing {digits:?}: invalid syntax"
        )
    })?;
    if precision > MAX_PRECISION {
        return Err(format!("precision too high: {precision}"));
    }
    Ok((precision, rest))
}

impl Clause {
    /// What cel-go says when an argument of this type does not fit.
    pub(crate) fn refusal(self, type_name: &str) -> String {
        let rule = match self {
            Self::String => {
                "string clause can only be used on strings, bools, bytes, ints, doubles, maps, \
                 lists, types, durations, and timestamps"
            }
            Self::Decimal => "decimal clause can only be used on ints, uints, and doubles",
            Self::Fixed(_) => "fixed-point clause can only be used on ints, uints, and doubles",
            Self::Scientific(_) => "scientific clause can only be used on ints, uints, and doubles",
            Self::Binary => "only ints, uints, and bools can be formatted as binary",
            Self::Hexadecimal { .. } => {
                "only ints, uints, bytes, and strings can be formatted as hex"
            }
            Self::Octal => "octal clause can only be used on ints and uints",
        };
        format!("error during formatting: {rule}, was given {type_name}")
    }

    #[expect(clippy::cast_precision_loss, reason = "cel-go loses it, too")]
    fn apply(self, budget: &mut Budget, value: &Value<'_>) -> Result<String, Failure> {
        Ok(match (self, value) {
            (Self::String, value) => return text(budget, value),
            (Self::Decimal, Value::Int(int)) => int.to_string(),
            (Self::Decimal, Value::Uint(uint)) => uint.to_string(),
            (Self::Decimal, Value::Double(double)) => {
                named(*double).unwrap_or_else(|| number::format_positional(*double))
            }
            (Self::Fixed(precision), Value::Int(int)) => fixed(*int as f64, precision),
            (Self::Fixed(precision), Value::Uint(uint)) => fixed(*uint as f64, precision),
            (Self::Fixed(precision), Value::Double(double)) => fixed(*double, precision),
            (Self::Scientific(precision), Value::Int(int)) => scientific(*int as f64, precision),
            (Self::Scientific(precision), Value::Uint(uint)) => scientific(*uint as f64, precision),
            (Self::Scientific(precision), Value::Double(double)) => scientific(*double, precision),
            (Self::Binary, Value::Bool(truth)) => if *truth { "1" } else { "0" }.to_owned(),
            (Self::Binary, Value::Int(int)) => signed(*int, |magnitude| format!("{magnitude:b}")),
            (Self::Binary, Value::Uint(uint)) => format!("{uint:b}"),
            (Self::Octal, Value::Int(int)) => signed(*int, |magnitude| format!("{magnitude:o}")),
            (Self::Octal, Value::Uint(uint)) => format!("{uint:o}"),
            (Self::Hexadecimal { upper }, value) => {
                let lower = match value {
                    Value::Int(int) => signed(*int, |magnitude| format!("{magnitude:x}")),
                    Value::Uint(uint) => format!("{uint:x}"),
                    Value::String(text) => hexadecimal(budget, text.as_bytes())?,
                    Value::Bytes(bytes) => hexadecimal(budget, bytes)?,
                    _ => return Err(Failure::text(self.refusal(value.type_name()))),
                };
                if upper { lower.to_uppercase() } else { lower }
            }
            _ => return Err(Failure::text(self.refusal(value.type_name()))),
        })
    }
}

/// The function itself.
pub(crate) fn format<'a>(
    budget: &mut Budget,
    arguments: &[Value<'a>],
) -> Result<Value<'a>, Failure> {
    let [Value::String(format), Value::List(list)] = arguments else {
        return Err(Failure::Unmatched);
    };
    let mut out = String::new();
    let mut rest = &**format;
    let mut index = 0;
    while !rest.is_empty() {
        // The argument is looked for before the clause is read.
        let is_clause = rest.starts_with('%') && !rest.starts_with("%%");
        let argument = list.get(index);
        if is_clause && argument.is_none() {
            return Err(Failure::text(format!("index {index} out of range")));
        }
        if rest == "%" {
            return Err(Failure::text("unexpected end of string"));
        }
        let Some((piece, tail)) = next_piece(rest).map_err(Failure::text)? else {
            break;
        };
        rest = tail;
        match (piece, argument) {
            (Piece::Text(text), _) => out.push_str(text),
            (Piece::Clause(clause), Some(argument)) => {
                out.push_str(&clause.apply(budget, &argument)?);
                index += 1;
            }
            (Piece::Clause(_), None) => {}
        }
        budget.spend(1)?;
    }
    budget.spend_bytes(out.len())?;
    Ok(Value::string(out))
}

/// A value as `%s` prints it.
fn text(budget: &mut Budget, value: &Value<'_>) -> Result<String, Failure> {
    budget.spend(1)?;
    Ok(match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(int) => int.to_string(),
        Value::Uint(uint) => uint.to_string(),
        Value::Double(double) => {
            named(*double).unwrap_or_else(|| number::format_positional(*double))
        }
        Value::String(text) => {
            budget.spend_bytes(text.len())?;
            text.to_string()
        }
        Value::Bytes(bytes) => {
            budget.spend_bytes(bytes.len())?;
            String::from_utf8_lossy(bytes).into_owned()
        }
        Value::Duration(span) => duration_text(*span),
        Value::Timestamp(moment) => moment.utc().format(),
        Value::Type(name) => (*name).to_owned(),
        Value::List(list) => {
            let parts: Result<Vec<_>, _> = list.iter().map(|part| text(budget, &part)).collect();
            format!("[{}]", parts?.join(", "))
        }
        Value::Map(map) => {
            let mut entries = Vec::with_capacity(map.len());
            for (key, value) in map.entries() {
                entries.push((text(budget, &key)?, text(budget, &value)?));
            }
            entries.sort_by(|(left, _), (right, _)| left.cmp(right));
            let parts: Vec<_> = entries.iter().map(|(k, v)| format!("{k}: {v}")).collect();
            format!("{{{}}}", parts.join(", "))
        }
        Value::Optional(_) => {
            return Err(Failure::text(Clause::String.refusal(value.type_name())));
        }
    })
}

/// The names of what is no number.
fn named(double: f64) -> Option<String> {
    let name = if double.is_nan() {
        "NaN"
    } else if double == f64::INFINITY {
        "Infinity"
    } else if double == f64::NEG_INFINITY {
        "-Infinity"
    } else {
        return None;
    };
    Some(name.to_owned())
}

fn fixed(double: f64, precision: usize) -> String {
    named(double).unwrap_or_else(|| format!("{double:.precision$}"))
}

fn scientific(double: f64, precision: usize) -> String {
    named(double).unwrap_or_else(|| number::format_scientific(double, precision))
}

fn signed(int: i64, digits: impl Fn(u64) -> String) -> String {
    let sign = if int < 0 { "-" } else { "" };
    format!("{sign}{}", digits(int.unsigned_abs()))
}

fn hexadecimal(budget: &mut Budget, bytes: &[u8]) -> Result<String, Failure> {
    budget.spend_bytes(bytes.len() * 4)?;
    let digit = |digit: u8| char::from_digit(digit.into(), 16).unwrap_or_default();
    let digits = bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    Ok(digits.collect())
}

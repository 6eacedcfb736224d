//! Media types as Go reads them. Source: Go `mime.ParseMediaType`; RFC 2045, RFC 2616.

/// A header value that is no media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum MediaTypeError {
    #[error("mime: no media type")]
    Empty,
    #[error("mime: malformed media type")]
    Malformed,
    #[error("mime: invalid media parameter")]
    Parameter,
}

/// The type of a header value, in lower case, without parameters.
pub(super) fn parse(value: &str) -> Result<String, MediaTypeError> {
    let (essence, mut parameters) = value.split_once(';').unwrap_or((value, ""));
    let essence = essence.trim().to_ascii_lowercase();
    let well_formed = match essence.split_once('/') {
        Some((main, sub)) => is_token(main) && is_token(sub),
        None => is_token(&essence),
    };
    if essence.is_empty() {
        return Err(MediaTypeError::Empty);
    }
    if !well_formed {
        return Err(MediaTypeError::Malformed);
    }
    while !parameters.trim().is_empty() {
        parameters = parameter(parameters).ok_or(MediaTypeError::Parameter)?;
    }
    Ok(essence)
}

/// Whether a `Content-Type`, which may list several, says JSON. Reading ends at the first that is malformed.
pub(super) fn is_json(value: &str) -> bool {
    let types = value.split(',').map(parse);
    types
        .map_while(Result::ok)
        .any(|essence| essence == "application/json")
}

/// What follows one `name=value`, past its semicolon; the last semicolon may stand alone.
fn parameter(text: &str) -> Option<&str> {
    let (name, rest) = text.split_once('=')?;
    if !is_token(name.trim()) {
        return None;
    }
    let rest = rest.trim_start();
    let rest = if let Some(quoted) = rest.strip_prefix('"') {
        after_quote(quoted)?
    } else {
        let end = rest.find([';', ' ', '\t']).unwrap_or(rest.len());
        let (value, rest) = rest.split_at_checked(end)?;
        is_token(value).then_some(rest)?
    };
    match rest.trim_start() {
        "" => Some(""),
        rest => rest.strip_prefix(';'),
    }
}

fn after_quote(quoted: &str) -> Option<&str> {
    let mut escaped = false;
    for (at, c) in quoted.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return quoted.get(at + 1..),
            _ => {}
        }
    }
    None
}

fn is_token(text: &str) -> bool {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`{|}~".contains(&b);
    !text.is_empty() && text.bytes().all(is_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_go_reads_them() {
        for (value, expected) in [
            ("application/json", Ok("application/json")),
            (" Application/JSON ; charset=utf-8", Ok("application/json")),
            ("application/json;", Ok("application/json")),
            ("a/b; x=\"q\\\"; y\"; z=1", Ok("a/b")),
            ("text", Ok("text")),
            ("", Err(MediaTypeError::Empty)),
            ("; charset=utf-8", Err(MediaTypeError::Empty)),
            ("application json", Err(MediaTypeError::Malformed)),
            ("application/", Err(MediaTypeError::Malformed)),
            ("a/b/c", Err(MediaTypeError::Malformed)),
            ("a/b; charset", Err(MediaTypeError::Parameter)),
            ("a/b; x=\"open", Err(MediaTypeError::Parameter)),
            ("a/b; =1", Err(MediaTypeError::Parameter)),
        ] {
            assert_eq!(parse(value), expected.map(str::to_owned), "{value:?}");
        }
    }

    #[test]
    fn json_may_be_one_of_several() {
        for (value, expected) in [
            ("application/json", true),
            ("application/json; charset=utf-8", true),
            ("text/plain, application/json", true),
            ("text/, application/json", false),
            ("application/vnd.api+json", false),
            ("application/x-www-form-urlencoded", false),
            ("", false),
        ] {
            assert_eq!(is_json(value), expected, "{value:?}");
        }
    }
}

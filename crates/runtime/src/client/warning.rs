//! `Warning` headers, by which the API server speaks of deprecated versions and unknown fields.

/// The text of a header value such as `299 - "policy/v1beta1 is deprecated"`; `None` when it is
/// another code or malformed. Source: RFC 7234 §5.5, KEP-1693.
pub(super) fn text(value: &str) -> Option<String> {
    let rest = value.strip_prefix("299 ")?;
    let (_agent, quoted) = rest.split_once(' ')?;
    let mut chars = quoted.strip_prefix('"')?.chars();
    let mut text = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => text.push(chars.next()?),
            other => text.push(other),
        }
    }
}

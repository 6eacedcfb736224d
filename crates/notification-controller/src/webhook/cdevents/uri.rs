//! URI references, as Go's parser takes them. Source: Go `net/url`.

/// Whether Go parses a text as a URL.
pub(super) fn is_reference(text: &str) -> bool {
    if text.bytes().any(|b| b.is_ascii_control()) {
        return false;
    }
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    if !is_escaped(fragment) {
        return false;
    }
    let Some((has_scheme, rest)) = scheme(text) else {
        return false;
    };
    let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
    if !rest.starts_with('/') {
        if has_scheme {
            return true;
        }
        let first = rest.split('/').next().unwrap_or_default();
        return !first.contains(':') && is_escaped(rest);
    }
    match rest.strip_prefix("//") {
        Some(authority) if has_scheme || !authority.starts_with('/') => {
            let (authority, path) = authority
                .find('/')
                .and_then(|at| authority.split_at_checked(at))
                .unwrap_or((authority, ""));
            is_authority(authority) && is_escaped(path)
        }
        _ => is_escaped(rest),
    }
}

/// Whether there is a scheme, and what follows it; `None` if it is missing before its colon.
fn scheme(text: &str) -> Option<(bool, &str)> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return None,
            ':' => return Some((true, text.get(at + 1..)?)),
            _ => break,
        }
    }
    Some((false, text))
}

fn is_authority(text: &str) -> bool {
    let (user, host) = match text.rsplit_once('@') {
        Some((user, host)) => (user, host),
        None => ("", text),
    };
    let is_user = |b: u8| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&b);
    if !user.bytes().all(is_user) || !is_escaped(user) {
        return false;
    }
    let is_port = |text: &str| match text.strip_prefix(':') {
        Some(port) => port.bytes().all(|b| b.is_ascii_digit()),
        None => text.is_empty(),
    };
    let host = if host.starts_with('[') {
        match host.rsplit_once(']') {
            Some((host, port)) if is_port(port) => host,
            _ => return false,
        }
    } else {
        match host.rfind(':').and_then(|at| host.split_at_checked(at)) {
            Some((host, port)) if is_port(port) => host,
            Some(_) => return false,
            None => host,
        }
    };
    let is_host = |b: u8| {
        !b.is_ascii() || b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:[]<>\"%".contains(&b)
    };
    host.bytes().all(is_host) && is_escaped(host)
}

/// Whether each `%` is followed by two hexadecimal digits.
pub(super) fn is_escaped(text: &str) -> bool {
    text.split('%')
        .skip(1)
        .all(|after| after.len() >= 2 && after.bytes().take(2).all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_as_go_takes_them() {
        for (text, expected) in [
            ("", true),
            ("/ci/one", true),
            ("https://user:pw@example.com:80/a%20b?q#f", true),
            ("urn:a:b", true),
            ("a/b:c", true),
            ("http://[::1]:80/", true),
            ("///x:y", true),
            ("a:b", true),
            ("a b:c", false),
            (":a", false),
            ("1a:b", false),
            ("%zz", false),
            ("http://h/%z", false),
            ("x#%", false),
            ("http://[::1", false),
            ("http://h:x/", false),
            ("http://a b/", false),
            ("//u ser@h/", false),
            ("a\tb", false),
        ] {
            assert_eq!(is_reference(text), expected, "{text:?}");
        }
    }
}

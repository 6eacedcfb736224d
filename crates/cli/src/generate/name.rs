//! Names of Kubernetes objects. Source: RFC 1123, as Kubernetes' API conventions take it.

const LABEL: usize = 63;
const SUBDOMAIN: usize = 253;

/// Checks a name of at most 63 lower-case letters, digits and inner dashes; the error completes "'x' …".
pub(super) fn label(text: &str) -> Result<(), &'static str> {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    match text.as_bytes() {
        [] => Err("is empty"),
        bytes if bytes.len() > LABEL => Err("is longer than 63 characters"),
        [b'-', ..] | [.., b'-'] => Err("begins or ends with a dash"),
        bytes if bytes.iter().all(|c| inner(*c)) => Ok(()),
        _ => Err("has more than lower-case letters, digits and dashes"),
    }
}

/// Checks labels that dots join.
pub(super) fn subdomain(text: &str) -> Result<(), &'static str> {
    if text.len() > SUBDOMAIN {
        return Err("is longer than 253 characters");
    }
    text.split('.').try_for_each(label)
}

/// Makes the name of a service from its path below the services' directory.
pub(super) fn of_path(path: &str) -> Result<String, &'static str> {
    let name: String = path
        .chars()
        .map(|c| match c {
            '/' | '_' | '.' | ' ' => '-',
            c => c.to_ascii_lowercase(),
        })
        .collect();
    let name = name.trim_matches('-');
    label(name)?;
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_paths() {
        let long = "a".repeat(64);
        for (path, expected) in [
            ("api", Ok("api")),
            ("Payments/API_v2", Ok("payments-api-v2")),
            ("_shared.d", Ok("shared-d")),
            (".", Err("is empty")),
            (
                "naïve",
                Err("has more than lower-case letters, digits and dashes"),
            ),
            (long.as_str(), Err("is longer than 63 characters")),
        ] {
            assert_eq!(
                of_path(path).as_deref(),
                expected.as_ref().copied(),
                "{path}"
            );
        }
    }

    #[test]
    fn subdomains_are_labels_and_dots() {
        assert_eq!(subdomain("a.b-c.1"), Ok(()));
        assert_eq!(subdomain("a..b"), Err("is empty"));
        assert_eq!(subdomain("a.-b"), Err("begins or ends with a dash"));
    }
}

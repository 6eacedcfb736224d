//! What may be linked: permissive licences, and none of the banned crates.
//!
//! Looks at the resolved build graph, not at the lock file, which also names what is never built.
//! `deny.toml` says the same to cargo-deny.

use std::collections::BTreeSet;

use anyhow::Result;

use super::cargo_output;

const ALLOWED: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Zlib",
];

/// One TLS stack: rustls on aws-lc-rs.
const BANNED: [&str; 3] = ["ring", "openssl-sys", "native-tls"];

/// Returns the rules that are broken.
pub(super) fn broken() -> Result<Vec<String>> {
    let graph = cargo_output(&[
        "tree",
        "--workspace",
        "--edges=normal,build,dev",
        "--prefix=none",
        "--no-dedupe",
        "--format={p}\t{l}",
    ])?;
    let lines: BTreeSet<&str> = graph.lines().filter(|line| !line.is_empty()).collect();
    Ok(lines.into_iter().filter_map(check).collect())
}

/// Judges `name version (…)<tab>licences`.
fn check(line: &str) -> Option<String> {
    let (package, licences) = line.split_once('\t').unwrap_or((line, ""));
    let name = package.split(' ').next().unwrap_or_default();
    if BANNED.contains(&name) {
        return Some(format!(
            "{name} is in the build; `cargo tree -i {name}` says through whom"
        ));
    }
    if permits(licences) {
        return None;
    }
    Some(format!(
        "{package} is under \"{licences}\", which is not on the list"
    ))
}

/// Whether an SPDX expression can be met with what is allowed; `/` is the old way to write OR.
fn permits(expression: &str) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let answer = any(&mut rest);
    answer && rest.is_empty()
}

fn any(words: &mut &[&str]) -> bool {
    let mut answer = all(words);
    while let ["OR", rest @ ..] = words {
        *words = rest;
        answer |= all(words);
    }
    answer
}

fn all(words: &mut &[&str]) -> bool {
    let mut answer = one(words);
    while let ["AND", rest @ ..] = words {
        *words = rest;
        answer &= one(words);
    }
    answer
}

fn one(words: &mut &[&str]) -> bool {
    match words {
        ["(", rest @ ..] => {
            *words = rest;
            let answer = any(words);
            if let [")", rest @ ..] = words {
                *words = rest;
            }
            answer
        }
        [licence, "WITH", exception, rest @ ..] => {
            *words = rest;
            ALLOWED.contains(&format!("{licence} WITH {exception}").as_str())
        }
        [licence, rest @ ..] => {
            *words = rest;
            ALLOWED.contains(licence)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("MIT OR GPL-3.0-only", true),
            ("MIT AND GPL-3.0-only", false),
            ("MIT/Apache-2.0", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("GPL-2.0 WITH Classpath-exception-2.0", false),
            ("(MIT OR GPL-3.0-only) AND Unicode-3.0", true),
            ("ISC AND (MPL-2.0 OR LGPL-3.0)", false),
            ("MPL-2.0 AND MIT OR ISC", true),
            ("MIT MIT", false),
            ("(MIT", true),
            ("", false),
        ] {
            assert_eq!(permits(expression), expected, "{expression}");
        }
    }

    #[test]
    fn packages() {
        assert_eq!(check("serde v1.0.0\tMIT OR Apache-2.0"), None);
        assert!(check("ring v0.17.0\tISC").is_some_and(|rule| rule.contains("cargo tree -i ring")));
        assert!(check("unheard-of v1.0.0").is_some());
    }
}

//! `known_hosts`: which keys a host may show.
//!
//! Plain, wildcard, negated and hashed host names; `[host]:port` for any port but 22; `@revoked` keys.
//!
//! Source: sshd(8) `SSH_KNOWN_HOSTS FILE FORMAT`; fluxcd/pkg ssh/knownhosts.

use aws_lc_rs::hmac;
use russh::keys::{
    Algorithm, HashAlg, PublicKey,
    ssh_key::known_hosts::{Entry, HostPatterns, KnownHosts as Lines, Marker},
};

use crate::error::{Error, TransportError};

/// The parsed file.
#[derive(Debug)]
pub(crate) struct KnownHosts(Vec<Entry>);

impl KnownHosts {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        Lines::new(text)
            .collect::<Result<Vec<Entry>, _>>()
            .map(Self)
            .map_err(|error| Error::Settings(format!("knownhosts: {error}")))
    }

    /// Tells whether `key` may stand for the host.
    pub(crate) fn check(
        &self,
        host: &str,
        port: u16,
        key: &PublicKey,
    ) -> Result<(), TransportError> {
        let name = normal(host, port);
        let same = |entry: &&Entry| entry.public_key().key_data() == key.key_data();
        let matching = || {
            self.0
                .iter()
                .filter(|entry| matches(entry.host_patterns(), &name))
        };
        if matching()
            .filter(same)
            .any(|entry| entry.marker() == Some(&Marker::Revoked))
        {
            return Err(TransportError::HostKey(
                "knownhosts: key is revoked".to_owned(),
            ));
        }
        let mut plain = matching()
            .filter(|entry| entry.marker().is_none())
            .peekable();
        if plain.peek().is_none() {
            return Err(TransportError::HostKey(
                "knownhosts: key is unknown".to_owned(),
            ));
        }
        if plain.any(|entry| same(&entry)) {
            Ok(())
        } else {
            Err(TransportError::HostKey(
                "knownhosts: key mismatch".to_owned(),
            ))
        }
    }

    /// The algorithms that a known key of the host can be proven with, in the file's order.
    pub(crate) fn algorithms(&self, host: &str, port: u16) -> Vec<Algorithm> {
        let name = normal(host, port);
        let mut out: Vec<Algorithm> = Vec::new();
        for entry in &self.0 {
            if entry.marker().is_some() || !matches(entry.host_patterns(), &name) {
                continue;
            }
            for algorithm in expand(entry.public_key().algorithm()) {
                if !out.contains(&algorithm) {
                    out.push(algorithm);
                }
            }
        }
        out
    }
}

/// An RSA key signs with three hashes; the old one comes last.
fn expand(algorithm: Algorithm) -> Vec<Algorithm> {
    match algorithm {
        Algorithm::Rsa { hash: None } => [Some(HashAlg::Sha512), Some(HashAlg::Sha256), None]
            .map(|hash| Algorithm::Rsa { hash })
            .to_vec(),
        other => vec![other],
    }
}

fn normal(host: &str, port: u16) -> String {
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    if port == 22 {
        host
    } else {
        format!("[{host}]:{port}")
    }
}

fn matches(patterns: &HostPatterns, name: &str) -> bool {
    match patterns {
        HostPatterns::HashedName { salt, hash } => {
            // The format fixes HMAC-SHA1; it hides names and protects nothing.
            let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
            hmac::verify(&key, name.as_bytes(), hash).is_ok()
        }
        HostPatterns::Patterns(patterns) => {
            let mut found = false;
            for pattern in patterns {
                match pattern.strip_prefix('!') {
                    Some(pattern) if wildcard(pattern, name) => return false,
                    Some(_) => {}
                    None => found |= wildcard(pattern, name),
                }
            }
            found
        }
    }
}

/// `*` stands for any text, `?` for one character.
fn wildcard(pattern: &str, name: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    // `[host]:22` and `host` are one.
    let pattern = pattern
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix("]:22"))
        .unwrap_or(&pattern)
        .as_bytes();
    let name = name.as_bytes();
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, n));
                p += 1;
            }
            Some(c) if *c == b'?' || Some(c) == name.get(n) => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((after, taken)) => {
                    star = Some((after, taken + 1));
                    p = after;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern
        .get(p..)
        .unwrap_or_default()
        .iter()
        .all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const TWO: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJlN";

    #[test]
    fn hosts_match_as_ssh_matches_them() {
        for (names, host, port, found) in [
            ("example.com", "example.com", 22, true),
            ("example.com", "EXAMPLE.com", 22, true),
            ("example.com", "example.com", 2222, false),
            ("[example.com]:2222", "example.com", 2222, true),
            ("[example.com]:22", "example.com", 22, true),
            ("other,example.com", "example.com", 22, true),
            ("*.example.com", "git.example.com", 22, true),
            ("*.example.com", "example.com", 22, false),
            ("git?.example.com", "git1.example.com", 22, true),
            (
                "*.example.com,!git.example.com",
                "git.example.com",
                22,
                false,
            ),
            ("[*.example.com]:2222", "git.example.com", 2222, true),
            ("[::1]:2222", "[::1]", 2222, true),
            // HMAC-SHA1 of `[example.com]:2222` under the salt of twenty zero bytes is not that of another port.
            (
                "|1|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                "example.com",
                22,
                false,
            ),
        ] {
            let hosts = KnownHosts::parse(&format!("{names} {ONE}\n")).expect(names);
            assert_eq!(
                !hosts.algorithms(host, port).is_empty(),
                found,
                "{names} {host} {port}"
            );
        }
    }

    #[test]
    fn keys_are_known_changed_revoked_or_unknown() {
        let key = PublicKey::from_openssh(ONE).expect("key");
        let unknown = "knownhosts: key is unknown";
        for (text, verdict) in [
            (format!("# comment\n\nhost {ONE}\n"), None),
            (format!("host {TWO}\nhost {ONE} comment\n"), None),
            (format!("host {TWO}\n"), Some("knownhosts: key mismatch")),
            (format!("else {ONE}\n"), Some(unknown)),
            (String::new(), Some(unknown)),
            (
                format!("@revoked * {ONE}\nhost {ONE}\n"),
                Some("knownhosts: key is revoked"),
            ),
            (format!("@cert-authority host {ONE}\n"), Some(unknown)),
        ] {
            let hosts = KnownHosts::parse(&text).expect("parse");
            let want = verdict.map(|text| TransportError::HostKey(text.to_owned()));
            assert_eq!(hosts.check("host", 22, &key).err(), want, "{text}");
        }
        assert!(KnownHosts::parse("host garbage").is_err());
    }
}

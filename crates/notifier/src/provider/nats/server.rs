//! The address of a NATS server.

use std::borrow::Cow;

use reqwest::Url;

const PORT: u16 = 4222;

/// Where a server listens, and what the address says about the client.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    /// Whether the address demands encryption; the server may demand it too.
    pub(super) tls: bool,
    /// A name, or a token if there is no password.
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
}

impl Server {
    /// Reads the addresses of a cluster, separated by commas. A scheme and a port may be missing.
    pub(super) fn parse_all(addresses: &str) -> Option<Vec<Self>> {
        addresses.split(',').map(Self::parse).collect()
    }

    fn parse(address: &str) -> Option<Self> {
        let address = address.trim();
        let url = if address.contains("://") {
            Url::parse(address)
        } else {
            Url::parse(&format!("nats://{address}"))
        };
        let url = url.ok()?;
        let decoded = |text: &str| {
            let text = percent_encoding::percent_decode_str(text).decode_utf8();
            text.ok().map(Cow::into_owned)
        };
        let tls = match url.scheme() {
            "nats" => false,
            "tls" => true,
            _ => return None,
        };
        let host = url.host_str().filter(|host| !host.is_empty())?;
        Some(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(PORT),
            tls,
            user: decoded(url.username()).filter(|user| !user.is_empty()),
            password: url.password().and_then(decoded),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_text_is_addresses_or_none(text in "(nats://|tls://|)[a-z0-9.:@/%,\\[\\]-]{0,20}\\PC{0,5}") {
            for server in Server::parse_all(&text).unwrap_or_default() {
                proptest::prop_assert!(!server.host.is_empty() && server.user != Some(String::new()));
            }
        }
    }

    #[test]
    fn scheme_and_port_may_be_missing() {
        for (addresses, expected) in [
            ("nats://localhost", Some(vec!["localhost:4222 plain - -"])),
            ("localhost:4223", Some(vec!["localhost:4223 plain - -"])),
            ("127.0.0.1", Some(vec!["127.0.0.1:4222 plain - -"])),
            ("tls://[::1]:4222", Some(vec!["::1:4222 tls - -"])),
            (
                "nats://me:p%40ss@a, nats://tok@b:1",
                Some(vec!["a:4222 plain me p@ss", "b:1 plain tok -"]),
            ),
            ("ws://localhost", None),
            ("nats://", None),
            ("", None),
            ("a,,b", None),
        ] {
            let parsed = Server::parse_all(addresses).map(|servers| {
                let shown = servers.iter().map(|server| {
                    let tls = if server.tls { "tls" } else { "plain" };
                    let user = server.user.as_deref().unwrap_or("-");
                    let password = server.password.as_deref().unwrap_or("-");
                    format!("{}:{} {tls} {user} {password}", server.host, server.port)
                });
                shown.collect::<Vec<_>>()
            });
            let expected = expected.map(|lines| lines.into_iter().map(str::to_owned).collect());
            assert_eq!(parsed, expected, "{addresses}");
        }
    }
}

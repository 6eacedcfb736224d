//! Secrets' data to settings, as a table.

use super::*;

const KEY: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nx\n-----END ENCRYPTED PRIVATE KEY-----\n";

fn secret(data: Data<'_>) -> SecretData {
    SecretData {
        name: "ns/auth".to_owned(),
        version: String::new(),
        data: data
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()))
            .collect(),
    }
}

/// Keys and values.
type Data<'a> = &'a [(&'a str, &'a str)];

/// What the settings come to, in words; `-` for no Secret.
fn applied(url: &str, auth: Option<Data<'_>>, proxy: Option<Data<'_>>) -> String {
    let (auth, proxy) = (auth.map(secret), proxy.map(secret));
    let settings = match apply(Settings::default(), url, auth.as_ref(), proxy.as_ref()) {
        Ok(settings) => settings,
        Err(failure) => return format!("{} {}", failure.reason(), failure.message()),
    };
    let mut words = vec![match &settings.credentials {
        Credentials::None => "none".to_owned(),
        Credentials::Basic { username, password } => {
            format!("basic {username}:{}", password.expose())
        }
        Credentials::Bearer(token) => format!("bearer {}", token.expose()),
        Credentials::SshKey {
            identity,
            password,
            known_hosts,
        } => format!(
            "ssh {} {} {known_hosts}",
            identity.expose(),
            password.as_ref().map_or("-", |password| password.expose())
        ),
    }];
    if let Some(ca) = &settings.ca {
        words.push(format!("ca {}", String::from_utf8_lossy(ca)));
    }
    if let Some(identity) = &settings.client_identity {
        words.push(format!(
            "tls {} {}",
            identity.certificate,
            identity.key.expose()
        ));
    }
    if let Some(proxy) = &settings.proxy {
        let user = proxy.username.as_deref().unwrap_or("-");
        words.push(format!("proxy {} {user}", proxy.address));
    }
    words.join(", ")
}

#[test]
fn credentials() {
    const URL: &str = "https://host/x";
    let basic = [("username", "me"), ("password", "pw")];
    let auth = |text: &str| {
        format!("AuthenticationFailed failed to configure authentication options: {text}")
    };
    let encrypted = auth(
        "SSH identity key is encrypted but no 'password' field was provided in the secret 'ns/auth'",
    );
    let cases: [(&str, Option<Data<'_>>, String); 20] = [
        (URL, None, "none".into()),
        (URL, Some(&[]), "none".into()),
        (URL, Some(&basic), "basic me:pw".into()),
        ("http://host/x", Some(&basic), "basic me:pw".into()),
        (URL, Some(&[("username", "me")]), "basic me:".into()),
        (
            URL,
            Some(&[("password", "pw")]),
            auth("invalid 'https' auth option: 'password' requires 'username' to be set"),
        ),
        (
            "http://host/x",
            Some(&[("password", "pw")]),
            auth("invalid 'http' auth option: 'password' requires 'username' to be set"),
        ),
        ("https://me@host/x", Some(&[("password", "pw")]), "basic :pw".into()),
        (
            URL,
            Some(&[("bearerToken", "t"), ("username", "me"), ("password", "pw")]),
            "bearer t".into(),
        ),
        (
            "https://me:pw@host/x",
            Some(&[("bearerToken", "t")]),
            auth("basic auth and bearer token cannot be set at the same time"),
        ),
        (URL, Some(&[("ca.crt", "A"), ("caFile", "B")]), "none, ca A".into()),
        (URL, Some(&[("caFile", "B")]), "none, ca B".into()),
        (URL, Some(&[("tls.crt", "C"), ("tls.key", "K")]), "none, tls C K".into()),
        (URL, Some(&[("tls.crt", "C")]), auth("secret 'ns/auth': key 'tls.key' not found")),
        (
            URL,
            Some(&[("githubAppID", "1")]),
            "InvalidProviderConfiguration secretRef 'ns/auth' has github app data but provider is not set to github"
                .into(),
        ),
        ("ssh://git@host/x", None, auth("invalid 'ssh' auth option: 'identity' is required")),
        (
            "ssh://git@host/x",
            Some(&[("identity", "I")]),
            auth("invalid 'ssh' auth option: 'known_hosts' is required"),
        ),
        (
            "ssh://git@host/x",
            Some(&[("identity", "I"), ("known_hosts", "H"), ("username", "x")]),
            "ssh I - H".into(),
        ),
        ("ssh://git@host/x", Some(&[("identity", KEY), ("known_hosts", "H")]), encrypted),
        (
            "ssh://git@host/x",
            Some(&[("identity", KEY), ("known_hosts", "H"), ("password", "p")]),
            format!("ssh {KEY} p H"),
        ),
    ];
    for (url, data, expected) in cases {
        assert_eq!(applied(url, data, None), expected, "{url} {data:?}");
    }
}

#[test]
fn proxies() {
    const URL: &str = "https://host/x";
    let failed =
        |text: &str| format!("AuthenticationFailed failed to configure proxy options: {text}");
    let long = format!("http://{}", "x".repeat(2048));
    let cases: [(Data<'_>, String); 5] = [
        (
            &[("address", "http://p:1")],
            "none, proxy http://p:1 -".into(),
        ),
        (
            &[
                ("address", "socks5://p:1"),
                ("username", "me"),
                ("password", "pw"),
            ],
            "none, proxy socks5://p:1 me".into(),
        ),
        (&[], failed("secret 'ns/auth': key 'address' not found")),
        (
            &[("address", "ftp://p")],
            failed(
                "secret 'ns/auth': key 'address' must begin with http://, https:// or socks5://",
            ),
        ),
        (
            &[("address", &long)],
            failed("secret 'ns/auth': key 'address' is longer than 2048 characters"),
        ),
    ];
    for (data, expected) in cases {
        assert_eq!(applied(URL, None, Some(data)), expected, "{data:?}");
    }
}

#[test]
fn a_url_that_cannot_be_parsed_stalls_and_a_bad_certificate_does_not() {
    use super::super::failure::Next;
    let refused = |url: &str, ca: Option<&[u8]>| {
        let settings = Settings {
            ca: ca.map(<[u8]>::to_vec),
            ..Settings::default()
        };
        let failure = connect(url, settings).expect_err("refused");
        (failure.reason(), failure.next())
    };
    assert_eq!(
        refused("https://host:port/x", None),
        ("URLInvalid", Next::Stall)
    );
    assert_eq!(
        refused("https://host/x", Some(b"no certificate")),
        ("GitOperationFailed", Next::Retry)
    );
}

#[test]
fn a_secret_is_not_printed() {
    let text = format!("{:?}", secret(&[("password", "hunter2")]));
    assert!(!text.contains("hunter2"), "{text}");
}

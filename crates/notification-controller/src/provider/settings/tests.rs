use runtime::ObjectKey;
use serde_json::{Value, json};

use super::*;

fn secret(data: &Value) -> Option<Arc<SecretData>> {
    let data = data.as_object()?;
    let text = |value: &Value| value.as_str().unwrap_or_default().as_bytes().to_vec();
    Some(Arc::new(SecretData {
        key: ObjectKey::new("ns", "secret"),
        data: data.iter().map(|(k, v)| (k.clone(), text(v))).collect(),
    }))
}

/// What a case looks at.
fn shown(settings: &Settings) -> Value {
    let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    let tls = settings.tls.as_ref().map(|tls| {
        let identity = tls.identity.as_ref();
        let identity = identity.map(|(certificate, key)| [text(certificate), text(key)]);
        json!({"ca": tls.ca.as_ref().map(text), "identity": identity})
    });
    let all = json!({
        "address": settings.address, "channel": settings.channel, "username": settings.username,
        "password": settings.password, "token": settings.token, "headers": settings.headers,
        "proxy": settings.proxy.as_ref().map(Url::as_str), "tls": tls,
    });
    let empty =
        |value: &Value| matches!(value, Value::Null) || *value == json!("") || *value == json!({});
    let fields = all.as_object().unwrap().clone().into_iter();
    fields.filter(|(_, value)| !empty(value)).collect()
}

/// Fields of the Provider's spec, the Secrets (credentials, certificates, proxy), and the settings or the error.
fn cases() -> Vec<(Value, [Value; 3], Result<Value, &'static str>)> {
    let none = || Value::Null;
    let slack = |fields: Value| {
        let mut spec = json!({"type": "slack"});
        for (key, value) in fields.as_object().unwrap() {
            spec[key] = value.clone();
        }
        spec
    };
    let github = || json!({"type": "github"});
    let auth = |data: Value| [data, Value::Null, Value::Null];
    let certificates = |data: Value| [Value::Null, data, Value::Null];
    let proxy = |data: Value| [Value::Null, Value::Null, data];
    let long = |length: usize| "a".repeat(length);
    vec![
        (
            slack(json!({"address": "https://a", "channel": "c", "username": "u"})),
            [none(), none(), none()],
            Ok(json!({"address": "https://a", "channel": "c", "username": "u"})),
        ),
        (slack(json!({})), [none(), none(), none()], Ok(json!({}))),
        (
            slack(json!({"address": "invalid"})),
            auth(json!({"address": " https://b\n", "token": " t\n"})),
            Ok(json!({"address": "https://b", "token": " t\n"})),
        ),
        (
            slack(json!({})),
            auth(json!({"address": long(2048)})),
            Ok(json!({"address": long(2048)})),
        ),
        (
            slack(json!({})),
            auth(json!({"address": long(2049)})),
            Err("invalid address in secret: address exceeds maximum length of 2048 bytes"),
        ),
        (
            slack(json!({"username": "spec"})),
            auth(json!({"username": "u", "password": "p", "token": "t"})),
            Ok(json!({"username": "u", "password": "p", "token": "t"})),
        ),
        // A half of a pair spoils all of the credentials, and nothing else.
        (
            slack(json!({"username": "spec"})),
            auth(json!({"username": "u", "token": "t", "address": "https://b"})),
            Ok(json!({"username": "spec", "address": "https://b"})),
        ),
        (
            slack(json!({})),
            auth(json!({"password": "p", "token": "t"})),
            Ok(json!({})),
        ),
        (
            slack(json!({})),
            auth(json!({"headers": "a: b\nc: \"1\"\nd: null\n"})),
            Ok(json!({"headers": {"a": "b", "c": "1", "d": ""}})),
        ),
        (
            slack(json!({})),
            auth(json!({"headers": ""})),
            Ok(json!({})),
        ),
        (
            slack(json!({})),
            auth(json!({"headers": "- a"})),
            Err("failed to read headers from secret: not a map of strings"),
        ),
        (
            slack(json!({})),
            auth(json!({"headers": "a: 1\nb: yes\nc: 1.50\n2: 010\n"})),
            Ok(json!({"headers": {"a": "1", "b": "true", "c": "1.5", "2": "8"}})),
        ),
        (
            slack(json!({})),
            auth(json!({"headers": "a: [1]"})),
            Err("failed to read headers from secret: not a map of strings"),
        ),
        (
            slack(json!({})),
            auth(json!({"headers": "a: [:"})),
            Err("failed to read headers from secret: "),
        ),
        // Proxies.
        (
            slack(json!({"proxy": "http://spec:1"})),
            [none(), none(), none()],
            Ok(json!({"proxy": "http://spec:1/"})),
        ),
        (
            slack(json!({"proxy": "invalid"})),
            auth(json!({"proxy": "https://secret:1"})),
            Ok(json!({"proxy": "https://secret:1/"})),
        ),
        (
            slack(json!({"proxy": "http://spec:1"})),
            [
                json!({"proxy": "https://secret:1"}),
                none(),
                json!({"address": "socks5://ref:1"}),
            ],
            Ok(json!({"proxy": "socks5://ref:1"})),
        ),
        (
            slack(json!({})),
            proxy(json!({"address": "http://ref:1", "username": "u@x", "password": "p:w"})),
            Ok(json!({"proxy": "http://u%40x:p%3Aw@ref:1/"})),
        ),
        (
            slack(json!({})),
            proxy(json!({"username": "u"})),
            Err("failed to get proxy URL: secret 'ns/secret': key 'address' not found"),
        ),
        (
            slack(json!({})),
            proxy(json!({"address": "ftp://ref:1"})),
            Err("failed to get proxy URL: secret 'ns/secret': key 'address' must begin with"),
        ),
        (
            slack(json!({})),
            auth(json!({"proxy": "http://[pass"})),
            Err("failed to get proxy URL: invalid proxy address: "),
        ),
        // Certificates.
        (
            slack(json!({})),
            certificates(json!({"ca.crt": "ca"})),
            Ok(json!({"tls": {"ca": "ca", "identity": null}})),
        ),
        (
            slack(json!({})),
            certificates(json!({"caFile": "old", "ca.crt": "new"})),
            Ok(json!({"tls": {"ca": "new", "identity": null}})),
        ),
        (
            slack(json!({})),
            certificates(json!({"caFile": "ca", "certFile": "c", "keyFile": "k"})),
            Ok(json!({"tls": {"ca": "ca", "identity": ["c", "k"]}})),
        ),
        (
            slack(json!({})),
            certificates(json!({"tls.crt": "c", "tls.key": "k"})),
            Ok(json!({"tls": {"ca": null, "identity": ["c", "k"]}})),
        ),
        (
            slack(json!({})),
            certificates(json!({"tls.crt": "c"})),
            Err("failed to get TLS config: secret 'ns/secret': key 'tls.key' not found"),
        ),
        (
            slack(json!({})),
            certificates(json!({".dockerconfigjson": "{}"})),
            Err("failed to get TLS config: secret 'ns/secret' must contain either"),
        ),
        // From the credentials' Secret for commit statuses only.
        (
            slack(json!({})),
            auth(json!({"ca.crt": "ca"})),
            Ok(json!({})),
        ),
        (
            github(),
            auth(json!({"ca.crt": "ca", "token": "t"})),
            Ok(json!({"token": "t", "tls": {"ca": "ca", "identity": null}})),
        ),
        (
            github(),
            auth(json!({"token": "t"})),
            Ok(json!({"token": "t"})),
        ),
        (
            github(),
            [json!({"ca.crt": "auth"}), json!({"ca.crt": "cert"}), none()],
            Ok(json!({"tls": {"ca": "cert", "identity": null}})),
        ),
        (
            github(),
            auth(json!({"ca.crt": "ca", "username": "u"})),
            Err("failed to get TLS config: malformed basic auth"),
        ),
    ]
}

#[test]
fn settings_are_what_provider_and_secrets_say() {
    for (spec, secrets, expected) in cases() {
        let provider: Provider = serde_json::from_value(json!({
            "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Provider",
            "metadata": {"name": "p", "namespace": "ns"}, "spec": spec,
        }))
        .unwrap();
        let [auth, certificates, proxy] = secrets.each_ref().map(secret);
        let sources = Sources {
            secret: auth,
            certificates,
            proxy,
        };
        match (resolve(&provider, &sources), expected) {
            (Ok(resolved), Ok(expected)) => {
                assert_eq!(shown(&resolved.settings), expected, "{spec} {secrets:?}");
            }
            (Err(error), Err(start)) => {
                let text = error.to_string();
                assert!(text.starts_with(start), "{spec} {secrets:?}: {text}");
                assert!(!text.contains("[pass"), "{text}");
            }
            (Ok(resolved), Err(_)) => panic!("{spec} {secrets:?}: {}", shown(&resolved.settings)),
            (Err(error), Ok(_)) => panic!("{spec} {secrets:?}: {error}"),
        }
    }
}

#[test]
fn whoever_loses_credentials_is_told() {
    let provider: Provider = serde_json::from_value(json!({
        "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Provider",
        "metadata": {"name": "p"}, "spec": {"type": "slack", "proxy": "http://proxy"},
    }))
    .unwrap();
    let sources = Sources {
        secret: secret(&json!({"username": "u"})),
        ..Sources::default()
    };
    let Ok(resolved) = resolve(&provider, &sources) else {
        panic!("refused");
    };
    assert_eq!(resolved.notes.len(), 2, "{:?}", resolved.notes);
}

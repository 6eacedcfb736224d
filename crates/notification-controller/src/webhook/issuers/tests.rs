//! Tokens of an issuer on the loopback interface.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use axum::{Json, Router, routing::get};
use serde_json::json;
use tokio::net::TcpListener;

use super::*;

/// A second far away.
pub(in crate::webhook) const LATER: i64 = 4_000_000_000;

/// Knows no keys yet.
pub(in crate::webhook) fn issuers() -> Issuers {
    runtime::http::install_tls_provider();
    Issuers::new(
        reqwest::Client::builder()
            .tls_certs_only([])
            .build()
            .expect("client"),
    )
}

/// An issuer with one key.
pub(in crate::webhook) struct Issuer {
    pub(in crate::webhook) url: String,
    key: KeyPair,
    /// Requests for its keys.
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    pub(in crate::webhook) async fn start() -> Self {
        let key = KeyPair::generate(KeySize::Rsa2048).expect("key");
        // An RSAPublicKey of 2048 bits and the usual exponent has its modulus at a fixed place.
        let modulus = key.public_key().as_ref().get(9..265).expect("modulus");
        let jwk = json!({
            "kty": "RSA", "kid": "one", "use": "sig", "alg": "RS256", "e": "AQAB",
            "n": URL_SAFE_NO_PAD.encode(modulus),
        });
        let keys = json!({ "keys": [
            { "kty": "future", "kid": "one" }, { "kty": "oct", "kid": "one", "k": "AAAA" }, jwk,
        ] });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listener");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let document = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") });
        let asked = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&asked);
        let answer = move || {
            count.fetch_add(1, Ordering::SeqCst);
            std::future::ready(Json(keys.clone()))
        };
        let well_known = "/.well-known/openid-configuration";
        let router = Router::new()
            .route("/keys", get(answer))
            .route(well_known, get(async move || Json(document.clone())));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, key, asked }
    }

    /// A token with these claims over the usual ones; a null claim is left out.
    pub(in crate::webhook) fn token(&self, claims: &Value) -> String {
        self.signed(
            &json!({ "alg": "RS256", "kid": "one", "typ": "JWT" }),
            claims,
        )
    }

    fn signed(&self, header: &Value, change: &Value) -> String {
        let mut claims = json!({ "iss": self.url, "aud": "notification-controller", "exp": LATER });
        let object = claims.as_object_mut().expect("claims");
        object.extend(change.as_object().expect("claims").clone());
        object.retain(|_, value| !value.is_null());
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(&claims));
        let mut signature = vec![0; 256];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message.as_bytes(),
                &mut signature,
            )
            .expect("signature");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn source(&self) -> Source {
        Source::Discovery(self.url.clone())
    }

    async fn judge(&self, issuers: &Issuers, token: &str) -> String {
        let expected = Expected {
            issuer: Some(&self.url),
            audience: "notification-controller",
        };
        match issuers.verify(&self.source(), token, expected).await {
            Ok(claims) => claims
                .get("sub")
                .map_or("accepted".to_owned(), Value::to_string),
            Err(error) => error.to_string(),
        }
    }
}

#[tokio::test]
async fn tokens_are_accepted_only_if_all_is_right() {
    let (issuer, other) = (Issuer::start().await, Issuer::start().await);
    let issuers = issuers();
    let now = Timestamp::now().as_second();
    let (own, header) = (&issuer, json!({ "alg": "RS256", "kid": "one" }));
    let tampered = {
        let token = own.token(&json!({}));
        let parts: Vec<_> = token.split('.').collect();
        let claims = URL_SAFE_NO_PAD.encode(r#"{"sub": "admin"}"#);
        format!("{}.{claims}.{}", parts[0], parts[2])
    };
    let unsigned = {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg": "none"}"#);
        format!("{header}.{}.", URL_SAFE_NO_PAD.encode("{}"))
    };
    for (token, expected) in [
        (own.token(&json!({ "sub": "x" })), "\"x\""),
        (
            own.token(&json!({ "aud": ["a", "notification-controller"] })),
            "accepted",
        ),
        (
            own.token(&json!({ "nbf": now + 60, "exp": now + 60 })),
            "accepted",
        ),
        (own.token(&json!({ "exp": 4e9 })), "accepted"),
        (
            own.signed(&json!({ "alg": "RS256" }), &json!({})),
            "accepted",
        ),
        (own.token(&json!({ "exp": now - 1 })), "token is expired"),
        (own.token(&json!({ "exp": null })), "token is expired"),
        (own.token(&json!({ "exp": "never" })), "token is expired"),
        (
            own.token(&json!({ "nbf": now + 3600 })),
            "token is not valid yet",
        ),
        (
            own.token(&json!({ "nbf": "now" })),
            "token is not valid yet",
        ),
        (
            own.token(&json!({ "aud": "you" })),
            r#"expected audience "notification-controller" got "you""#,
        ),
        (
            own.token(&json!({ "aud": null })),
            r#"expected audience "notification-controller" got null"#,
        ),
        (
            own.token(&json!({ "iss": "x" })),
            "issued by a different provider",
        ),
        (
            other.token(&json!({ "iss": own.url })),
            "failed to verify signature",
        ),
        (tampered, "failed to verify signature"),
        (
            own.signed(&json!({ "alg": "RS256", "kid": "two" }), &json!({})),
            "failed to verify signature",
        ),
        (
            own.signed(&json!({ "alg": "HS256", "kid": "one" }), &json!({})),
            "unsupported algorithm",
        ),
        (
            own.signed(&json!({ "alg": "ES256", "kid": "one" }), &json!({})),
            "unsupported algorithm",
        ),
        (
            own.signed(
                &json!({ "alg": "RS256", "kid": "one", "crit": ["x"] }),
                &json!({}),
            ),
            "critical header parameters",
        ),
        (
            own.signed(&header, &json!({})).replace('.', "!"),
            "malformed jwt",
        ),
        (unsigned, "malformed jwt"),
        (String::new(), "malformed jwt"),
    ] {
        let verdict = own.judge(&issuers, &token).await;
        assert!(verdict.contains(expected), "{expected}: {verdict}");
    }
    assert_eq!(own.asked.load(Ordering::SeqCst), 1, "keys are kept");
}

#[tokio::test]
async fn an_issuer_must_be_there_and_name_itself() {
    let issuer = Issuer::start().await;
    let issuers = issuers();
    let token = issuer.token(&json!({}));
    for (url, expected) in [
        (format!("{}/", issuer.url), "issuer did not match"),
        (format!("{}/elsewhere", issuer.url), "404 Not Found"),
        (
            "http://127.0.0.1:1".to_owned(),
            "failed to get the keys of issuer",
        ),
        ("nonsense".to_owned(), "failed to get the keys of issuer"),
    ] {
        let expected_of = Expected {
            issuer: None,
            audience: "notification-controller",
        };
        let source = Source::Discovery(url);
        let error = issuers.verify(&source, &token, expected_of).await;
        let error = error.expect_err("no keys").to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

/// Under paused time nothing can be fetched, so what is kept is put there by hand.
#[tokio::test(start_paused = true)]
async fn what_is_kept_is_bounded_in_time_and_number() {
    let issuers = issuers();
    let source = |number: usize| Source::Keys(format!("https://{number}"));
    let keep = |number: usize, good: bool| {
        let keys = Keys {
            algorithms: Vec::new(),
            keys: Vec::new(),
        };
        let keys = if good {
            Ok(Arc::new(keys))
        } else {
            Err(FetchError("x".into()))
        };
        issuers.keep(&source(number), keys).keys.is_ok()
    };
    assert!(keep(0, true) && !keep(1, false));
    let kept = |number, age| issuers.kept(&source(number), age).is_some();
    assert!(kept(0, KEEP) && kept(1, KEEP));
    tokio::time::advance(KEEP_FAILURE).await;
    assert!(kept(0, KEEP) && kept(0, RENEW) && !kept(1, KEEP));
    tokio::time::advance(RENEW).await;
    assert!(kept(0, KEEP) && !kept(0, RENEW));
    assert!(keep(0, false), "what was good stays so");
    assert!(kept(0, RENEW), "not again at once");
    tokio::time::advance(KEEP_FAILURE).await;
    assert!(kept(0, KEEP) && !kept(0, RENEW));
    tokio::time::advance(KEEP).await;
    assert!(!kept(0, KEEP) && !keep(0, false));
    for number in 0..2 * ISSUERS {
        keep(number, true);
    }
    assert_eq!(issuers.kept.lock().expect("lock").len(), ISSUERS);
    assert!(kept(2 * ISSUERS - 1, KEEP));
}

#[test]
fn the_issuer_is_read_from_the_token() {
    let token = |claims: &str| format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims));
    for (token, expected) in [
        (
            token(r#"{"iss": "https://i", "sub": 1}"#),
            Ok("https://i".to_owned()),
        ),
        (token("{}"), Err("token is missing the 'iss' claim")),
        (token(r#"{"iss": 1}"#), Err("failed to parse token payload")),
        (token("x"), Err("failed to parse token payload")),
        ("a.%.c".to_owned(), Err("failed to decode token payload")),
        ("a.b".to_owned(), Err("token is not a JWT")),
        ("a.b.c.d".to_owned(), Err("token is not a JWT")),
    ] {
        assert_eq!(unverified_issuer(&token), expected, "{token}");
    }
}

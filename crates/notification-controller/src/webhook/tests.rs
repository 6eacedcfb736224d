//! The server against a fake API server: cases as data, and what data cannot say.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{Request, StatusCode},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures::{StreamExt, future::join_all, poll, stream};
use runtime::cache::Change;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{
    fake::FakeApi,
    issuers::tests::{Issuer, issuers},
    *,
};

const PATH: &str = "/hook/9c8f2a1e5b7d";

/// A server with one receiver, in front of a fake API server.
struct Site {
    api: FakeApi,
    webhooks: Arc<Webhooks>,
}

impl Site {
    fn new(spec: &Value, secrets: &Value, objects: &Value, flags: &[&str]) -> Self {
        Self::with(spec, secrets, objects, flags, Duration::ZERO, issuers())
    }

    fn with(
        spec: &Value,
        secrets: &Value,
        objects: &Value,
        flags: &[&str],
        latency: Duration,
        issuers: Issuers,
    ) -> Self {
        let api = FakeApi::new(secrets, objects, latency);
        let context = api.context(flags);
        let hooks = Arc::new(Hooks::default());
        let receiver = json!({
            "apiVersion": "notification.toolkit.fluxcd.io/v1", "kind": "Receiver",
            "metadata": { "name": "hooks", "namespace": "apps" }, "spec": spec,
            "status": { "webhookPath": PATH, "conditions": [{
                "type": "Ready", "status": "True", "reason": "Succeeded", "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }] },
        });
        let receiver = serde_json::from_value(receiver).expect("receiver");
        hooks.update(&Change::Added(Arc::new(receiver)));
        hooks.set_complete();
        Self {
            api,
            webhooks: Webhooks::with(context, hooks, issuers),
        }
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, String) {
        let response = self
            .webhooks
            .router()
            .oneshot(request)
            .await
            .expect("response");
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 16).await.expect("body");
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }

    /// Posts a body; the status. The answer must be empty.
    async fn post(&self, headers: &[(&str, &str)], body: impl Into<Body>) -> u16 {
        let mut request = Request::post(PATH);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (status, answer) = self.send(request.body(body.into()).expect("request")).await;
        assert_eq!(answer, "", "nothing is told");
        status.as_u16()
    }
}

fn secrets() -> Value {
    json!({ "token": { "token": "s3cret" }, "empty": { "token": "" }, "other": { "password": "x" } })
}

fn objects() -> Value {
    json!({
        "GitRepository/apps/web": { "team": "a" }, "GitRepository/apps/api": { "team": "b" },
        "GitRepository/apps/docs": { "team": "a" }, "OCIRepository/apps/charts": {},
        "GitRepository/other/web": { "team": "a" }, "ImageRepository/apps/image": {},
        "Kustomization/apps/site": {},
    })
}

/// `tests/webhooks/<case>`: `receiver.json` (the spec), `request` (method, path and headers), `body`, and
/// `expected.json` (the status, and what was annotated).
#[tokio::test]
async fn cases_end_as_expected() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/webhooks");
    let entries = fs::read_dir(&root).expect("cases");
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.expect("case").path()).collect();
    cases.sort();
    let mut wrong = Vec::new();
    for case in &cases {
        let read = |name: &str| fs::read(case.join(name)).unwrap_or_default();
        let json = |name: &str| serde_json::from_slice::<Value>(&read(name)).expect("JSON");
        let expected = json("expected.json");
        let site = Site::new(
            &json("receiver.json"),
            &secrets(),
            &objects(),
            &flags(&expected),
        );
        let text = String::from_utf8(read("request")).expect("text");
        let mut lines = text.lines();
        let (method, path) = lines
            .next()
            .and_then(|line| line.split_once(' '))
            .expect("start");
        let mut request = Request::builder()
            .method(method)
            .uri(path.replace("PATH", PATH));
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(read("body"))).expect("request");
        let (status, _) = site.send(request).await;
        let annotated: Vec<_> = site.api.annotated().into_keys().collect();
        let got = json!({ "status": status.as_u16(), "annotated": annotated });
        let want = json!({ "status": expected["status"], "annotated": expected["annotated"] });
        if got != want {
            wrong.push(format!("{}: {got}, not {want}", case.display()));
        }
    }
    assert!(cases.len() > 50, "{}", cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn flags(expected: &Value) -> Vec<&str> {
    let flags = expected["flags"].as_array().map(Vec::as_slice);
    flags
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_str)
        .collect()
}

fn generic() -> Value {
    json!({
        "type": "generic", "secretRef": { "name": "token" },
        "resources": [{ "kind": "GitRepository", "name": "web" }],
    })
}

#[tokio::test]
async fn bodies_are_bounded_wherever_they_go() {
    let site = Site::new(&generic(), &json!({}), &objects(), &[]);
    let most = vec![b'x'; BODIES.bytes];
    let mut over = most.clone();
    over.push(b'x');
    // Without a Secret, so that what is not too large is refused later.
    assert_eq!(site.post(&[], over.clone()).await, 413);
    assert_eq!(site.post(&[], most.clone()).await, 400);
    for (body, status) in [(over, 413), (most, 404)] {
        let request = Request::post("/hook/unknown")
            .body(Body::from(body))
            .expect("request");
        assert_eq!(site.send(request).await.0, status);
    }
}

#[tokio::test]
async fn until_all_receivers_are_known_none_is_unknown() {
    let site = Site::new(&generic(), &secrets(), &objects(), &[]);
    let hooks = Arc::new(Hooks::default());
    let fresh = Webhooks::with(
        Arc::clone(&site.webhooks.context),
        Arc::clone(&hooks),
        issuers(),
    );
    let ask = async || {
        let request = Request::post(PATH).body(Body::empty()).expect("request");
        fresh
            .router()
            .oneshot(request)
            .await
            .expect("response")
            .status()
    };
    assert_eq!(ask().await, 503);
    hooks.set_complete();
    assert_eq!(ask().await, 404);
}

#[tokio::test]
async fn other_paths_are_gos() {
    let site = Site::new(&generic(), &secrets(), &objects(), &[]);
    for (path, status, location) in [
        ("/", 404, None),
        ("/metrics", 404, None),
        ("/hook/", 404, None),
        ("/hook", 307, Some("/hook/".to_owned())),
        ("//hook/9c8f2a1e5b7d", 307, Some(PATH.to_owned())),
        (
            "/x/../hook/9c8f2a1e5b7d?a=b",
            307,
            Some(format!("{PATH}?a=b")),
        ),
    ] {
        let request = Request::post(path).body(Body::empty()).expect("request");
        let response = site
            .webhooks
            .router()
            .oneshot(request)
            .await
            .expect("response");
        assert_eq!(response.status(), status, "{path}");
        let header = response
            .headers()
            .get("location")
            .map(|value| value.to_str().expect("text"));
        assert_eq!(header, location.as_deref(), "{path}");
    }
    let request = Request::post("/x").body(Body::empty()).expect("request");
    assert_eq!(site.send(request).await.1, "404 page not found\n");
}

#[tokio::test]
async fn a_request_that_is_sent_again_asks_again() {
    let site = Site::new(&generic(), &secrets(), &objects(), &[]);
    for _ in 0..3 {
        assert_eq!(site.post(&[], "{}").await, 200);
    }
    let annotated = site.api.annotated();
    let values = &annotated["apps/gitrepositories/web"];
    let distinct: std::collections::BTreeSet<_> = values.iter().collect();
    assert_eq!((values.len(), distinct.len()), (3, 3), "{values:?}");
}

#[tokio::test(start_paused = true)]
async fn an_unauthentic_crowd_costs_shared_reads_of_the_secret() {
    let mut spec = generic();
    spec["type"] = "gitlab".into();
    let latency = Duration::from_millis(5);
    let site = Site::with(&spec, &secrets(), &objects(), &[], latency, issuers());
    let answers =
        join_all((0..1000).map(|_| site.post(&[("X-Gitlab-Token", "wrong")], "{}"))).await;
    assert!(answers.iter().all(|status| *status == 400));
    let requests = site.api.requests();
    assert!(requests.len() <= 2, "{requests:?}");
    assert!(site.api.annotated().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_thousand_at_once_are_answered_by_a_handful_of_requests() {
    let spec = json!({
        "type": "gitlab", "secretRef": { "name": "token" },
        "resources": [
            { "kind": "GitRepository", "name": "web" },
            { "kind": "GitRepository", "name": "*", "matchLabels": { "team": "a" } },
            { "kind": "OCIRepository", "name": "charts", "filter": "true" },
        ],
    });
    let latency = Duration::from_millis(5);
    let site = Site::with(&spec, &secrets(), &objects(), &[], latency, issuers());
    let one = async |number: usize| {
        let token = if number.is_multiple_of(10) {
            "wrong"
        } else {
            "s3cret"
        };
        site.post(&[("X-Gitlab-Token", token)], "{}").await
    };
    let answers = join_all((0..1000).map(one)).await;
    for (number, status) in answers.iter().enumerate() {
        let expected = if number.is_multiple_of(10) { 400 } else { 200 };
        assert_eq!(*status, expected, "{number}");
    }
    let requests = site.api.requests();
    assert!(requests.len() <= 30, "{}: {requests:?}", requests.len());
    let annotated: Vec<_> = site.api.annotated().into_keys().collect();
    let expected = [
        "apps/gitrepositories/docs",
        "apps/gitrepositories/web",
        "apps/ocirepositories/charts",
    ];
    assert_eq!(annotated, expected);
}

/// A receiver of tokens, with these filters.
fn oidc(issuer: &str, filter: &str) -> Value {
    json!({
        "type": "generic-oidc", "resourceFilter": filter,
        "resources": [{ "kind": "GitRepository", "name": "web" }],
        "oidcProviders": [{
            "issuerURL": issuer,
            "variables": [
                { "name": "parts", "expression": "claims.sub.split('/')" },
                { "name": "owner", "expression": "vars.parts[0]" },
            ],
            "validations": [
                { "expression": "vars.owner == 'us'", "message": "not ours" },
                { "expression": "claims.ref == 'main'", "message": "not main" },
            ],
        }],
    })
}

#[tokio::test]
async fn tokens_open_a_receiver_that_trusts_their_issuer() {
    let issuer = Issuer::start().await;
    let site = Site::new(
        &oidc(&issuer.url, "claims.ref == res.metadata.labels.ref"),
        &json!({}),
        &json!({
            "GitRepository/apps/web": { "ref": "main" },
        }),
        &[],
    );
    let good = json!({ "sub": "us/app", "ref": "main" });
    let bearer = |claims: Value| format!("Bearer {}", issuer.token(&claims));
    for (authorization, status) in [
        (bearer(good.clone()), 200),
        (bearer(json!({ "sub": "them/app", "ref": "main" })), 400),
        (bearer(json!({ "sub": "us/app", "ref": "dev" })), 400),
        (bearer(json!({ "sub": "us/app" })), 400),
        (
            bearer(json!({ "sub": "us/app", "ref": "main", "aud": "you" })),
            400,
        ),
        (
            bearer(json!({ "sub": "us/app", "ref": "main", "exp": 1 })),
            400,
        ),
        (
            bearer(json!({ "sub": "us/app", "ref": "main", "iss": "https://evil" })),
            400,
        ),
        (bearer(good.clone()).replace("Bearer", "bearer"), 400),
        ("Bearer ".to_owned(), 400),
        ("Bearer x".to_owned(), 400),
        ("Basic eDp5".to_owned(), 400),
        (String::new(), 400),
    ] {
        let got = site.post(&[("Authorization", &authorization)], "{}").await;
        assert_eq!(got, status, "{authorization}");
    }
    assert_eq!(site.api.annotated().len(), 1);
    assert!(
        site.api
            .requests()
            .iter()
            .all(|line| !line.contains("secrets"))
    );

    let site = Site::new(
        &oidc(&issuer.url, "claims.nothing == 'x'"),
        &json!({}),
        &objects(),
        &[],
    );
    assert_eq!(
        site.post(&[("Authorization", &bearer(good))], "{}").await,
        500
    );
}

#[tokio::test]
async fn google_pushes_with_a_token_for_the_right_account() {
    let google = Issuer::start().await;
    let spec = |secret: &str| {
        json!({
            "type": "gcr", "secretRef": { "name": secret },
            "resources": [{
                "kind": "ImageRepository", "name": "image",
                "filter": "req.action == 'INSERT' && req.tag == 'r/app:1' && !has(req.message)",
            }],
        })
    };
    let secrets = json!({
        "gcr": { "token": "t", "email": "push@g", "audience": "https://us/hook" },
        "no-email": { "token": "t", "audience": "https://us/hook" },
        "empty-audience": { "token": "t", "email": "push@g", "audience": "" },
        "no-token": { "email": "push@g", "audience": "https://us/hook" },
    });
    let site = |secret: &str| {
        let issuers = issuers().with_google(format!("{}/keys", google.url));
        Site::with(
            &spec(secret),
            &secrets,
            &objects(),
            &[],
            Duration::ZERO,
            issuers,
        )
    };
    let good = json!({
        "iss": "https://accounts.google.com", "aud": "https://us/hook", "email": "push@g",
        "email_verified": true,
    });
    let with = |change: Value| {
        let mut claims = good.clone();
        let object = claims.as_object_mut().expect("claims");
        object.extend(change.as_object().expect("claims").clone());
        claims
    };
    let data =
        STANDARD.encode(r#"{"action": "INSERT", "tag": "r/app:1", "digest": "r/app@sha256:0"}"#);
    let envelope = json!({ "message": { "data": data, "messageId": "1" }, "subscription": "s" });
    let envelope = envelope.to_string();
    for (secret, claims, body, status) in [
        ("gcr", good.clone(), envelope.as_str(), 200),
        (
            "gcr",
            with(json!({ "iss": "accounts.google.com" })),
            &envelope,
            200,
        ),
        (
            "gcr",
            with(json!({ "iss": "https://evil" })),
            &envelope,
            400,
        ),
        ("gcr", with(json!({ "email": "other@g" })), &envelope, 400),
        (
            "gcr",
            with(json!({ "email_verified": false })),
            &envelope,
            400,
        ),
        (
            "gcr",
            with(json!({ "email_verified": "true" })),
            &envelope,
            400,
        ),
        (
            "gcr",
            with(json!({ "aud": "https://them" })),
            &envelope,
            400,
        ),
        ("gcr", with(json!({ "exp": 1 })), &envelope, 400),
        (
            "gcr",
            good.clone(),
            r#"{"message": {"data": "bm9uZQ=="}}"#,
            400,
        ),
        ("gcr", good.clone(), "{", 400),
        ("no-email", good.clone(), &envelope, 400),
        ("empty-audience", good.clone(), &envelope, 400),
        ("no-token", good.clone(), &envelope, 400),
        ("missing", good.clone(), &envelope, 400),
    ] {
        let authorization = format!("Bearer {}", google.token(&claims));
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", "application/json"),
        ];
        let site = site(secret);
        let got = site.post(&headers, body.to_owned()).await;
        assert_eq!(got, status, "{secret} {claims} {body}");
        assert_eq!(site.api.annotated().len(), usize::from(status == 200));
    }
    let site = site("gcr");
    assert_eq!(site.post(&[], envelope.clone()).await, 400);
    let annotated: BTreeMap<String, Vec<String>> = site.api.annotated();
    assert!(annotated.is_empty());
}

#[tokio::test]
async fn a_body_is_not_held_for_who_is_refused_by_the_headers() {
    let issuer = Issuer::start().await;
    let site = Site::new(&oidc(&issuer.url, "true"), &json!({}), &objects(), &[]);
    let chunk = Bytes::from(vec![b' '; BODIES.bytes - 1]);
    let mut strangers: Vec<_> = (0..=BODIES.budget / BODIES.bytes)
        .map(|_| {
            let sent = stream::iter([Ok::<_, std::io::Error>(chunk.clone())]);
            let body = Body::from_stream(sent.chain(stream::pending()));
            Box::pin(site.post(&[("Authorization", "Bearer wrong")], body))
        })
        .collect();
    for stranger in &mut strangers {
        assert!(poll!(stranger).is_pending());
    }
    let bearer = format!(
        "Bearer {}",
        issuer.token(&json!({ "sub": "us/app", "ref": "main" }))
    );
    assert_eq!(
        site.post(&[("Authorization", &bearer)], chunk.clone())
            .await,
        200
    );
}

#[tokio::test]
async fn a_sender_that_does_not_wait_has_still_called() {
    let mut spec = generic();
    spec["resources"] = json!([
        { "kind": "GitRepository", "name": "*", "matchLabels": {} },
        { "kind": "OCIRepository", "name": "charts" },
    ]);
    let site = Site::new(&spec, &secrets(), &objects(), &[]);
    let mut call = Box::pin(site.post(&[], "{}"));
    while site.api.requests().len() < 2 {
        assert!(poll!(&mut call).is_pending());
        tokio::task::yield_now().await;
    }
    drop(call);
    let all = async {
        while site.api.annotated().len() < 4 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all)
        .await
        .expect("all four are annotated");
}

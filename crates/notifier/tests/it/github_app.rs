//! GitHub Apps instead of tokens.

use notifier::{CloudEnvironment, Settings};
use serde_json::json;

use super::bench::{Bench, COMMIT, claims, event, rsa_key, settings};

const API: &str = "https://api.github.com";

fn app(kind: &str, fields: &[(&str, &str)]) -> Settings {
    let mut settings = settings(kind, "https://github.com/foo/bar");
    let key = rsa_key();
    let fields = fields
        .iter()
        .copied()
        .chain([("githubAppID", "7"), ("githubAppPrivateKey", key.as_str())]);
    settings.secret = fields
        .map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()))
        .collect();
    settings
}

#[tokio::test]
async fn the_installation_is_found_and_its_token_used() {
    let token = r#"{"token":"ghs","expires_at":"2999-01-01T00:00:00Z"}"#;
    let organization = format!("GET {API}/orgs/acme/installation");
    let user = format!("GET {API}/users/acme/installation");
    let exchange =
        |base: &str, id: i64| format!("POST {base}/app/installations/{id}/access_tokens");
    let enterprise = "https://ghe.example.com/api/v3";
    for (name, fields, answers, expected) in [
        (
            "by id",
            vec![("githubAppInstallationID", "9")],
            vec![token],
            vec![exchange(API, 9)],
        ),
        (
            "of an organisation",
            vec![("githubAppInstallationOwner", "acme")],
            vec![r#"{"id":5}"#, token],
            vec![organization.clone(), exchange(API, 5)],
        ),
        (
            "of a user",
            vec![("githubAppInstallationOwner", "acme")],
            vec!["404 {}", r#"{"id":6}"#, token],
            vec![organization, user, exchange(API, 6)],
        ),
        (
            "of an enterprise server",
            vec![
                ("githubAppInstallationID", "9"),
                ("githubAppBaseURL", "https://ghe.example.com/api/v3/"),
            ],
            vec![token],
            vec![exchange(enterprise, 9)],
        ),
    ] {
        let bench = Bench::new(
            &[&answers[..], &["[]"]].concat(),
            CloudEnvironment::default(),
        )
        .await;
        let settings = app("github", &fields);
        bench.post(&settings, &event(&json!({}))).await.expect(name);
        let received = bench.received();
        let (exchanged, posted) = received.split_at(expected.len());
        assert_eq!(
            exchanged.iter().map(super::bench::line).collect::<Vec<_>>(),
            expected,
            "{name}"
        );
        for request in exchanged {
            let signed = request.headers.get("authorization").expect("a claim");
            let (header, claims) = claims(signed.strip_prefix("Bearer ").expect("bearer"));
            assert_eq!(
                (&header["alg"], &claims["iss"]),
                (&json!("RS256"), &json!("7"))
            );
        }
        assert_eq!(posted.len(), 2, "{name}");
        for request in posted {
            let authorization = request.headers.get("authorization");
            assert_eq!(
                authorization.map(String::as_str),
                Some("Bearer ghs"),
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn a_token_is_exchanged_once() {
    let token = r#"{"token":"ghs","expires_at":"2999-01-01T00:00:00Z"}"#;
    let bench = Bench::new(&[token, "[]", "201 {}", "[]"], CloudEnvironment::default()).await;
    let settings = app("github", &[("githubAppInstallationID", "9")]);
    for _ in 0..2 {
        bench
            .post(&settings, &event(&json!({})))
            .await
            .expect("posted");
    }
    let statuses = [
        format!("GET {API}/repos/foo/bar/commits/{COMMIT}/statuses?per_page=50"),
        format!("POST {API}/repos/foo/bar/statuses/{COMMIT}"),
    ];
    let mut expected = vec![format!("POST {API}/app/installations/9/access_tokens")];
    expected.extend(statuses.clone());
    expected.extend(statuses);
    assert_eq!(bench.lines(), expected);
}

#[tokio::test]
async fn an_app_signs_comments_with_its_slug() {
    let own = r#"[{"id":1,"user":{"login":"perigee[bot]"},"body":"<!-- flux-pr-comment-key:0c9c2e41/Kustomization/apps/webapp -->"}]"#;
    let answers = [
        r#"{"slug":"perigee"}"#,
        r#"{"token":"ghs","expires_at":"2999-01-01T00:00:00Z"}"#,
        own,
    ];
    let bench = Bench::new(&answers, CloudEnvironment::default()).await;
    let settings = app(
        "githubpullrequestcomment",
        &[("githubAppInstallationID", "9")],
    );
    bench
        .post(&settings, &event(&json!({})))
        .await
        .expect("posted");
    assert_eq!(
        bench.lines(),
        [
            format!("GET {API}/app"),
            format!("POST {API}/app/installations/9/access_tokens"),
            format!(
                "GET {API}/repos/foo/bar/issues/42/comments?direction=asc&per_page=100&sort=created"
            ),
            format!("PATCH {API}/repos/foo/bar/issues/comments/1"),
        ]
    );
}

#[tokio::test]
async fn an_owner_without_the_app_is_told_with_both_reasons() {
    let bench = Bench::new(&["404 no", "404 nor"], CloudEnvironment::default()).await;
    let settings = app("github", &[("githubAppInstallationOwner", "acme")]);
    let error = bench.post(&settings, &event(&json!({}))).await;
    assert_eq!(
        error,
        Err(format!(
            "failed to find organization installation: GET {API}/orgs/acme/installation: 404 Not Found: no; \
             failed to find user installation: GET {API}/users/acme/installation: 404 Not Found: nor"
        ))
    );
}

#[tokio::test]
async fn a_token_wins_over_an_app() {
    let bench = Bench::new(&["[]"], CloudEnvironment::default()).await;
    let mut settings = app("github", &[("githubAppInstallationID", "9")]);
    settings.password = "ghp".to_owned();
    bench
        .post(&settings, &event(&json!({})))
        .await
        .expect("posted");
    let authorizations: Vec<_> = bench
        .received()
        .iter()
        .map(|request| request.headers.get("authorization").cloned())
        .collect();
    assert_eq!(
        authorizations,
        [Some("Bearer ghp".to_owned()), Some("Bearer ghp".to_owned())]
    );
}

//! Access to clouds: as a service account, as the controller, with a stored key.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use notifier::{CloudEnvironment, Identity, IdentityError, ObjectName, Settings};
use serde_json::{Value, json};

use super::bench::{Bench, claims, event, form, line, rsa_key, settings};

/// A service account whose token for an audience is `sa(<audience>)`.
struct Account {
    name: ObjectName,
    annotations: BTreeMap<String, String>,
}

impl Identity for Account {
    fn name(&self) -> &ObjectName {
        &self.name
    }

    fn annotations(&self) -> &BTreeMap<String, String> {
        &self.annotations
    }

    fn token<'a>(&'a self, audience: &'a str) -> BoxFuture<'a, Result<String, IdentityError>> {
        Box::pin(async move { Ok(format!("sa({audience})")) })
    }
}

fn account(annotations: &[(&str, &str)]) -> Arc<dyn Identity> {
    let annotations = annotations
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    Arc::new(Account {
        name: ObjectName {
            name: "flux".to_owned(),
            namespace: "apps".to_owned(),
            uid: String::new(),
        },
        annotations,
    })
}

fn environment(variables: &[(&str, &str)]) -> CloudEnvironment {
    CloudEnvironment::read(|name| {
        let found = variables.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

/// A request to a token endpoint: its line, and the form's or header's parts that matter.
struct Exchange {
    line: &'static str,
    parts: &'static [(&'static str, &'static str)],
}

struct Row {
    name: &'static str,
    environment: CloudEnvironment,
    identity: Option<Arc<dyn Identity>>,
    answers: &'static [&'static str],
    exchanges: &'static [Exchange],
}

impl Row {
    /// Posts twice: the second time no exchange is left to do.
    async fn check(self, mut settings: Settings, message: &str) {
        let name = self.name;
        settings.identity = self.identity;
        let bench = Bench::new(self.answers, self.environment).await;
        for _ in 0..2 {
            bench
                .post(&settings, &event(&json!({})))
                .await
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        let received = bench.received();
        let lines: Vec<String> = received.iter().map(line).collect();
        let mut expected: Vec<&str> = self
            .exchanges
            .iter()
            .map(|exchange| exchange.line)
            .collect();
        expected.extend([message, message]);
        assert_eq!(lines, expected, "{name}");
        for (request, exchange) in received.iter().zip(self.exchanges) {
            let form = form(&request.body);
            for (key, value) in exchange.parts {
                let found = form.get(*key).or_else(|| request.headers.get(*key));
                assert_eq!(found.map(String::as_str), Some(*value), "{name}: {key}");
            }
        }
        for request in received.iter().skip(self.exchanges.len()) {
            let authorization = request.headers.get("authorization");
            assert_eq!(
                authorization.map(String::as_str),
                Some("Bearer opened"),
                "{name}"
            );
        }
    }
}

/// A file that goes with the test.
fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(file.path(), text).expect("written");
    file
}

fn path(file: &tempfile::NamedTempFile) -> &str {
    file.path().to_str().expect("UTF-8")
}

#[tokio::test]
async fn azure() {
    let projected = file("projected\n");
    let rows = [
        Row {
            name: "a service account",
            environment: environment(&[]),
            identity: Some(account(&[
                ("azure.workload.identity/tenant-id", "tenant"),
                ("azure.workload.identity/client-id", "client"),
            ])),
            answers: &[r#"{"access_token":"opened","expires_in":3600}"#],
            exchanges: &[Exchange {
                line: "POST https://login.microsoftonline.com/tenant/oauth2/v2.0/token",
                parts: &[
                    ("client_id", "client"),
                    ("grant_type", "client_credentials"),
                    ("scope", "https://eventhubs.azure.net//.default"),
                    ("client_assertion", "sa(api://AzureADTokenExchange)"),
                    (
                        "client_assertion_type",
                        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                    ),
                ],
            }],
        },
        Row {
            name: "the controller by the webhook's token",
            environment: environment(&[
                ("AZURE_TENANT_ID", "t"),
                ("AZURE_CLIENT_ID", "c"),
                ("AZURE_FEDERATED_TOKEN_FILE", path(&projected)),
            ]),
            identity: None,
            answers: &[r#"{"access_token":"opened","expires_in":3600}"#],
            exchanges: &[Exchange {
                line: "POST https://login.microsoftonline.com/t/oauth2/v2.0/token",
                parts: &[("client_id", "c"), ("client_assertion", "projected")],
            }],
        },
        Row {
            name: "the controller by a secret",
            environment: environment(&[
                ("AZURE_TENANT_ID", "t"),
                ("AZURE_CLIENT_ID", "c"),
                ("AZURE_CLIENT_SECRET", "s"),
            ]),
            identity: None,
            answers: &[r#"{"access_token":"opened","expires_in":3600}"#],
            exchanges: &[Exchange {
                line: "POST https://login.microsoftonline.com/t/oauth2/v2.0/token",
                parts: &[("client_secret", "s")],
            }],
        },
        Row {
            name: "the machine's identity",
            environment: environment(&[("AZURE_CLIENT_ID", "c")]),
            identity: None,
            answers: &[r#"{"access_token":"opened","expires_in":"3600"}"#],
            exchanges: &[Exchange {
                line: "GET http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Feventhubs.azure.net%2F&client_id=c",
                parts: &[("metadata", "true")],
            }],
        },
    ];
    for row in rows {
        let mut settings = settings("azureeventhub", "hub");
        settings.channel = "ns".to_owned();
        let message = "POST https://ns.servicebus.windows.net/hub/messages?api-version=2014-01";
        row.check(settings, message).await;
    }
}

#[tokio::test]
async fn azure_in_another_cloud() {
    let row = Row {
        name: "China",
        environment: environment(&[("AZURE_AUTHORITY_HOST", "https://login.chinacloudapi.cn/")]),
        identity: Some(account(&[
            ("azure.workload.identity/tenant-id", "tenant"),
            ("azure.workload.identity/client-id", "client"),
        ])),
        answers: &[r#"{"access_token":"opened","expires_in":3600}"#],
        exchanges: &[Exchange {
            line: "POST https://login.chinacloudapi.cn/tenant/oauth2/v2.0/token",
            parts: &[],
        }],
    };
    let mut settings = settings("azureeventhub", "hub");
    settings.channel = "ns".to_owned();
    let message = "POST https://ns.servicebus.chinacloudapi.cn/hub/messages?api-version=2014-01";
    row.check(settings, message).await;
}

#[tokio::test]
async fn azure_devops_takes_the_token_for_a_password() {
    let answers = [
        r#"{"access_token":"opened","expires_in":3600}"#,
        r#"{"value":[]}"#,
    ];
    let bench = Bench::new(&answers, environment(&[])).await;
    let mut settings = settings("azuredevops", "https://dev.azure.com/org/project/_git/repo");
    settings.identity = Some(account(&[
        ("azure.workload.identity/tenant-id", "tenant"),
        ("azure.workload.identity/client-id", "client"),
    ]));
    bench
        .post(&settings, &event(&json!({})))
        .await
        .expect("posted");
    let received = bench.received();
    let scope = form(&received[0].body).remove("scope");
    assert_eq!(
        scope.as_deref(),
        Some("499b84ac-1321-427f-aa17-267ca6975798/.default")
    );
    let basic = format!("Basic {}", STANDARD.encode(":opened"));
    for request in &received[1..] {
        assert_eq!(request.headers.get("authorization"), Some(&basic));
    }
    assert_eq!(received.len(), 3);
}

#[tokio::test]
async fn google() {
    let foreign = file(r#"{"token":"foreign"}"#);
    let external = file(
        &json!({
            "type": "external_account",
            "audience": "//iam.googleapis.com/pool",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": "https://sts.example.com/v1/token",
            "credential_source": {
                "file": path(&foreign),
                "format": {"type": "json", "subject_token_field_name": "token"},
            },
        })
        .to_string(),
    );
    let person = file(
        &json!({
            "type": "authorized_user",
            "client_id": "id",
            "client_secret": "secret",
            "refresh_token": "refresh",
        })
        .to_string(),
    );
    let rows = [
        Row {
            name: "a service account through a provider",
            environment: environment(&[]),
            identity: Some(account(&[(
                "gcp.auth.fluxcd.io/workload-identity-provider",
                "projects/1/locations/global/workloadIdentityPools/p/providers/q",
            )])),
            answers: &[r#"{"access_token":"opened","expires_in":3600}"#],
            exchanges: &[Exchange {
                line: "POST https://sts.googleapis.com/v1/token",
                parts: &[
                    (
                        "audience",
                        "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
                    ),
                    (
                        "grant_type",
                        "urn:ietf:params:oauth:grant-type:token-exchange",
                    ),
                    (
                        "subject_token",
                        "sa(//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q)",
                    ),
                    ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
                    (
                        "scope",
                        "https://www.googleapis.com/auth/cloud-platform https://www.googleapis.com/auth/userinfo.email",
                    ),
                ],
            }],
        },
        Row {
            name: "a service account that impersonates",
            environment: environment(&[]),
            identity: Some(account(&[
                (
                    "gcp.auth.fluxcd.io/workload-identity-provider",
                    "projects/1/locations/global/workloadIdentityPools/p/providers/q",
                ),
                (
                    "iam.gke.io/gcp-service-account",
                    "flux@project.iam.gserviceaccount.com",
                ),
            ])),
            answers: &[
                r#"{"access_token":"half","expires_in":3600}"#,
                r#"{"accessToken":"opened","expireTime":"2999-01-01T00:00:00Z"}"#,
            ],
            exchanges: &[
                Exchange {
                    line: "POST https://sts.googleapis.com/v1/token",
                    parts: &[("scope", "https://www.googleapis.com/auth/cloud-platform")],
                },
                Exchange {
                    line: "POST https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/flux@project.iam.gserviceaccount.com:generateAccessToken",
                    parts: &[("authorization", "Bearer half")],
                },
            ],
        },
        Row {
            name: "a service account in GKE",
            environment: environment(&[]),
            identity: Some(account(&[])),
            answers: &[
                "project",
                "europe-west1",
                "cluster",
                r#"{"access_token":"opened","expires_in":3600}"#,
            ],
            exchanges: &[
                Exchange {
                    line: "GET http://169.254.169.254/computeMetadata/v1/project/project-id",
                    parts: &[("metadata-flavor", "Google")],
                },
                Exchange {
                    line: "GET http://169.254.169.254/computeMetadata/v1/instance/attributes/cluster-location",
                    parts: &[],
                },
                Exchange {
                    line: "GET http://169.254.169.254/computeMetadata/v1/instance/attributes/cluster-name",
                    parts: &[],
                },
                Exchange {
                    line: "POST https://sts.googleapis.com/v1/token",
                    parts: &[
                        ("subject_token", "sa(project.svc.id.goog)"),
                        (
                            "audience",
                            "identitynamespace:project.svc.id.goog:https://container.googleapis.com/v1/projects/project/locations/europe-west1/clusters/cluster",
                        ),
                    ],
                },
            ],
        },
        Row {
            name: "the machine's account",
            environment: environment(&[("GCE_METADATA_HOST", "metadata:8080")]),
            identity: None,
            answers: &[r#"{"access_token":"opened","expires_in":3600,"token_type":"Bearer"}"#],
            exchanges: &[Exchange {
                line: "GET http://metadata:8080/computeMetadata/v1/instance/service-accounts/default/token?scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform%2Chttps%3A%2F%2Fwww.googleapis.com%2Fauth%2Fuserinfo.email",
                parts: &[("metadata-flavor", "Google")],
            }],
        },
        Row {
            name: "the controller through a foreign issuer",
            environment: environment(&[("GOOGLE_APPLICATION_CREDENTIALS", path(&external))]),
            identity: None,
            answers: &[r#"{"access_token":"opened","expires_in":3600}"#],
            exchanges: &[Exchange {
                line: "POST https://sts.example.com/v1/token",
                parts: &[
                    ("subject_token", "foreign"),
                    ("audience", "//iam.googleapis.com/pool"),
                ],
            }],
        },
        Row {
            name: "the controller as a person",
            environment: environment(&[("GOOGLE_APPLICATION_CREDENTIALS", path(&person))]),
            identity: None,
            answers: &[r#"{"access_token":"opened","expires_in":3600}"#],
            exchanges: &[Exchange {
                line: "POST https://oauth2.googleapis.com/token",
                parts: &[
                    ("grant_type", "refresh_token"),
                    ("refresh_token", "refresh"),
                    ("client_secret", "secret"),
                ],
            }],
        },
    ];
    for row in rows {
        let mut settings = settings("googlepubsub", "project");
        settings.channel = "topic".to_owned();
        let message = "POST https://pubsub.googleapis.com/v1/projects/project/topics/topic:publish";
        row.check(settings, message).await;
    }
}

#[tokio::test]
async fn a_google_key_signs_in_and_the_event_is_published_with_attributes() {
    let key = json!({
        "type": "service_account",
        "client_email": "flux@project.iam.gserviceaccount.com",
        "private_key_id": "k1",
        "private_key": rsa_key(),
        "token_uri": "https://tokens.example.com/token",
    });
    let opened = r#"{"access_token":"opened","expires_in":3600}"#;
    let bench = Bench::new(&[opened], CloudEnvironment::default()).await;
    let mut settings = settings("googlepubsub", "project");
    settings.channel = "topic".to_owned();
    settings.token = key.to_string();
    settings.headers = BTreeMap::from([("team".to_owned(), "a&b".to_owned())]);
    // A stored key wins.
    settings.identity = Some(account(&[]));
    let event = event(&json!({}));
    bench.post(&settings, &event).await.expect("posted");
    assert_eq!(
        bench.lines(),
        [
            "POST https://tokens.example.com/token",
            "POST https://pubsub.googleapis.com/v1/projects/project/topics/topic:publish",
        ]
    );
    let received = bench.received();
    let form = form(&received[0].body);
    let (header, claims) = claims(&form["assertion"]);
    assert_eq!(
        (&header["alg"], &header["kid"]),
        (&json!("RS256"), &json!("k1"))
    );
    assert_eq!(claims["iss"], "flux@project.iam.gserviceaccount.com");
    assert_eq!(claims["aud"], "https://tokens.example.com/token");
    let seconds = claims["exp"].as_i64().zip(claims["iat"].as_i64());
    assert_eq!(seconds.map(|(exp, iat)| exp - iat), Some(3600));
    let body: Value = serde_json::from_slice(&received[1].body).expect("JSON");
    let message = &body["messages"][0];
    assert_eq!(message["attributes"], json!({"team": "a&b"}));
    let data = STANDARD
        .decode(message["data"].as_str().expect("data"))
        .expect("base64");
    let sent: Value = serde_json::from_slice(&data).expect("JSON");
    assert_eq!(sent, serde_json::to_value(&event).expect("JSON"));
}

#[tokio::test]
async fn what_stands_in_the_way_is_told() {
    let eventhub = || {
        let mut settings = settings("azureeventhub", "hub");
        settings.channel = "ns".to_owned();
        settings
    };
    let pubsub = || {
        let mut settings = settings("googlepubsub", "project");
        settings.channel = "topic".to_owned();
        settings
    };
    let tenant = ("azure.workload.identity/tenant-id", "t");
    for (mut settings, annotations, answers, expected) in [
        (
            eventhub(),
            &[][..],
            &[][..],
            "failed to create a eventhub using managed identity: azure tenant ID is not set in the service account annotation azure.workload.identity/tenant-id",
        ),
        (
            eventhub(),
            &[tenant],
            &[],
            "failed to create a eventhub using managed identity: azure client ID is not set in the service account annotation azure.workload.identity/client-id",
        ),
        (
            eventhub(),
            &[tenant, ("azure.workload.identity/client-id", "c")],
            &[r#"401 {"error":"invalid_client"}"#],
            "failed to create a eventhub using managed identity: failed to get token: POST https://login.microsoftonline.com/t/oauth2/v2.0/token: 401 Unauthorized: {\"error\":\"invalid_client\"}",
        ),
        (
            pubsub(),
            &[("iam.gke.io/gcp-service-account", "nobody")],
            &[],
            "error publishing to GCP Pub/Sub topic projects/project/topics/topic: invalid iam.gke.io/gcp-service-account annotation: 'nobody'. must match ^[a-zA-Z0-9-]{1,100}@[a-zA-Z0-9-]{1,100}\\.iam\\.gserviceaccount\\.com$",
        ),
        (
            pubsub(),
            &[],
            &["404 no"],
            "error publishing to GCP Pub/Sub topic projects/project/topics/topic: failed to get GKE cluster project ID from the metadata service: GET http://169.254.169.254/computeMetadata/v1/project/project-id: 404 Not Found: no",
        ),
    ] {
        settings.identity = Some(account(annotations));
        let bench = Bench::new(answers, CloudEnvironment::default()).await;
        let error = bench.post(&settings, &event(&json!({}))).await;
        assert_eq!(error, Err(expected.to_owned()));
    }
}

#[tokio::test]
async fn event_hubs_credentials_exclude_one_another() {
    let key = "Endpoint=sb://ns/;SharedAccessKeyName=root;SharedAccessKey=k;EntityPath=hub";
    let prefix = "invalid authentication options: ";
    for (address, token, with_account, expected) in [
        (key, "", false, None),
        (
            key,
            "",
            true,
            Some("serviceAccountName and SAS authentication cannot be set at the same time"),
        ),
        (
            key,
            "jwt",
            false,
            Some("jwt token and SAS authentication cannot be set at the same time"),
        ),
        (
            "hub",
            "jwt",
            true,
            Some("serviceAccountName and jwt token authentication cannot be set at the same time"),
        ),
        ("hub", "jwt", false, None),
        ("", "", false, Some("endpoint URL cannot be empty")),
    ] {
        let mut settings = settings("azureeventhub", address);
        settings.channel = "ns".to_owned();
        settings.token = token.to_owned();
        settings.identity = with_account.then(|| account(&[]));
        let bench = Bench::new(&[], CloudEnvironment::default()).await;
        let posted = bench.post(&settings, &event(&json!({}))).await;
        let expected = expected.map_or(Ok(()), |why| Err(format!("{prefix}{why}")));
        assert_eq!(posted, expected, "{address} {token} {with_account}");
    }
}

#[tokio::test]
async fn an_event_hubs_key_signs_for_the_hub() {
    let address = "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=root;SharedAccessKey=k;EntityPath=hub";
    let bench = Bench::new(&[], CloudEnvironment::default()).await;
    let settings = settings("azureeventhub", address);
    bench
        .post(&settings, &event(&json!({})))
        .await
        .expect("posted");
    let received = bench.received();
    assert_eq!(
        bench.lines(),
        ["POST https://ns.servicebus.windows.net/hub/messages?api-version=2014-01"]
    );
    let authorization = &received[0].headers["authorization"];
    let signed = authorization
        .strip_prefix("SharedAccessSignature ")
        .expect("a signature");
    let form = form(signed.as_bytes());
    assert_eq!(form["sr"], "https://ns.servicebus.windows.net/hub");
    assert_eq!(form["skn"], "root");
    let text = format!(
        "https%3A%2F%2Fns.servicebus.windows.net%2Fhub\n{}",
        form["se"]
    );
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, b"k");
    let signature = STANDARD.decode(&form["sig"]).expect("base64");
    assert!(aws_lc_rs::hmac::verify(&key, text.as_bytes(), &signature).is_ok());
}

//! The client against a server made of a closure, under paused time where time matters.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures::StreamExt;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tower::{BoxError, service_fn, util::BoxCloneSyncService};

use super::{
    ApiError, ApplyOptions, Client, DeleteOptions, GroupVersionKind, Identity, ListOptions, Mapper,
    Options, Propagation, Reason, ResourceRef, Transport, WriteOptions,
    transport::{BodyError, RequestBody},
};

type Answer = Result<Response<Bytes>, BoxError>;

/// A server that answers from a script and keeps what it was asked.
#[derive(Clone, Default)]
struct Server {
    seen: Arc<Mutex<Vec<Request<Bytes>>>>,
}

impl Server {
    fn client(
        &self,
        options: Options,
        answer: impl Fn(&Request<Bytes>) -> Answer + Clone + Send + Sync + 'static,
    ) -> Client {
        let seen = Arc::clone(&self.seen);
        let transport = Transport::from_fn(move |request| {
            let result = answer(&request);
            seen.lock().expect("lock").push(request);
            async move { result }
        });
        Client::over(transport, "https://api.test:6443/", options)
    }

    fn lines(&self) -> Vec<String> {
        let seen = self.seen.lock().expect("lock");
        seen.iter()
            .map(|r| format!("{} {}", r.method(), r.uri()))
            .collect()
    }
}

fn options() -> Options {
    Options {
        qps: 0.0,
        ..Options::new("test/1")
    }
}

fn ok(body: &Value) -> Answer {
    answer(200, &body.to_string())
}

fn answer(code: u16, body: &str) -> Answer {
    Ok(Response::builder()
        .status(code)
        .body(Bytes::from(body.to_owned()))?)
}

fn deployments() -> ResourceRef {
    ResourceRef::namespaced("apps/v1", "Deployment", "deployments")
}

#[tokio::test]
async fn each_verb_is_the_request_that_the_api_documents() {
    let server = Server::default();
    let client = server.client(options(), |_| ok(&json!({"items": null})));
    let deployments = deployments();
    let namespaces = ResourceRef::cluster("v1", "Namespace", "namespaces");
    let role = ResourceRef::namespaced("rbac.authorization.k8s.io/v1", "Role", "roles");
    let object = deployments.object("ns", "web");
    let body = Bytes::from_static(b"{}");
    let apply = ApplyOptions {
        field_manager: "kustomize-controller",
        force: true,
        dry_run: true,
        field_validation: None,
    };
    let status = WriteOptions {
        field_manager: Some("gotk"),
        subresource: Some("status"),
        dry_run: false,
    };

    client.get::<Value>(object).await.expect("get");
    client
        .get_metadata::<Value>(namespaces.object("ignored", "ns"))
        .await
        .expect("metadata");
    client
        .get::<Value>(role.object("ns", "system:a b"))
        .await
        .expect("role");
    client
        .apply::<Value>(object, body.clone(), apply)
        .await
        .expect("apply");
    client
        .merge_patch::<Value>(object, body.clone(), status)
        .await
        .expect("merge");
    client
        .json_patch::<Value>(object, body.clone(), WriteOptions::default())
        .await
        .expect("json");
    client
        .create::<Value>(&deployments, "ns", body, WriteOptions::default())
        .await
        .expect("create");
    client
        .delete(
            object,
            DeleteOptions {
                propagation: Some(Propagation::Background),
                uid: Some("u-1"),
                ..DeleteOptions::default()
            },
        )
        .await
        .expect("delete");
    let list = ListOptions {
        labels: "a=b,c in (d)",
        ..ListOptions::default()
    };
    client
        .list::<Value>(&deployments, "", list)
        .await
        .expect("list");

    assert_eq!(
        server.lines(),
        [
            "GET /apis/apps/v1/namespaces/ns/deployments/web",
            "GET /api/v1/namespaces/ns",
            "GET /apis/rbac.authorization.k8s.io/v1/namespaces/ns/roles/system:a%20b",
            "PATCH /apis/apps/v1/namespaces/ns/deployments/web?fieldManager=kustomize-controller&force=true&dryRun=All",
            "PATCH /apis/apps/v1/namespaces/ns/deployments/web/status?fieldManager=gotk",
            "PATCH /apis/apps/v1/namespaces/ns/deployments/web",
            "POST /apis/apps/v1/namespaces/ns/deployments",
            "DELETE /apis/apps/v1/namespaces/ns/deployments/web",
            "GET /apis/apps/v1/deployments?limit=500&labelSelector=a%3Db,c%20in%20%28d%29",
        ]
    );
    let seen = server.seen.lock().expect("lock");
    let header =
        |at: usize, name: &str| seen[at].headers()[name].to_str().expect("text").to_owned();
    assert_eq!(header(1, "accept"), super::call::METADATA);
    assert_eq!(header(3, "content-type"), "application/apply-patch+yaml");
    assert_eq!(header(4, "content-type"), "application/merge-patch+json");
    assert_eq!(header(5, "content-type"), "application/json-patch+json");
    let delete: Value = serde_json::from_slice(seen[7].body()).expect("json");
    assert_eq!(
        delete,
        json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
               "preconditions": {"uid": "u-1"}})
    );
}

#[tokio::test]
async fn names_that_would_leave_their_path_segment_are_refused() {
    let client = Server::default().client(options(), |_| ok(&json!({})));
    let deployments = deployments();
    for (namespace, name, expected) in [
        (
            "ns",
            "..",
            r#"invalid resource name "..": [may not be '..']"#,
        ),
        (
            "ns",
            "a/b",
            r#"invalid resource name "a/b": [may not contain '/']"#,
        ),
        ("ns", "", r#"invalid resource name "": [may not be empty]"#),
        (
            "%2e",
            "x",
            r#"invalid namespace "%2e": [may not contain '%']"#,
        ),
    ] {
        let error = client
            .get::<Value>(deployments.object(namespace, name))
            .await
            .expect_err("name");
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn errors_read_as_client_go_prints_them() {
    let status = |reason: &str, code: u16, message: &str| {
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason,
               "code": code, "message": message})
        .to_string()
    };
    let cases = [
        (
            404,
            status("NotFound", 404, "deployments.apps \"web\" not found"),
            "deployments.apps \"web\" not found",
            Reason::NotFound,
        ),
        (
            422,
            status("Invalid", 422, "field is immutable"),
            "field is immutable",
            Reason::Invalid,
        ),
        (
            409,
            status("AlreadyExists", 409, "exists"),
            "exists",
            Reason::AlreadyExists,
        ),
        (409, status("", 409, "changed"), "changed", Reason::Conflict),
        (
            404,
            "404 page not found\n".into(),
            "the server could not find the requested resource (get deployments.apps web)",
            Reason::NotFound,
        ),
        (
            401,
            String::new(),
            "the server has asked for the client to provide credentials (get deployments.apps web)",
            Reason::Unauthorized,
        ),
        (
            500,
            "boom".into(),
            "an error on the server (\"boom\") has prevented the request from succeeding \
          (get deployments.apps web)",
            Reason::InternalError,
        ),
        (
            418,
            "tea".into(),
            "the server responded with the status code 418 but did not return more information \
          (get deployments.apps web)",
            Reason::Unknown,
        ),
    ];
    for (code, body, message, reason) in cases {
        let text = body.clone();
        let client = Server::default().client(options(), move |_| answer(code, &text));
        let error = client
            .get::<Value>(deployments().object("ns", "web"))
            .await
            .expect_err(message);
        assert_eq!(error.to_string(), message);
        assert!(error.is(reason), "{code} {body}: {error:?}");
    }
}

#[tokio::test]
async fn a_failed_connection_names_the_url_and_its_cause() {
    let client = Server::default().client(options(), |_| {
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into())
    });
    let error = client
        .get::<Value>(deployments().object("ns", "web"))
        .await
        .expect_err("refused");
    assert_eq!(
        error.to_string(),
        "Get \"https://api.test:6443/apis/apps/v1/namespaces/ns/deployments/web\": \
         dial tcp api.test:6443: connect: connection refused"
    );
    assert!(error.is_transient());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_comes_ends_at_the_deadline() {
    let transport = Transport::from_fn(|_| async {
        sleep(Duration::from_hours(1)).await;
        answer(200, "{}")
    });
    let client = Client::over(transport, "https://api.test", options());
    let started = Instant::now();
    let error = client
        .get::<Value>(deployments().object("ns", "web"))
        .await
        .expect_err("late");
    assert!(matches!(error, ApiError::Timeout { .. }), "{error}");
    assert_eq!(started.elapsed(), Duration::from_secs(30));
}

/// What a call comes to when the server answers with `script`, one entry an attempt.
async fn attempts(script: Vec<Answer>, create: bool) -> (usize, bool, Duration) {
    let script = Arc::new(Mutex::new(VecDeque::from(script)));
    let server = Server::default();
    let client = server.client(options(), move |_| {
        script
            .lock()
            .expect("lock")
            .pop_front()
            .unwrap_or_else(|| ok(&json!({})))
    });
    let deployments = deployments();
    let started = Instant::now();
    let result = if create {
        client
            .create::<Value>(&deployments, "ns", Bytes::new(), WriteOptions::default())
            .await
    } else {
        client.get::<Value>(deployments.object("ns", "web")).await
    };
    (server.lines().len(), result.is_ok(), started.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_call_is_repeated_only_where_that_is_safe_and_asked_for() {
    let later = |code: u16| -> Answer {
        Ok(Response::builder()
            .status(code)
            .header("retry-after", "2")
            .body(Bytes::new())?)
    };
    let reset =
        || -> Answer { Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into()) };
    let refused =
        || -> Answer { Err(std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into()) };
    let seconds = Duration::from_secs;
    let cases = [
        (
            "429 with a wait",
            vec![later(429), later(429)],
            false,
            (3, true, seconds(4)),
        ),
        (
            "503 with a wait",
            vec![later(503)],
            true,
            (2, true, seconds(2)),
        ),
        (
            "500 without",
            vec![answer(500, "")],
            false,
            (1, false, seconds(0)),
        ),
        (
            "reset of a read",
            vec![reset()],
            false,
            (2, true, Duration::from_millis(100)),
        ),
        (
            "reset of a create",
            vec![reset()],
            true,
            (1, false, seconds(0)),
        ),
        ("refused", vec![refused()], false, (1, false, seconds(0))),
        (
            "429 for ever",
            (0..99).map(|_| later(429)).collect(),
            false,
            (11, false, seconds(20)),
        ),
    ];
    for (name, script, create, expected) in cases {
        assert_eq!(attempts(script, create).await, expected, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_limit_lets_a_burst_through_then_one_at_a_time_until_the_server_shares_itself() {
    let shares = Arc::new(Mutex::new(false));
    let flag = Arc::clone(&shares);
    let limited = Options {
        qps: 10.0,
        burst: 3,
        ..Options::new("test/1")
    };
    let client = Server::default().client(limited, move |_| {
        let mut response = answer(200, "{}")?;
        if *flag.lock().expect("lock") {
            response
                .headers_mut()
                .insert("x-kubernetes-pf-flowschema-uid", "u".parse()?);
        }
        Ok(response)
    });
    let deployments = deployments();
    let run = async |requests: usize| {
        let started = Instant::now();
        for _ in 0..requests {
            client
                .get::<Value>(deployments.object("ns", "web"))
                .await
                .expect("get");
        }
        started.elapsed()
    };
    assert_eq!(run(3).await, Duration::ZERO);
    assert_eq!(run(5).await, Duration::from_millis(500));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(
        run(3).await,
        Duration::ZERO,
        "the bucket fills again, but not beyond the burst"
    );
    *shares.lock().expect("lock") = true;
    assert_eq!(run(50).await, Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn a_lease_call_never_waits_for_a_token() {
    let limited = Options {
        qps: 0.001,
        burst: 1,
        ..Options::new("test/1")
    };
    let client = Server::default().client(limited, |_| ok(&json!({})));
    let leases = ResourceRef::namespaced("coordination.k8s.io/v1", "Lease", "leases");
    let started = Instant::now();
    for _ in 0..5 {
        client
            .get::<Value>(leases.object("ns", "leader"))
            .await
            .expect("lease");
    }
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn observers_hear_attempts_and_warnings() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (attempts, warnings) = (Arc::clone(&heard), Arc::clone(&heard));
    let options = Options {
        observer: Some(Arc::new(move |code: &str, method: &str, host: &str| {
            attempts
                .lock()
                .expect("lock")
                .push(format!("{code} {method} {host}"));
        })),
        warnings: Some(Arc::new(move |text: &str| {
            warnings.lock().expect("lock").push(text.to_owned());
        })),
        ..options()
    };
    let client = Server::default().client(options, |request| {
        if request.uri().path().ends_with("gone") {
            return Err("broken".into());
        }
        let mut response = answer(200, "{}")?;
        response
            .headers_mut()
            .append("warning", r#"299 - "a \"quoted\" word""#.parse()?);
        response
            .headers_mut()
            .append("warning", r#"199 - "another code""#.parse()?);
        Ok(response)
    });
    client
        .get::<Value>(deployments().object("ns", "web"))
        .await
        .expect("get");
    client
        .get::<Value>(deployments().object("ns", "gone"))
        .await
        .expect_err("broken");
    assert_eq!(
        *heard.lock().expect("lock"),
        [
            "200 GET api.test:6443",
            "a \"quoted\" word",
            "<error> GET api.test:6443"
        ]
    );
}

#[tokio::test]
async fn an_identity_is_headers_on_the_same_connections_for_both_clients() {
    let server = Server::default();
    let client = server.client(options(), |_| ok(&json!({"items": [], "metadata": {}})));
    let tenant = client.impersonate(Identity::service_account("ns", "deployer").expect("header"));
    client
        .get::<Value>(deployments().object("ns", "web"))
        .await
        .expect("own");
    tenant
        .get::<Value>(deployments().object("ns", "web"))
        .await
        .expect("tenant");
    let api: kube::Api<k8s_openapi::api::core::v1::ConfigMap> =
        kube::Api::namespaced(tenant.kube(), "ns");
    api.list(&kube::api::ListParams::default())
        .await
        .expect("kube");
    let seen = server.seen.lock().expect("lock");
    let users: Vec<_> = seen
        .iter()
        .map(|r| {
            r.headers()
                .get("impersonate-user")
                .and_then(|v| v.to_str().ok())
        })
        .collect();
    let deployer = Some("system:serviceaccount:ns:deployer");
    assert_eq!(users, [None, deployer, deployer]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_outlives_the_deadline_of_its_start() {
    let event = json!({"type": "ADDED", "object": {"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "late", "resourceVersion": "2"}}});
    let service = service_fn(move |_: Request<RequestBody>| {
        let line = Bytes::from(format!("{event}\n"));
        let body = futures::stream::once(async move {
            sleep(Duration::from_hours(1)).await;
            Ok::<_, BodyError>(Frame::data(line))
        });
        async move { Ok::<_, BoxError>(Response::new(StreamBody::new(body).boxed_unsync())) }
    });
    let transport = Transport(BoxCloneSyncService::new(service));
    let client = Client::over(transport, "https://api.test", options());
    let api: kube::Api<k8s_openapi::api::core::v1::ConfigMap> =
        kube::Api::namespaced(client.kube(), "ns");
    let events = api
        .watch(&kube::api::WatchParams::default(), "1")
        .await
        .expect("watch");
    let event = std::pin::pin!(events)
        .next()
        .await
        .expect("event")
        .expect("added");
    let kube::api::WatchEvent::Added(map) = event else {
        panic!("{event:?}")
    };
    assert_eq!(map.metadata.name.as_deref(), Some("late"));
}

#[tokio::test]
async fn kubes_errors_become_ours() {
    let client = Server::default().client(options(), |request| {
        if request.uri().path().ends_with("refused") {
            return Err(std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into());
        }
        answer(
            404,
            r#"{"kind":"Status","status":"Failure","reason":"NotFound","code":404,"message":"no such"}"#,
        )
    });
    let api: kube::Api<k8s_openapi::api::core::v1::ConfigMap> =
        kube::Api::namespaced(client.kube(), "ns");
    let error = ApiError::from_kube(&api.get("x").await.expect_err("404"));
    assert_eq!(
        (error.to_string().as_str(), error.is_not_found()),
        ("no such", true)
    );
    let error = ApiError::from_kube(&api.get("refused").await.expect_err("refused"));
    assert_eq!(
        error.to_string(),
        "Get \"https://api.test:6443/api/v1/namespaces/ns/configmaps/refused\": dial tcp api.test:6443: connect: connection refused"
    );
}

#[tokio::test]
async fn a_list_follows_its_pages_and_starts_over_once_when_they_expire() {
    let server = Server::default();
    let expired = Arc::new(Mutex::new(true));
    let client = server.client(options(), move |request| {
        let query = request.uri().query().unwrap_or_default();
        match query.split_once("continue=") {
            None => ok(&json!({"metadata": {"continue": "t&1"}, "items": [1, 2]})),
            Some(_) if std::mem::take(&mut *expired.lock().expect("lock")) => answer(
                410,
                r#"{"kind":"Status","status":"Failure","reason":"Expired","code":410,"message":"old"}"#,
            ),
            Some(_) => ok(&json!({"metadata": {}, "items": [3]})),
        }
    });
    let items: Vec<u8> = client
        .list(&deployments(), "ns", ListOptions::default())
        .await
        .expect("list");
    assert_eq!(items, [1, 2, 3]);
    let path = "GET /apis/apps/v1/namespaces/ns/deployments?limit=500";
    let next = format!("{path}&continue=t%261");
    assert_eq!(server.lines(), [path, next.as_str(), path, next.as_str()]);
}

fn gvk(api_version: &str, kind: &str) -> GroupVersionKind {
    GroupVersionKind::parse(api_version, kind)
}

fn aggregated(path: &str, widgets: bool) -> Answer {
    let resource = |plural: &str, kind: &str, scope: &str| {
        json!({"resource": plural, "responseKind": {"group": "", "version": "", "kind": kind},
               "scope": scope, "verbs": ["get"]})
    };
    let mut groups = match path {
        "/api" => vec![
            json!({"metadata": {}, "versions": [{"version": "v1", "resources": [
                resource("namespaces", "Namespace", "Cluster"),
                resource("configmaps", "ConfigMap", "Namespaced"),
            ]}]}),
        ],
        _ => vec![json!({"metadata": {"name": "apps"}, "versions": [
            {"version": "v2", "resources": [resource("deployments", "Deployment", "Namespaced")]},
            {"version": "v1", "resources": [
                resource("deployments", "Deployment", "Namespaced"),
                resource("oldies", "Oldie", "Namespaced"),
            ]},
        ]})],
    };
    if widgets && path == "/apis" {
        groups.push(json!({"metadata": {"name": "test.io"}, "versions": [
            {"version": "v1", "resources": [resource("widgets", "Widget", "Namespaced")]}]}));
    }
    ok(
        &json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2",
               "metadata": {}, "items": groups}),
    )
}

#[tokio::test(start_paused = true)]
async fn discovery_costs_two_requests_and_unknown_kinds_do_not_multiply_them() {
    let server = Server::default();
    let widgets = Arc::new(Mutex::new(false));
    let switch = Arc::clone(&widgets);
    let client = server.client(options(), move |request| {
        aggregated(request.uri().path(), *switch.lock().expect("lock"))
    });
    let mapper = Mapper::new(client);
    let (cm, deployment, widget) = (
        gvk("v1", "ConfigMap"),
        gvk("apps/v1", "Deployment"),
        gvk("test.io/v1", "Widget"),
    );

    let (a, b) = tokio::join!(mapper.resource(&cm), mapper.resource(&deployment));
    assert_eq!(
        (
            a.expect("cm").plural.as_str(),
            b.expect("deployment").plural.as_str()
        ),
        ("configmaps", "deployments")
    );
    assert!(
        !mapper
            .resource(&gvk("v1", "Namespace"))
            .await
            .expect("ns")
            .namespaced
    );
    assert_eq!(
        mapper
            .preferred("apps", "Deployment")
            .await
            .expect("v2")
            .version,
        "v2"
    );
    assert_eq!(
        mapper.preferred("apps", "Oldie").await.expect("v1").version,
        "v1"
    );
    assert_eq!(server.lines().len(), 2, "one discovery for all of these");

    let error = mapper.resource(&widget).await.expect_err("unknown");
    assert_eq!(
        error.to_string(),
        r#"no matches for kind "Widget" in version "test.io/v1""#
    );
    assert_eq!(
        server.lines().len(),
        2,
        "what was asked just now is not asked again"
    );

    *widgets.lock().expect("lock") = true;
    sleep(super::mapper::REFRESH_INTERVAL).await;
    mapper.resource(&widget).await.expect("served now");
    assert_eq!(server.lines().len(), 4);

    mapper.forget(&ResourceRef::namespaced("test.io/v1", "Widget", "widgets"));
    *widgets.lock().expect("lock") = false;
    mapper.invalidate().await;
    mapper.resource(&widget).await.expect_err("gone");
    assert_eq!(server.lines().len(), 6);

    let gadget = ResourceRef::cluster("test.io/v1", "Gadget", "gadgets");
    mapper.learn(gadget.clone());
    mapper.invalidate().await;
    mapper.resource(&widget).await.expect_err("still gone");
    assert_eq!(
        *mapper
            .resource(&gvk("test.io/v1", "Gadget"))
            .await
            .expect("learned"),
        gadget
    );
}

#[tokio::test]
async fn a_kind_is_absent_only_when_nobody_may_serve_it() {
    let version = |name: &str, freshness: &str| {
        json!({"version": name, "freshness": freshness, "resources": [
            {"resource": "as", "responseKind": {"kind": "A"}, "scope": "Namespaced"}]})
    };
    let client = Server::default().client(options(), move |_| {
        ok(&json!({"kind": "APIGroupDiscoveryList", "items": [
            {"metadata": {"name": "up.io"}, "versions": [version("v1", "Current")]},
            {"metadata": {"name": "down.io"},
             "versions": [version("v1", "Current"), version("v2", "Stale")]},
        ]}))
    });
    let mapper = Mapper::new(client);
    assert!(!mapper.is_absent("up.io", "B"), "nobody has been asked yet");
    mapper
        .resource(&gvk("up.io/v1", "B"))
        .await
        .expect_err("absent");
    let cases = [
        ("up.io", "A", false),
        ("up.io", "B", true),
        ("down.io", "B", false),
        ("none.io", "A", true),
    ];
    for (group, kind, expected) in cases {
        assert_eq!(mapper.is_absent(group, kind), expected, "{group} {kind}");
    }
}

#[tokio::test]
async fn a_server_without_aggregated_discovery_is_asked_per_group_and_version() {
    let server = Server::default();
    let client = server.client(options(), |request| match request.uri().path() {
        "/api" => ok(&json!({"kind": "APIVersions", "versions": ["v1"]})),
        "/apis" => ok(&json!({"kind": "APIGroupList", "groups": [{
            "name": "apps",
            "versions": [{"groupVersion": "apps/v2", "version": "v2"}, {"groupVersion": "apps/v1", "version": "v1"}],
            "preferredVersion": {"groupVersion": "apps/v1", "version": "v1"}}]})),
        "/apis/apps/v1" => ok(&json!({"kind": "APIResourceList", "groupVersion": "apps/v1", "resources": [
            {"name": "deployments", "kind": "Deployment", "namespaced": true, "verbs": []},
            {"name": "deployments/scale", "kind": "Scale", "namespaced": true, "verbs": []}]})),
        path => answer(404, path),
    });
    let mapper = Mapper::new(client);
    assert_eq!(
        *mapper
            .preferred("apps", "Deployment")
            .await
            .expect("preferred"),
        deployments()
    );
    mapper
        .resource(&gvk("apps/v1", "Deployment"))
        .await
        .expect("exact");
    mapper
        .resource(&gvk("apps/v1", "Scale"))
        .await
        .expect_err("a subresource is no kind");
    assert!(
        !mapper.is_absent("none.io", "A"),
        "such a server cannot tell"
    );
    assert_eq!(
        server.lines(),
        ["GET /api", "GET /apis", "GET /apis/apps/v1"]
    );
}

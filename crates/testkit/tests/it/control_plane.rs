use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{ListParams, PostParams};
use serde_json::json;
use testkit::audit::by_verb;
use testkit::control_plane::client;
use testkit::{ControlPlane, Options};

#[tokio::test]
async fn serves_users_and_survives_a_crash() {
    let options = Options {
        audit: true,
        ..Options::api_server().with_crds()
    };
    let mut plane = ControlPlane::start(options).await.unwrap();
    let admin = plane.client().await.unwrap();
    assert_eq!(
        admin.apiserver_version().await.unwrap().git_version,
        "v1.36.3"
    );
    let namespace = plane.namespace("testkit").await.unwrap();

    let account = plane
        .kubeconfig_for_service_account(&namespace, "nobody")
        .await
        .unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client(&account).await.unwrap(), &namespace);
    let refused = maps
        .list(&ListParams::default())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("serviceaccount") && refused.contains("forbidden"),
        "{refused}"
    );

    let root = plane
        .kubeconfig_for_user("some-controller", &["system:masters"])
        .unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client(&root).await.unwrap(), &namespace);
    let log = plane.audit().unwrap();
    let mark = log.mark().unwrap();
    let map = serde_json::from_value(json!({ "metadata": { "name": "kept" } })).unwrap();
    maps.create(&PostParams::default(), &map).await.unwrap();
    maps.get("kept").await.unwrap();
    let requests = log.since(mark).unwrap();
    let counts = by_verb(
        requests
            .iter()
            .filter(|request| request.user == "some-controller"),
    );
    assert_eq!(
        counts,
        [("create".to_owned(), 1), ("get".to_owned(), 1)].into()
    );

    plane.kill_api_server().unwrap();
    assert!(plane.check().is_err());
    plane.restart_api_server().await.unwrap();
    plane.check().unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(plane.client().await.unwrap(), &namespace);
    maps.get("kept").await.unwrap();
}

#[tokio::test]
async fn a_given_cluster_is_used_and_left_alone() {
    let own = ControlPlane::start(Options::api_server()).await.unwrap();
    let kubeconfig = Some(own.kubeconfig().to_path_buf());
    let given = ControlPlane::start(Options {
        kubeconfig,
        ..Options::full()
    })
    .await
    .unwrap();
    assert!(given.api_server().is_none() && given.audit().is_none());
    given.ensure_namespace("here").await.unwrap();
    given.ensure_namespace("here").await.unwrap();
    let definitions = own.kubectl(&["get", "crd", "-o", "name"]).await.unwrap();
    assert!(
        definitions.contains("kustomizations.kustomize.toolkit.fluxcd.io"),
        "{definitions}"
    );

    let user = given
        .kubeconfig_for_user("somebody", &["some-group"])
        .unwrap();
    let review = SelfSubjectReview::default();
    let reviews: Api<SelfSubjectReview> = Api::all(client(&user).await.unwrap());
    let answer = reviews
        .create(&PostParams::default(), &review)
        .await
        .unwrap();
    let info = answer.status.unwrap().user_info.unwrap();
    assert_eq!(info.username.as_deref(), Some("somebody"));
    assert!(info.groups.unwrap().contains(&"some-group".to_owned()));

    drop(given);
    own.kubectl(&["get", "namespace", "here"]).await.unwrap();
}

#[tokio::test]
async fn deployments_become_ready() {
    let options = Options {
        nodes: true,
        ..Options::api_server()
    };
    let plane = ControlPlane::start(options).await.unwrap();
    let namespace = plane.namespace("testkit").await.unwrap();
    let deployments: Api<Deployment> = Api::namespaced(plane.client().await.unwrap(), &namespace);
    let labels = json!({ "app": "web" });
    let deployment = serde_json::from_value(json!({
        "metadata": { "name": "web" },
        "spec": {
            "replicas": 2,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": "web", "image": "web" }] },
            },
        },
    }))
    .unwrap();
    deployments
        .create(&PostParams::default(), &deployment)
        .await
        .unwrap();
    let status = [
        "rollout",
        "status",
        "deployment/web",
        "--timeout=120s",
        "--namespace",
        &namespace,
    ];
    let answer = plane.kubectl(&status).await.unwrap();
    assert!(answer.contains("successfully rolled out"), "{answer}");
    let ready = deployments
        .get_status("web")
        .await
        .unwrap()
        .status
        .unwrap()
        .ready_replicas;
    assert_eq!(ready, Some(2));
}

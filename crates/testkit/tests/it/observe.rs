use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::json;
use testkit::observe::{ApiResource, Observer};
use testkit::{ControlPlane, Options};

const LIMIT: Duration = Duration::from_mins(3);

#[tokio::test]
async fn sees_changes_and_goes_on_after_a_crash_of_the_server() {
    let mut plane = ControlPlane::start(Options::api_server()).await.unwrap();
    let namespace = plane.namespace("testkit").await.unwrap();
    let client = plane.client().await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &namespace);
    for name in ["a", "b"] {
        let map = serde_json::from_value(json!({ "metadata": { "name": name } })).unwrap();
        maps.create(&PostParams::default(), &map).await.unwrap();
    }
    let observer = Observer::start(client, &ApiResource::erase::<ConfigMap>(&()), &namespace)
        .await
        .unwrap();
    assert!(observer.objects().contains_key("a"));

    let on = observer.tally(|object| object.data["data"]["lamp"] == "on");
    assert_eq!(on.count(), 0);
    let set = async |name: &str, lamp: &str| {
        let patch = Patch::Merge(json!({ "data": { "lamp": lamp } }));
        maps.patch(name, &PatchParams::default(), &patch)
            .await
            .unwrap();
    };
    set("a", "on").await;
    let at = on.wait(1, LIMIT).await.unwrap();
    set("a", "off").await;
    observer
        .until(LIMIT, |objects| {
            (objects["a"].object.data["data"]["lamp"] == "off").then_some(())
        })
        .await
        .unwrap();
    // What counted once stays counted, with the time at which it first did.
    assert_eq!(on.reached(), [("a".to_owned(), at)].into());

    plane.kill_api_server().unwrap();
    plane.restart_api_server().await.unwrap();
    set("b", "on").await;
    assert!(on.wait(2, LIMIT).await.unwrap() > at);
    maps.delete("a", &DeleteParams::default()).await.unwrap();
    observer
        .until(LIMIT, |objects| (!objects.contains_key("a")).then_some(()))
        .await
        .unwrap();
}

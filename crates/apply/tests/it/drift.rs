//! Changed and unchanged content, and what finding out costs.

use apply::{Mode, State};
use serde_json::json;

use super::cluster::{Space, age, chain, managers, options, renew, version};

pub(super) async fn each_case_costs_the_requests_that_the_table_says(space: &Space) {
    let ns = &space.namespace;
    let first = [space.config_map("a", &json!({"k": "1"}))];
    let second = [space.config_map("a", &json!({"k": "2"}))];
    space.resource(&first[0]).await;
    let mut state = State::new();
    let line = |action: &str| vec![format!("ConfigMap/{ns}/a {action}")];
    let run = async |objects: &[_], state: &mut State, mode| {
        space
            .counted(space.apply(options(), objects, state, mode))
            .await
    };

    assert_eq!(
        run(&first, &mut state, Mode::Full).await,
        (line("created"), "PATCH PATCH".into())
    );
    let created = space.live(&first[0]).await.expect("live");
    assert_eq!(
        run(&first, &mut state, Mode::Changed).await,
        (line("unchanged"), String::new())
    );
    age(&mut state);
    assert_eq!(
        run(&first, &mut state, Mode::Full).await,
        (line("unchanged"), "PATCH".into())
    );
    renew(&mut state);
    assert_eq!(
        run(&first, &mut state, Mode::Full).await,
        (line("unchanged"), "GET PATCH".into())
    );
    state.clear();
    assert_eq!(
        run(&first, &mut state, Mode::Full).await,
        (line("unchanged"), "GET PATCH".into())
    );
    age(&mut state);
    assert_eq!(
        run(&first, &mut state, Mode::Full).await,
        (line("unchanged"), "PATCH".into())
    );
    let live = space.live(&first[0]).await.expect("live");
    assert_eq!(version(&created), version(&live), "nothing was written");

    assert_eq!(
        run(&second, &mut state, Mode::Changed).await,
        (line("configured"), "PATCH PATCH".into())
    );
    space
        .patch(
            "helm",
            &second[0],
            &json!({"data": {"k": "drift", "theirs": "x"}}),
        )
        .await;
    assert_eq!(
        run(&second, &mut state, Mode::Changed).await,
        (line("unchanged"), String::new())
    );
    assert_eq!(
        run(&second, &mut state, Mode::Full).await,
        (line("configured"), "GET PATCH PATCH".into())
    );
    let live = space.live(&second[0]).await.expect("live");
    assert_eq!(live["data"], json!({"k": "2", "theirs": "x"}));
}

pub(super) async fn what_is_right_already_is_adopted_without_a_write(space: &Space) {
    let map = space.config_map("a", &json!({"k": "1"}));
    let wanted = space.object(&map);
    let created = space.create("flux-client-side-apply", wanted.json()).await;
    let mut state = State::new();
    let lines = space
        .apply(
            options(),
            std::slice::from_ref(&map),
            &mut state,
            Mode::Full,
        )
        .await;
    assert_eq!(
        lines,
        [format!("ConfigMap/{}/a unchanged", space.namespace)]
    );
    let live = space.live(&map).await.expect("live");
    assert_eq!(version(&live), version(&created));
    assert_eq!(managers(&live), ["flux-client-side-apply Update"]);
}

pub(super) async fn a_removed_label_goes(space: &Space) {
    let bare = space.config_map("a", &json!({"k": "1"}));
    let mut labelled = bare.clone();
    labelled["metadata"]["labels"] = json!({"team": "x"});
    labelled["metadata"]["annotations"] = json!({"note": "y"});
    let mut state = State::new();
    space
        .apply(options(), &[labelled], &mut state, Mode::Changed)
        .await;
    space
        .apply(
            options(),
            std::slice::from_ref(&bare),
            &mut state,
            Mode::Changed,
        )
        .await;
    let live = space.live(&bare).await.expect("live");
    assert_eq!(live["metadata"]["labels"].get("team"), None);
    assert_eq!(live["metadata"].get("annotations"), None);
}

pub(super) async fn string_data_is_no_drift(space: &Space) {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"a": "x"},
                        "data": {"b": "Yg=="}, "metadata": {"name": "s", "namespace": "$ns"}});
    let mut state = State::new();
    space
        .apply(
            options(),
            std::slice::from_ref(&secret),
            &mut state,
            Mode::Full,
        )
        .await;
    let created = space.live(&secret).await.expect("live");
    assert_eq!(created["data"], json!({"a": "eA==", "b": "Yg=="}));
    let lines = space
        .apply(
            options(),
            std::slice::from_ref(&secret),
            &mut State::new(),
            Mode::Full,
        )
        .await;
    assert_eq!(lines, [format!("Secret/{}/s unchanged", space.namespace)]);
    assert_eq!(
        version(&space.live(&secret).await.expect("live")),
        version(&created)
    );
}

pub(super) async fn fields_that_the_server_does_not_know_are_dropped_and_told(space: &Space) {
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "bogus": 1,
        "metadata": {"name": "web", "namespace": "$ns"},
        "spec": {"replcas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "a", "image": "a", "imagePullPolcy": "Always"}]}}}});
    let applier = space.applier(options());
    let mut state = State::new();
    for action in ["created", "unchanged"] {
        let set = vec![space.object(&deployment)];
        let applied = applier.apply(set, &state, Mode::Full).await.expect("apply");
        let mut dropped = applied[0].dropped.clone();
        dropped.sort();
        let expected = [
            ".bogus",
            ".spec.replcas",
            r#".spec.template.spec.containers[name="a"].imagePullPolcy"#,
        ];
        assert_eq!(
            (applied[0].action.to_string().as_str(), dropped),
            (action, expected.map(str::to_owned).to_vec())
        );
        state = applied
            .into_iter()
            .filter_map(|one| Some((one.id, one.known?)))
            .collect();
    }
    let map = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "bogus": 1,
                     "metadata": {"name": "r", "namespace": "$ns"}});
    let failure = applier
        .apply(vec![space.object(&map)], &state, Mode::Full)
        .await;
    let text = chain(&failure.expect_err("verbatim"));
    assert!(text.contains("field not declared in schema"), "{text}");
}

//! What stops an apply, and what it says.

use apply::{Mode, Options, State, stage::StageKinds};
use serde_json::{Value, json};

use super::cluster::{Space, chain, lines, options};

pub(super) async fn one_refused_object_stops_the_whole_stage(space: &Space) {
    let good = space.config_map("good", &json!({"k": "1"}));
    let bad = space.config_map("bad", &json!({"not/a/key": "1"}));
    let failure = space
        .try_apply(
            options(),
            &[good.clone(), bad],
            &mut State::new(),
            Mode::Full,
        )
        .await
        .expect_err("refused");
    let text = chain(&failure);
    let expected = format!(
        "ConfigMap/{}/bad dry-run failed (Invalid): ConfigMap \"bad\" is invalid: data[not/a/key]:",
        space.namespace
    );
    assert!(text.starts_with(&expected), "{text}");
    assert!(failure.done.is_empty() && failure.partial.is_empty());
    assert_eq!(space.live(&good).await, None);
}

pub(super) async fn completed_stages_are_told(space: &Space) {
    let class = json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "value": 7,
                       "metadata": {"name": "$ns-class"}});
    let bad = space.config_map("bad", &json!({"not/a/key": "1"}));
    let failure = space
        .try_apply(
            options(),
            &[bad, class.clone()],
            &mut State::new(),
            Mode::Full,
        )
        .await
        .expect_err("refused");
    assert_eq!(
        lines(&failure.done),
        [format!("PriorityClass/{}-class created", space.namespace)]
    );
    assert!(space.live(&class).await.is_some());
}

pub(super) async fn texts_are_fluxs(space: &Space) {
    let ns = &space.namespace;
    let cases: [(Value, String); 4] = [
        (
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}),
            "ConfigMap/x namespace not specified: the server could not find the requested resource"
                .into(),
        ),
        (
            json!({"apiVersion": "v1", "kind": "ConfigMap",
                   "metadata": {"name": "x", "namespace": "missing"}}),
            "ConfigMap/missing/x not found: namespaces \"missing\" not found".into(),
        ),
        (
            json!({"apiVersion": "test.io/v1", "kind": "Nothing",
                   "metadata": {"name": "x", "namespace": "$ns"}}),
            format!(
                "Nothing/{ns}/x dry-run failed: no matches for kind \"Nothing\" in version \"test.io/v1\""
            ),
        ),
        (
            json!({"apiVersion": "v1", "kind": "ConfigMap",
                   "metadata": {"name": "Upper", "namespace": "$ns"}}),
            format!(
                "ConfigMap/{ns}/Upper dry-run failed (Invalid): ConfigMap \"Upper\" is invalid: metadata.name:"
            ),
        ),
    ];
    for (object, expected) in cases {
        let failure = space
            .try_apply(options(), &[object], &mut State::new(), Mode::Full)
            .await
            .expect_err("refused");
        let text = chain(&failure);
        assert!(text.starts_with(&expected), "{text}\n{expected}");
    }
}

pub(super) async fn a_role_is_needed_before_its_binding_unless_it_has_a_stage(space: &Space) {
    let ns = &space.namespace;
    let rbac = "rbac.authorization.k8s.io";
    // Escalation is checked against the role that is bound, which must exist for that.
    let grant = json!({"apiVersion": format!("{rbac}/v1"), "kind": "Role",
        "metadata": {"name": "deployer", "namespace": "$ns"},
        "rules": [{"apiGroups": [rbac], "resources": ["roles", "rolebindings"], "verbs": ["get", "create", "patch"]},
                  {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}]});
    let bind = |name: &str, role: &str, user: &str| {
        json!({"apiVersion": format!("{rbac}/v1"), "kind": "RoleBinding",
            "metadata": {"name": name, "namespace": "$ns"},
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": role},
            "subjects": [{"apiGroup": rbac, "kind": "User", "name": user}]})
    };
    space.create("admin", &grant).await;
    space
        .create("admin", &bind("deployer", "deployer", "deployer"))
        .await;
    let role = json!({"apiVersion": format!("{rbac}/v1"), "kind": "Role",
        "metadata": {"name": "reader", "namespace": "$ns"},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]});
    let set = || {
        vec![
            space.object(&role),
            space.object(&bind("reader", "reader", "somebody")),
        ]
    };

    let together = space.restricted("deployer", options());
    let failure = together
        .apply(set(), &State::new(), Mode::Full)
        .await
        .expect_err("no role yet");
    assert_eq!(
        chain(&failure),
        format!(
            "RoleBinding/{ns}/reader not found: \
             rolebindings.rbac.authorization.k8s.io \"reader\" not found"
        )
    );
    let options = Options {
        stage_kinds: StageKinds::parse("rbac.authorization.k8s.io/Role").expect("kinds"),
        ..options()
    };
    let staged = space.restricted("deployer", options);
    let applied = staged
        .apply(set(), &State::new(), Mode::Full)
        .await
        .expect("staged");
    assert_eq!(
        lines(&applied),
        [
            format!("Role/{ns}/reader created"),
            format!("RoleBinding/{ns}/reader created")
        ]
    );
}

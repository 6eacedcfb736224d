//! Variables: where they come from, what wakes whom, and what goes wrong.

use anyhow::Result;
use serde_json::{Value, json};

use crate::bed::{Bed, message, ready_at, reason};

/// A manifest with variables.
fn template(name: &str, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{key: '{value}'}}\n"
    )
}

/// A ConfigMap that is watched if `watched`.
fn config(bed: &Bed, name: &str, watched: bool, data: &Value) -> Value {
    let labels = if watched {
        json!({"reconcile.fluxcd.io/watch": "Enabled"})
    } else {
        json!({})
    };
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": bed.namespace, "labels": labels},
        "data": data,
    })
}

async fn set(bed: &Bed, name: &str, value: &str) -> Result<()> {
    bed.drift(name, value).await
}

/// Waits until the ConfigMap `name` holds `value`.
async fn until_applied(bed: &Bed, name: &str, value: &str) -> Result<()> {
    let deadline = tokio::time::Instant::now() + crate::bed::PATIENCE;
    loop {
        let key = bed.config_map(name).await?.unwrap_or_default()["data"]["key"].clone();
        if key == value {
            return Ok(());
        }
        anyhow::ensure!(tokio::time::Instant::now() < deadline, "{name} holds {key}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_come_from_objects_and_the_spec() -> Result<()> {
    let bed = Bed::start("variables").await?;
    let map = config(
        &bed,
        "map",
        true,
        &json!({"a": "map", "b": "map", "c": "ma\np\n"}),
    );
    bed.create("v1", "ConfigMap", &map).await?;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "secret", "namespace": bed.namespace},
        "stringData": {"b": "secret", "d": "secret"},
    });
    bed.create("v1", "Secret", &secret).await?;
    let disabled = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: plain\n  annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}\ndata: {key: '${a}'}\n";
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: '${port}'}]}\n";
    bed.publish(
        "r1",
        &[
            (
                "app/a.yaml",
                template("app", "${a} ${b} ${c} ${d} ${e} ${f:=default} $${a}"),
            ),
            ("app/b.yaml", service.to_owned()),
            ("app/c.yaml", disabled.to_owned()),
        ],
    )
    .await?;
    let mark = bed.mark()?;
    bed.kustomization(
        "app",
        json!({"path": "./app", "postBuild": {
            "substitute": {"d": "inline", "e": "inline", "port": "8080"},
            "substituteFrom": [
                {"kind": "ConfigMap", "name": "map"},
                {"kind": "Secret", "name": "secret"},
                {"kind": "ConfigMap", "name": "missing", "optional": true},
            ],
        }}),
    )
    .await?;
    bed.until("app", ready_at("r1")).await?;
    for (name, value) in [
        ("app", "map secret map inline inline default ${a}"),
        ("plain", "${a}"),
    ] {
        let object = bed.config_map(name).await?.unwrap_or_default();
        assert_eq!(object["data"]["key"], value, "{name}");
    }
    let service = bed.object("Service", &bed.namespace, "web").await?;
    assert_eq!(service["spec"]["ports"][0]["port"], 8080);
    let requests = bed.requests_since(mark).await?;
    let reads: Vec<_> = requests
        .iter()
        .filter(|request| request.starts_with("get "))
        .collect();
    assert_eq!(
        reads,
        [
            "get configmaps map",
            "get configmaps missing",
            "get secrets secret"
        ],
        "one read each, whatever the number of objects"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_object_wakes_who_takes_variables_from_it() -> Result<()> {
    let mut bed = Bed::start("watched").await?;
    let map = config(&bed, "map", true, &json!({"key": "one"}));
    bed.create("v1", "ConfigMap", &map).await?;
    bed.publish(
        "r1",
        &[
            ("app/a.yaml", template("app", "${key}")),
            ("other/a.yaml", template("other", "x")),
        ],
    )
    .await?;
    let from = json!({"substituteFrom": [{"kind": "ConfigMap", "name": "map"}]});
    bed.kustomization("app", json!({"path": "./app", "postBuild": from}))
        .await?;
    bed.kustomization("other", json!({"path": "./other"}))
        .await?;
    for name in ["app", "other"] {
        bed.until(name, ready_at("r1")).await?;
    }
    until_applied(&bed, "app", "one").await?;

    // A commit that changes nothing that was read asks nothing: the watch knows.
    bed.events("app", 2).await?;
    let mark = bed.mark()?;
    let files = [
        ("app/a.yaml", template("app", "${key}")),
        ("other/a.yaml", template("other", "x")),
        ("README.md", "r2".to_owned()),
    ];
    bed.publish("r2", &files).await?;
    bed.until("app", ready_at("r2")).await?;
    let requests = bed.requests_since(mark).await?;
    let about = |request: &&String| request.ends_with(" app") || request.ends_with(" map");
    let about: Vec<_> = requests.iter().filter(about).collect();
    assert_eq!(about, ["patch kustomizations/status app"]);

    bed.until("other", ready_at("r2")).await?;
    let other = bed.get("other").await?;

    set(&bed, "map", "two").await?;
    until_applied(&bed, "app", "two").await?;
    assert_eq!(
        bed.get("other").await?,
        other,
        "it takes nothing from there"
    );

    // While nobody looks.
    bed.until("app", ready_at("r2")).await?;
    bed.kill()?;
    set(&bed, "map", "three").await?;
    bed.start_again().await?;
    until_applied(&bed, "app", "three").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_not_watched_counts_from_the_next_commit() -> Result<()> {
    for (name, flags, watched) in [
        ("unlabelled", vec![], false),
        (
            "unwatched",
            vec!["--feature-gates=DisableConfigWatchers=true"],
            true,
        ),
    ] {
        let bed = Bed::with_flags(name, &flags).await?;
        let map = config(&bed, "map", watched, &json!({"key": "one"}));
        bed.create("v1", "ConfigMap", &map).await?;
        let files = |readme: &str| {
            [
                ("app/a.yaml", template("app", "${key}")),
                ("README.md", readme.to_owned()),
            ]
        };
        bed.publish("r1", &files("1")).await?;
        let from = json!({"substituteFrom": [{"kind": "ConfigMap", "name": "map"}]});
        bed.kustomization("app", json!({"path": "./app", "postBuild": from}))
            .await?;
        bed.until("app", ready_at("r1")).await?;

        // Unchanged, it is asked for its version only.
        bed.events("app", 2).await?;
        let mark = bed.mark()?;
        bed.publish("r2", &files("2")).await?;
        bed.until("app", ready_at("r2")).await?;
        assert_eq!(
            bed.requests_since(mark).await?,
            ["get configmaps map", "patch kustomizations/status app"]
        );

        set(&bed, "map", "two").await?;
        bed.publish("r3", &files("3")).await?;
        bed.until("app", ready_at("r3")).await?;
        let object = bed.config_map("app").await?.unwrap_or_default();
        assert_eq!(object["data"]["key"], "two", "{name}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_substitution_that_fails_says_why_and_loses_nothing() -> Result<()> {
    let bed = Bed::start("substitution").await?;
    bed.publish("r1", &[("a.yaml", template("app", "${key:=one}"))])
        .await?;
    let spec = |post_build: Value| json!({"retryInterval": "1h", "postBuild": post_build});
    bed.kustomization("app", spec(json!({"substituteStrategy": "Always"})))
        .await?;
    bed.until("app", ready_at("r1")).await?;
    bed.publish("r2", &[("a.yaml", template("app", "${key}"))])
        .await?;
    let object = "post build failed for 'ConfigMap.v1.[noGrp]/app': ";
    let missing = json!([{"kind": "ConfigMap", "name": "map"}]);
    let cases = [
        (
            json!({"substituteStrategy": "Always"}),
            "envsubst error: variable substitution failed: variable not set (strict mode): \"key\"",
        ),
        (
            json!({"substitute": {"other-key": "x"}}),
            "envsubst error: 'other-key' var name is invalid, must match \
             '^[_[:alpha:]][_[:alpha:][:digit:]]*$'",
        ),
        (
            json!({"substitute": {"key": "a: b"}}),
            "envsubst error: YAMLToJSON: yaml: line 3: mapping values are not allowed in this context",
        ),
        (
            json!({"substituteFrom": missing}),
            "substitute from 'ConfigMap/map' error: configmaps \"map\" not found",
        ),
    ];
    for (post_build, expected) in cases {
        bed.kustomization("app", spec(post_build)).await?;
        let expected = format!("{object}{expected}");
        let app = bed
            .until("app", |app| message(app, "Ready") == expected)
            .await?;
        assert_eq!(reason(&app, "Ready"), "BuildFailed");
        assert_eq!(app["status"]["lastAppliedRevision"], "r1");
        let object = bed.config_map("app").await?.unwrap_or_default();
        assert_eq!(object["data"]["key"], "one", "{expected}");
    }
    // What was missing appears, and nobody has to wait.
    let map = config(&bed, "map", true, &json!({"key": "two"}));
    bed.create("v1", "ConfigMap", &map).await?;
    bed.until("app", ready_at("r2")).await?;
    until_applied(&bed, "app", "two").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_gate_what_is_not_there_is_empty() -> Result<()> {
    let flags = ["--feature-gates=StrictPostBuildSubstitutions=false"];
    let bed = Bed::with_flags("lax", &flags).await?;
    bed.publish("r1", &[("a.yaml", template("app", "<${key}>"))])
        .await?;
    bed.kustomization("app", json!({"postBuild": {"substitute": {"other": "x"}}}))
        .await?;
    bed.until("app", ready_at("r1")).await?;
    until_applied(&bed, "app", "<>").await?;
    // As upstream, without any variable nothing is evaluated.
    bed.kustomization(
        "app",
        json!({"postBuild": {"substituteStrategy": "WithVariables"}}),
    )
    .await?;
    until_applied(&bed, "app", "<${key}>").await?;
    Ok(())
}

//! Dashboards and rules against a real Prometheus that scrapes the controllers at work.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testkit::{
    ControlPlane, Controller, ControllerOptions, GitServer, Process, Role, control_plane::Options,
    git_server::Change, port, process::Program, tool, workspace,
};

use crate::cluster;

const PATIENCE: Duration = Duration::from_mins(3);
const NAMESPACE: &str = "flux-system";

/// What Flux's public dashboards ask for, apart from the kubelet's own series.
/// Source: fluxcd/flux2-monitoring-example, control-plane and cluster.
const OF_FLUX: &[&str] = &[
    r#"sum(go_info{namespace="flux-system",pod=~".*-controller-.*"})"#,
    r#"sum(go_memstats_alloc_bytes{namespace="flux-system",pod=~".*-controller-.*"})"#,
    r#"rate(process_cpu_seconds_total{namespace="flux-system",pod=~".*-controller-.*"}[1m])"#,
    r#"max(workqueue_longest_running_processor_seconds{namespace="flux-system",pod=~".*-controller-.*"})"#,
    r#"workqueue_longest_running_processor_seconds{name="kustomization"}"#,
    r#"sum(rate(rest_client_requests_total{namespace="flux-system",pod=~".*-controller-.*"}[1m]))"#,
    r#"sum(increase(controller_runtime_reconcile_total{controller="kustomization",result!="error"}[1m])) by (controller)"#,
    r#"sum(increase(controller_runtime_reconcile_total{controller="gitrepository",result="error"}[1m]))"#,
    r#"sum(rate(gotk_reconcile_duration_seconds_sum{namespace=~"flux-system",exported_namespace=~".*",kind=~"Kustomization"}[5m])) by (kind, name)"#,
    r#"sum(rate(gotk_reconcile_duration_seconds_count{namespace=~"flux-system",exported_namespace=~".*",kind=~"GitRepository"}[5m])) by (kind)"#,
    r#"count(gotk_resource_info{exported_namespace=~".*", customresource_kind=~"Kustomization|HelmRelease", ready="False"})"#,
    r#"gotk_resource_info{exported_namespace=~".*", customresource_kind=~"GitRepository", ready="True", revision!=""}"#,
    r#"gotk_resource_info{exported_namespace=~".*", suspended="true"}"#,
];

/// A query and where it stands.
struct Query {
    place: String,
    text: String,
}

/// The queries of all dashboards, with Grafana's variables replaced.
fn dashboards() -> Result<Vec<Query>> {
    let mut queries = Vec::new();
    for entry in std::fs::read_dir(workspace::root().join("deploy/monitoring/dashboards"))? {
        let path = entry?.path();
        let dashboard: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
        let panels = dashboard["panels"].as_array().context("no panels")?;
        for (panel, target) in panels.iter().flat_map(|panel| {
            let targets = panel["targets"].as_array().into_iter().flatten();
            targets.map(move |target| (panel, target))
        }) {
            let text = target["expr"]
                .as_str()
                .context("a target without a query")?;
            queries.push(Query {
                place: format!("{}: {}", path.display(), panel["title"]),
                text: text
                    .replace("$namespace", NAMESPACE)
                    .replace("$exported_namespace", ".*")
                    .replace("$__rate_interval", "1m"),
            });
        }
    }
    Ok(queries)
}

/// The parts of a rule that must find something: what it compares, and what it misses when it is absent.
fn parts(rule: &str) -> Result<Vec<String>> {
    if rule.starts_with("absent(") {
        let parts = rule.split(" or ").map(|part| {
            let part = part.trim().strip_prefix("absent(")?.strip_suffix(')')?;
            Some(part.to_owned())
        });
        return parts.collect::<Option<_>>().context("more than absences");
    }
    let (compared, _threshold) = rule
        .rsplit_once(" > ")
        .or_else(|| rule.rsplit_once(" == "))
        .context("no threshold")?;
    Ok(vec![compared.to_owned()])
}

/// The queries of all rules.
fn rules() -> Result<Vec<Query>> {
    let text = std::fs::read_to_string(workspace::root().join("deploy/monitoring/rules.yaml"))?;
    let document = yaml::parse_documents(&text)?;
    let document = yaml::v3::to_json(document.first().context("no rules")?)?;
    let groups = document["groups"].as_array().context("no groups")?;
    let rules = groups
        .iter()
        .flat_map(|group| group["rules"].as_array().into_iter().flatten());
    let mut queries = Vec::new();
    for rule in rules {
        let text = rule["expr"].as_str().context("a rule without a query")?;
        queries.extend(parts(text)?.into_iter().map(|text| Query {
            place: rule["alert"].to_string(),
            text,
        }));
    }
    Ok(queries)
}

/// A Prometheus and a kube-state-metrics beside controllers at work.
struct Site {
    plane: ControlPlane,
    git: GitServer,
    controllers: Vec<Controller>,
    _programs: [Process; 2],
    http: reqwest::Client,
    prometheus: String,
    home: tempfile::TempDir,
}

impl Site {
    async fn start() -> Result<Self> {
        let plane = ControlPlane::start(Options {
            crds: true,
            ..Options::default()
        })
        .await?;
        plane.ensure_namespace(NAMESPACE).await?;
        let home = tempfile::tempdir()?;
        let binaries = cluster::binaries()?;
        let mut controllers = Vec::new();
        let mut events = String::new();
        for role in [Role::Notification, Role::Source, Role::Kustomize] {
            let place = home.path().join(role.name());
            let mut options = ControllerOptions::new(role, &binaries, plane.kubeconfig(), &place)
                .flag("--enable-leader-election=true");
            if role != Role::Notification {
                options = options.flag(format!("--events-addr={events}"));
            }
            let mut controller = Controller::start(&options)?;
            controller.ready().await?;
            if role == Role::Notification {
                events = controller.serving_url();
            }
            controllers.push(controller);
        }
        let [state, telemetry, listen] = port::free()?;
        let config = workspace::root().join("deploy/monitoring/kube-state-metrics.yaml");
        let state_metrics = Program::new(
            tool::kube_state_metrics()?,
            home.path().join("kube-state-metrics.log"),
        )
        .arg("--kubeconfig")
        .arg(plane.kubeconfig())
        .args([
            "--custom-resource-state-only",
            "--host=127.0.0.1",
            "--telemetry-host=127.0.0.1",
        ])
        .arg(format!("--port={state}"))
        .arg(format!("--telemetry-port={telemetry}"))
        .arg(format!(
            "--custom-resource-state-config-file={}",
            config.display()
        ))
        .spawn()?;
        let targets = controllers.iter().map(|controller| {
            let address = controller.metrics_url();
            let address = address
                .trim_start_matches("http://")
                .trim_end_matches("/metrics");
            (
                address.to_owned(),
                format!("{}-7d9f", controller.role().name()),
            )
        });
        let targets = targets.chain([(
            format!("127.0.0.1:{state}"),
            "kube-state-metrics-5c8b".to_owned(),
        )]);
        let prometheus = prometheus(home.path(), targets, listen)?;
        Ok(Self {
            plane,
            git: GitServer::start().await?,
            controllers,
            _programs: [state_metrics, prometheus],
            http: reqwest::Client::new(),
            prometheus: format!("http://127.0.0.1:{listen}/api/v1/query"),
            home,
        })
    }

    /// A source with three Kustomizations: one works, one cannot, one is suspended.
    async fn populate(&self) -> Result<()> {
        let kustomization = |name: &str, suspend: bool| {
            json!({
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
                "metadata": { "name": name, "namespace": NAMESPACE },
                "spec": {
                    "interval": "1h", "retryInterval": "2s", "prune": true, "suspend": suspend, "path": name,
                    "targetNamespace": "default", "sourceRef": { "kind": "GitRepository", "name": "apps" },
                },
            })
        };
        let objects = json!({ "apiVersion": "v1", "kind": "List", "items": [
            {
                "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
                "metadata": { "name": "apps", "namespace": NAMESPACE },
                "spec": { "interval": "1s", "url": self.git.url("apps"), "ref": { "branch": "main" } },
            },
            kustomization("works", false), kustomization("fails", false), kustomization("waits", true),
            kustomization("rests", false),
        ]});
        let file = self.home.path().join("objects.json");
        std::fs::write(&file, objects.to_string())?;
        self.plane
            .kubectl(&["apply", "--filename", &file.to_string_lossy()])
            .await?;
        Ok(())
    }

    /// Whether a query finds anything now.
    async fn finds(&self, query: &str) -> Result<bool> {
        let form = [("query", query)];
        let url = reqwest::Url::parse_with_params(&self.prometheus, form)?;
        let answer = self.http.get(url).send().await?.bytes().await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        ensure!(answer["status"] == "success", "{query}: {answer}");
        Ok(answer["data"]["result"]
            .as_array()
            .is_some_and(|found| !found.is_empty()))
    }
}

fn prometheus(
    home: &Path,
    targets: impl Iterator<Item = (String, String)>,
    listen: u16,
) -> Result<Process> {
    let targets: Vec<_> = targets
        .map(|(address, pod)| json!({ "targets": [address], "labels": { "namespace": NAMESPACE, "pod": pod } }))
        .collect();
    let config = json!({
        "global": { "scrape_interval": "1s", "evaluation_interval": "1s" },
        "rule_files": [workspace::root().join("deploy/monitoring/rules.yaml")],
        "scrape_configs": [{ "job_name": "pods", "static_configs": targets }],
    });
    let file = home.join("prometheus.json");
    std::fs::write(&file, config.to_string())?;
    Program::new("prometheus", home.join("prometheus.log"))
        .arg(format!("--config.file={}", file.display()))
        .arg(format!(
            "--storage.tsdb.path={}",
            home.join("tsdb").display()
        ))
        .arg(format!("--web.listen-address=127.0.0.1:{listen}"))
        .spawn()
}

fn files(value: usize) -> Vec<Change> {
    let map = |name: &str, value: usize| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  key: \"{value}\"\n"
        )
    };
    vec![
        Change::write("works/map.yaml", map("works", value)),
        Change::write("rests/map.yaml", map("rests", 0)),
        Change::write("waits/map.yaml", map("waits", 0)),
        Change::write("fails/map.yaml", "kind: [broken"),
    ]
}

#[test]
fn the_rules_are_valid() -> Result<()> {
    let rules = workspace::root().join("deploy/monitoring/rules.yaml");
    let output = Command::new("promtool")
        .args(["check", "rules"])
        .arg(rules)
        .output()?;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_every_dashboard_and_rule_finds_something() -> Result<()> {
    let site = Site::start().await?;
    let repository = site.git.create("apps")?;
    repository.commit("main", "0", &files(0))?;
    site.populate().await?;
    let mut queries = dashboards()?;
    queries.extend(rules()?);
    queries.extend(OF_FLUX.iter().map(|text| Query {
        place: "Flux".to_owned(),
        text: (*text).to_owned(),
    }));
    assert!(queries.len() > 60, "{} queries", queries.len());

    let webhook = format!("{}/hook/unknown", site.controllers[0].webhook_url());
    let deadline = tokio::time::Instant::now() + PATIENCE;
    for round in 1.. {
        // Work goes on, so that what counts per second has something to count.
        repository.commit("main", &round.to_string(), &files(round))?;
        site.http.post(&webhook).body("{}").send().await?;
        let mut empty = Vec::new();
        for query in queries {
            if !site.finds(&query.text).await? {
                empty.push(query);
            }
        }
        queries = empty;
        if queries.is_empty() {
            break;
        }
        let texts: Vec<_> = queries
            .iter()
            .map(|query| format!("{}: {}", query.place, query.text))
            .collect();
        ensure!(
            tokio::time::Instant::now() < deadline,
            "nothing is found by\n{}",
            texts.join("\n")
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}

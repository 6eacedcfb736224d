//! Makes overlay trees at random: a base, overlays over it, components, patches, generators.

use kustomize::MemoryTree;
use proptest::prelude::*;

/// Files by path.
pub(crate) type Files = Vec<(String, String)>;

const NAMES: [&str; 3] = ["web", "api", "db"];

pub(crate) fn memory(files: &Files) -> MemoryTree {
    let mut tree = MemoryTree::default();
    for (path, text) in files {
        tree.insert(path, text);
    }
    tree
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&NAMES[..])
}

fn object() -> impl Strategy<Value = String> {
    (name(), 0..6_u8, any::<bool>(), 0..4_u8).prop_map(|(name, kind, namespaced, replicas)| {
        let namespace = if namespaced { "\n  namespace: apps" } else { "" };
        match kind {
            0 => format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}{namespace}\ndata:\n  n: \"{replicas}\"\n  host: {name}.local\n"),
            1 => format!("apiVersion: v1\nkind: Service\nmetadata:\n  name: {name}{namespace}\nspec:\n  ports:\n  - port: 80\n    name: http\n  - port: {replicas}\n"),
            2 => format!("apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}{namespace}\nstringData: {{a: b}}\n"),
            3 => format!("apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {name}}}\nimagePullSecrets: [{{name: {name}}}]\n"),
            4 => format!("apiVersion: example.org/v1\nkind: Widget\nmetadata:\n  name: {name}{namespace}\n  annotations: {{size: {replicas}, on: yes}}\nspec:\n  list: [a, {{b: {replicas}}}]\n  empty:\n"),
            _ => format!("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}{namespace}\n  labels: {{app: {name}}}\nspec:\n  replicas: {replicas}\n  selector:\n    matchLabels: {{app: {name}}}\n  template:\n    metadata:\n      labels: {{app: {name}}}\n    spec:\n      serviceAccountName: {name}\n      containers:\n      - name: main\n        image: registry.local/{name}:v{replicas}\n        env:\n        - name: HOST\n          valueFrom:\n            configMapKeyRef: {{name: {name}, key: host}}\n        - {{name: N, value: '{replicas}'}}\n        envFrom:\n        - secretRef: {{name: {name}}}\n        ports:\n        - containerPort: 80{replicas}\n"),
        }
    })
}

fn patch() -> impl Strategy<Value = String> {
    (name(), 0..6_u8, 0..9_u8).prop_map(|(name, kind, n)| match kind {
        0 => format!("- target: {{name: {name}}}\n  patch: |\n    - op: add\n      path: /metadata/annotations\n      value: {{by: \"{n}\", n: '1e3'}}\n"),
        1 => format!("- target: {{kind: Deployment}}\n  patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {{name: any, labels: {{patched: \"{n}\", app: null}}}}\n    spec:\n      replicas: {n}\n      template:\n        spec:\n          containers:\n          - name: sidecar\n            image: side:{n}\n          - name: main\n            env:\n            - {{name: N, value: null, $patch: delete}}\n            ports:\n            - {{containerPort: 80{n}, name: p}}\n"),
        2 => format!("- target: {{kind: ConfigMap, name: '{name}|none'}}\n  patch: |\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {{name: x}}\n    data: {{n: null, extra: '{n}'}}\n"),
        3 => format!("- target: {{kind: Widget}}\n  patch: '[{{\"op\": \"replace\", \"path\": \"/spec/list/1\", \"value\": {n}000000}}]'\n"),
        4 => "- target: {kind: Service}\n  patch: |\n    apiVersion: v1\n    kind: Service\n    metadata: {name: s}\n    spec:\n      ports: [{port: 80, protocol: TCP}, {port: 81}]\n".to_owned(),
        _ => format!("- target: {{kind: Secret, name: {name}}}\n  patch: |\n    apiVersion: v1\n    kind: Secret\n    metadata: {{name: x}}\n    $patch: delete\n"),
    })
}

/// The instructions of a layer beside its resources.
fn instructions() -> impl Strategy<Value = String> {
    let option =
        |text: &'static [&'static str]| prop::option::weighted(0.35, prop::sample::select(text));
    (
        option(&["namespace: prod\n", "namespace: apps\n"]),
        option(&["namePrefix: pre-\n", "namePrefix: \"1\"\n"]),
        option(&["nameSuffix: -x\n"]),
        option(&[
            "labels:\n- pairs: {team: a, app: over}\n",
            "labels:\n- pairs: {team: b}\n  includeSelectors: true\n",
            "labels:\n- pairs: {t: c}\n  includeTemplates: true\n",
        ]),
        option(&[
            "commonLabels: {app: common}\n",
            "commonLabels: {zone: \"3\"}\n",
        ]),
        option(&["commonAnnotations: {note: \"true\"}\n"]),
        option(&[
            "images:\n- {name: registry.local/web, newTag: \"7\"}\n",
            "images:\n- {name: registry.local/api, newName: other, tagSuffix: -s}\n",
        ]),
        option(&["replicas:\n- {name: web, count: 9}\n"]),
        option(&[
            "configMapGenerator:\n- name: web\n  literals: [gen=1]\n",
            "configMapGenerator:\n- name: made\n  literals: [a=b, c=\"d\"]\n",
            "configMapGenerator:\n- name: web\n  behavior: merge\n  literals: [n=2]\n",
        ]),
        option(&["secretGenerator:\n- name: db\n  literals: [p=q]\n"]),
        prop::collection::vec(patch(), 0..3),
    )
        .prop_map(|(a, b, c, d, e, f, g, h, i, j, patches)| {
            let mut text: String = [a, b, c, d, e, f, g, h, i, j]
                .into_iter()
                .flatten()
                .collect();
            if !patches.is_empty() {
                text.push_str("patches:\n");
                text.push_str(&patches.concat());
            }
            text
        })
}

/// A tree whose top is `top`: files, then one to three layers, some with a component.
pub(crate) fn overlay() -> impl Strategy<Value = Files> {
    (
        prop::collection::vec(object(), 1..6),
        prop::collection::vec(instructions(), 1..4),
        prop::option::weighted(0.3, instructions()),
    )
        .prop_map(|(objects, layers, component)| {
            let mut files = Files::new();
            files.push(("base/all.yaml".to_owned(), objects.join("---\n")));
            let mut below = "all.yaml".to_owned();
            let last = layers.len() - 1;
            for (index, instructions) in layers.into_iter().enumerate() {
                let dir = match index {
                    0 if last > 0 => "base".to_owned(),
                    i if i == last => "top".to_owned(),
                    i => format!("layer{i}"),
                };
                let resource = if index == 0 && dir == "top" { "base".to_owned() } else { below };
                if resource == "base" {
                    files.push(("base/kustomization.yaml".to_owned(), "resources: [all.yaml]\n".to_owned()));
                }
                let path = if resource == "all.yaml" { resource } else { format!("../{resource}") };
                let mut text = format!("resources:\n- {path}\n{instructions}");
                if dir == "top" && component.is_some() {
                    text.push_str("components:\n- ../component\n");
                }
                files.push((format!("{dir}/kustomization.yaml"), text));
                below = dir;
            }
            if let Some(instructions) = component {
                let text = format!("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n{instructions}generatorOptions: {{}}\n");
                files.push(("component/kustomization.yaml".to_owned(), text));
            }
            files
        })
}

/// An element of a list that merges by `key`, with the oddities that people write.
fn element(
    key: &'static str,
    values: &'static [&'static str],
    patch: bool,
) -> impl Strategy<Value = String> {
    let directive = if patch { 0..14_u8 } else { 6..14_u8 };
    (
        prop::sample::select(values),
        directive,
        0..3_u8,
        any::<bool>(),
    )
        .prop_map(move |(value, directive, field, with_key)| {
            let mut parts = Vec::new();
            // Elements of lists with two keys always have the first: without it upstream's result
            // depends on which elements share memory.
            if with_key || field == 0 || matches!(key, "containerPort" | "topologyKey") {
                parts.push(format!("{key}: {value}"));
            }
            match field {
                0 => {}
                1 => parts.push("protocol: UDP".to_owned()),
                _ => parts.push(format!("v{field}: '{value}'")),
            }
            match directive {
                0 => parts.push("$patch: delete".to_owned()),
                1 => parts.push("$patch: replace".to_owned()),
                2 => parts.push("$patch: merge".to_owned()),
                3 => parts.push("v2: null".to_owned()),
                4 => parts.push("sub: {$patch: delete}".to_owned()),
                5 => parts = vec!["$patch: replace".to_owned()],
                6 => parts.push("implicit:".to_owned()),
                7 => parts.push("sub: {a: 1, b: null}".to_owned()),
                8 => parts.push("protocol: TCP".to_owned()),
                _ => {}
            }
            let mut seen = std::collections::HashSet::new();
            parts.retain(|part| seen.insert(part.split(':').next().map(str::to_owned)));
            format!("{{{}}}", parts.join(", "))
        })
}

fn pod(patch: bool) -> impl Strategy<Value = String> {
    let list = move |key, values| {
        prop::option::of(prop::collection::vec(element(key, values, patch), 0..4))
    };
    (
        list("name", &["a", "b", "c"]),
        list("containerPort", &["80", "81", "\"80\""]),
        list("name", &["x", "y"]),
        list("ip", &["1.1.1.1", "2.2.2.2"]),
        list("topologyKey", &["k", "l"]),
        prop::option::of(prop::collection::vec(prop::sample::select(vec!["f", "g", "'1'"]), 0..3)),
    )
        .prop_map(|(containers, ports, env, aliases, spread, finalizers)| {
            let field = |name: &str, list: Option<Vec<String>>| {
                list.map_or_else(String::new, |list| format!("{name}: [{}]\n", list.join(", ")))
            };
            let mut main = vec!["name: main".to_owned()];
            main.extend(ports.map(|list| format!("ports: [{}]", list.join(", "))));
            main.extend(env.map(|list| format!("env: [{}]", list.join(", "))));
            let mut containers = containers.unwrap_or_default();
            containers.insert(0, format!("{{{}}}", main.join(", ")));
            let finalizers = finalizers
                .map_or_else(String::new, |list| format!(", finalizers: [{}]", list.join(", ")));
            format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: p{finalizers}}}\nspec:\n  {}  {}  {}  other: 1\n",
                field("containers", Some(containers)),
                field("hostAliases", aliases),
                field("topologySpreadConstraints", spread),
            )
            .replace("\n    ", "\n  ")
        })
}

/// A pod and a strategic patch for it. One only: after a patch upstream's lists may hold one element
/// twice, and what a second patch does to such a list is not followed.
pub(crate) fn patched_pod() -> impl Strategy<Value = Files> {
    (
        pod(false),
        prop::collection::vec(pod(true), 1..2),
        any::<bool>(),
    )
        .prop_map(|(object, patches, targeted)| {
            let mut text = "resources: [pod.yaml]\npatches:\n".to_owned();
            let mut files = vec![("top/pod.yaml".to_owned(), object)];
            for (index, patch) in patches.into_iter().enumerate() {
                let target = if targeted {
                    "\n  target: {kind: Pod}"
                } else {
                    ""
                };
                let entry = format!("- path: p{index}.yaml{target}\n");
                text.push_str(&entry);
                files.push((format!("top/p{index}.yaml"), patch));
            }
            files.push(("top/kustomization.yaml".to_owned(), text));
            files
        })
}

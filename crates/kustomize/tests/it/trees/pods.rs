//! Pods and strategic patches for them: lists that merge by key, with the oddities that people write.

use proptest::prelude::*;

use super::Files;

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
                6 => parts.push("implicit: ".to_owned()),
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

/// A pod and one to three strategic patches for it.
pub(crate) fn patched_pod() -> impl Strategy<Value = Files> {
    (
        pod(false),
        prop::collection::vec(pod(true), 1..4),
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

//! Fields of built-in kinds that the API server does not know.
//!
//! Server-side apply refuses them, where an ordinary write drops them. Flux never meets the refusal:
//! its conversion to Go types has dropped such fields before. To have the same outcome without a
//! table of all types, the fields that the server names in its refusal are left out and the request
//! is repeated; what was left out is reported with the result. Custom resources are not touched, nor
//! are Role and `ClusterRole`: there Flux reports the refusal too.
//!
//! Source: kubernetes-sigs/structured-merge-diff `typed/validate.go`, `fieldpath/path.go` (how paths
//! are printed); client-go `kubernetes/scheme` (which groups are built in).

use serde_json::Value;

use crate::object::ObjectId;

const BUILT_IN: [&str; 22] = [
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// Whether Flux would drop unknown fields of this kind.
pub(crate) fn are_dropped(id: &ObjectId) -> bool {
    let verbatim = id.group == "rbac.authorization.k8s.io"
        && matches!(id.kind.as_str(), "Role" | "ClusterRole");
    BUILT_IN.contains(&id.group.as_str()) && !verbatim
}

const NOT_DECLARED: &str = ": field not declared in schema";

/// The paths, as printed, that a refusal says are not declared.
pub(crate) fn paths(message: &str) -> Vec<&str> {
    let line = |line| {
        let path: &str = str::strip_suffix(str::trim(line), NOT_DECLARED)?;
        let at = path.find(" .").map_or(0, |at| at + 1);
        path.get(at..).filter(|path| path.starts_with('.'))
    };
    message.lines().filter_map(line).collect()
}

/// Removes the fields at `paths`; returns whether all of them were there.
pub(crate) fn strip(object: &mut Value, paths: &[&str]) -> bool {
    paths.iter().all(|path| {
        parse(path).is_some_and(|steps| {
            steps.split_last().is_some_and(|(last, parents)| {
                let parent = parents
                    .iter()
                    .try_fold(&mut *object, |at, step| step.of(at));
                match (parent.and_then(Value::as_object_mut), last) {
                    (Some(map), Step::Field(name)) => map.remove(name).is_some(),
                    _ => false,
                }
            })
        })
    })
}

/// One step of a printed path.
#[derive(Debug, PartialEq)]
enum Step {
    /// `.name`
    Field(String),
    /// `[key="value",…]`
    Keys(Vec<(String, Value)>),
    /// `[3]`
    At(usize),
}

impl Step {
    fn of<'a>(&self, value: &'a mut Value) -> Option<&'a mut Value> {
        match self {
            Self::Field(name) => value.get_mut(name),
            Self::At(at) => value.get_mut(at),
            Self::Keys(keys) => value
                .as_array_mut()?
                .iter_mut()
                .find(|item| keys.iter().all(|(key, value)| item.get(key) == Some(value))),
        }
    }
}

/// Parses `.spec.containers[name="a"].x`. Keys that hold a dot, a bracket or a comma make it fail or
/// find nothing, which leaves the refusal as it is.
fn parse(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, tail) = after.split_at_checked(end)?;
            steps.push(Step::Field(name.to_owned()));
            rest = tail;
        } else {
            let (inside, tail) = rest.strip_prefix('[')?.split_once(']')?;
            steps.push(match inside.parse() {
                Ok(at) => Step::At(at),
                Err(_) => Step::Keys(inside.split(',').map(key).collect::<Option<_>>()?),
            });
            rest = tail;
        }
    }
    Some(steps)
}

fn key(pair: &str) -> Option<(String, Value)> {
    let (key, value) = pair.split_once('=')?;
    Some((key.to_owned(), serde_json::from_str(value).ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_refusal_names_is_removed_and_nothing_else() {
        let object = json!({"bogus": 1, "spec": {"x": 1, "ports": [
            {"port": 80, "protocol": "UDP", "y": 1},
            {"port": 80, "protocol": "TCP", "y": 1, "z": 1},
        ], "list": [{"w": 1}]}});
        let head = "failed to create typed patch object (ns/u; apps/v1, Kind=Deployment): ";
        let cases = [
            (
                format!("{head}.bogus: field not declared in schema"),
                Some(json!({"spec": object["spec"]})),
            ),
            (
                format!(
                    "{head}errors:\n  .spec.x: field not declared in schema\n  \
                     .spec.ports[port=80,protocol=\"TCP\"].y: field not declared in schema\n  \
                     .spec.list[0].w: field not declared in schema"
                ),
                Some(json!({"bogus": 1, "spec": {"ports": [
                    {"port": 80, "protocol": "UDP", "y": 1},
                    {"port": 80, "protocol": "TCP", "z": 1},
                ], "list": [{}]}})),
            ),
            (
                format!("{head}.spec.absent: field not declared in schema"),
                None,
            ),
            (
                format!("{head}.spec.ports[port=81].y: field not declared in schema"),
                None,
            ),
        ];
        for (message, expected) in cases {
            let paths = paths(&message);
            assert!(!paths.is_empty(), "{message}");
            let mut stripped = object.clone();
            let done = strip(&mut stripped, &paths);
            assert_eq!(done.then_some(stripped), expected, "{message}");
        }
        assert_eq!(paths("spec.x: Required value"), Vec::<&str>::new());
    }
}

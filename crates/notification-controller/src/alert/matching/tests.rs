use serde_json::{Value, json};

use super::*;

/// An alert's spec over defaults, an event's fields over defaults, and what comes of them.
struct Case {
    name: &'static str,
    spec: Value,
    event: Value,
    /// The object's labels; `null` when it cannot be read.
    labels: Value,
    wanted: bool,
    warnings: &'static [(&'static str, &'static str)],
}

impl Default for Case {
    fn default() -> Self {
        Self {
            name: "",
            spec: json!({}),
            event: json!({}),
            labels: json!({"app": "one"}),
            wanted: false,
            warnings: &[],
        }
    }
}

struct Fixed<'a>(&'a Value);

impl ReadLabels for Fixed<'_> {
    async fn read(&self, _: &ObjectReference) -> Result<Arc<BTreeMap<String, String>>, ApiError> {
        match self.0 {
            Value::Null => Err(ApiError::status(404, "NotFound", "gone")),
            labels => Ok(Arc::new(serde_json::from_value(labels.clone()).unwrap())),
        }
    }
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn source(fields: &Value) -> Value {
    let mut source = json!({"kind": "Kustomization", "name": "apps"});
    merge(&mut source, fields);
    json!([source])
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<Case> {
    let with_labels = |labels: Value| json!({"eventSources": source(&json!({"name": "*", "matchLabels": labels}))});
    vec![
        Case {
            name: "the object itself",
            wanted: true,
            ..Case::default()
        },
        Case {
            name: "another kind",
            event: json!({"involvedObject": {"kind": "Bucket"}}),
            ..Case::default()
        },
        Case {
            name: "another name",
            event: json!({"involvedObject": {"name": "other"}}),
            ..Case::default()
        },
        Case {
            name: "another namespace",
            event: json!({"involvedObject": {"namespace": "other"}}),
            ..Case::default()
        },
        Case {
            name: "the API version does not count",
            wanted: true,
            event: json!({"involvedObject": {"apiVersion": "kustomize.toolkit.fluxcd.io/v9"}}),
            ..Case::default()
        },
        Case {
            name: "any name",
            wanted: true,
            spec: json!({"eventSources": source(&json!({"name": "*"}))}),
            event: json!({"involvedObject": {"name": "other"}}),
            ..Case::default()
        },
        Case {
            name: "an explicit namespace is kept",
            wanted: true,
            spec: json!({"eventSources": source(&json!({"namespace": "other"}))}),
            event: json!({"involvedObject": {"namespace": "other"}}),
            ..Case::default()
        },
        Case {
            name: "an explicit namespace is not the alert's",
            spec: json!({"eventSources": source(&json!({"namespace": "other"}))}),
            ..Case::default()
        },
        Case {
            name: "the second source",
            wanted: true,
            spec: json!({"eventSources": [
                {"kind": "Bucket", "name": "*"}, {"kind": "Kustomization", "name": "*"},
            ]}),
            ..Case::default()
        },
        Case {
            name: "no sources",
            spec: json!({"eventSources": []}),
            ..Case::default()
        },
        Case {
            name: "suspended",
            spec: json!({"suspend": true}),
            ..Case::default()
        },
        Case {
            name: "error hears no info",
            spec: json!({"eventSeverity": "error"}),
            ..Case::default()
        },
        Case {
            name: "error hears error",
            wanted: true,
            spec: json!({"eventSeverity": "error"}),
            event: json!({"severity": "error"}),
            ..Case::default()
        },
        Case {
            name: "info hears error",
            wanted: true,
            event: json!({"severity": "error"}),
            ..Case::default()
        },
        Case {
            name: "info hears trace",
            wanted: true,
            event: json!({"severity": "trace"}),
            ..Case::default()
        },
        Case {
            name: "info hears what nobody knows",
            wanted: true,
            event: json!({"severity": "odd"}),
            ..Case::default()
        },
        Case {
            name: "labels fit",
            wanted: true,
            spec: with_labels(json!({"app": "one"})),
            ..Case::default()
        },
        Case {
            name: "a label's value differs",
            spec: with_labels(json!({"app": "two"})),
            ..Case::default()
        },
        Case {
            name: "a label is missing",
            spec: with_labels(json!({"app": "one", "tier": "x"})),
            ..Case::default()
        },
        Case {
            name: "no labels fit any object",
            wanted: true,
            spec: with_labels(json!({})),
            labels: json!({}),
            ..Case::default()
        },
        Case {
            name: "labels count beside a name",
            spec: json!({"eventSources": source(&json!({"matchLabels": {"app": "two"}}))}),
            ..Case::default()
        },
        Case {
            name: "the object cannot be read",
            spec: with_labels(json!({})),
            labels: Value::Null,
            warnings: &[(
                "SourceFetchFailed",
                "error getting source object Kustomization/ns/apps",
            )],
            ..Case::default()
        },
        Case {
            name: "no read where another source needs no labels",
            wanted: true,
            labels: Value::Null,
            spec: json!({"eventSources": [
                {"kind": "Kustomization", "name": "*", "matchLabels": {"app": "two"}},
                {"kind": "Kustomization", "name": "apps"},
            ]}),
            ..Case::default()
        },
        Case {
            name: "no read for a message that is dropped",
            labels: Value::Null,
            spec: json!({
                "eventSources": source(&json!({"matchLabels": {}})), "exclusionList": ["done"],
            }),
            ..Case::default()
        },
        Case {
            name: "a label that cannot be",
            spec: with_labels(json!({"app": "-"})),
            warnings: &[(
                "InvalidConfig",
                "error using matchLabels from event source Kustomization/ns/apps",
            )],
            ..Case::default()
        },
        Case {
            name: "a label key that cannot be",
            spec: with_labels(json!({"UPPER.example/x": "one"})),
            warnings: &[(
                "InvalidConfig",
                "error using matchLabels from event source Kustomization/ns/apps",
            )],
            ..Case::default()
        },
        Case {
            name: "included",
            wanted: true,
            spec: json!({"inclusionList": ["nothing", "^all .*done$"]}),
            ..Case::default()
        },
        Case {
            name: "not included",
            spec: json!({"inclusionList": ["nothing"]}),
            ..Case::default()
        },
        Case {
            name: "excluded",
            spec: json!({"exclusionList": ["nothing", "done"]}),
            ..Case::default()
        },
        Case {
            name: "not excluded",
            wanted: true,
            spec: json!({"exclusionList": ["nothing"]}),
            ..Case::default()
        },
        Case {
            name: "exclusion beats inclusion",
            spec: json!({"inclusionList": ["done"], "exclusionList": ["all"]}),
            ..Case::default()
        },
        Case {
            name: "case counts",
            spec: json!({"inclusionList": ["DONE"]}),
            ..Case::default()
        },
        Case {
            name: "unless told otherwise",
            wanted: true,
            spec: json!({"inclusionList": ["(?i)DONE"]}),
            ..Case::default()
        },
        Case {
            name: "a bad inclusion lets nothing through",
            spec: json!({"inclusionList": ["["]}),
            warnings: &[("InvalidConfig", "failed to compile inclusion regex: [")],
            ..Case::default()
        },
        Case {
            name: "a good inclusion beside a bad one",
            wanted: true,
            spec: json!({"inclusionList": ["[", "done"]}),
            warnings: &[("InvalidConfig", "failed to compile inclusion regex: [")],
            ..Case::default()
        },
        Case {
            name: "a bad exclusion excludes nothing",
            wanted: true,
            spec: json!({"exclusionList": ["(?=x)"]}),
            warnings: &[("InvalidConfig", "failed to compile exclusion regex: (?=x)")],
            ..Case::default()
        },
        Case {
            name: "no complaints about events for others",
            spec: json!({"exclusionList": ["["]}),
            event: json!({"involvedObject": {"name": "other"}}),
            ..Case::default()
        },
    ]
}

#[tokio::test]
async fn alerts_want_what_they_say() {
    for case in cases() {
        let mut alert = json!({
            "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Alert",
            "metadata": {"name": "alert", "namespace": "ns"},
            "spec": {"providerRef": {"name": "p"}, "eventSources": source(&json!({}))},
        });
        merge(&mut alert["spec"], &case.spec);
        let mut event = json!({
            "involvedObject": {
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
                "namespace": "ns", "name": "apps",
            },
            "severity": "info", "message": "all is done", "reason": "r",
        });
        merge(&mut event, &case.event);
        let rule = Rule::new(Arc::new(serde_json::from_value(alert).unwrap()));
        let event: Event = serde_json::from_value(event).unwrap();
        let matched = match_event(&rule, &event, &Fixed(&case.labels)).await;
        assert_eq!(matched.wanted, case.wanted, "{}", case.name);
        let warnings: Vec<_> = matched
            .warnings
            .iter()
            .map(|warning| (warning.reason, &*warning.message))
            .collect();
        assert_eq!(warnings, case.warnings, "{}", case.name);
    }
}

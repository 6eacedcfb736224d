//! The alerts as they are matched: patterns compiled once per generation, found by the events' namespace and kind.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError, RwLock},
};

use api::{event::Event, notification::Alert};
use kube::ResourceExt;
use regexp::Pattern;
use runtime::{ObjectKey, cache::Change};

/// An alert, ready to be matched.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) key: ObjectKey,
    pub(crate) alert: Arc<Alert>,
    /// What the message must match one of; [`Err`] holds a pattern that does not compile.
    pub(super) inclusion: Vec<Result<Pattern, String>>,
    /// What the message must not match.
    pub(super) exclusion: Vec<Result<Pattern, String>>,
}

impl Rule {
    pub(super) fn new(alert: Arc<Alert>) -> Self {
        let compile = |patterns: &[String]| {
            let compile = |text: &String| Pattern::new(text).map_err(|_| text.clone());
            patterns.iter().map(compile).collect()
        };
        Self {
            key: ObjectKey::of(&*alert),
            inclusion: compile(&alert.spec.inclusion_list),
            exclusion: compile(&alert.spec.exclusion_list),
            alert,
        }
    }
}

/// All alerts that are not suspended.
#[derive(Default)]
pub(crate) struct Rules(RwLock<Index>);

#[derive(Default)]
struct Index {
    rules: BTreeMap<ObjectKey, Arc<Rule>>,
    /// The alerts that listen to objects of a namespace and kind.
    listeners: BTreeMap<(String, String), BTreeSet<ObjectKey>>,
}

impl Rules {
    /// Takes a change of an alert in.
    pub(crate) fn on_change(&self, change: &Change<Alert>) {
        let alert = change.latest();
        let gone = matches!(change, Change::Deleted(_)) || alert.spec.suspend;
        // Compiled before the lock is taken: events are matched meanwhile.
        let rule = (!gone).then(|| Arc::new(Rule::new(Arc::clone(alert))));
        let mut index = self.0.write().unwrap_or_else(PoisonError::into_inner);
        index.remove(&ObjectKey::of(&**alert));
        if let Some(rule) = rule {
            index.insert(rule);
        }
    }

    /// Whether the alert of a rule is still there and not suspended.
    pub(crate) fn holds(&self, rule: &Rule) -> bool {
        let index = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let now = index.rules.get(&rule.key);
        now.is_some_and(|now| now.alert.uid() == rule.alert.uid())
    }

    /// The alerts that may listen to an event, by namespace and name.
    pub(crate) fn candidates(&self, event: &Event) -> Vec<Arc<Rule>> {
        let object = &event.involved_object;
        let index = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let place = (object.namespace.clone(), object.kind.clone());
        let keys = index.listeners.get(&place).into_iter().flatten();
        keys.filter_map(|key| index.rules.get(key).cloned())
            .collect()
    }
}

impl Index {
    fn insert(&mut self, rule: Arc<Rule>) {
        for place in places(&rule) {
            let keys = self.listeners.entry(place).or_default();
            keys.insert(rule.key.clone());
        }
        self.rules.insert(rule.key.clone(), rule);
    }

    fn remove(&mut self, key: &ObjectKey) {
        let Some(rule) = self.rules.remove(key) else {
            return;
        };
        for place in places(&rule) {
            if let Some(keys) = self.listeners.get_mut(&place) {
                keys.remove(key);
                if keys.is_empty() {
                    self.listeners.remove(&place);
                }
            }
        }
    }
}

fn places(rule: &Rule) -> impl Iterator<Item = (String, String)> {
    rule.alert.spec.event_sources.iter().map(|source| {
        let namespace = source.namespace_or(&rule.key.namespace);
        (namespace.to_owned(), source.kind.clone())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn alert(name: &str, suspend: bool, sources: &[(&str, &str)]) -> Arc<Alert> {
        let sources: Vec<_> = sources
            .iter()
            .map(|(namespace, kind)| json!({"namespace": namespace, "kind": kind, "name": "*"}))
            .collect();
        let alert = json!({
            "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Alert",
            "metadata": {"name": name, "namespace": "ns"},
            "spec": {"providerRef": {"name": "p"}, "eventSources": sources, "suspend": suspend},
        });
        Arc::new(serde_json::from_value(alert).unwrap())
    }

    fn found(rules: &Rules, namespace: &str, kind: &str) -> Vec<String> {
        let event = json!({"involvedObject": {"namespace": namespace, "kind": kind}});
        let event: Event = serde_json::from_value(event).unwrap();
        let rules = rules.candidates(&event);
        rules.iter().map(|rule| rule.key.name.to_string()).collect()
    }

    #[test]
    fn alerts_are_found_by_what_they_listen_to_now() {
        let rules = Rules::default();
        let nobody: [&str; 0] = [];
        let a = alert("a", false, &[("ns", "Kustomization"), ("", "Bucket")]);
        let b = alert(
            "b",
            false,
            &[("ns", "Kustomization"), ("ns", "Kustomization")],
        );
        rules.on_change(&Change::Added(Arc::clone(&a)));
        rules.on_change(&Change::Added(Arc::clone(&b)));
        rules.on_change(&Change::Added(alert("c", true, &[("ns", "Kustomization")])));
        assert_eq!(found(&rules, "ns", "Kustomization"), ["a", "b"]);
        assert_eq!(found(&rules, "ns", "Bucket"), ["a"]);
        assert_eq!(found(&rules, "other", "Kustomization"), nobody);

        let moved = alert("a", false, &[("other", "Kustomization")]);
        rules.on_change(&Change::Updated {
            old: a,
            new: Arc::clone(&moved),
        });
        assert_eq!(found(&rules, "ns", "Bucket"), nobody);
        assert_eq!(found(&rules, "other", "Kustomization"), ["a"]);
        let suspended = alert("a", true, &[("other", "Kustomization")]);
        rules.on_change(&Change::Updated {
            old: moved,
            new: suspended,
        });
        assert_eq!(found(&rules, "other", "Kustomization"), nobody);
        rules.on_change(&Change::Deleted(b));
        assert_eq!(found(&rules, "ns", "Kustomization"), nobody);
        assert!(rules.0.read().unwrap().listeners.is_empty());
    }
}

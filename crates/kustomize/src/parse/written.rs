//! A document inside a string, as it is written.
//!
//! What a replacement changes in its tree is carried over into the written form, which keeps the comments and
//! the styles of everything else. Anchors are not kept there and merges not in the tree, so texts with either
//! are refused.
//!
//! Source: kustomize `setValueInStructuredData` in `api/filters/replacement` (api 0.21.1).

use std::sync::Arc;

use yaml::v3;

use crate::error::{Error, Result};
use crate::node::Node;
use crate::regex::Pattern;

use super::bridge::{MERGE, convert, restore, shown};

pub(crate) struct Written(yaml::Document);

impl Written {
    /// Reads the first document; `None` when there is none.
    pub(crate) fn read(text: &str) -> Result<Option<Self>> {
        let document =
            yaml::parse_document(text).map_err(|error| Error::Yaml(error.to_string()))?;
        Ok(document.map(Self))
    }

    /// Whether it has anchors, or keys that merge.
    pub(crate) fn is_shared(&self) -> bool {
        self.0.has_anchors() || has_merge(&self.0.root)
    }

    /// Whether a pattern matches the `field` of some element, or the element itself if that is empty, only with
    /// its comments or only without. Upstream matches with them.
    pub(crate) fn is_matched_by_comment(&self, field: &str, pattern: &Pattern) -> Result<bool> {
        is_matched_by_comment(&self.0.root, field, pattern)
    }

    /// Carries over what differs between `old`, the tree of what is written, and `new`. Where `copied` stands in
    /// `new` it takes the place of what is there, unless it is a scalar.
    pub(crate) fn update(&mut self, old: &Node, new: &Node, copied: &Node) {
        update(&mut self.0.root, old, new, copied);
    }

    pub(crate) fn to_text(&self) -> String {
        let mut out = Vec::new();
        v3::emit_document(&self.0, &mut out);
        String::from_utf8_lossy(&out).trim().to_owned()
    }
}

fn has_merge(node: &yaml::Node) -> bool {
    match node {
        yaml::Node::Scalar(_) => false,
        yaml::Node::Sequence(sequence) => sequence.items.iter().any(has_merge),
        yaml::Node::Mapping(mapping) => mapping
            .iter()
            .any(|(key, value)| key.as_str() == Some(MERGE) || has_merge(value)),
    }
}

fn is_matched_by_comment(node: &yaml::Node, field: &str, pattern: &Pattern) -> Result<bool> {
    match node {
        yaml::Node::Scalar(_) => {}
        yaml::Node::Mapping(mapping) => {
            for (_, value) in mapping.iter() {
                if is_matched_by_comment(value, field, pattern)? {
                    return Ok(true);
                }
            }
        }
        yaml::Node::Sequence(sequence) => {
            for item in &sequence.items {
                let found = if field.is_empty() {
                    Some(item)
                } else {
                    item.get(field)
                };
                if let Some(found) = found {
                    let mut written = Vec::new();
                    v3::emit(found, &mut written);
                    let written = String::from_utf8_lossy(&written);
                    let bare = shown(&convert(found, sequence.flow)?);
                    if pattern.is_match(written.trim()) != pattern.is_match(&bare) {
                        return Ok(true);
                    }
                }
                if is_matched_by_comment(item, field, pattern)? {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

fn update(written: &mut yaml::Node, old: &Node, new: &Node, copied: &Node) {
    if is_same(new, copied) {
        *written = restore(new);
        return;
    }
    if old == new {
        return;
    }
    match (&mut *written, old, new) {
        (yaml::Node::Scalar(written), Node::Scalar(_), Node::Scalar(new)) => {
            written.text = new.text.as_ref().into();
        }
        (yaml::Node::Sequence(written), Node::Sequence(old), Node::Sequence(new)) => {
            for (index, new) in new.iter().enumerate() {
                match (written.items.get_mut(index), old.get(index)) {
                    (Some(written), Some(old)) => update(written, old, new, copied),
                    _ => written.items.push(restore(new)),
                }
            }
        }
        (yaml::Node::Mapping(written), Node::Mapping(old), Node::Mapping(new)) => {
            for (key, new) in new.iter() {
                match (written.get_mut(&key.text), old.get(&key.text)) {
                    (Some(written), Some(old)) => update(written, old, new, copied),
                    _ => written.push(yaml::Node::untagged(key.text.as_ref()), restore(new)),
                }
            }
        }
        _ => *written = restore(new),
    }
}

/// Whether both are one collection.
fn is_same(a: &Node, b: &Node) -> bool {
    match (a, b) {
        (Node::Sequence(a), Node::Sequence(b)) => Arc::ptr_eq(a, b),
        (Node::Mapping(a), Node::Mapping(b)) => Arc::ptr_eq(a, b),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Written;
    use crate::regex;

    fn read(text: &str) -> Written {
        Written::read(text).unwrap().unwrap()
    }

    #[test]
    fn only_anchors_and_merges_are_shared() {
        for (text, shared) in [
            ("a: &x 1", true),
            ("a: {b: &x 1, c: *x}", true),
            ("a:\n- <<: {b: 1}", true),
            ("'<<': 1", true),
            ("a: b # &x *x <<: y", false),
            ("a: '&x'", false),
            ("a: b&c *d", false),
        ] {
            assert_eq!(read(text).is_shared(), shared, "{text}");
        }
    }

    #[test]
    fn patterns_see_comments() {
        for (text, field, pattern, by_comment) in [
            ("- n: web # not db", "n", "db", true),
            ("- n: web # not db", "n", "web", false),
            ("- n: web # line", "n", "^web$", true),
            ("- # db\n  n: web", "n", "db", false),
            ("- n: web\n# db\n- n: x", "n", "db", false),
            ("- n: web # not db", "m", "db", false),
            ("- web # not db", "", "db", true),
            ("a: [{n: web, # db\n m: 1}]", "n", "db", true),
            ("n: web # db", "n", "db", false),
        ] {
            let pattern = regex::pattern(pattern).unwrap();
            let found = read(text).is_matched_by_comment(field, &pattern).unwrap();
            assert_eq!(found, by_comment, "{text}");
        }
    }
}

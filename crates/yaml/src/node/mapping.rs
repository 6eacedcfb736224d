//! A mapping in document order.
//!
//! Small mappings are searched from the front. The first search of a larger one builds an index
//! from key text to position, which appending keeps and removing drops, so that neither building
//! nor reading a mapping of many thousand keys is quadratic.

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use super::{Comments, Node, Tag, Text};

/// Mappings up to this many entries are searched without an index.
const LINEAR: usize = 24;

/// Key and value pairs in document order. A key may occur twice; the first one is found.
#[derive(Default)]
pub struct Mapping {
    entries: Vec<(Node, Node)>,
    /// Position of the first entry of each scalar key; only for mappings above [`LINEAR`].
    #[expect(
        clippy::box_collection,
        reason = "few mappings have one, and a node should stay small"
    )]
    index: OnceLock<Box<HashMap<Text, usize>>>,
    /// Written as `{a: b}`.
    pub flow: bool,
    /// [`Tag::None`] and [`Tag::Map`] mean the same.
    pub tag: Tag,
    /// Whether the document spelled the tag out.
    pub explicit_tag: bool,
    pub(crate) line: u32,
    pub(crate) comments: Option<Box<Comments>>,
}

impl Mapping {
    /// A block mapping of `entries`, in that order.
    pub fn new(entries: Vec<(Node, Node)>) -> Self {
        Self {
            entries,
            ..Self::default()
        }
    }

    /// How many entries there are.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Position of the first entry whose key is a scalar with this text, whatever its type.
    pub fn position(&self, key: &str) -> Option<usize> {
        if self.entries.len() > LINEAR {
            return self
                .index
                .get_or_init(|| Box::new(index(&self.entries)))
                .get(key)
                .copied();
        }
        self.entries
            .iter()
            .position(|(name, _)| name.as_str() == Some(key))
    }

    /// Whether a key with this text exists.
    pub fn contains_key(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    /// The value of the first entry whose key has this text.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.get_entry(key).map(|(_, value)| value)
    }

    /// The key node and value of the first entry whose key has this text.
    pub fn get_entry(&self, key: &str) -> Option<(&Node, &Node)> {
        self.entries
            .get(self.position(key)?)
            .map(|(name, value)| (name, value))
    }

    /// The value of the first entry whose key has this text.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        let position = self.position(key)?;
        self.entries.get_mut(position).map(|(_, value)| value)
    }

    /// The value under `key`, appended as `default()` under an untagged plain key if absent.
    pub fn get_or_insert_with(&mut self, key: &str, default: impl FnOnce() -> Node) -> &mut Node {
        let position = self.position(key).unwrap_or_else(|| {
            self.push(Node::untagged(key), default());
            self.entries.len() - 1
        });
        &mut self.entries[position].1
    }

    /// Replaces the value under `key` in place and returns the old one, or appends an entry with
    /// an untagged plain key.
    pub fn insert(&mut self, key: impl Into<Text> + AsRef<str>, value: Node) -> Option<Node> {
        if let Some(old) = self.get_mut(key.as_ref()) {
            return Some(std::mem::replace(old, value));
        }
        self.push(Node::untagged(key), value);
        None
    }

    /// Appends an entry without looking for one with the same key.
    pub fn push(&mut self, key: Node, value: Node) {
        if let Some(index) = self.index.get_mut()
            && let Some(scalar) = key.as_scalar()
        {
            index
                .entry(scalar.text.clone())
                .or_insert(self.entries.len());
        }
        self.entries.push((key, value));
    }

    /// Puts an entry in front of the one at `position`, or last if there is none there.
    pub fn insert_at(&mut self, position: usize, key: Node, value: Node) {
        if position >= self.entries.len() {
            return self.push(key, value);
        }
        self.index.take();
        self.entries.insert(position, (key, value));
    }

    /// Removes the first entry whose key has this text, keeping the order of the others.
    ///
    /// Costs O(n); use [`Mapping::retain`] to remove many.
    pub fn remove(&mut self, key: &str) -> Option<Node> {
        self.remove_entry(key).map(|(_, value)| value)
    }

    /// As [`Mapping::remove`], with the key node.
    pub fn remove_entry(&mut self, key: &str) -> Option<(Node, Node)> {
        let position = self.position(key)?;
        self.index.take();
        Some(self.entries.remove(position))
    }

    /// Keeps the entries for which `keep` is true.
    pub fn retain(&mut self, mut keep: impl FnMut(&Node, &mut Node) -> bool) {
        self.index.take();
        self.entries.retain_mut(|(key, value)| keep(key, value));
    }

    /// Removes every entry.
    pub fn clear(&mut self) {
        self.index.take();
        self.entries.clear();
    }

    /// The entries in document order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Node, &Node)> + ExactSizeIterator {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// The entries in document order; keys cannot be changed here.
    pub fn iter_mut(
        &mut self,
    ) -> impl DoubleEndedIterator<Item = (&Node, &mut Node)> + ExactSizeIterator {
        self.entries.iter_mut().map(|(key, value)| (&*key, value))
    }

    /// The entries in document order.
    pub fn entries(&self) -> &[(Node, Node)] {
        &self.entries
    }

    /// The entries, for changes of any kind.
    pub fn entries_mut(&mut self) -> &mut Vec<(Node, Node)> {
        self.index.take();
        &mut self.entries
    }

    /// The values in document order.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Node> + ExactSizeIterator {
        self.entries.iter().map(|(_, value)| value)
    }

    /// The values in document order.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Node> + ExactSizeIterator {
        self.entries.iter_mut().map(|(_, value)| value)
    }

    /// The line the mapping began on, counted from 1; 0 for a node no parser made.
    pub const fn line(&self) -> u32 {
        self.line
    }
}

fn index(entries: &[(Node, Node)]) -> HashMap<Text, usize> {
    let mut index = HashMap::with_capacity(entries.len());
    for (position, (key, _)) in entries.iter().enumerate() {
        if let Some(scalar) = key.as_scalar() {
            index.entry(scalar.text.clone()).or_insert(position);
        }
    }
    index
}

impl Clone for Mapping {
    fn clone(&self) -> Self {
        Self {
            entries: self.entries.clone(),
            index: OnceLock::new(),
            flow: self.flow,
            tag: self.tag.clone(),
            explicit_tag: self.explicit_tag,
            line: self.line,
            comments: self.comments.clone(),
        }
    }
}

/// Equal entries in equal order, tag and style; comments do not count.
impl PartialEq for Mapping {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
            && self.flow == other.flow
            && self.tag == other.tag
            && self.explicit_tag == other.explicit_tag
    }
}

impl Eq for Mapping {}

impl IntoIterator for Mapping {
    type Item = (Node, Node);
    type IntoIter = std::vec::IntoIter<(Node, Node)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl FromIterator<(Node, Node)> for Mapping {
    fn from_iter<I: IntoIterator<Item = (Node, Node)>>(entries: I) -> Self {
        Self::new(entries.into_iter().collect())
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(count: usize) -> Mapping {
        let mut mapping = Mapping::default();
        for n in 0..count {
            mapping.insert(format!("key{n}"), Node::int(i64::try_from(n).unwrap()));
        }
        mapping
    }

    #[test]
    fn finds_and_replaces_in_place_at_every_size() {
        for count in [1, LINEAR, LINEAR + 1, 10_000] {
            let mut mapping = numbered(count);
            let last = format!("key{}", count - 1);
            assert_eq!(mapping.position(&last), Some(count - 1));
            assert!(mapping.insert(last.as_str(), Node::string("new")).is_some());
            assert_eq!(mapping.get(&last).and_then(Node::as_str), Some("new"));
            assert_eq!(mapping.len(), count);
            assert_eq!(mapping.get("absent"), None);
        }
    }

    #[test]
    fn removing_keeps_order_and_later_searches_right() {
        let mut mapping = numbered(100);
        assert!(mapping.contains_key("key50"));
        assert!(mapping.remove("key10").is_some());
        assert_eq!(mapping.position("key11"), Some(10));
        mapping.retain(|key, _| key.as_str() != Some("key0"));
        assert_eq!(mapping.position("key11"), Some(9));
        assert_eq!(mapping.remove("key10"), None);
    }

    #[test]
    fn the_first_of_two_equal_keys_is_found() {
        let mut mapping = numbered(LINEAR + 1);
        mapping.push(Node::untagged("key3"), Node::string("second"));
        assert_eq!(mapping.position("key3"), Some(3));
        mapping.remove("key3");
        assert_eq!(mapping.get("key3").and_then(Node::as_str), Some("second"));
    }
}

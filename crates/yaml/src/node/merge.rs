//! Merge keys, replaced by what they merge.
//!
//! kyaml does this to every document it reads. A mapping's own keys keep their place and win; merged
//! ones are appended, the last mapping of a list first, and earlier mappings of the list win.
//!
//! Source: `deAnchor` in kyaml 0.21.1 yaml/rnode.go.

use super::{Mapping, Node, Tag};

/// Why merge keys cannot be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// A mapping has `<<` twice.
    #[error("duplicate merge key")]
    Duplicate,
    /// The value of `<<` is no mapping and no list of mappings.
    #[error("map merge requires map or sequence of maps as the value")]
    NoMapping,
    /// The list under `<<` holds a list.
    #[error("invalid map merge: received a nested sequence")]
    NestedSequence,
}

impl Node {
    /// Replaces every merge key (`<<`) in the tree by the entries it stands for.
    ///
    /// # Errors
    ///
    /// See [`MergeError`]; the tree may be changed in part then.
    pub fn inflate_merges(&mut self) -> Result<(), MergeError> {
        match self {
            Self::Scalar(_) => Ok(()),
            Self::Sequence(sequence) => {
                sequence.items.iter_mut().try_for_each(Self::inflate_merges)
            }
            Self::Mapping(mapping) => {
                // Sources are complete before they are merged.
                mapping.values_mut().try_for_each(Self::inflate_merges)?;
                merge(mapping)
            }
        }
    }
}

fn merge(mapping: &mut Mapping) -> Result<(), MergeError> {
    let is_merge = |key: &Node| *key.tag() == Tag::Merge;
    let mut positions = mapping
        .iter()
        .enumerate()
        .filter(|(_, (key, _))| is_merge(key))
        .map(|(at, _)| at);
    let Some(position) = positions.next() else {
        return Ok(());
    };
    if positions.next().is_some() {
        return Err(MergeError::Duplicate);
    }
    drop(positions);
    let (_, value) = mapping.entries_mut().remove(position);
    let sources = match value {
        Node::Mapping(source) => vec![source],
        Node::Sequence(sequence) => sequence
            .items
            .into_iter()
            .map(|item| match item {
                Node::Mapping(source) => Ok(source),
                Node::Sequence(_) => Err(MergeError::NestedSequence),
                Node::Scalar(_) => Err(MergeError::NoMapping),
            })
            .collect::<Result<_, _>>()?,
        Node::Scalar(_) => return Err(MergeError::NoMapping),
    };
    let own = mapping.len();
    for source in sources.into_iter().rev() {
        for (key, value) in source {
            let name = key.as_str().unwrap_or_default();
            match mapping.position(name).filter(|_| key.as_scalar().is_some()) {
                Some(at) if at < own => {}
                Some(_) => {
                    mapping.insert(name, value);
                }
                None => mapping.push(key, value),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_keys_win_over_earlier_sources_over_later_ones() {
        let cases = [
            ("{<<: {a: 1, b: 1}, b: 2}", Ok("{b: 2, a: 1}\n")),
            ("{b: 2, <<: {a: 1, b: 1}}", Ok("{b: 2, a: 1}\n")),
            (
                "{<<: [{a: 1, b: 1}, {b: 2, c: 2}], d: 3}",
                Ok("{d: 3, b: 1, c: 2, a: 1}\n"),
            ),
            ("{x: {<<: {<<: {a: 1}, b: 2}}}", Ok("{x: {b: 2, a: 1}}\n")),
            ("{\"<<\": {a: 1}}", Ok("{\"<<\": {a: 1}}\n")),
            ("{<<: {a: 1}, <<: {b: 1}}", Err(MergeError::Duplicate)),
            ("{<<: 1}", Err(MergeError::NoMapping)),
            ("{<<: [1]}", Err(MergeError::NoMapping)),
            ("{<<: [[{a: 1}]]}", Err(MergeError::NestedSequence)),
        ];
        for (text, expected) in cases {
            let mut node = crate::parse_first(text).unwrap().unwrap();
            let result = node.inflate_merges().map(|()| {
                let mut out = Vec::new();
                crate::v3::emit(&node, &mut out);
                String::from_utf8(out).unwrap()
            });
            assert_eq!(
                result.as_deref(),
                expected.as_ref().map(|text| *text),
                "{text}"
            );
        }
    }
}

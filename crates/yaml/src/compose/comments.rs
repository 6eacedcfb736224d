//! Which node keeps the foot comment of a mapping's part.
//!
//! Source: `mapping` and `sequence` in decode.go of go.yaml.in/yaml/v3 3.0.3.

use crate::node::{Comments, Node};

/// The comments of a collection from those where it begins and where it ends.
pub(super) fn join(
    at_start: Option<Box<Comments>>,
    at_end: Option<Box<Comments>>,
) -> Option<Box<Comments>> {
    if at_start.is_none() && at_end.is_none() {
        return None;
    }
    let head = at_start.map(|comments| comments.head).unwrap_or_default();
    let (line, foot) = at_end
        .map(|comments| (comments.line, comments.foot))
        .unwrap_or_default();
    Comments { head, line, foot }.boxed()
}

/// Gives the foot at the end of a block mapping to its last key.
pub(super) fn give_foot(
    at_end: Option<Box<Comments>>,
    entries: &mut [(Node, Node)],
) -> Option<Box<Comments>> {
    let mut at_end = at_end?;
    if let Some((last, _)) = entries.last_mut() {
        give(&mut at_end, last);
    }
    Some(at_end)
}

/// Gives the foot of a key in a block mapping to the key before it.
pub(super) fn give_foot_of_key(key: &mut Node, entries: &mut [(Node, Node)]) {
    if let (Some(comments), Some((before, _))) = (key.comments_mut(), entries.last_mut()) {
        give(comments, before);
    }
}

/// Gives the foot of a value to a key that has none.
pub(super) fn give_foot_of_value(value: &mut Node, key: &mut Node) {
    let free = key
        .comments()
        .is_none_or(|comments| comments.foot.is_empty());
    if let Some(comments) = value.comments_mut()
        && free
    {
        give(comments, key);
    }
}

/// Moves a foot, unless it is empty, over that of `node`.
fn give(comments: &mut Comments, node: &mut Node) {
    if !comments.foot.is_empty() {
        node.comments_mut().get_or_insert_default().foot = std::mem::take(&mut comments.foot);
    }
}

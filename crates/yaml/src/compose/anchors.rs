//! Anchors of a stream, and how much its aliases may copy.

use std::collections::HashMap;
use std::rc::Rc;

use crate::error::ParseError;
use crate::node::Node;

/// The way to a node, from its end: its number among its parent's children, and the way there.
#[derive(Clone)]
pub(super) struct Link(Rc<(Option<Link>, usize)>);

impl Link {
    pub(super) fn new(parent: Option<Self>, number: usize) -> Self {
        Self(Rc::new((parent, number)))
    }
}

#[derive(Default)]
pub(super) struct Anchors {
    links: HashMap<String, Link>,
    /// Nodes read so far, copies included, and how many of them are copies.
    nodes: usize,
    copies: usize,
}

impl Anchors {
    /// Starts to count anew; `forget` drops the anchors of earlier documents.
    pub(super) fn start_document(&mut self, forget: bool) {
        self.nodes = 0;
        self.copies = 0;
        if forget {
            self.links.clear();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    pub(super) fn define(&mut self, name: &str, link: Link) {
        self.links.insert(name.to_owned(), link);
    }

    /// Child numbers from the stream down to the anchor's node.
    pub(super) fn path(&self, name: &str) -> Option<Vec<usize>> {
        let mut path = Vec::new();
        let mut next = self.links.get(name);
        next?;
        while let Some(link) = next {
            let (parent, number) = &*link.0;
            path.push(*number);
            next = parent.as_ref();
        }
        path.reverse();
        Some(path)
    }

    /// Counts nodes that stand in the text.
    pub(super) fn count(&mut self, nodes: usize) -> Result<(), ParseError> {
        self.nodes += nodes;
        self.check()
    }

    /// Counts the nodes of a copy of `node`, of which at most `levels` may nest.
    pub(super) fn expand(&mut self, node: &Node, levels: usize) -> Result<(), ParseError> {
        self.nodes += 1;
        let mut pending = vec![(node, levels)];
        while let Some((node, levels)) = pending.pop() {
            self.nodes += 1;
            self.copies += 1;
            self.check()?;
            if node.as_scalar().is_none() && levels == 0 {
                return Err(super::too_deep());
            }
            let levels = levels.saturating_sub(1);
            match node {
                Node::Scalar(_) => {}
                Node::Sequence(sequence) => {
                    pending.extend(sequence.items.iter().map(|item| (item, levels)));
                }
                Node::Mapping(mapping) => {
                    for (key, value) in mapping.iter() {
                        pending.push((key, levels));
                        pending.push((value, levels));
                    }
                }
            }
        }
        Ok(())
    }

    /// Small documents may consist of copies almost wholly, large ones to a tenth.
    fn check(&self) -> Result<(), ParseError> {
        const LOW: usize = 400_000;
        const HIGH: usize = 4_000_000;
        if self.copies <= 100 || self.nodes <= 1000 {
            return Ok(());
        }
        #[expect(clippy::cast_precision_loss, reason = "counts of nodes in memory")]
        let (copies, nodes, low, high) = (
            self.copies as f64,
            self.nodes as f64,
            LOW as f64,
            HIGH as f64,
        );
        let allowed = match self.nodes {
            ..=LOW => 0.99,
            HIGH.. => 0.10,
            _ => 0.99 - 0.89 * ((nodes - low) / (high - low)),
        };
        if copies / nodes > allowed {
            return Err(ParseError::without_line(
                "document contains excessive aliasing",
            ));
        }
        Ok(())
    }
}

//! From a tree to bytes.

use crate::{
    Error,
    limit::{LONGEST, Work},
    node::{Call, Node, Operator},
    operation,
};

/// Evaluates all nodes, one after the other.
pub(crate) fn template<'v>(
    nodes: &[Node<'_>],
    lookup: &dyn Fn(&str) -> Option<&'v [u8]>,
) -> Result<Vec<u8>, Error> {
    let mut evaluation = Evaluation {
        lookup,
        work: Work::default(),
    };
    let mut out = Vec::new();
    for node in nodes {
        evaluation.node(node, &mut out)?;
    }
    Ok(out)
}

struct Evaluation<'l, 'v> {
    lookup: &'l dyn Fn(&str) -> Option<&'v [u8]>,
    work: Work,
}

impl Evaluation<'_, '_> {
    fn node(&mut self, node: &Node<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        match node {
            Node::Text(text) => out.extend_from_slice(text.as_bytes()),
            Node::Call(call) => self.call(call, out)?,
        }
        if out.len() > LONGEST {
            return Err(Error::TooLong);
        }
        Ok(())
    }

    fn call(&mut self, call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            let mut value = Vec::new();
            self.node(argument, &mut value)?;
            arguments.push(value);
        }
        let value = match (self.lookup)(call.variable) {
            Some(value) => value,
            None if call.operator == Operator::Default => &[],
            None => return Err(Error::NotSet(call.variable.to_owned())),
        };
        operation::apply(call, value, &arguments, &mut self.work, out)
    }
}

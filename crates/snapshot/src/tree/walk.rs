//! Depth-first iteration over a tree.

use std::slice;
use std::sync::Arc;

use super::{Dir, Entry, Named};

/// Iterator of [`Tree::walk`](super::Tree::walk): the path from the root, and the entry.
pub struct Walk<'a> {
    stack: Vec<(usize, slice::Iter<'a, Named>)>,
    /// Path of the directory on top of the stack, with a trailing `/` unless it is the root.
    prefix: String,
}

impl<'a> Walk<'a> {
    pub(super) fn new(root: Option<&'a Arc<Dir>>) -> Self {
        let stack = root
            .map(|dir| (0, dir.entries.iter()))
            .into_iter()
            .collect();
        Self {
            stack,
            prefix: String::new(),
        }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = (String, &'a Entry);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (prefix, entries) = self.stack.last_mut()?;
            self.prefix.truncate(*prefix);
            let Some((name, entry)) = entries.next() else {
                self.stack.pop();
                continue;
            };
            let path = format!("{}{name}", self.prefix);
            if let Entry::Dir(dir) = entry {
                self.prefix.push_str(name);
                self.prefix.push('/');
                self.stack.push((self.prefix.len(), dir.entries.iter()));
            }
            return Some((path, entry));
        }
    }
}

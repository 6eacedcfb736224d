//! Which ids resources have and had, so that neither adding a resource nor finding one is a scan.
//!
//! A name may lead to a resource that no longer has it, but never misses one that has or had it.

use std::collections::HashMap;

use crate::id::IdKey;
use crate::resource::Resource;

/// The ids of a list of resources.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// How many resources have an id now.
    present: HashMap<IdKey, usize>,
    /// How many of these are shared.
    repeated: usize,
    by_name: HashMap<Box<str>, Vec<usize>>,
}

impl Index {
    pub(super) fn new(list: &[Resource]) -> Self {
        let mut index = Self::default();
        for (position, resource) in list.iter().enumerate() {
            index.add(position, resource);
        }
        index
    }

    pub(super) fn has(&self, id: &IdKey) -> bool {
        self.present.contains_key(id)
    }

    pub(super) fn has_repeated(&self) -> bool {
        self.repeated > 0
    }

    /// Where resources may be that have or had the name, in order.
    pub(super) fn named(&self, name: &str) -> &[usize] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn add(&mut self, position: usize, resource: &Resource) {
        let count = self.present.entry(resource.id().key()).or_default();
        *count += 1;
        if *count == 2 {
            self.repeated += 1;
        }
        for id in resource.all_ids() {
            let known = self.by_name.entry(id.name.into()).or_default();
            if let Err(at) = known.binary_search(&position) {
                known.insert(at, position);
            }
        }
    }

    /// Takes note that the resource at `position`, which had the id `before`, has changed.
    pub(super) fn update(&mut self, position: usize, before: &IdKey, resource: &Resource) {
        if let Some(count) = self.present.get_mut(before) {
            *count -= 1;
            match count {
                0 => drop(self.present.remove(before)),
                1 => self.repeated -= 1,
                _ => {}
            }
        }
        self.add(position, resource);
    }
}

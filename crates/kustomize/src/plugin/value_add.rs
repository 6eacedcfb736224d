//! `ValueAddTransformer`: puts a value, or a part of a file path, into fields.
//!
//! Source: kustomize `api/internal/builtins/ValueAddTransformer.go`, `api/filters/valueadd`
//! (api 0.21.1), kyaml 0.21.1 `filesys/util.go`.

use crate::error::{Error, Result};
use crate::field_spec::{FieldSpecs, split_path};
use crate::kustomization::Selector;
use crate::kustomization::decode::decode_struct;
use crate::node::{Tag, require_scalar};
use crate::path;
use crate::resource::Resource;
use crate::resources::Resources;
use crate::selector::Matcher;
use crate::transform::namespace::{self, Subjects};

/// A value and the fields that it goes to.
#[derive(Debug, Clone)]
pub(super) struct ValueAdd {
    value: String,
    targets: Vec<ValueTarget>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct ValueTarget {
    selector: Option<Selector>,
    field_path: String,
    file_path_position: i64,
}

decode_struct!(ValueTarget, "Target", {
    "selector" => selector, "fieldPath" => field_path, "filePathPosition" => file_path_position,
});

impl ValueAdd {
    /// Checks the targets.
    pub(super) fn new(value: String, targets: Vec<ValueTarget>) -> Result<Self> {
        if targets.is_empty() {
            return Err(Error::invalid("must specify at least one target"));
        }
        for target in &targets {
            if target.field_path.is_empty() {
                return Err(Error::invalid("fieldPath cannot be empty"));
            }
            if target.file_path_position < 0 {
                return Err(Error::invalid(format!(
                    "value of FilePathPosition ({}) cannot be negative",
                    target.file_path_position
                )));
            }
        }
        Ok(Self { value, targets })
    }

    pub(super) fn run(&self, resources: &mut Resources) -> Result<()> {
        for target in &self.targets {
            let matcher = Matcher::new(target.selector.as_ref().unwrap_or(&Selector::default()))?;
            for index in resources.try_positions(|resource| matcher.targets(resource))? {
                resources
                    .edit(index, |resource| self.set(resource, target))
                    .unwrap_or(Ok(()))?;
            }
        }
        Ok(())
    }

    fn set(&self, resource: &mut Resource, target: &ValueTarget) -> Result<()> {
        if target.field_path == "metadata/namespace" {
            let options = namespace::Options {
                namespace: &self.value,
                subjects: Subjects::DefaultOnly,
                unset_only: false,
            };
            return namespace::set_in(resource, options, &FieldSpecs::default());
        }
        let parts = split_path(&target.field_path);
        let field = path::get_or_create(resource.node_mut(), &parts)?;
        require_scalar(field)?;
        let position = usize::try_from(target.file_path_position).unwrap_or(usize::MAX);
        let new = match position.checked_sub(1) {
            None => self.value.clone(),
            Some(position) => insert_part(field.value(), position, &self.value),
        };
        field.set_text(&new, Tag::None);
        Ok(())
    }
}

/// Makes `part` the part `position` of a file path, or its last one. A path that begins with a
/// slash goes on doing so; the result has no empty parts, `.` or `..`.
fn insert_part(path: &str, position: usize, part: &str) -> String {
    if part.is_empty() {
        return path.to_owned();
    }
    let mut parts = split(path);
    let mut position = position.min(parts.len());
    if parts.first().is_some_and(|first| first.is_empty()) && position < parts.len() {
        position += 1;
    }
    parts.insert(position, part);
    let absolute = parts.first().is_some_and(|first| first.is_empty());
    let mut clean: Vec<&str> = Vec::new();
    for part in parts.iter().flat_map(|part| part.split('/')) {
        match part {
            "" | "." => {}
            ".." if clean.last().is_some_and(|last| *last != "..") => {
                clean.pop();
            }
            part => clean.push(part),
        }
    }
    let lead = if absolute { "/" } else { "" };
    format!("{lead}{}", clean.join("/"))
}

/// The parts of a path, the first of them empty if it begins with a slash.
fn split(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        match rest.rsplit_once('/') {
            None => {
                parts.push(rest);
                break;
            }
            Some(("", last)) => {
                if !last.is_empty() {
                    parts.push(last);
                }
                parts.push("");
                break;
            }
            Some((dir, last)) => {
                parts.push(last);
                rest = dir;
            }
        }
    }
    parts.reverse();
    parts
}

#[cfg(test)]
mod tests {
    use super::insert_part;

    #[test]
    fn inserts_parts() {
        for (path, position, want) in [
            ("", 0, "x"),
            ("/", 0, "/x"),
            ("/", 5, "/x"),
            ("a", 0, "x/a"),
            ("/a", 0, "/x/a"),
            ("/a", 1, "/a/x"),
            ("a/b/c", 2, "a/b/x/c"),
            ("/a/b/c", 2, "/a/b/x/c"),
            ("a//b/", 9, "a/b/x"),
            ("a/../b", 1, "a/b"),
        ] {
            assert_eq!(insert_part(path, position, "x"), want, "{path} {position}");
        }
    }
}

//! Image names, tags and digests.
//!
//! Two passes per entry: any list named `containers` or `initContainers` at any depth, then the
//! field specs. Both reach ordinary containers, so a `tagSuffix` is added twice, as upstream.
//! Source: kustomize `api/filters/imagetag`, `api/internal/image` (api 0.21.1).

use crate::error::{Result, ResultExt as _};
use crate::field_spec::{Create, FieldSpecs};
use crate::kustomization::Image;
use crate::node::{Node, Tag, require_mapping, require_scalar};
use crate::regex::{self, Pattern};
use crate::resources::Resources;

const EXCLUDED_KIND: &str = "CustomResourceDefinition";

/// Rewrites the images that match one entry.
pub(crate) fn transform(
    resources: &mut Resources,
    entry: &Image,
    specs: &FieldSpecs,
) -> Result<()> {
    let update = Update::new(entry)?;
    for resource in resources.iter_mut() {
        if resource.kind() != EXCLUDED_KIND {
            update.containers(resource.node_mut())?;
            for spec in specs.iter() {
                spec.apply(resource, Create::Never, &mut |node: &mut Node| {
                    update.image(node)
                })?;
            }
        }
    }
    Ok(())
}

struct Update<'a> {
    entry: &'a Image,
    pattern: Pattern,
    /// The name, where it is plain text; what does not start so is not looked at further.
    literal: Option<&'a str>,
}

impl<'a> Update<'a> {
    fn new(entry: &'a Image) -> Result<Self> {
        let text = format!(
            "^{}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$",
            entry.name
        );
        let pattern = regex::pattern(&text).context(|| format!("image name '{}'", entry.name))?;
        let plain = entry
            .name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_' | b':'));
        Ok(Self {
            entry,
            pattern,
            literal: plain.then_some(entry.name.as_str()),
        })
    }

    fn matches(&self, image: &str) -> bool {
        self.literal
            .is_none_or(|literal| image.starts_with(literal))
            && self.pattern.is_match(image)
    }

    /// Visits every list of containers below `node`.
    fn containers(&self, node: &mut Node) -> Result<()> {
        if !has_containers(node) {
            return Ok(());
        }
        match node {
            Node::Sequence(_) => {
                for item in node.as_sequence_mut().into_iter().flatten() {
                    self.containers(item)?;
                }
            }
            Node::Mapping(_) => {
                let Some(fields) = node.as_mapping_mut() else {
                    return Ok(());
                };
                for (key, value) in fields.iter_mut() {
                    self.containers(value)?;
                    if is_list_name(&key.text) {
                        self.list(value)?;
                    }
                }
            }
            Node::Scalar(_) => {}
        }
        Ok(())
    }

    fn list(&self, list: &mut Node) -> Result<()> {
        for container in list.as_sequence_mut().into_iter().flatten() {
            require_mapping(container)?;
            if let Some(image) = container.get_mut("image") {
                self.image(image)?;
            }
        }
        Ok(())
    }

    fn image(&self, node: &mut Node) -> Result<()> {
        require_scalar(node)?;
        if self.matches(node.value()) {
            let new = self.rewrite(node.value());
            node.set_text(&new, Tag::None);
        }
        Ok(())
    }

    fn rewrite(&self, image: &str) -> String {
        let entry = self.entry;
        let (name, tag, digest) = split(image);
        let name = if entry.new_name.is_empty() {
            name
        } else {
            &entry.new_name
        };
        let suffixed;
        let (tag, digest) = match (entry.new_tag.is_empty(), entry.digest.is_empty()) {
            (false, false) => (entry.new_tag.as_str(), entry.digest.as_str()),
            (false, true) => (entry.new_tag.as_str(), ""),
            (true, false) => ("", entry.digest.as_str()),
            (true, true) if !entry.tag_suffix.is_empty() => {
                suffixed = format!("{tag}{}", entry.tag_suffix);
                (suffixed.as_str(), "")
            }
            (true, true) => (tag, digest),
        };
        let mut new = name.to_owned();
        for (mark, part) in [(':', tag), ('@', digest)] {
            if !part.is_empty() {
                new.push(mark);
                new.push_str(part);
            }
        }
        new
    }
}

fn is_list_name(name: &str) -> bool {
    matches!(name, "containers" | "initContainers")
}

/// Whether a list of containers is anywhere below; keeps shared trees shared.
fn has_containers(node: &Node) -> bool {
    match node {
        Node::Scalar(_) => false,
        Node::Sequence(items) => items.iter().any(has_containers),
        Node::Mapping(fields) => fields
            .iter()
            .any(|(key, value)| is_list_name(&key.text) || has_containers(value)),
    }
}

/// Splits an image into name, tag and digest; a registry's port is no tag.
fn split(image: &str) -> (&str, &str, &str) {
    let start = image.find('/').unwrap_or(0);
    let find = |mark: char| {
        image
            .get(start..)
            .and_then(|rest| rest.find(mark))
            .map(|index| index + start)
    };
    let cut = |from: usize, to: usize| image.get(from..to).unwrap_or("");
    match (find(':'), find('@')) {
        (None, None) => (image, "", ""),
        (Some(colon), Some(at)) if colon < at => {
            (cut(0, colon), cut(colon + 1, at), cut(at + 1, image.len()))
        }
        (_, Some(at)) => (cut(0, at), "", cut(at + 1, image.len())),
        (Some(colon), None) => (cut(0, colon), cut(colon + 1, image.len()), ""),
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn splits_images() {
        for (image, want) in [
            ("nginx", ("nginx", "", "")),
            ("nginx:1.2", ("nginx", "1.2", "")),
            ("host:5000/nginx", ("host:5000/nginx", "", "")),
            ("host:5000/a:b@sha256:c", ("host:5000/a", "b", "sha256:c")),
            ("a@sha256:c", ("a", "", "sha256:c")),
        ] {
            assert_eq!(split(image), want, "{image}");
        }
    }
}

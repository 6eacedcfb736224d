//! Field specs: which field of which types a transformer changes.
//!
//! A path is split at `/`, with `\/` for a slash inside a name. Sequences are entered without
//! taking a segment; a segment that ends in `[]` names a sequence, which is never created.
//! Source: kustomize `api/types/fieldspec.go`, `api/filters/fieldspec` (api 0.21.1).

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Result, ResultExt as _};
use crate::id::Gvk;
use crate::limits::MAX_DEPTH;
use crate::node::{Node, Style, Tag, too_deep};
use crate::resource::Resource;

/// A field of some types. Empty group, version or kind match any.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct FieldSpec {
    pub(crate) group: Box<str>,
    pub(crate) version: Box<str>,
    pub(crate) kind: Box<str>,
    pub(crate) path: Arc<str>,
    pub(crate) create: bool,
    segments: Arc<[Segment]>,
}

/// What a transformer creates where the field is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Create {
    /// Nothing.
    Never,
    /// A scalar without a tag, so that its text decides its type.
    Scalar,
    /// A string.
    String,
    /// An integer.
    Int,
    /// A mapping.
    Mapping,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    name: Box<str>,
    sequence: bool,
    /// Why no mapping can have such a field.
    refusal: Option<&'static str>,
}

impl Segment {
    fn new(text: &str) -> Self {
        let (name, sequence) = match text.strip_suffix("[]") {
            Some(short) => (short, true),
            None => (text, false),
        };
        // Blanks around a name do not count, but all blanks are no empty name.
        let name = match name.trim() {
            "" => name,
            trimmed => trimmed,
        };
        Self {
            name: name.into(),
            sequence,
            refusal: refusal(name),
        }
    }
}

/// Why upstream fails at a segment that stands for elements of a sequence, which it never looks for:
/// sequences are entered without a segment.
fn refusal(name: &str) -> Option<&'static str> {
    const NO_SEQUENCE: &str = "wrong node kind: expected SequenceNode but got MappingNode";
    match name {
        "" => Some("cannot set or create an empty field name"),
        "*" => Some("wildcard is not supported in PathGetter"),
        "-" => Some(NO_SEQUENCE),
        _ if name.starts_with('[') && name.ends_with(']') => Some(NO_SEQUENCE),
        _ => match name.parse::<i64>() {
            Ok(0..) => Some(NO_SEQUENCE),
            Ok(_) => Some("an array index cannot be negative"),
            Err(_) => None,
        },
    }
}

/// What to do with the field that a path leads to.
pub(crate) type Visitor<'v> = dyn FnMut(&mut Node) -> Result<()> + 'v;

impl FieldSpec {
    pub(crate) fn new(gvk: Gvk<'_>, path: &str, create: bool) -> Self {
        let segments = split_path(path)
            .into_iter()
            .map(|name| Segment::new(&name))
            .collect();
        Self {
            group: gvk.group.into(),
            version: gvk.version.into(),
            kind: gvk.kind.into(),
            path: path.into(),
            create,
            segments,
        }
    }

    /// A field of every type.
    pub(crate) fn any(path: &str, create: bool) -> Self {
        Self::new(Gvk::default(), path, create)
    }

    pub(crate) fn gvk(&self) -> Gvk<'_> {
        Gvk {
            group: &self.group,
            version: &self.version,
            kind: &self.kind,
        }
    }

    pub(crate) fn matches(&self, gvk: Gvk<'_>) -> bool {
        gvk.is_selected_by(self.gvk())
    }

    /// Whether the spec leads to an object's annotations where it has some, and makes none.
    pub(crate) fn finds_annotations(&self) -> bool {
        !self.create && &*self.path == "metadata/annotations"
    }

    /// Calls `visit` on every place in `resource` that the spec leads to, if its type matches.
    pub(crate) fn apply(
        &self,
        resource: &mut Resource,
        create: Create,
        visit: &mut Visitor<'_>,
    ) -> Result<()> {
        if !self.matches(resource.gvk()) {
            return Ok(());
        }
        let result = self.visit(resource.node_mut(), create, visit);
        result.context(|| {
            format!(
                "considering field '{}' of object {}",
                self.path,
                resource.id()
            )
        })
    }

    /// Whether [`visit`](Self::visit) would fail to find a name in an object that refers by it.
    pub(crate) fn stumbles(&self, node: &Node) -> bool {
        stumbles(node, &self.segments)
    }

    /// Calls `visit` on every place below `node` that the path leads to.
    pub(crate) fn visit(
        &self,
        node: &mut Node,
        create: Create,
        visit: &mut Visitor<'_>,
    ) -> Result<()> {
        let create = if self.create { create } else { Create::Never };
        if create == Create::Never && !reaches(node, &self.segments) {
            return Ok(());
        }
        walk(node, &self.segments, create, visit)
    }
}

impl fmt::Debug for FieldSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.gvk(), self.create, self.path)
    }
}

/// A list of specs in which no spec is covered by an earlier one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldSpecs(Vec<FieldSpec>);

impl FieldSpecs {
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, FieldSpec> {
        self.0.iter()
    }

    /// Adds a spec unless one with the same path already covers a type that it covers.
    pub(crate) fn add(&mut self, spec: FieldSpec) -> Result<()> {
        let known = self
            .0
            .iter()
            .find(|known| known.path == spec.path && known.gvk().is_selected_by(spec.gvk()));
        match known {
            Some(known) if known.create != spec.create => {
                Err(Error::invalid("conflicting fieldspecs"))
            }
            Some(_) => Ok(()),
            None => {
                self.0.push(spec);
                Ok(())
            }
        }
    }

    pub(crate) fn add_all(&mut self, specs: &Self) -> Result<()> {
        specs.iter().try_for_each(|spec| self.add(spec.clone()))
    }

    pub(crate) fn sort(&mut self) {
        self.0
            .sort_by_cached_key(|spec| crate::transform::sort::default_key(spec.gvk()));
    }
}

impl FromIterator<FieldSpec> for FieldSpecs {
    fn from_iter<I: IntoIterator<Item = FieldSpec>>(specs: I) -> Self {
        Self(specs.into_iter().collect())
    }
}

/// Splits a path at its unescaped slashes; one leading slash is ignored.
pub(crate) fn split_path(path: &str) -> Vec<String> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let mut parts: Vec<String> = Vec::new();
    let mut open = false;
    for part in path.split('/') {
        let (text, escaped) = match part.strip_suffix('\\') {
            Some(text) => (text, true),
            None => (part, false),
        };
        match parts.last_mut() {
            Some(last) if open => {
                last.push('/');
                last.push_str(text);
            }
            _ => parts.push(text.to_owned()),
        }
        open = escaped;
    }
    parts
}

/// Whether a walk to the name of an object would fail: at a scalar on the way, or at a mapping that
/// holds no name.
fn stumbles(node: &Node, segments: &[Segment]) -> bool {
    let Some((segment, rest)) = segments.split_first() else {
        return match node {
            Node::Scalar(_) => false,
            Node::Sequence(items) => items.iter().any(|item| stumbles(item, segments)),
            Node::Mapping(fields) => fields.get("name").is_none(),
        };
    };
    match node {
        Node::Scalar(scalar) => scalar.tag != Tag::Null,
        Node::Sequence(items) => items.iter().any(|item| stumbles(item, segments)),
        Node::Mapping(fields) => {
            segment.refusal.is_some()
                || fields
                    .get(&segment.name)
                    .is_some_and(|child| stumbles(child, rest))
        }
    }
}

/// Whether a walk that creates nothing would do anything: visit a field or fail. Looking first
/// keeps trees shared that are not going to change.
fn reaches(node: &Node, segments: &[Segment]) -> bool {
    let Some((segment, rest)) = segments.split_first() else {
        return true;
    };
    match node {
        Node::Scalar(scalar) => scalar.tag != Tag::Null,
        Node::Sequence(items) => items.iter().any(|item| reaches(item, segments)),
        Node::Mapping(fields) => {
            segment.refusal.is_some()
                || fields.get(&segment.name).is_some_and(|child| {
                    (segment.sequence && child.is_null()) || reaches(child, rest)
                })
        }
    }
}

fn walk(
    node: &mut Node,
    segments: &[Segment],
    create: Create,
    visit: &mut Visitor<'_>,
) -> Result<()> {
    if segments.len() > MAX_DEPTH {
        return Err(too_deep());
    }
    let Some((segment, rest)) = segments.split_first() else {
        return visit(node);
    };
    if node.is_null() {
        return Ok(());
    }
    match node {
        Node::Sequence(items) => {
            for item in Arc::make_mut(items) {
                walk(item, segments, create, visit)
                    .context(|| format!("visit traversal on path: {}", show(segments)))?;
            }
            Ok(())
        }
        Node::Mapping(_) => {
            if let Some(reason) = segment.refusal {
                let name = &segment.name;
                return Err(Error::invalid(if name.is_empty() {
                    reason.to_owned()
                } else {
                    format!("fieldName: {name}: {reason}")
                }));
            }
            let Some(child) = child(node, segment, rest.is_empty(), create) else {
                return Ok(());
            };
            walk(child, rest, create, visit)
        }
        Node::Scalar(_) => Err(Error::invalid("expected sequence or mapping node")),
    }
}

/// Finds the field of a segment, creating it or giving a null its kind where that is allowed.
fn child<'n>(
    node: &'n mut Node,
    segment: &Segment,
    last: bool,
    create: Create,
) -> Option<&'n mut Node> {
    let new: Option<fn() -> Node> = match create {
        _ if segment.sequence => None,
        Create::Never => None,
        _ if !last => Some(Node::mapping),
        Create::Mapping => Some(Node::mapping),
        Create::Scalar => Some(|| Node::untagged("")),
        Create::String => Some(|| Node::string("")),
        Create::Int => Some(|| Node::scalar("", Tag::Int, Style::Plain)),
    };
    let mapping = node.as_mapping_mut()?;
    if let Some(new) = new
        && mapping.get(&segment.name).is_none()
    {
        mapping.push(&segment.name, new());
    }
    let child = mapping.get_mut(&segment.name)?;
    if child.is_null() {
        if segment.sequence {
            *child = Node::sequence(Vec::new());
        } else if let Some(new) = new {
            *child = match (new(), child.text()) {
                // It loses its tag, but not what is written.
                (Node::Scalar(new), Some(text)) => Node::scalar(text, new.tag, new.style),
                (new, _) => new,
            };
        }
    }
    Some(child)
}

fn show(segments: &[Segment]) -> String {
    let names: Vec<String> = segments
        .iter()
        .map(|segment| {
            format!(
                "{}{}",
                segment.name,
                if segment.sequence { "[]" } else { "" }
            )
        })
        .collect();
    format!("[{}]", names.join(" "))
}

#[cfg(test)]
mod tests {
    use super::split_path;

    #[test]
    fn splits_at_unescaped_slashes() {
        for (path, want) in [
            ("a/b", vec!["a", "b"]),
            ("/a", vec!["a"]),
            (
                "metadata/annotations/x.io\\/y",
                vec!["metadata", "annotations", "x.io/y"],
            ),
        ] {
            assert_eq!(split_path(path), want, "{path}");
        }
    }
}

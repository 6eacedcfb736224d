//! Strategic merge patches.
//!
//! A walk over object and patch side by side. Values that the patch does not name are walked too,
//! because upstream drops implicit nulls and re-keys associative lists wherever it passes. Where the
//! object has nothing, the patch's value is taken and then walked against itself, which consumes
//! the directives and nulls in it; such a pair is *aliased*: one value stands on both sides.
//! Source: kyaml 0.21.1 `yaml/merge2`, `yaml/walk`.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::merge::schema::{Schemas, Shape as FieldShape, Type};
use crate::node::{Key, Mapping, Node, wrong_kind};

mod list;

const DIRECTIVE: &str = "$patch";

/// Merges `patch` into `dest`; `None` when the patch deletes the object. A patch that is to replace
/// the whole object does nothing: upstream changes objects in place, and this one is not looked at.
pub(crate) fn merge(dest: Node, patch: Node, schemas: &Schemas) -> Result<Option<Node>> {
    let old = patch
        .get(DIRECTIVE)
        .is_some_and(|directive| {
            matches!(parse_directive(directive.value()), Ok(Directive::Replace))
        })
        .then(|| dest.clone());
    let merged = walk(Pair::of(Some(dest), Some(patch)), None, schemas)?;
    Ok(old.or(merged.map(|merged| merged.node)))
}

/// What stands at one place in the object and in the patch.
struct Pair {
    dest: Option<Node>,
    /// Ignored when `aliased`: the patch is what `dest` is.
    patch: Option<Node>,
    aliased: bool,
}

/// A merged value and where it came from.
struct Merged {
    node: Node,
    from_patch: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Mapping,
    Sequence,
    Scalar,
}

impl Pair {
    fn of(dest: Option<Node>, patch: Option<Node>) -> Self {
        Self {
            dest,
            patch,
            aliased: false,
        }
    }

    fn alias(node: Option<Node>) -> Self {
        Self {
            dest: node,
            patch: None,
            aliased: true,
        }
    }

    fn patch(&self) -> Option<&Node> {
        if self.aliased {
            self.dest.as_ref()
        } else {
            self.patch.as_ref()
        }
    }

    /// The shape of the first side that is not null; the other must have it too.
    fn shape(&self) -> Result<Option<Shape>> {
        let shapes = [self.dest.as_ref(), self.patch()].map(|node| {
            node.filter(|node| !node.is_null()).map(|node| match node {
                Node::Mapping(_) => Shape::Mapping,
                Node::Sequence(_) => Shape::Sequence,
                Node::Scalar(_) => Shape::Scalar,
            })
        });
        match shapes {
            [Some(a), Some(b)] if a != b => Err(wrong_kind(a.name(), b.name())),
            [a, b] => Ok(a.or(b)),
        }
    }

    /// The values of field `key` on both sides.
    fn child(&self, key: &str) -> Self {
        let dest = self.dest.as_ref().and_then(|node| node.get(key)).cloned();
        if self.aliased {
            Self::alias(dest)
        } else {
            Self::of(
                dest,
                self.patch.as_ref().and_then(|node| node.get(key)).cloned(),
            )
        }
    }
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Self::Mapping => "MappingNode",
            Self::Sequence => "SequenceNode",
            Self::Scalar => "ScalarNode",
        }
    }
}

fn walk(pair: Pair, field: Option<FieldShape>, schemas: &Schemas) -> Result<Option<Merged>> {
    match pair.shape()? {
        None => Ok(both_empty(pair)),
        Some(Shape::Mapping) => {
            let schema = match field {
                Some(FieldShape::Plain(schema)) => Some(schema),
                Some(FieldShape::List(..) | FieldShape::Set) => None,
                None => schema_by_type(&pair, schemas),
            };
            mapping(pair, schema.as_ref(), schemas)
        }
        Some(Shape::Sequence) => match field {
            Some(FieldShape::List(keys, schema)) => {
                let keys: Vec<&str> = keys.iter().map(AsRef::as_ref).collect();
                list::merge(pair, &keys, schema.as_ref(), schemas)
            }
            Some(FieldShape::Set) => list::merge(pair, &[""], None, schemas),
            Some(FieldShape::Plain(_)) | None => Ok(patch_or_dest(pair)),
        },
        Some(Shape::Scalar) => Ok(patch_or_dest(pair)),
    }
}

/// Both sides are null or missing: only a null that the object spells out stays.
fn both_empty(pair: Pair) -> Option<Merged> {
    let untouched = pair.patch().is_none();
    let node = pair
        .dest
        .filter(|node| untouched && !node.value().is_empty())?;
    Some(Merged {
        node,
        from_patch: false,
    })
}

/// The patch's value, which may be a null that deletes, else the object's.
fn patch_or_dest(pair: Pair) -> Option<Merged> {
    let from_patch = !pair.aliased && pair.patch.is_some();
    let node = if from_patch { pair.patch } else { pair.dest };
    node.filter(|node| !node.is_null())
        .map(|node| Merged { node, from_patch })
}

fn mapping(mut pair: Pair, schema: Option<&Type>, schemas: &Schemas) -> Result<Option<Merged>> {
    let mut from_patch = false;
    if pair.dest.as_ref().is_none_or(Node::is_null) {
        let Some(mut node) = pair.patch.take() else {
            return Ok(None);
        };
        // An unknown directive is not noticed here; it stays as a field.
        if matches!(take_directive(&mut node), Ok(Directive::Delete)) {
            return Ok(None);
        }
        pair = Pair::alias(Some(node));
        from_patch = true;
    } else {
        if pair.patch().is_some_and(Node::is_null) {
            return Ok(None);
        }
        let directive = if pair.aliased {
            pair.dest
                .as_mut()
                .map_or(Ok(Directive::Merge), take_directive)?
        } else {
            pair.patch
                .as_mut()
                .map_or(Ok(Directive::Merge), take_directive)?
        };
        match directive {
            Directive::Delete => return Ok(None),
            Directive::Replace if !pair.aliased => {
                pair = Pair::alias(pair.patch.take());
                from_patch = true;
            }
            Directive::Replace | Directive::Merge => {}
        }
    }
    for key in keys(&pair) {
        let name = &*key.text;
        let merged = walk(
            pair.child(name),
            schema.and_then(|schema| schema.field(name)),
            schemas,
        )?;
        let Some(fields) = pair.dest.as_mut().and_then(Node::as_mapping_mut) else {
            break;
        };
        let Some(mut merged) = merged else {
            fields.remove(name);
            continue;
        };
        merged.node.quote_if_ambiguous();
        match (&merged.node, fields.get_mut(name)) {
            (Node::Scalar(new), Some(old)) if merged.from_patch => old.overwrite(new),
            (_, Some(old)) => *old = merged.node,
            (_, None) => fields.push_entry(key, merged.node),
        }
    }
    Ok(pair.dest.map(|node| Merged { node, from_patch }))
}

/// The field names on both sides, sorted.
fn keys(pair: &Pair) -> Vec<Key> {
    let mut keys = BTreeMap::new();
    for node in [pair.patch.as_ref(), pair.dest.as_ref()]
        .into_iter()
        .flatten()
    {
        for (key, _) in node.as_mapping().into_iter().flat_map(Mapping::iter) {
            keys.entry(key.text.clone()).or_insert_with(|| key.clone());
        }
    }
    keys.into_values().collect()
}

/// The schema of an object that names its own type.
fn schema_by_type(pair: &Pair, schemas: &Schemas) -> Option<Type> {
    [pair.dest.as_ref(), pair.patch()]
        .into_iter()
        .flatten()
        .find_map(|node| {
            let api_version = node.get("apiVersion")?.text()?;
            schemas.of(api_version, node.get("kind")?.text()?)
        })
}

/// Reads and removes the directive of a mapping.
fn take_directive(patch: &mut Node) -> Result<Directive> {
    let Some(value) = patch.get(DIRECTIVE) else {
        return Ok(Directive::Merge);
    };
    let directive = parse_directive(value.value())?;
    if let Some(fields) = patch.as_mapping_mut() {
        fields.remove(DIRECTIVE);
    }
    Ok(directive)
}

fn parse_directive(text: &str) -> Result<Directive> {
    match text {
        "merge" => Ok(Directive::Merge),
        "replace" => Ok(Directive::Replace),
        "delete" => Ok(Directive::Delete),
        other => Err(Error::invalid(format!("unknown patch strategy '{other}'"))),
    }
}

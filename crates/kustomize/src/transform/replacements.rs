//! Replacements: copy a value from one field into others.
//!
//! A scalar target keeps its tag and quoting and gets a new text only. Paths may lead on into JSON
//! or YAML that a string holds; the string is then written anew.
//! Source: kustomize `api/filters/replacement` (api 0.21.1).

use serde_json::Value;

use crate::error::{Error, Result, ResultExt as _};
use crate::go;
use crate::id::{Gvk, Id};
use crate::kustomization::decode::{Decode as _, Mode, Place};
use crate::kustomization::{
    ReplacementField, ReplacementOptions, ReplacementSource, ReplacementTarget,
};
use crate::limits::MAX_OBJECT_BYTES;
use crate::load::Loader;
use crate::node::{Node, Style, Tag};
use crate::parse;
use crate::path::{self, Leaf};
use crate::regex;
use crate::resource::Resource;
use crate::resources::Resources;
use crate::selector::Matcher;

const DEFAULT_PATH: &str = "metadata.name";

/// Reads the entries of `replacements`, following those that name a file.
pub(crate) fn load(
    entries: &[ReplacementField],
    loader: &Loader<'_>,
) -> Result<Vec<ReplacementField>> {
    let mut list = Vec::new();
    for entry in entries {
        if entry.path.is_empty() {
            list.push(entry.clone());
            continue;
        }
        if entry.source.is_some() || !entry.targets.is_empty() {
            return Err(Error::invalid(
                "cannot specify both path and inline replacement",
            ));
        }
        let document = parse::json(loader.load(&entry.path)?)?;
        let place = Place::root(Mode::Lenient, "Replacement");
        let read = |value| ReplacementField::decode(value, &place).map_err(Error::Invalid);
        match document.as_array() {
            Some(items) => {
                for item in items {
                    list.push(read(item)?);
                }
            }
            None if document.is_object() => list.push(read(&document)?),
            None => {
                let kind = match &document {
                    Value::Null => "<nil>",
                    Value::Bool(_) => "bool",
                    Value::Number(_) => "float64",
                    _ => "string",
                };
                return Err(Error::invalid(format!(
                    "unsupported replacement type encountered within replacement path: {kind}"
                )));
            }
        }
    }
    Ok(list)
}

pub(crate) fn transform(resources: &mut Resources, list: &[ReplacementField]) -> Result<()> {
    for replacement in list {
        let has_source = replacement.source.is_some() || replacement.source_value.is_some();
        if !has_source || replacement.targets.is_empty() {
            return Err(Error::invalid(
                "replacements must specify a source and at least one target",
            ));
        }
        let mut source = Source::of(resources, replacement)?;
        for target in &replacement.targets {
            apply(resources, &mut source, target)?;
        }
    }
    Ok(())
}

/// What is copied. Upstream holds on to the field itself, so a target that changes the source
/// changes what later targets get.
struct Source {
    value: Node,
    /// The resource and the path that the value is read from again.
    place: Option<(usize, Vec<String>)>,
}

impl Source {
    fn of(resources: &Resources, replacement: &ReplacementField) -> Result<Self> {
        let fixed = |value| Self { value, place: None };
        let source = match (&replacement.source, &replacement.source_value) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid(
                    "value and resource selectors are mutually exclusive",
                ));
            }
            (None, Some(value)) => return Ok(fixed(Node::untagged(value))),
            (Some(source), None) => source,
            (None, None) => return Ok(fixed(Node::null())),
        };
        let index = select_source(resources, source)?;
        let field_path = if source.field_path.is_empty() {
            DEFAULT_PATH
        } else {
            &source.field_path
        };
        let path = path::split(field_path);
        let found = match resources.get(index) {
            Some(resource) => path::lookup(resource.node(), &path)
                .context(|| "error looking up replacement source".to_owned())?,
            None => None,
        };
        let Some(value) = found.filter(|value| !value.is_nil_or_empty()) else {
            return Err(Error::invalid(format!(
                "fieldPath `{field_path}` is missing for replacement source {}",
                id_of(source)
            )));
        };
        let cut = source
            .options
            .as_ref()
            .is_some_and(|options| !options.delimiter.is_empty());
        Ok(Self {
            value: refine(value, source.options.as_ref())?,
            place: (!cut).then_some((index, path)),
        })
    }

    /// Reads the value again, if it lies in the resource `index`, whose object is `root` by now.
    fn refresh(&mut self, index: usize, root: &Node) {
        if let Some((_, path)) = self.place.as_ref().filter(|(place, _)| *place == index)
            && let Ok(Some(value)) = path::lookup(root, path)
        {
            self.value = value.clone();
        }
    }
}

fn select_source(resources: &Resources, source: &ReplacementSource) -> Result<usize> {
    let wanted = id_of(source);
    let matching =
        resources.positions(|resource| resource.all_ids().any(|id| id.is_selected_by(wanted)));
    match matching.as_slice() {
        [index] => Ok(*index),
        [] => Err(Error::invalid(format!("nothing selected by {wanted}"))),
        _ => Err(Error::invalid(format!(
            "multiple matches for selector {wanted}"
        ))),
    }
}

fn id_of(source: &ReplacementSource) -> Id<'_> {
    Id {
        gvk: Gvk {
            group: &source.group,
            version: &source.version,
            kind: &source.kind,
        },
        name: &source.name,
        namespace: &source.namespace,
        is_cluster_scoped: false,
    }
}

/// Cuts the part that the options ask for.
fn refine(value: &Node, options: Option<&ReplacementOptions>) -> Result<Node> {
    let Some(options) = options.filter(|options| !options.delimiter.is_empty()) else {
        return Ok(value.clone());
    };
    let Node::Scalar(scalar) = value else {
        return Err(Error::invalid(
            "delimiter option can only be used with scalar nodes",
        ));
    };
    let part = usize::try_from(options.index)
        .ok()
        .and_then(|index| scalar.text.split(options.delimiter.as_str()).nth(index));
    match part {
        Some(part) => Ok(Node::scalar(part, scalar.tag, scalar.style)),
        None => Err(Error::invalid(format!(
            "options.index {} is out of bounds for value {}",
            options.index, scalar.text
        ))),
    }
}

fn apply(resources: &mut Resources, source: &mut Source, target: &ReplacementTarget) -> Result<()> {
    let Some(select) = &target.select else {
        return Err(Error::invalid("target must specify resources to select"));
    };
    let outer = || "error creating target selector".to_owned();
    let matcher = Matcher::new(select).context(outer)?;
    let rejects: Vec<Matcher> = target
        .reject
        .iter()
        .map(Matcher::new)
        .collect::<Result<_>>()
        .context(outer)?;
    let selected = resources.try_positions(|resource| {
        if !meets(&matcher, resource)? {
            return Ok(false);
        }
        for reject in &rejects {
            if rejected(reject, resource)? {
                return Ok(false);
            }
        }
        Ok(matches_any_id(&matcher, resource))
    })?;
    let default = [DEFAULT_PATH.to_owned()];
    let paths = if target.field_paths.is_empty() {
        &default[..]
    } else {
        &target.field_paths
    };
    for index in selected {
        let write_all = |resource: &mut Resource| {
            paths.iter().try_for_each(|field_path| {
                let root = resource.node_mut();
                write(root, index, source, field_path, target.options.as_ref())?;
                source.refresh(index, root);
                // A value that holds its own target doubles the object each time.
                root.check_bounds(MAX_OBJECT_BYTES)
            })
        };
        resources.edit(index, write_all).unwrap_or(Ok(()))?;
    }
    Ok(())
}

/// Whether labels and annotations are those that are selected; both selectors are read in any case.
fn meets(matcher: &Matcher, resource: &Resource) -> Result<bool> {
    let annotations = matcher.matches_annotations(resource)?;
    Ok(matcher.matches_labels(resource)? && annotations)
}

fn rejected(reject: &Matcher, resource: &Resource) -> Result<bool> {
    let by_selector = reject.has_requirements && meets(reject, resource)?;
    Ok(by_selector || (reject.has_id && matches_any_id(reject, resource)))
}

/// Earlier ids carry their effective namespace, the present one what is written.
fn matches_any_id(matcher: &Matcher, resource: &Resource) -> bool {
    resource.all_ids().any(|id| {
        matcher.matches_gvk(id.gvk)
            && matcher.matches_name(id.name)
            && matcher.matches_namespace(id.namespace)
    })
}

fn write(
    root: &mut Node,
    index: usize,
    source: &mut Source,
    field_path: &str,
    options: Option<&ReplacementOptions>,
) -> Result<()> {
    let create = options
        .filter(|options| options.create)
        .map(|_| match &source.value {
            Node::Scalar(_) => Leaf::Scalar,
            Node::Sequence(_) => Leaf::Sequence,
            Node::Mapping(_) => Leaf::Mapping,
        });
    let parts = path::split(field_path);
    if write_structured(root, &source.value, &parts, create)? {
        return Ok(());
    }
    let missing = || {
        let what = if create.is_some() {
            "find or create"
        } else {
            "find"
        };
        format!("unable to {what} field \"{field_path}\" in replacement target")
    };
    // All places are found, and made, before any is written.
    let mut made = root.clone();
    let count =
        path::visit(&mut made, &parts, create, &mut |_: &mut Node| Ok(())).context(missing)?;
    if count == 0 {
        return Err(Error::Invalid(missing()));
    }
    source.refresh(index, &made);
    *root = made;
    path::visit(root, &parts, create, &mut |target: &mut Node| {
        set(target, &source.value, options)
    })?;
    Ok(())
}

fn set(target: &mut Node, value: &Node, options: Option<&ReplacementOptions>) -> Result<()> {
    let mut value = value.clone();
    if let Some(options) = options.filter(|options| !options.delimiter.is_empty()) {
        let Some(old) = target.text() else {
            return Err(Error::invalid(
                "delimiter option can only be used with scalar nodes",
            ));
        };
        let mut parts: Vec<&str> = old.split(options.delimiter.as_str()).collect();
        let new = value.value();
        match usize::try_from(options.index) {
            Err(_) => parts.insert(0, new),
            Ok(index) => match parts.get_mut(index) {
                Some(part) => *part = new,
                None => parts.push(new),
            },
        }
        let joined = parts.join(&options.delimiter);
        value = Node::scalar(&joined, Tag::None, Style::Plain);
    }
    put(target, &value);
    Ok(())
}

/// Gives a scalar a new text; replaces anything else.
fn put(target: &mut Node, value: &Node) {
    match target {
        Node::Scalar(old) => {
            let tag = old.tag;
            target.set_text(value.value(), tag);
        }
        _ => *target = value.clone(),
    }
}

/// Writes into a document that a string holds; says whether there is one.
fn write_structured(
    root: &mut Node,
    value: &Node,
    parts: &[String],
    create: Option<Leaf>,
) -> Result<bool> {
    for cut in 1..parts.len() {
        let (head, tail) = parts.split_at(cut);
        let Ok(found) = path::lookup(root, head) else {
            continue;
        };
        let Some(text) = found.and_then(Node::text).map(str::to_owned) else {
            continue;
        };
        let Ok(document) = parse::one(&text) else {
            continue;
        };
        let Some(new) = edit_document(&text, &document, value, tail, create)? else {
            return Ok(false);
        };
        // A head with a pattern is edited in a copy upstream, which is then thrown away.
        let plain = head.iter().all(|part| !part.starts_with('['));
        if plain {
            path::visit(root, head, None, &mut |field: &mut Node| {
                put(field, &Node::untagged(&new));
                Ok(())
            })?;
        }
        return Ok(plain);
    }
    Ok(false)
}

/// The text with `value` at `path`; `None` when the document has no such place.
fn edit_document(
    text: &str,
    document: &Node,
    value: &Node,
    path: &[String],
    create: Option<Leaf>,
) -> Result<Option<String>> {
    let is_json = text.trim_start().starts_with(['{', '[']);
    let may_have_comments = text.contains('#');
    let mut written = if may_have_comments || !is_json {
        parse::Written::read(text)?
    } else {
        None
    };
    if let Some(written) = written.as_ref().filter(|_| may_have_comments) {
        refuse_matched_comments(written, path)?;
    }
    let mut edited = document.clone();
    let count = path::visit(&mut edited, path, create, &mut |target: &mut Node| {
        put(target, value);
        Ok(())
    });
    if !count.is_ok_and(|count| count > 0) {
        return Ok(None);
    }
    if let Some(written) = &mut written {
        if !is_json && written.is_shared() {
            return Err(Error::invalid(
                "a replacement inside a string of YAML with anchors or merges is not supported",
            ));
        }
        written.update(document, &edited, value);
        let text = written.to_text();
        if !is_json {
            return Ok(Some(text));
        }
        // Upstream reads what it has written, which comments may have spoilt.
        match parse::one(&text) {
            Ok(again) => edited = again,
            Err(_) => return Ok(None),
        }
    }
    let Ok(json) = parse::to_json(&edited) else {
        return Ok(None);
    };
    let out = if text.contains('\n') && text.contains("  ") {
        go::indented_json(&json)
    } else {
        let mut out = Vec::new();
        yaml::write_json(&json, &mut out);
        out
    };
    Ok(Some(String::from_utf8_lossy(&out).into_owned()))
}

/// Refuses a path with a pattern that a comment decides about.
fn refuse_matched_comments(written: &parse::Written, path: &[String]) -> Result<()> {
    for part in path {
        let Ok(Some((field, pattern))) = path::element(part) else {
            continue;
        };
        let Ok(pattern) = regex::pattern(pattern) else {
            continue;
        };
        if written.is_matched_by_comment(field, &pattern)? {
            return Err(Error::Invalid(format!(
                "the pattern {part} matches a comment inside a string of YAML, which is not supported"
            )));
        }
    }
    Ok(())
}

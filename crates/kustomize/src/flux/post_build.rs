//! Variables in the objects of a build: `spec.postBuild`.
//!
//! Each object is printed, its text [evaluated](envsubst::Template) and read again, so that a variable may stand for a
//! number as well as for a part of a name; it may even make another object of it. As upstream, numbers pass through
//! a 64-bit float on the way, in objects without any variable too.
//! Source: fluxcd/pkg `kustomize` 1.39 `kustomize_varsub.go`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::build::{Built, Resource};
use crate::error::{Error, Result, ResultExt as _};
use crate::parse::{self, Numbers};
use crate::scope::Scopes;

/// The label, or annotation, of objects that are left as they are.
const SWITCH: &str = "kustomize.toolkit.fluxcd.io/substitute";
const DISABLED: &str = "disabled";
/// What names must match, as it is told.
const NAME: &str = "^[_[:alpha:]][_[:alpha:][:digit:]]*$";

/// What variables there are, and what happens where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    /// By name. Values are bytes, as those of Secrets need not be text.
    pub values: BTreeMap<String, Vec<u8>>,
    /// Whether a variable that is not there, and has no default, is an error; else it is empty.
    pub strict: bool,
    /// Whether texts are evaluated although there is no variable.
    pub always: bool,
}

/// Puts variables into the objects of a build.
///
/// Instead of variables there may be a reason why there are none: it is told of the first object that wants them, so that
/// who wants none is not bothered.
///
/// # Errors
/// Names the object whose text cannot be evaluated, or is not one object afterwards.
pub fn substitute(built: &mut Built, variables: Result<&Variables, &str>) -> Result<(), Error> {
    for at in 0..built.resources.len() {
        let Some(resource) = built.resources.get(at).filter(|one| !is_disabled(one)) else {
            continue;
        };
        let whose = || {
            let id = resource.id();
            format!("post build failed for '{}/{}'", id.gvk, id.name)
        };
        let evaluated = match variables {
            Ok(variables) => evaluated(resource, variables).context(whose)?,
            Err(reason) => return Err(Error::invalid(reason)).context(whose),
        };
        let Some(new) = evaluated else {
            continue;
        };
        let is_new = !new.id().same(resource.id());
        if is_new
            && built
                .resources
                .iter()
                .any(|other| other.id().same(new.id()))
        {
            let id = new.id();
            return Err(Error::invalid(format!("variables make it a second {id}"))).context(whose);
        }
        if let Some(slot) = built.resources.get_mut(at) {
            *slot = new;
        }
    }
    Ok(())
}

fn is_disabled(resource: &Resource) -> bool {
    ["labels", "annotations"].into_iter().any(|field| {
        let switch = resource
            .as_json()
            .get("metadata")
            .and_then(|metadata| metadata.get(field)?.get(SWITCH));
        switch.and_then(Value::as_str) == Some(DISABLED)
    })
}

/// The object with the variables' values; `None` when there is nothing to put in.
fn evaluated(resource: &Resource, variables: &Variables) -> Result<Option<Resource>> {
    let Variables {
        values,
        strict,
        always,
    } = variables;
    if values.is_empty() && !always {
        return Ok(None);
    }
    let step = || "envsubst error".to_owned();
    if let Some(name) = values.keys().find(|name| !is_name(name)) {
        let error = format!("'{name}' var name is invalid, must match '{NAME}'");
        return Err(Error::invalid(error)).context(step);
    }
    let mut text = Vec::new();
    resource.write_yaml(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let lookup = |name: &str| {
        let value = values.get(name).map(Vec::as_slice);
        value.or_else(|| (!strict).then_some(&[][..]))
    };
    let text = envsubst::Template::parse(&text)
        .map_err(|error| error.to_string())
        .and_then(|template| template.evaluate(lookup).map_err(|error| error.to_string()))
        .map_err(Error::Invalid)
        .context(|| "variable substitution failed".to_owned())
        .context(step)?;
    let value = parse::json(&text)
        .context(|| "YAMLToJSON".to_owned())
        .context(step)?;
    if !value.is_object() {
        return Err(Error::invalid(
            "UnmarshalJSON: the text is no object any more",
        ));
    }
    let value = parse::to_json(&parse::from_json(&value, Numbers::Float))?;
    let mut new = Resource {
        value,
        is_cluster_scoped: resource.is_cluster_scoped,
    };
    if (new.api_version(), new.kind()) != (resource.api_version(), resource.kind()) {
        new.is_cluster_scoped = Scopes::default().is_cluster_scoped(new.api_version(), new.kind());
    }
    Ok(Some(new))
}

fn is_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(word) && name.chars().all(|c| word(c) || c.is_ascii_digit())
}

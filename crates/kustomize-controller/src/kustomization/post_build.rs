//! The variables of `spec.postBuild`, and whether those of the last build still hold.
//!
//! ConfigMaps and Secrets are read with the controller's own rights, once for a build and not, as upstream, once for each
//! object of it. Nothing is read to find out that nothing has changed, except what the watch does not show, and that only
//! at another revision: whoever does not label what Kustomizations name has asked for no more than that.

use api::kustomize::{
    Kustomization,
    kustomization::{SubstituteKind, SubstituteStrategy},
};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{ResourceExt, core::PartialObjectMeta};
use kustomize::flux::Variables;
use runtime::client::{ApiError, Client};

use crate::{
    configs::{self, Config, Configs, Input},
    context::Context,
    memory::Built,
};

/// What a build puts in.
pub(super) struct PostBuild {
    /// The variables, or why there are none.
    pub(super) variables: Result<Variables, String>,
    /// What they were taken from.
    pub(super) inputs: Vec<Input>,
}

/// Reads the variables of `object`, if it wants any.
pub(super) async fn read(cx: &Context, object: &Kustomization) -> Option<PostBuild> {
    let spec = object.spec.post_build.as_ref()?;
    let mut variables = Variables {
        strict: cx.config.strict_substitutions,
        always: spec.substitute_strategy == Some(SubstituteStrategy::Always),
        ..Variables::default()
    };
    let mut inputs = Vec::with_capacity(spec.substitute_from.len());
    for (config, reference) in configs::of(object).zip(&spec.substitute_from) {
        let seen = seen(cx.configs.as_ref(), &config);
        let read = match values(&cx.client, &config).await {
            Ok((version, values)) => {
                variables.values.extend(values.map(one_line));
                version
            }
            Err(error) if reference.optional && error.is_not_found() => None,
            Err(error) => {
                let kind = config.resource().kind;
                let error = format!("substitute from '{kind}/{}' error: {error}", reference.name);
                return Some(PostBuild {
                    variables: Err(error),
                    inputs: Vec::new(),
                });
            }
        };
        inputs.push(Input { config, seen, read });
    }
    let inline = spec.substitute.clone().into_iter();
    let inline = inline.map(|(name, value)| (name, value.into_bytes()));
    variables.values.extend(inline.map(one_line));
    Some(PostBuild {
        variables: Ok(variables),
        inputs,
    })
}

fn seen(configs: Option<&Configs>, config: &Config) -> Option<String> {
    configs.and_then(|configs| configs.version(config))
}

type Values = Box<dyn Iterator<Item = (String, Vec<u8>)> + Send>;

/// The version of a ConfigMap or Secret, and its values.
async fn values(client: &Client, config: &Config) -> Result<(Option<String>, Values), ApiError> {
    let resource = config.resource();
    let target = resource.object(&config.key.namespace, &config.key.name);
    Ok(match config.kind {
        SubstituteKind::ConfigMap => {
            let object: ConfigMap = client.get(target).await?;
            let values = object.data.unwrap_or_default().into_iter();
            let values = values.map(|(name, value)| (name, value.into_bytes()));
            (object.metadata.resource_version, Box::new(values))
        }
        SubstituteKind::Secret => {
            let object: Secret = client.get(target).await?;
            let values = object.data.unwrap_or_default().into_iter();
            let values = values.map(|(name, value)| (name, value.0));
            (object.metadata.resource_version, Box::new(values))
        }
    })
}

/// Values are put into lines.
fn one_line((name, mut value): (String, Vec<u8>)) -> (String, Vec<u8>) {
    value.retain(|byte| *byte != b'\n');
    (name, value)
}

/// Whether a build at `revision` would be given the variables that `built` was given.
pub(super) async fn holds(cx: &Context, built: &Built, revision: &str) -> bool {
    for input in &*built.inputs {
        let holds = match known(
            input,
            seen(cx.configs.as_ref(), &input.config),
            built.revision == revision,
        ) {
            Some(known) => known,
            None => version(&cx.client, &input.config)
                .await
                .is_ok_and(|version| version == input.read),
        };
        if !holds {
            return false;
        }
    }
    true
}

/// What the watch tells of that, if it tells enough.
fn known(input: &Input, seen: Option<String>, same_revision: bool) -> Option<bool> {
    match (seen, &input.seen) {
        // The watch may be behind what was read.
        (seen @ Some(_), _) => Some(seen == input.seen || seen == input.read),
        (None, None) if same_revision => Some(true),
        (None, _) => None,
    }
}

/// The version of a ConfigMap or Secret; `None` if there is none.
async fn version(client: &Client, config: &Config) -> Result<Option<String>, ApiError> {
    let resource = config.resource();
    let target = resource.object(&config.key.namespace, &config.key.name);
    match client
        .get_metadata::<PartialObjectMeta<ConfigMap>>(target)
        .await
    {
        Ok(object) => Ok(object.resource_version()),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::ObjectKey;

    #[test]
    fn only_what_the_watch_does_not_show_is_asked_for() {
        // What the watch showed and what was read; what it shows now, and whether the revision is the same.
        let cases = [
            (Some("1"), Some("1"), Some("1"), false, Some(true)),
            (Some("1"), Some("1"), Some("2"), true, Some(false)),
            // The watch was behind, still is, and is no longer.
            (Some("1"), Some("2"), Some("1"), true, Some(true)),
            (Some("1"), Some("2"), Some("2"), true, Some(true)),
            (Some("1"), Some("2"), Some("3"), true, Some(false)),
            // Not labelled.
            (None, Some("1"), None, true, Some(true)),
            (None, Some("1"), None, false, None),
            // Not there.
            (None, None, None, true, Some(true)),
            (None, None, None, false, None),
            // Labelled since, or new.
            (None, Some("1"), Some("2"), true, Some(false)),
            (None, None, Some("2"), true, Some(false)),
            // No longer labelled, or gone.
            (Some("1"), Some("1"), None, true, None),
        ];
        for (before, read, now, same, expected) in cases {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let input = Input {
                config: Config {
                    kind: SubstituteKind::Secret,
                    key: ObjectKey::new("ns", "name"),
                },
                seen: text(before),
                read: text(read),
            };
            assert_eq!(
                known(&input, text(now), same),
                expected,
                "{input:?} {now:?} {same}"
            );
        }
    }

    #[test]
    fn values_are_one_line() {
        let value = |text: &str| one_line(("a".to_owned(), text.into())).1;
        assert_eq!(value("a\nb\r\n\n"), b"ab\r");
    }
}

//! Specs and the texts that tell what is wrong with them.

use serde_json::{Value, json};

use super::*;

fn verdict(spec: Value) -> String {
    let spec: ReceiverSpec = serde_json::from_value(spec).expect("spec");
    match validate(&spec) {
        Ok(()) => "valid".to_owned(),
        Err(invalid) => format!("{}: {invalid}", invalid.reason()),
    }
}

/// A `generic-oidc` receiver with a provider that is as given, over what a good one has.
fn oidc(change: Value) -> Value {
    let mut provider = json!({
        "issuerURL": "https://i",
        "variables": [{ "name": "v", "expression": "claims.sub" }],
        "validations": [{ "expression": "vars.v == 'x'", "message": "who?" }],
    });
    if let (Some(provider), Value::Object(change)) = (provider.as_object_mut(), change) {
        provider.extend(change);
    }
    json!({ "type": "generic-oidc", "resources": [], "oidcProviders": [provider] })
}

#[test]
fn what_breaks_a_rule_is_told_in_fluxs_words() {
    let generic = |change: Value| {
        let mut spec = json!({ "type": "generic", "resources": [], "secretRef": { "name": "s" } });
        if let (Some(spec), Value::Object(change)) = (spec.as_object_mut(), change) {
            spec.extend(change);
        }
        spec
    };
    let provider = oidc(json!({}))["oidcProviders"][0].clone();
    let at_first = r#"oidcProviders[0] (issuerURL="https://i"): "#;
    for (spec, expected) in [
        (generic(json!({})), "valid".to_owned()),
        (generic(json!({ "resourceFilter": "" })), "valid".to_owned()),
        (oidc(json!({})), "valid".to_owned()),
        (oidc(json!({ "variables": [] })), "valid".to_owned()),
        (
            json!({ "type": "generic-oidc", "resources": [] }),
            "generic-oidc receiver requires at least one oidcProvider".to_owned(),
        ),
        (
            generic(json!({ "oidcProviders": [provider] })),
            "oidcProviders can only be set when type is generic-oidc".to_owned(),
        ),
        (
            generic(json!({ "type": "generic-oidc", "oidcProviders": [provider] })),
            "secretRef cannot be set when type is generic-oidc".to_owned(),
        ),
        (
            json!({ "type": "github", "resources": [] }),
            "secretRef is required when type is not generic-oidc".to_owned(),
        ),
        (
            oidc(json!({ "issuerURL": "" })),
            "oidcProviders[0]: issuerURL is required".to_owned(),
        ),
        (
            oidc(json!({ "issuerURL": "ftp://i" })),
            r#"oidcProviders[0]: issuerURL "ftp://i" must start with http:// or https://"#
                .to_owned(),
        ),
        (
            json!({ "type": "generic-oidc", "resources": [], "oidcProviders": [provider, provider] }),
            r#"oidcProviders[1]: duplicate issuerURL "https://i""#.to_owned(),
        ),
        (
            oidc(json!({ "validations": [] })),
            format!(
                "{at_first}at least one validation is required; without validations any caller able to obtain a \
                 token from this issuer can trigger the Receiver"
            ),
        ),
        (
            oidc(json!({ "variables": [{ "name": "", "expression": "1" }] })),
            format!("{at_first}variables[0]: name is required"),
        ),
        (
            oidc(json!({ "variables": [{ "name": "v", "expression": "" }] })),
            format!(r#"{at_first}variables[0] (name="v"): expression is required"#),
        ),
        (
            oidc(json!({ "validations": [{ "expression": "", "message": "m" }] })),
            format!("{at_first}validations[0]: expression is required"),
        ),
        (
            oidc(json!({ "validations": [{ "expression": "true", "message": "" }] })),
            format!("{at_first}validations[0]: message is required"),
        ),
    ] {
        let expected = match expected.as_str() {
            "valid" => expected,
            text => format!("ValidationFailed: {text}"),
        };
        assert_eq!(verdict(spec.clone()), expected, "{spec}");
    }
}

#[test]
fn expressions_are_compiled_and_named() {
    let filtered = |filter: &str, resource: &str| {
        json!({
            "type": "generic", "secretRef": { "name": "s" }, "resourceFilter": filter,
            "resources": [
                { "kind": "Bucket", "name": "a" },
                { "kind": "GitRepository", "name": "b", "filter": resource },
            ],
        })
    };
    let claims = |filter: &str| {
        let mut spec = oidc(json!({}));
        spec["resourceFilter"] = filter.into();
        spec
    };
    let rule = |change: Value| oidc(change);
    for (spec, expected) in [
        (filtered("true", "res.metadata.name == req.name"), "valid"),
        (filtered("req.flag == true", "false"), "valid"),
        (claims("claims.sub == 'x'"), "valid"),
        (
            filtered("req.flag", "true"),
            "InvalidCELExpression: invalid resourceFilter expression: ",
        ),
        (
            filtered("'text'", "true"),
            "InvalidCELExpression: invalid resourceFilter expression: ",
        ),
        (
            filtered("claims.sub == 'x'", "true"),
            "InvalidCELExpression: invalid resourceFilter expression: ",
        ),
        (
            filtered("true", "nobody"),
            r#"InvalidCELExpression: invalid filter expression for resources[1] (kind="GitRepository", name="b"): "#,
        ),
        (
            rule(json!({ "variables": [{ "name": "v", "expression": "req.x" }] })),
            r#"InvalidCELExpression: oidcProviders[0] (issuerURL="https://i"): invalid expression for variable "v": "#,
        ),
        (
            rule(json!({ "validations": [{ "expression": "claims.sub", "message": "m" }] })),
            r#"InvalidCELExpression: oidcProviders[0] (issuerURL="https://i"): invalid expression for validation "m": "#,
        ),
    ] {
        let verdict = verdict(spec.clone());
        assert!(verdict.starts_with(expected), "{verdict}: {spec}");
        assert!(
            expected == "valid" || verdict.len() > expected.len(),
            "{verdict}"
        );
    }
}

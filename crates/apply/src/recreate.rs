//! Whether an object may be deleted to be created anew.
//!
//! The API server is asked before anything is deleted: a dry run of *creating* the object under its
//! own name. The server runs defaulting, validation and admission for a creation before it looks
//! whether the name is taken, so that `AlreadyExists` is the proof that everything but the name is
//! accepted. A dry run under a fresh name would prove less: names take part in validation, in
//! admission policies and in RBAC.
//!
//! What cannot be proved counts against the deletion. An exception is a Service that asks for the
//! address or node port that its predecessor holds: the allocator refuses it although the deletion
//! frees it. A quota that has no room for both refuses too; then the object stays and the error says
//! so. Source: kubernetes `apiserver/pkg/registry/generic/registry/store.go` (Create).

use runtime::client::{ApiError, Client, Reason, ResourceRef, WriteOptions};
use serde_json::Value;

use crate::object::Object;

/// Asks the server whether it would accept `object` if `live` were gone.
///
/// # Errors
/// The server's answer when it would not.
pub(crate) async fn verify(
    client: &Client,
    resource: &ResourceRef,
    object: &Object,
    live: &Value,
    manager: &str,
) -> Result<(), ApiError> {
    let options = WriteOptions {
        field_manager: Some(manager),
        subresource: None,
        dry_run: true,
    };
    let namespace = &object.id().namespace;
    match client
        .create::<Value>(resource, namespace, object.body(), options)
        .await
    {
        Ok(_) => Ok(()),
        Err(error) if error.is(Reason::AlreadyExists) => Ok(()),
        Err(error) if holds_only_its_own(&error, object, live) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether all that the server minds is that `live` holds what `object` asks for.
fn holds_only_its_own(error: &ApiError, object: &Object, live: &Value) -> bool {
    let is_service = object.id().group.is_empty() && object.id().kind == "Service";
    let causes = error.causes();
    is_service
        && error.is(Reason::Invalid)
        && !causes.is_empty()
        && causes
            .iter()
            .all(|cause| cause.message.contains("already allocated"))
        && named(object.json())
            .iter()
            .all(|value| named(live).contains(value))
}

/// The addresses and node ports that a Service names.
fn named(service: &Value) -> Vec<&Value> {
    let spec = service.get("spec");
    let ports = spec
        .and_then(|spec| spec.get("ports"))
        .and_then(Value::as_array);
    let node_ports = ports
        .into_iter()
        .flatten()
        .filter_map(|port| port.get("nodePort"));
    let addresses = spec
        .and_then(|spec| spec.get("clusterIPs"))
        .and_then(Value::as_array);
    let one = spec.and_then(|spec| spec.get("clusterIP"));
    node_ports
        .chain(addresses.into_iter().flatten())
        .chain(one)
        .collect()
}

#[cfg(test)]
mod tests {
    use runtime::client::{Cause, Status};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_service_may_ask_for_what_its_predecessor_holds() {
        let refused = |message: &str| {
            let mut status = Status {
                reason: "Invalid".into(),
                ..Status::default()
            };
            status.details.causes = vec![Cause {
                message: message.into(),
                ..Cause::default()
            }];
            ApiError::Status(Box::new(status))
        };
        let taken = refused("Invalid value: 30001: provided port is already allocated");
        let service = |spec: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": spec});
        let port = |port: u16| service(json!({"ports": [{"port": 80, "nodePort": port}]}));
        let address = service(json!({"clusterIP": "10.0.0.1"}));
        let live = service(json!({"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"],
                                  "ports": [{"port": 80, "nodePort": 30001}]}));
        let cases = [
            ("its own port", port(30001), &taken, true),
            ("another's port", port(30002), &taken, false),
            ("its own address", address, &taken, true),
            (
                "something else is wrong",
                port(30001),
                &refused("Required value"),
                false,
            ),
        ];
        for (name, wanted, error, expected) in cases {
            let object = Object::new(wanted).expect("object");
            assert_eq!(
                holds_only_its_own(error, &object, &live),
                expected,
                "{name}"
            );
        }
    }
}

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
///
/// The server allocates addresses first, then node ports, and stops at the first that is taken: what
/// comes after it has not been looked at, and must be `live`'s too.
fn holds_only_its_own(error: &ApiError, object: &Object, live: &Value) -> bool {
    let is_service = object.id().group.is_empty() && object.id().kind == "Service";
    let causes = error.causes();
    if !is_service || !error.is(Reason::Invalid) || causes.is_empty() {
        return false;
    }
    let wanted = object.json();
    let own_ports = || within(&node_ports(wanted), &node_ports(live));
    let own_addresses = || within(&addresses(wanted), &addresses(live));
    causes.iter().all(|cause| {
        cause.message.contains("already allocated")
            && own_ports()
            && (cause.field.ends_with("nodePort") || own_addresses())
    })
}

fn within(some: &[&Value], all: &[&Value]) -> bool {
    some.iter().all(|value| all.contains(value))
}

fn node_ports(service: &Value) -> Vec<&Value> {
    let ports = service.pointer("/spec/ports").and_then(Value::as_array);
    ports
        .into_iter()
        .flatten()
        .filter_map(|port| port.get("nodePort"))
        .collect()
}

fn addresses(service: &Value) -> Vec<&Value> {
    let all = service
        .pointer("/spec/clusterIPs")
        .and_then(Value::as_array);
    all.into_iter()
        .flatten()
        .chain(service.pointer("/spec/clusterIP"))
        .collect()
}

#[cfg(test)]
mod tests {
    use runtime::client::{Cause, Status};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_service_may_ask_for_what_its_predecessor_holds() {
        let refused = |field: &str, message: &str| {
            let mut status = Status {
                reason: "Invalid".into(),
                ..Status::default()
            };
            let (field, message) = (field.into(), message.into());
            status.details.causes = vec![Cause {
                reason: String::new(),
                message,
                field,
            }];
            ApiError::Status(Box::new(status))
        };
        let port_taken = refused(
            "spec.ports[0].nodePort",
            "provided port is already allocated",
        );
        let address_taken = refused("spec.clusterIPs", "provided IP is already allocated");
        let other = refused("spec.ports[0].nodePort", "Required value");
        let service = |spec: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": spec});
        let asks = |address: &str, port: u16| {
            service(json!({"clusterIP": address, "ports": [{"port": 80, "nodePort": port}]}))
        };
        let live = service(json!({"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"],
                                  "ports": [{"port": 80, "nodePort": 30001}]}));
        let cases = [
            ("its own port", asks("10.0.0.1", 30001), &port_taken, true),
            (
                "its own port, a free address",
                asks("10.0.0.2", 30001),
                &port_taken,
                true,
            ),
            (
                "another's port",
                asks("10.0.0.1", 30002),
                &port_taken,
                false,
            ),
            (
                "its own address",
                asks("10.0.0.1", 30001),
                &address_taken,
                true,
            ),
            (
                "its own address, a port not looked at",
                asks("10.0.0.1", 30002),
                &address_taken,
                false,
            ),
            (
                "another's address",
                asks("10.0.0.2", 30001),
                &address_taken,
                false,
            ),
            (
                "something else is wrong",
                asks("10.0.0.1", 30001),
                &other,
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

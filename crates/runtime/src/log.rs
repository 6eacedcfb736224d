//! Structured logs in the shape of Flux's.
//!
//! One JSON object per line: `level`, `ts` (RFC 3339, milliseconds, UTC), `msg`, then the fields of
//! the enclosing spans from the outside in, then those of the event. A reconcile runs in a span
//! that carries `controller`, `controllerGroup`, `controllerKind`, the object and `reconcileID`, so
//! Flux's log queries find ours. Source: fluxcd/pkg `runtime/logger` (zap's production encoder with
//! ISO 8601 times), controller-runtime's logger values.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use serde_json::{Map, Value};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{
    EnvFilter, Layer, layer::Context, layer::SubscriberExt, registry::LookupSpan,
    util::SubscriberInitExt,
};

/// `--log-encoding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Encoding {
    /// One JSON object per line.
    Json,
    /// Text for people.
    Console,
}

/// `--log-level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Verbosity {
    /// Everything, requests to the API server included.
    Trace,
    /// Decisions.
    Debug,
    /// What changed.
    Info,
    /// Only what failed.
    Error,
}

/// Installs the process's logger. A second call in one process is without effect.
pub fn install(encoding: Encoding, verbosity: Verbosity) {
    let filter = match verbosity {
        Verbosity::Trace => "trace,hyper=info,hyper_util=info,rustls=info,h2=info,russh=info",
        Verbosity::Debug => "debug,hyper=info,hyper_util=info,rustls=info,h2=info,russh=info",
        Verbosity::Info => "info,russh=warn",
        Verbosity::Error => "error",
    };
    let registry = tracing_subscriber::registry().with(EnvFilter::new(filter));
    let installed = match encoding {
        Encoding::Json => registry.with(JsonLayer).try_init(),
        Encoding::Console => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .with_writer(io::stderr)
                    .with_ansi(false),
            )
            .try_init(),
    };
    if installed.is_err() {
        tracing::debug!("logger already installed");
    }
}

struct JsonLayer;

/// The fields of a span, kept with it so that each event can repeat them.
struct Fields(Map<String, Value>);

#[derive(Default)]
struct Collector(Map<String, Value>);

impl Collector {
    /// Keeps a field; one named `object.part` becomes part of a nested object.
    fn put(&mut self, field: &Field, value: Value) {
        match field.name().split_once('.') {
            None => {
                self.0.insert(field.name().to_owned(), value);
            }
            Some((object, part)) => {
                let nested = self.0.entry(object).or_insert_with(|| Map::new().into());
                if let Value::Object(nested) = nested {
                    nested.insert(part.to_owned(), value);
                }
            }
        }
    }
}

impl Visit for Collector {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, chain(value).into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let mut text = String::new();
        if write!(text, "{value:?}").is_ok() {
            self.put(field, text.into());
        }
    }
}

/// Prints an error with its sources, joined by `: ` as Go's wrapped errors read.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// controller-runtime's names for the object in work: `Kustomization: {name, namespace}`.
fn nest_object(fields: &mut Map<String, Value>) {
    let (Some(kind), Some(name), Some(namespace)) = (
        fields.get("controllerKind"),
        fields.get("name"),
        fields.get("namespace"),
    ) else {
        return;
    };
    let Some(kind) = kind.as_str().map(str::to_owned) else {
        return;
    };
    let object = serde_json::json!({ "name": name, "namespace": namespace });
    fields.insert(kind, object);
}

impl<S> Layer<S> for JsonLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id) {
            let mut collector = Collector::default();
            attributes.record(&mut collector);
            nest_object(&mut collector.0);
            span.extensions_mut().insert(Fields(collector.0));
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id) {
            let mut collector = Collector::default();
            values.record(&mut collector);
            if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
                fields.0.append(&mut collector.0);
            }
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let mut collector = Collector::default();
        event.record(&mut collector);
        let message = collector.0.remove("message").unwrap_or_else(|| "".into());

        let mut line = Map::new();
        line.insert("level".into(), level(*event.metadata().level()).into());
        line.insert("ts".into(), now().into());
        line.insert("msg".into(), message);
        if let Some(scope) = ctx.event_scope(event) {
            for span in scope.from_root() {
                if let Some(fields) = span.extensions().get::<Fields>() {
                    line.extend(fields.0.clone());
                }
            }
        }
        line.append(&mut collector.0);
        write_line(&Value::Object(line));
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN | Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

fn now() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
        .to_string()
}

/// A log line that cannot be written is lost: there is nowhere left to say so.
fn write_line(line: &Value) {
    let mut bytes = line.to_string().into_bytes();
    bytes.push(b'\n');
    drop(io::stderr().lock().write_all(&bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_reads_like_gos_wrapped_errors() {
        #[derive(Debug, thiserror::Error)]
        #[error("failed to get secret 'a/b'")]
        struct Outer(#[source] io::Error);
        let error = Outer(io::Error::other("connection refused"));
        assert_eq!(
            chain(&error),
            "failed to get secret 'a/b': connection refused"
        );
    }

    #[test]
    fn a_dotted_field_is_part_of_an_object() {
        struct Keep(std::sync::Arc<std::sync::Mutex<Vec<Map<String, Value>>>>);
        impl<S: Subscriber> Layer<S> for Keep {
            fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
                let mut collector = Collector::default();
                event.record(&mut collector);
                self.0.lock().unwrap().push(collector.0);
            }
        }
        let seen = std::sync::Arc::default();
        let registry = tracing_subscriber::registry().with(Keep(std::sync::Arc::clone(&seen)));
        tracing::subscriber::with_default(registry, || {
            tracing::info!(alert.name = "a", alert.namespace = "b", plain = 1, "text");
        });
        let expected = serde_json::json!({
            "alert": {"name": "a", "namespace": "b"}, "plain": 1, "message": "text",
        });
        assert_eq!(Value::Object(seen.lock().unwrap()[0].clone()), expected);
    }

    #[test]
    fn the_object_in_work_is_named_by_its_kind() {
        let mut fields = Map::new();
        fields.insert("controllerKind".into(), "GitRepository".into());
        fields.insert("name".into(), "apps".into());
        fields.insert("namespace".into(), "flux-system".into());
        nest_object(&mut fields);
        assert_eq!(
            fields["GitRepository"],
            serde_json::json!({"name": "apps", "namespace": "flux-system"})
        );
    }
}

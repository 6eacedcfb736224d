//! The API server's audit log: who asked for what, how often.
//!
//! Precise where a server's own request metrics are not: it names the user and the object. Give each
//! controller a user of its own ([`ControlPlane::kubeconfig_for_user`]) and count by that.
//!
//! Source: `audit.k8s.io/v1` Event, k8s.io/apiserver `pkg/apis/audit`.
//!
//! [`ControlPlane::kubeconfig_for_user`]: crate::ControlPlane::kubeconfig_for_user

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;

/// An audit log on disk, which the API server appends to as it answers.
#[derive(Debug, Clone)]
pub struct AuditLog {
    path: PathBuf,
}

/// A place in the log: everything that was written before belongs to the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u64);

/// A request that was answered, or a watch that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asked, as authenticated.
    pub user: String,
    /// The client's own name for itself.
    pub user_agent: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete` or `deletecollection`.
    pub verb: String,
    /// Plural name of the kind, with the subresource: `kustomizations/status`.
    pub resource: String,
    /// The object's namespace; may be empty.
    pub namespace: String,
    /// The object's name; empty for collections.
    pub name: String,
    /// Whether nothing was to be written.
    pub dry_run: bool,
    /// The answer's HTTP status; 0 if there was none.
    pub code: u16,
}

impl AuditLog {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Returns the end of the log now.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn mark(&self) -> Result<Mark> {
        Ok(Mark(
            self.open()?
                .metadata()
                .context("measure the audit log")?
                .len(),
        ))
    }

    /// Returns what was answered since `mark`, in the order of the answers.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn since(&self, mark: Mark) -> Result<Vec<Request>> {
        let mut file = self.open()?;
        // A line that was half written at the mark belongs to the past: what counts begins after the
        // first end of a line from the byte before the mark on. The last line may be half written too.
        let from = mark.0.saturating_sub(1);
        file.seek(SeekFrom::Start(from))
            .context("read the audit log")?;
        let mut content = Vec::new();
        file.read_to_end(&mut content)
            .context("read the audit log")?;
        let end_of_line = |&byte: &u8| byte == b'\n';
        let start = match mark.0 {
            0 => Some(0),
            _ => content.iter().position(end_of_line).map(|at| at + 1),
        };
        let end = content.iter().rposition(end_of_line).map(|at| at + 1);
        let whole = start
            .zip(end)
            .and_then(|(start, end)| content.get(start..end));
        whole
            .unwrap_or_default()
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| {
                let event: Event = serde_json::from_slice(line).context("read an audit event")?;
                Ok(event.request())
            })
            .filter_map(Result::transpose)
            .collect()
    }

    fn open(&self) -> Result<File> {
        File::open(&self.path).with_context(|| format!("open {}", self.path.display()))
    }
}

/// Counts requests by verb; dry runs have a verb of their own, `patch (dry run)`.
pub fn by_verb<'a>(requests: impl IntoIterator<Item = &'a Request>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for request in requests {
        let dry_run = if request.dry_run { " (dry run)" } else { "" };
        *counts
            .entry(format!("{}{dry_run}", request.verb))
            .or_default() += 1;
    }
    counts
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    stage: String,
    verb: String,
    #[serde(rename = "requestURI")]
    request_uri: String,
    #[serde(default)]
    user_agent: String,
    user: User,
    #[serde(default)]
    object_ref: ObjectRef,
    response_status: Option<ResponseStatus>,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ObjectRef {
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Deserialize)]
struct ResponseStatus {
    #[serde(default)]
    code: u16,
}

impl Event {
    /// A watch counts when it opens, everything else when it is answered.
    fn request(self) -> Option<Request> {
        let counts = match self.stage.as_str() {
            "ResponseStarted" => true,
            "ResponseComplete" | "Panic" => self.verb != "watch",
            _ => false,
        };
        counts.then(|| {
            let ObjectRef {
                resource,
                subresource,
                namespace,
                name,
            } = self.object_ref;
            let separator = if subresource.is_empty() { "" } else { "/" };
            Request {
                user: self.user.username,
                user_agent: self.user_agent,
                resource: format!("{resource}{separator}{subresource}"),
                namespace,
                name,
                dry_run: self.request_uri.contains("dryRun="),
                verb: self.verb,
                code: self.response_status.map_or(0, |status| status.code),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn line(stage: &str, verb: &str, uri: &str) -> String {
        format!(
            r#"{{"stage":"{stage}","verb":"{verb}","requestURI":"{uri}","userAgent":"c/1","user":{{"username":"u"}},"objectRef":{{"resource":"pods","subresource":"status","namespace":"n","name":"p"}},"responseStatus":{{"code":200}}}}"#
        )
    }

    #[test]
    fn counts_what_came_after_the_mark() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{}", line("ResponseComplete", "get", "/a")).unwrap();
        let log = AuditLog::new(file.path().to_path_buf());
        let mark = log.mark().unwrap();
        writeln!(
            file,
            "{}",
            line("ResponseStarted", "watch", "/a?watch=true")
        )
        .unwrap();
        writeln!(
            file,
            "{}",
            line("ResponseComplete", "watch", "/a?watch=true")
        )
        .unwrap();
        writeln!(
            file,
            "{}",
            line("ResponseComplete", "patch", "/a?dryRun=All&force=true")
        )
        .unwrap();
        writeln!(
            file,
            "{}",
            line("ResponseComplete", "patch", "/a?fieldManager=x")
        )
        .unwrap();
        write!(file, r#"{{"stage":"Respon"#).unwrap();
        let requests = log.since(mark).unwrap();
        let counts = by_verb(&requests);
        let expected = [("patch", 1), ("patch (dry run)", 1), ("watch", 1)];
        assert_eq!(
            counts,
            expected
                .map(|(verb, count)| (verb.to_owned(), count))
                .into()
        );
        assert_eq!(
            requests[1],
            Request {
                user: "u".into(),
                user_agent: "c/1".into(),
                verb: "patch".into(),
                resource: "pods/status".into(),
                namespace: "n".into(),
                name: "p".into(),
                dry_run: true,
                code: 200,
            }
        );
    }
}

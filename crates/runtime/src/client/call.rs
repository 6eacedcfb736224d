//! A request before it is sent: everything needed to send it again.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use http_body_util::Full;

use super::resource::push_encoded;

/// What a request is about, for errors that come without a Status.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// `deployments.apps`.
    pub(super) resource: String,
    /// Empty for a collection.
    pub(super) name: String,
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    query: String,
    accept: &'static str,
    content_type: Option<&'static str>,
    body: Bytes,
    pub(super) subject: Option<Subject>,
    /// Whether sending it twice does what sending it once does.
    pub(super) idempotent: bool,
}

/// The whole object.
pub(super) const JSON: &str = "application/json";
/// Its metadata only.
pub(super) const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
/// The metadata of each object of a list.
pub(super) const METADATA_LIST: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

impl Call {
    pub(super) fn new(method: Method, path: String) -> Self {
        Self {
            idempotent: method != Method::POST,
            method,
            path,
            query: String::new(),
            accept: JSON,
            content_type: None,
            body: Bytes::new(),
            subject: None,
        }
    }

    pub(super) fn about(mut self, subject: Subject) -> Self {
        self.subject = Some(subject);
        self
    }

    pub(super) fn accept(mut self, accept: &'static str) -> Self {
        self.accept = accept;
        self
    }

    pub(super) fn body(mut self, content_type: &'static str, body: Bytes) -> Self {
        self.content_type = Some(content_type);
        self.body = body;
        self
    }

    pub(super) fn query(mut self, key: &str, value: &str) -> Self {
        self.query
            .push(if self.query.is_empty() { '?' } else { '&' });
        self.query.push_str(key);
        self.query.push('=');
        push_encoded(&mut self.query, value);
        self
    }

    pub(super) fn query_if(self, wanted: bool, key: &str, value: &str) -> Self {
        if wanted { self.query(key, value) } else { self }
    }

    pub(super) fn uri(&self) -> String {
        format!("{}{}", self.path, self.query)
    }

    pub(super) fn request(&self) -> Result<Request<Full<Bytes>>, http::Error> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(self.uri())
            .header(header::ACCEPT, HeaderValue::from_static(self.accept));
        if let Some(content_type) = self.content_type {
            request = request.header(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        request.body(Full::new(self.body.clone()))
    }
}

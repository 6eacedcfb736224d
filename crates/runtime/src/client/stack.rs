//! What happens to every request, whoever makes it: see the drawing in [`super`].

use std::{io::ErrorKind, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::FutureExt;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Full, Limited};
use tokio::time::{Instant, sleep, timeout};
use tower::{BoxError, ServiceExt, service_fn};

use super::{
    Options,
    call::Call,
    error::{ApiError, chain},
    generic_status,
    identity::Identity,
    limit::Limiter,
    transport::{RequestBody, ResponseBody, Transport, whole},
    warning,
};

/// Hears of every attempt. Implemented by closures.
pub trait RequestObserver: Send + Sync {
    /// One attempt ended: `code` is the HTTP status or `<error>`, `method` as `GET`, `host` with its
    /// port. Source: client-go `metrics.RequestResult`.
    fn observe(&self, code: &str, method: &str, host: &str);

    /// A request waited for this long for a token of the client's own limit.
    fn waited(&self, _method: &str, _host: &str, _wait: Duration) {}
}

impl<F: Fn(&str, &str, &str) + Send + Sync> RequestObserver for F {
    fn observe(&self, code: &str, method: &str, host: &str) {
        self(code, method, host);
    }
}

/// Hears the server's warnings. Implemented by closures.
pub trait WarningHandler: Send + Sync {
    /// The server warned about a request; the same text may come with each request.
    fn warning(&self, text: &str);
}

impl<F: Fn(&str) + Send + Sync> WarningHandler for F {
    fn warning(&self, text: &str) {
        self(text);
    }
}

/// An answer is refused beyond this size.
const MAX_BODY: usize = 256 << 20;
/// How often a call is repeated after "try again later" or a broken connection.
const MAX_RETRIES: u32 = 10;
const MAX_RESETS: u32 = 3;
const FIRST_RESET_WAIT: Duration = Duration::from_millis(50);
/// A server that shares its capacity puts this on its answers.
const FLOW_SCHEMA: &str = "x-kubernetes-pf-flowschema-uid";
/// Lease calls don't wait for a token: losing the lease for want of one would be absurd.
const LEASES: &str = "/apis/coordination.k8s.io/";

pub(super) struct Stack {
    transport: Transport,
    limiter: Limiter,
    deadline: Duration,
    observer: Option<Arc<dyn RequestObserver>>,
    warnings: Option<Arc<dyn WarningHandler>>,
    /// The server's URL without a trailing slash, for errors.
    server: String,
    /// Its host and port, for metrics.
    host: String,
}

impl Stack {
    pub(super) fn new(transport: Transport, server: &str, options: Options) -> Self {
        let server = server.trim_end_matches('/').to_owned();
        let host = server
            .split_once("://")
            .map_or(server.as_str(), |(_, rest)| rest);
        let host = host.split('/').next().unwrap_or(host).to_owned();
        Self {
            transport,
            limiter: Limiter::new(options.qps, options.burst),
            deadline: options.deadline,
            observer: options.observer,
            warnings: options.warnings,
            server,
            host,
        }
    }

    /// Sends `call` until it is answered for good, and returns the body of a success.
    ///
    /// Repeats when the server asks for it (429 or 5xx with `Retry-After`) and, for idempotent
    /// calls, when an established connection broke; all within one more deadline.
    pub(super) async fn send(
        &self,
        call: &Call,
        identity: Option<&Identity>,
    ) -> Result<Bytes, ApiError> {
        let started = Instant::now();
        let mut resets = 0;
        for retries in 0.. {
            let mut request = call.request().map_err(|e| ApiError::Request(chain(&e)))?;
            if let Some(identity) = identity {
                identity.stamp(request.headers_mut());
            }
            let answer = self.exchange(request).await;
            let wait = match &answer {
                Ok(response) => retry_after(response),
                Err(error) if error.is_reset() && call.idempotent && resets < MAX_RESETS => {
                    resets += 1;
                    Some(FIRST_RESET_WAIT * (1 << resets))
                }
                Err(_) => None,
            };
            match wait {
                Some(wait)
                    if retries < MAX_RETRIES && started.elapsed() + wait <= self.deadline =>
                {
                    sleep(wait).await;
                }
                _ => return Self::judge(call, answer?),
            }
        }
        Err(ApiError::Request("retries exhausted".into()))
    }

    fn judge(call: &Call, response: Response<Bytes>) -> Result<Bytes, ApiError> {
        let code = response.status();
        if code.is_success() {
            return Ok(response.into_body());
        }
        Err(generic_status::error(
            code,
            &call.method,
            call.subject.as_ref(),
            response.body(),
        ))
    }

    /// One attempt, with its whole body.
    async fn exchange(&self, request: Request<RequestBody>) -> Result<Response<Bytes>, ApiError> {
        let at = Place::of(self, &request);
        self.admit(&request).await;
        let whole = async {
            let (parts, body) = self.attempt(request).await?.into_parts();
            let body = Limited::new(body, MAX_BODY)
                .collect()
                .await
                .map_err(|e| at.broken(&*e))?;
            Ok(Response::from_parts(parts, body.to_bytes()))
        };
        match timeout(self.deadline, whole).await {
            Ok(answer) => answer,
            Err(_) => Err(self.late(at)),
        }
    }

    /// One attempt whose body is left to the caller, for as long as it takes.
    async fn stream(
        &self,
        request: Request<RequestBody>,
    ) -> Result<Response<ResponseBody>, ApiError> {
        let at = Place::of(self, &request);
        self.admit(&request).await;
        match timeout(self.deadline, self.attempt(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(self.late(at)),
        }
    }

    async fn admit(&self, request: &Request<RequestBody>) {
        if !request.uri().path().starts_with(LEASES) {
            let began = Instant::now();
            self.limiter.acquire().await;
            if let Some(observer) = &self.observer {
                observer.waited(request.method().as_str(), &self.host, began.elapsed());
            }
        }
    }

    async fn attempt(
        &self,
        request: Request<RequestBody>,
    ) -> Result<Response<ResponseBody>, ApiError> {
        let at = Place::of(self, &request);
        let method = request.method().clone();
        let answer = self.transport.0.clone().oneshot(request).await;
        match answer {
            Ok(response) => {
                self.observe(response.status().as_str(), &method);
                if response.headers().contains_key(FLOW_SCHEMA) {
                    self.limiter.lift();
                }
                self.warn(&response);
                Ok(response)
            }
            Err(error) => {
                self.observe("<error>", &method);
                Err(at.broken(&*error))
            }
        }
    }

    fn late(&self, at: Place) -> ApiError {
        self.observe("<error>", &at.method);
        ApiError::Timeout {
            method: go_method(&at.method),
            url: at.url,
        }
    }

    fn observe(&self, code: &str, method: &Method) {
        if let Some(observer) = &self.observer {
            observer.observe(code, method.as_str(), &self.host);
        }
    }

    fn warn<B>(&self, response: &Response<B>) {
        let Some(handler) = &self.warnings else {
            return;
        };
        let values = response.headers().get_all(header::WARNING).iter();
        for text in values
            .filter_map(|value| value.to_str().ok())
            .filter_map(warning::text)
        {
            handler.warning(&text);
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server)
    }

    /// kube's client over this stack. Watches stream; everything else is answered whole.
    pub(super) fn kube(self: &Arc<Self>, identity: Option<Arc<Identity>>) -> kube::Client {
        let stack = Arc::clone(self);
        let service = service_fn(move |request: Request<kube::client::Body>| {
            Arc::clone(&stack)
                .answer_kube(request, identity.clone())
                .boxed()
        });
        kube::Client::new(service, "default")
    }

    async fn answer_kube(
        self: Arc<Self>,
        request: Request<kube::client::Body>,
        identity: Option<Arc<Identity>>,
    ) -> Result<Response<ResponseBody>, BoxError> {
        let watches = request.uri().query().is_some_and(is_watch);
        let (mut parts, body) = request.into_parts();
        if let Some(identity) = &identity {
            identity.stamp(&mut parts.headers);
        }
        let request = Request::from_parts(parts, Full::new(body.collect_bytes().await?));
        if watches {
            return Ok(self.stream(request).await?);
        }
        let response = self.exchange(request).await?;
        Ok(response.map(whole))
    }
}

fn is_watch(query: &str) -> bool {
    query
        .split('&')
        .any(|pair| matches!(pair, "watch=true" | "watch=1"))
}

/// The wait that the server asks for. Source: client-go `rest.checkWait`.
fn retry_after(response: &Response<Bytes>) -> Option<Duration> {
    let code = response.status();
    if code != http::StatusCode::TOO_MANY_REQUESTS && !code.is_server_error() {
        return None;
    }
    let seconds = response
        .headers()
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

/// Where an attempt goes, for its errors.
struct Place {
    method: Method,
    url: String,
    host: String,
}

impl Place {
    fn of(stack: &Stack, request: &Request<RequestBody>) -> Self {
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        Self {
            method: request.method().clone(),
            url: stack.url(path),
            host: stack.host.clone(),
        }
    }

    fn broken(&self, error: &(dyn std::error::Error + 'static)) -> ApiError {
        ApiError::Unreachable {
            method: go_method(&self.method),
            url: self.url.clone(),
            cause: self.cause(error),
            reset: is_reset(error),
        }
    }

    /// The chain of causes; in Go's words for the one that everybody meets.
    fn cause(&self, error: &(dyn std::error::Error + 'static)) -> String {
        let refused = io_error(error).is_some_and(|io| io.kind() == ErrorKind::ConnectionRefused);
        if refused {
            return format!("dial tcp {}: connect: connection refused", self.host);
        }
        chain(error)
    }
}

fn io_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a std::io::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref() {
            return Some(io);
        }
        next = error.source();
    }
    None
}

/// Whether an established connection broke. A refused connection is none: the server is away, and
/// the caller's back-off fits better.
fn is_reset(error: &(dyn std::error::Error + 'static)) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    if let Some(io) = io_error(error) {
        let broken = [
            ConnectionReset,
            ConnectionAborted,
            BrokenPipe,
            UnexpectedEof,
        ];
        return broken.contains(&io.kind());
    }
    let mut next = Some(error);
    while let Some(error) = next {
        let hyper = error.downcast_ref::<hyper::Error>();
        if hyper.is_some_and(hyper::Error::is_incomplete_message) {
            return true;
        }
        next = error.source();
    }
    false
}

/// As Go's `http.Client` prints methods.
fn go_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "Get",
        "HEAD" => "Head",
        "POST" => "Post",
        "PUT" => "Put",
        "PATCH" => "Patch",
        "DELETE" => "Delete",
        _ => "Do",
    }
}

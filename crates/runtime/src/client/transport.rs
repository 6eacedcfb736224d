//! One attempt of one request, over a pooled connection.
//!
//! HTTP/1.1: a connection carries one request at a time, so the pool is as wide as the caller is
//! concurrent and stays warm between runs.

use std::{future::Future, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::rt::{Read, Write};
use hyper_util::{
    client::legacy::{
        Builder,
        connect::{
            Connection, HttpConnector,
            proxy::{SocksV5, Tunnel},
        },
    },
    rt::{TokioExecutor, TokioTimer},
};
use kube::client::ConfigExt;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn, util::BoxCloneSyncService};

use super::{Options, config::ConfigError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);

pub(super) type RequestBody = Full<Bytes>;
pub(super) type ResponseBody = UnsyncBoxBody<Bytes, BodyError>;

/// A body broke off. A type of its own because the compiler cannot prove futures over bodies with
/// boxed errors to be `Send`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct BodyError(#[source] BoxError);

/// A body that is here already.
pub(super) fn whole(body: Bytes) -> ResponseBody {
    Full::new(body)
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// What carries a request to a server and brings its answer.
#[derive(Clone)]
pub struct Transport(
    pub(super) BoxCloneSyncService<Request<RequestBody>, Response<ResponseBody>, BoxError>,
);

impl Transport {
    /// A transport that `answer`s itself: for tests.
    pub fn from_fn<F, R>(answer: F) -> Self
    where
        F: Fn(Request<Bytes>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<Response<Bytes>, BoxError>> + Send + 'static,
    {
        Self(BoxCloneSyncService::new(service_fn(
            move |request: Request<RequestBody>| {
                let answer = answer.clone();
                async move {
                    let (parts, body) = request.into_parts();
                    let body = body.collect().await?.to_bytes();
                    let response = answer(Request::from_parts(parts, body)).await?;
                    Ok(response.map(whole))
                }
            },
        )))
    }
}

/// Connects to the server of `config`, directly or through its proxy.
pub(super) fn connect(config: &kube::Config, options: &Options) -> Result<Transport, ConfigError> {
    crate::http::install_tls_provider();
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let Some(proxy) = &config.proxy_url else {
        return pool(config, tcp, options);
    };
    match proxy.scheme_str() {
        Some("socks5") => pool(config, SocksV5::new(proxy.clone(), tcp), options),
        Some("http") => pool(config, tunnel(proxy, tcp), options),
        Some("https") => {
            let tls = config
                .rustls_https_connector_with_connector(tcp)
                .map_err(|e| ConfigError::invalid("certificates", &e))?;
            pool(config, tunnel(proxy, tls), options)
        }
        _ => Err(ConfigError::Proxy(proxy.to_string())),
    }
}

fn tunnel<C>(proxy: &Uri, connector: C) -> Tunnel<C> {
    let tunnel = Tunnel::new(proxy.clone(), connector);
    let user = proxy
        .authority()
        .and_then(|authority| authority.as_str().rsplit_once('@'));
    let credentials = user
        .map(|(user, _)| format!("Basic {}", STANDARD.encode(percent_decoded(user))))
        .and_then(|value| HeaderValue::try_from(value).ok());
    match credentials {
        Some(credentials) => tunnel.with_auth(credentials),
        None => tunnel,
    }
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let hex = |byte: Option<&u8>| {
        byte.and_then(|b| char::from(*b).to_digit(16))
            .and_then(|d| u8::try_from(d).ok())
    };
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if let (b'%', Some(high), Some(low)) =
            (byte, hex(bytes.get(at + 1)), hex(bytes.get(at + 2)))
        {
            out.push(high << 4 | low);
            at += 3;
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    out
}

fn pool<C>(config: &kube::Config, connector: C, options: &Options) -> Result<Transport, ConfigError>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: Connection + Read + Write + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: std::error::Error + Send + Sync + 'static,
{
    let tls = config
        .rustls_https_connector_with_connector(connector)
        .map_err(|e| ConfigError::invalid("certificates", &e))?;
    let client = Builder::new(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(options.max_idle)
        .build(tls)
        .map_response(|response: Response<hyper::body::Incoming>| {
            response.map(|body| body.map_err(|e| BodyError(e.into())).boxed_unsync())
        })
        .map_err(BoxError::from);
    let auth = config
        .auth_layer()
        .map_err(|e| ConfigError::invalid("credentials", &e))?;
    let headers = config
        .extra_headers_layer()
        .map_err(|e| ConfigError::invalid("impersonation", &e))?;
    let agent = HeaderValue::from_str(&options.user_agent)
        .map_err(|_| ConfigError::UserAgent(options.user_agent.clone()))?;
    let service = ServiceBuilder::new()
        .map_request(move |mut request: Request<RequestBody>| {
            set(&mut request, header::USER_AGENT, &agent);
            request
        })
        .layer(config.base_uri_layer())
        .option_layer(auth)
        .layer(headers)
        .service(client)
        .map_err(Into::into);
    Ok(Transport(BoxCloneSyncService::new(service)))
}

fn set(request: &mut Request<RequestBody>, name: HeaderName, value: &HeaderValue) {
    request.headers_mut().insert(name, value.clone());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_credentials_are_decoded_before_they_are_sent() {
        for (text, expected) in [
            ("user:pass", "user:pass"),
            ("u%3As%40r:p%25", "u:s@r:p%"),
            ("a%+1%4", "a%+1%4"),
        ] {
            assert_eq!(percent_decoded(text), expected.as_bytes(), "{text}");
        }
    }
}

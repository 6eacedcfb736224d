//! Smart HTTP over the remote's own client.
//!
//! Redirects are followed on the listing only, as Git does (`http.followRedirects=initial`); what follows goes to
//! the place that the listing came from. Credentials never travel to another origin, and `https` is never left.
//!
//! Source: Git's Documentation/gitprotocol-http, http.c (`update_url_from_redirect`).

use std::{error::Error as _, io};

use reqwest::{
    Client, RequestBuilder, Response, StatusCode, Url,
    header::{ACCEPT, CONTENT_TYPE, LOCATION},
    redirect::Policy,
};

use super::{Body, tls};
use crate::{
    error::{Error, TransportError},
    remote::{Credentials, Remote, Settings},
};

const MAX_REDIRECTS: usize = 10;

/// Builds a client for one remote's settings.
pub(crate) fn client(settings: &Settings) -> Result<Client, Error> {
    let mut builder = Client::builder()
        .redirect(Policy::none())
        .connect_timeout(settings.timeout)
        .read_timeout(settings.timeout)
        .user_agent(&settings.user_agent)
        .tls_backend_preconfigured(tls::config(settings)?);
    if let Some(proxy) = &settings.proxy {
        let mut made = reqwest::Proxy::all(&proxy.address)
            .map_err(|_| Error::Settings("failed to parse the proxy address".to_owned()))?;
        if let Some(username) = &proxy.username {
            let password = proxy
                .password
                .as_ref()
                .map_or("", |password| password.expose());
            made = made.basic_auth(username, password);
        }
        builder = builder.proxy(made);
    }
    builder
        .build()
        .map_err(|error| Error::Settings(describe(&error)))
}

/// The place that the listing came from.
pub(crate) struct Session {
    base: Url,
    authenticate: bool,
}

impl Session {
    /// Lists the references, following redirects.
    pub(crate) async fn list(remote: &Remote) -> Result<(Self, Body), TransportError> {
        let mut url = service(remote.address(), "info/refs");
        url.query_pairs_mut()
            .append_pair("service", "git-upload-pack");
        let mut authenticate = true;
        for _ in 0..=MAX_REDIRECTS {
            let request = http(remote)?.get(url.clone()).header(ACCEPT, "*/*");
            let response = send(remote, request, authenticate).await?;
            if !response.status().is_redirection() {
                let response = check(response, "application/x-git-upload-pack-advertisement")?;
                return Ok((
                    Self {
                        base: base(&url)?,
                        authenticate,
                    },
                    Body::http(response),
                ));
            }
            let next = target(&url, &response)?;
            authenticate &= same_site(&url, &next);
            url = next;
        }
        Err(TransportError::protocol("stopped after 10 redirects"))
    }

    /// Asks for a pack.
    pub(crate) async fn upload(
        &self,
        remote: &Remote,
        body: Vec<u8>,
        v2: bool,
    ) -> Result<Body, TransportError> {
        let mut request = http(remote)?
            .post(service(&self.base, "git-upload-pack"))
            .header(CONTENT_TYPE, "application/x-git-upload-pack-request")
            .header(ACCEPT, "application/x-git-upload-pack-result")
            .body(body);
        if v2 {
            request = request.header("git-protocol", "version=2");
        }
        let response = send(remote, request, self.authenticate).await?;
        Ok(Body::http(check(
            response,
            "application/x-git-upload-pack-result",
        )?))
    }
}

fn http(remote: &Remote) -> Result<&Client, TransportError> {
    remote
        .http()
        .ok_or_else(|| TransportError::protocol("no HTTP client"))
}

async fn send(
    remote: &Remote,
    request: RequestBuilder,
    authenticate: bool,
) -> Result<Response, TransportError> {
    let request = match &remote.settings().credentials {
        Credentials::Basic { username, password } if authenticate => {
            request.basic_auth(username, Some(password.expose()))
        }
        Credentials::Bearer(token) if authenticate => request.bearer_auth(token.expose()),
        _ => request,
    };
    request.send().await.map_err(|error| classify(&error))
}

fn check(response: Response, content_type: &str) -> Result<Response, TransportError> {
    match response.status() {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => return Err(TransportError::Unauthorized),
        StatusCode::FORBIDDEN => return Err(TransportError::Forbidden),
        StatusCode::NOT_FOUND | StatusCode::GONE => return Err(TransportError::NotFound),
        status => return Err(TransportError::Status(status.as_u16())),
    }
    let matches = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            value
                .split(';')
                .next()
                .is_some_and(|kind| kind.trim() == content_type)
        });
    if matches {
        Ok(response)
    } else {
        Err(TransportError::protocol(
            "invalid response: not a smart HTTP Git server",
        ))
    }
}

fn target(from: &Url, response: &Response) -> Result<Url, TransportError> {
    let next = response
        .headers()
        .get(LOCATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| from.join(value).ok())
        .ok_or_else(|| TransportError::protocol("redirect without a valid location"))?;
    match (from.scheme(), next.scheme()) {
        (_, "https") | ("http", "http") => Ok(next),
        _ => Err(TransportError::protocol(
            "refused a redirect away from https",
        )),
    }
}

/// Same host and port, or the step from `http` to `https` on one host.
fn same_site(from: &Url, to: &Url) -> bool {
    from.host_str() == to.host_str()
        && (from.port_or_known_default() == to.port_or_known_default()
            || (from.scheme() == "http" && to.scheme() == "https"))
}

fn service(base: &Url, name: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{name}", base.path().trim_end_matches('/')));
    url
}

/// The repository's URL, given the URL that the listing was answered at.
fn base(listing: &Url) -> Result<Url, TransportError> {
    let path = listing.path().strip_suffix("/info/refs").ok_or_else(|| {
        TransportError::protocol(
            "unable to update the URL from a redirect that renames the service",
        )
    })?;
    let mut url = listing.clone();
    url.set_path(path);
    url.set_query(None);
    Ok(url)
}

/// Says what failed, in the words of Go's client where it has some.
pub(crate) fn classify(error: &reqwest::Error) -> TransportError {
    if error.is_timeout() {
        return TransportError::Timeout;
    }
    if let Some(text) = tls_error(error) {
        return TransportError::Tls(text);
    }
    if error.is_connect() {
        return TransportError::Connect(format!("dial tcp: {}", describe(error)));
    }
    if error.is_body() || error.is_decode() {
        return super::super::protocol::packet::truncated();
    }
    TransportError::Connect(describe(error))
}

fn tls_error(error: &reqwest::Error) -> Option<String> {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(error) = cause.downcast_ref::<rustls::Error>() {
            return Some(tls::text(error));
        }
        // An I/O error's source is that of the error it carries, so the carried one has to be asked for.
        next = match cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(carried) => Some(carried),
            None => cause.source(),
        };
    }
    None
}

/// The innermost cause: the outer ones repeat the URL.
fn describe(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = cause.to_string();
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_keep_credentials_on_one_site_only() {
        for (from, to, same) in [
            ("http://a/x", "https://a/x", true),
            ("https://a/x", "https://a:443/y", true),
            ("https://a/x", "https://b/x", false),
            ("https://a/x", "https://a:8443/x", false),
        ] {
            let parse = |text| Url::parse(text).expect("url");
            assert_eq!(same_site(&parse(from), &parse(to)), same, "{from} {to}");
        }
    }

    #[test]
    fn the_base_is_where_the_listing_came_from() {
        let url = Url::parse("https://h/a.git/info/refs?service=git-upload-pack").expect("url");
        assert_eq!(base(&url).expect("base").as_str(), "https://h/a.git");
        assert!(base(&Url::parse("https://h/login").expect("url")).is_err());
    }
}

//! Addresses as Go's `net/url` takes them, and how they are shown.
//!
//! Webhook addresses are secrets by themselves, so of an address no text shows more than its scheme and host, and of
//! one that cannot be parsed nothing. Source: net/url `ParseRequestURI` and `Parse` in Go 1.26.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

const STARS: &str = "*****";

/// An address as it may be shown: `https://hooks.example.com/*****`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masked(String);

/// Why an address cannot be used, introduced as its provider does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressError {
    what: &'static str,
    /// Nothing is certain about an address that cannot be parsed, but whether there is one.
    shown: &'static str,
    style: Style,
    reason: Reason,
}

/// How a provider's error gives address and reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `<what> <address>: '<reason>'`
    Quoted,
    /// `<what> "<address>": '<reason>'`
    BothQuoted,
    /// `<what> "<address>": <reason>`
    AddressQuoted,
    /// `<what> <address>: <reason>`
    Plain,
    /// `<what> <address>`
    AddressOnly,
    /// `<what>: <reason>`
    ReasonOnly,
}

/// What Go finds wrong with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    ControlCharacter,
    Empty,
    MissingScheme,
    Relative,
    ColonInFirstSegment,
    Userinfo,
    Port,
    HostCharacter,
    Bracket,
    Literal,
    Host,
    Escape,
}

/// Checks that an address is an absolute URL, or a path from the root.
///
/// # Errors
/// In the provider's words.
pub(crate) fn absolute(
    address: &str,
    what: &'static str,
    style: Style,
) -> Result<(), AddressError> {
    check(address, true).map_err(|reason| AddressError::new(what, style, address, reason))
}

/// Checks that an address is a URL, which may be relative.
///
/// # Errors
/// In the provider's words.
pub(crate) fn any(address: &str, what: &'static str, style: Style) -> Result<(), AddressError> {
    check(address, false).map_err(|reason| AddressError::new(what, style, address, reason))
}

fn check(address: &str, request: bool) -> Result<(), Reason> {
    if request {
        return check_before_fragment(address, true);
    }
    let (address, fragment) = address.split_once('#').unwrap_or((address, ""));
    check_before_fragment(address, false)?;
    escapes(fragment)
}

fn check_before_fragment(address: &str, request: bool) -> Result<(), Reason> {
    if address.bytes().any(|byte| byte < b' ' || byte == 0x7F) {
        return Err(Reason::ControlCharacter);
    }
    if address.is_empty() && request {
        return Err(Reason::Empty);
    }
    if address == "*" {
        return Ok(());
    }
    let (scheme, rest) = scheme(address)?;
    let path = rest.split_once('?').map_or(rest, |(path, _)| path);
    if !path.starts_with('/') {
        if !scheme.is_empty() {
            return Ok(());
        }
        if request {
            return Err(Reason::Relative);
        }
        let first = path.split('/').next().unwrap_or_default();
        if first.contains(':') {
            return Err(Reason::ColonInFirstSegment);
        }
    }
    let has_authority = !scheme.is_empty() || (!request && !path.starts_with("///"));
    match path.strip_prefix("//").filter(|_| has_authority) {
        None => escapes(path),
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            check_authority(scheme, authority)?;
            escapes(path)
        }
    }
}

fn check_authority(scheme: &str, authority: &str) -> Result<(), Reason> {
    let Some((userinfo, host)) = authority.rsplit_once('@') else {
        return check_host(scheme, authority);
    };
    check_host(scheme, host)?;
    if !userinfo.chars().all(in_userinfo) {
        return Err(Reason::Userinfo);
    }
    userinfo.splitn(2, ':').try_for_each(escapes)
}

fn scheme(address: &str) -> Result<(&str, &str), Reason> {
    for (at, byte) in address.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err(Reason::MissingScheme),
            b':' => {
                let (scheme, rest) = address.split_at(at);
                return Ok((scheme, rest.strip_prefix(':').unwrap_or(rest)));
            }
            _ => break,
        }
    }
    Ok(("", address))
}

fn in_userinfo(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(character)
}

fn check_host(scheme: &str, host: &str) -> Result<(), Reason> {
    match host.rfind('[') {
        Some(0) => return check_literal(host),
        Some(_) => return Err(Reason::Literal),
        None => {}
    }
    let is_http = ["http", "https"]
        .iter()
        .any(|http| scheme.eq_ignore_ascii_case(http));
    let colon = if is_http {
        host.find(':')
    } else {
        host.rfind(':')
    };
    check_port(host.split_at(colon.unwrap_or(host.len())).1)?;
    host_escapes(host)
}

/// An IPv6 address in brackets, perhaps with a zone, and perhaps a port.
fn check_literal(host: &str) -> Result<(), Reason> {
    let (name, port) = host.rsplit_once(']').ok_or(Reason::Bracket)?;
    check_port(port)?;
    let name = name.trim_start_matches('[');
    let (address, zone) = name.split_once("%25").unwrap_or((name, "zone"));
    host_escapes(address)?;
    if address.parse::<Ipv4Addr>().is_ok() {
        return Err(Reason::Literal);
    }
    if address.parse::<Ipv6Addr>().is_err() || zone.is_empty() {
        return Err(Reason::Host);
    }
    Ok(())
}

/// In a host only what is not ASCII may be escaped, and a percent sign.
fn host_escapes(host: &str) -> Result<(), Reason> {
    let mut bytes = host.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            match (bytes.next(), bytes.next()) {
                (Some(b'2'), Some(b'5')) => {}
                (Some(b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F'), Some(low))
                    if low.is_ascii_hexdigit() => {}
                _ => return Err(Reason::Escape),
            }
        } else if byte.is_ascii() && !in_host(byte) {
            return Err(Reason::HostCharacter);
        }
    }
    Ok(())
}

fn in_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:[]<>\"".contains(&byte)
}

fn check_port(port: &str) -> Result<(), Reason> {
    match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Ok(()),
        None if port.is_empty() => Ok(()),
        _ => Err(Reason::Port),
    }
}

fn escapes(text: &str) -> Result<(), Reason> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('%') {
        let digits = after.get(..2).ok_or(Reason::Escape)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Reason::Escape);
        }
        rest = after;
    }
    Ok(())
}

impl Masked {
    /// Keeps what is no secret.
    pub(crate) fn new(address: &str) -> Self {
        if address.is_empty() {
            return Self(String::new());
        }
        let Some((scheme, rest)) = address.split_once("://") else {
            return Self(STARS.to_owned());
        };
        if !scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'+')
        {
            return Self(STARS.to_owned());
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        let path = match path {
            "" | "/" => path.to_owned(),
            _ => format!("/{STARS}"),
        };
        Self(format!("{scheme}://{host}{path}"))
    }
}

impl fmt::Display for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AddressError {
    pub(crate) fn new(what: &'static str, style: Style, address: &str, reason: Reason) -> Self {
        let shown = if address.is_empty() { "" } else { STARS };
        Self {
            what,
            shown,
            style,
            reason,
        }
    }
}

impl std::error::Error for AddressError {}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            shown,
            style,
            reason,
        } = self;
        let reason = format_args!("parse \"{shown}\": {reason}");
        match style {
            Style::Quoted => write!(f, "{what} {shown}: '{reason}'"),
            Style::BothQuoted => write!(f, "{what} \"{shown}\": '{reason}'"),
            Style::AddressQuoted => write!(f, "{what} \"{shown}\": {reason}"),
            Style::Plain => write!(f, "{what} {shown}: {reason}"),
            Style::AddressOnly => write!(f, "{what} {shown}"),
            Style::ReasonOnly => write!(f, "{what}: {reason}"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ControlCharacter => "net/url: invalid control character in URL",
            Self::Empty => "empty url",
            Self::MissingScheme => "missing protocol scheme",
            Self::Relative => "invalid URI for request",
            Self::ColonInFirstSegment => "first path segment in URL cannot contain colon",
            Self::Userinfo => "net/url: invalid userinfo",
            Self::Port => "invalid port after host",
            Self::HostCharacter => "invalid character in host name",
            Self::Bracket => "missing ']' in host",
            Self::Literal => "invalid IP-literal",
            Self::Host => "invalid host",
            Self::Escape => "invalid URL escape",
        })
    }
}

#[cfg(test)]
mod tests;

//! A TCP connection for SSH, straight or through a proxy. (HTTP's proxies are the client's business.)
//!
//! Source: RFC 9110 §9.3.6 (CONNECT), RFC 1928 and 1929 (SOCKS5).

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Url;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{error::TransportError, remote::Proxy};

const MAX_HEAD: usize = 8192;

/// Connects to a host.
pub(crate) async fn connect(
    proxy: Option<&Proxy>,
    host: &str,
    port: u16,
) -> Result<TcpStream, TransportError> {
    let host = host.trim_matches(['[', ']']);
    let Some(proxy) = proxy else {
        return dial(host, port).await;
    };
    let url = Url::parse(&proxy.address).map_err(|_| refused("the address is invalid"))?;
    let at = url
        .host_str()
        .unwrap_or_default()
        .trim_matches(['[', ']'])
        .to_owned();
    match url.scheme() {
        "http" => {
            let stream = dial(&at, url.port().unwrap_or(80)).await?;
            http(stream, proxy, host, port).await
        }
        "socks5" => {
            let stream = dial(&at, url.port().unwrap_or(1080)).await?;
            socks(stream, proxy, host, port).await
        }
        other => Err(refused(&format!(
            "'{other}' proxies are not supported for SSH"
        ))),
    }
}

async fn dial(host: &str, port: u16) -> Result<TcpStream, TransportError> {
    TcpStream::connect((host, port))
        .await
        .map_err(|error| io(&error))
}

async fn http(
    mut stream: TcpStream,
    proxy: &Proxy,
    host: &str,
    port: u16,
) -> Result<TcpStream, TransportError> {
    let target = if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    };
    let authorization = proxy.username.as_ref().map_or_else(String::new, |user| {
        let token = STANDARD.encode(format!("{user}:{}", password(proxy)));
        format!("Proxy-Authorization: Basic {token}\r\n")
    });
    let head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{authorization}\r\n");
    stream
        .write_all(head.as_bytes())
        .await
        .map_err(|error| io(&error))?;
    let mut answer = Vec::new();
    // Byte by byte, so as to take nothing of what follows.
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() > MAX_HEAD {
            return Err(refused("the answer is too long"));
        }
        answer.push(stream.read_u8().await.map_err(|error| io(&error))?);
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    if answer.split(' ').nth(1) == Some("200") {
        Ok(stream)
    } else {
        Err(refused("it said no"))
    }
}

async fn socks(
    mut stream: TcpStream,
    proxy: &Proxy,
    host: &str,
    port: u16,
) -> Result<TcpStream, TransportError> {
    let method = if proxy.username.is_some() { 2 } else { 0 };
    stream
        .write_all(&[5, 1, method])
        .await
        .map_err(|error| io(&error))?;
    let mut chosen = [0; 2];
    stream
        .read_exact(&mut chosen)
        .await
        .map_err(|error| io(&error))?;
    if chosen != [5, method] {
        return Err(refused("no common authentication method"));
    }
    if let Some(user) = &proxy.username {
        let mut login = vec![1];
        push_text(&mut login, user)?;
        push_text(&mut login, password(proxy))?;
        stream.write_all(&login).await.map_err(|error| io(&error))?;
        let mut verdict = [0; 2];
        stream
            .read_exact(&mut verdict)
            .await
            .map_err(|error| io(&error))?;
        if verdict[1] != 0 {
            return Err(refused("authentication failed"));
        }
    }
    let mut request = vec![5, 1, 0, 3];
    push_text(&mut request, host)?;
    request.extend_from_slice(&port.to_be_bytes());
    stream
        .write_all(&request)
        .await
        .map_err(|error| io(&error))?;
    let mut reply = [0; 4];
    stream
        .read_exact(&mut reply)
        .await
        .map_err(|error| io(&error))?;
    if reply[1] != 0 {
        return Err(refused("it said no"));
    }
    let rest = match reply[3] {
        1 => 4,
        4 => 16,
        _ => usize::from(stream.read_u8().await.map_err(|error| io(&error))?),
    };
    let mut bound = vec![0; rest + 2];
    stream
        .read_exact(&mut bound)
        .await
        .map_err(|error| io(&error))?;
    Ok(stream)
}

fn push_text(out: &mut Vec<u8>, text: &str) -> Result<(), TransportError> {
    out.push(u8::try_from(text.len()).map_err(|_| refused("a name is too long"))?);
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

fn password(proxy: &Proxy) -> &str {
    proxy
        .password
        .as_ref()
        .map_or("", |password| password.expose())
}

fn refused(why: &str) -> TransportError {
    TransportError::Connect(format!("proxy: {why}"))
}

fn io(error: &std::io::Error) -> TransportError {
    TransportError::Connect(format!("dial tcp: {error}"))
}

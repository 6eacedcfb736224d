//! `git http-backend` behind a small HTTP server with faults on demand, and a CONNECT proxy.

use std::{
    fmt::Write as _,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
};

/// What the server does wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Never answers.
    Hang,
    /// Answers with a status.
    Status(u16),
    /// Cuts a pack after this many bytes.
    Truncate(usize),
    /// Sends this many bytes of a pack and then nothing.
    Stall(usize),
    /// Flips a bit at this place of a pack.
    Corrupt(usize),
    /// Sends the listing elsewhere.
    Redirect(String),
    /// Answers with a web page.
    Page,
}

#[derive(Default)]
struct State {
    authorization: Option<String>,
    fault: Option<Fault>,
    requests: Vec<Seen>,
    v2: Option<bool>,
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) authorization: Option<String>,
}

/// A Git server over HTTP or HTTPS.
pub(crate) struct Server {
    directory: tempfile::TempDir,
    address: SocketAddr,
    scheme: &'static str,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) fn http() -> Self {
        Self::start(None)
    }

    pub(crate) fn https(config: rustls::ServerConfig) -> Self {
        Self::start(Some(Arc::new(config)))
    }

    fn start(tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let directory = tempfile::tempdir().expect("temp dir");
        let root = directory.path().join("root");
        std::fs::create_dir(&root).expect("dir");
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let address = listener.local_addr().expect("address");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (root, state, tls) = (root.clone(), Arc::clone(&shared), tls.clone());
                thread::spawn(move || {
                    // A client that hangs up, or refuses our certificate, is part of the tests.
                    drop(match tls {
                        None => serve(stream, &root, &state),
                        Some(config) => rustls::ServerConnection::new(config)
                            .map_err(io::Error::other)
                            .and_then(|connection| {
                                let stream = rustls::StreamOwned::new(connection, stream);
                                serve(stream, &root, &state)
                            }),
                    });
                });
            }
        });
        Self {
            directory,
            address,
            scheme,
            state,
        }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("{}://127.0.0.1:{}/{name}", self.scheme, self.port())
    }

    /// Asks for this `Authorization` header.
    pub(crate) fn require(&self, authorization: &str) {
        self.state.lock().expect("lock").authorization = Some(authorization.to_owned());
    }

    pub(crate) fn fault(&self, fault: Option<Fault>) {
        self.state.lock().expect("lock").fault = fault;
    }

    /// Refuses version 2 when false.
    pub(crate) fn speak_v2(&self, yes: bool) {
        self.state.lock().expect("lock").v2 = Some(yes);
    }

    /// The requests since the last call.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state.lock().expect("lock").requests)
    }
}

struct Head {
    line: String,
    headers: Vec<(String, String)>,
}

impl Head {
    fn read(reader: &mut impl BufRead) -> io::Result<Self> {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut headers = Vec::new();
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header)? == 0 || header.trim_end().is_empty() {
                break;
            }
            if let Some((name, value)) = header.split_once(':') {
                headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
        Ok(Self {
            line: line.trim_end().to_owned(),
            headers,
        })
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(have, _)| have == name)
            .map(|(_, value)| value.as_str())
    }
}

fn serve(stream: impl Read + Write, root: &Path, state: &Mutex<State>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let head = Head::read(&mut stream)?;
    let length = head
        .get("content-length")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let authorization = head.get("authorization").map(ToOwned::to_owned);
    let (required, fault, v2) = {
        let mut state = state.lock().expect("lock");
        let seen = Seen {
            line: head.line.clone(),
            authorization: authorization.clone(),
        };
        state.requests.push(seen);
        (
            state.authorization.clone(),
            state.fault.clone(),
            state.v2.unwrap_or(true),
        )
    };
    let out = stream.get_mut();
    if required.is_some() && authorization != required {
        return respond(out, 401, &[("WWW-Authenticate", "Basic realm=x")], b"no");
    }
    let pack = head.line.starts_with("POST");
    match fault {
        Some(Fault::Hang) => return hang(out),
        Some(Fault::Status(status)) => return respond(out, status, &[], b"status"),
        Some(Fault::Page) => {
            return respond(out, 200, &[("Content-Type", "text/html")], b"<html>");
        }
        Some(Fault::Redirect(to)) => {
            let target = head.line.split(' ').nth(1).unwrap_or_default();
            return respond(out, 302, &[("Location", &format!("{to}{target}"))], b"");
        }
        _ => {}
    }
    let (status, headers, mut answer) = backend(root, &head, &body, v2)?;
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    if !pack {
        return respond(out, status, &headers, &answer);
    }
    match fault {
        Some(Fault::Truncate(bytes)) => {
            answer.truncate(bytes);
            respond(out, status, &headers, &answer)
        }
        Some(Fault::Corrupt(at)) => {
            if let Some(byte) = answer.get_mut(at) {
                *byte ^= 0x40;
            }
            respond(out, status, &headers, &answer)
        }
        Some(Fault::Stall(bytes)) => {
            write_head(out, status, &headers, answer.len())?;
            out.write_all(answer.get(..bytes).unwrap_or(&answer))?;
            out.flush()?;
            hang(out)
        }
        _ => respond(out, status, &headers, &answer),
    }
}

/// Waits until the client goes.
fn hang(stream: &mut impl Read) -> io::Result<()> {
    io::copy(stream, &mut io::sink()).map(drop)
}

fn write_head(
    out: &mut impl Write,
    status: u16,
    headers: &[(&str, &str)],
    length: usize,
) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").map_err(io::Error::other)?;
    }
    write!(head, "Content-Length: {length}\r\n\r\n").map_err(io::Error::other)?;
    out.write_all(head.as_bytes())
}

fn respond(
    out: &mut impl Write,
    status: u16,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<()> {
    write_head(out, status, headers, body.len())?;
    out.write_all(body)?;
    out.flush()
}

type Answer = (u16, Vec<(String, String)>, Vec<u8>);

/// Runs `git http-backend` as a CGI program.
fn backend(root: &Path, head: &Head, body: &[u8], v2: bool) -> io::Result<Answer> {
    let mut words = head.line.split(' ');
    let method = words.next().unwrap_or_default();
    let target = words.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", head.get("content-type").unwrap_or_default())
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("REMOTE_ADDR", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some(version) = head.get("git-protocol").filter(|_| v2) {
        command.env("GIT_PROTOCOL", version);
    }
    let mut child = command.spawn()?;
    let mut stdin = child.stdin.take().expect("stdin");
    // The program may stop reading early; its answer says why.
    drop(stdin.write_all(body));
    drop(stdin);
    let output = child.wait_with_output()?;
    let mut reader = BufReader::new(output.stdout.as_slice());
    let mut headers = Vec::new();
    let mut status = 200;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim_end().is_empty() {
            break;
        }
        if let Some((name, value)) = line.trim_end().split_once(": ") {
            if name == "Status" {
                status = value
                    .split(' ')
                    .next()
                    .and_then(|code| code.parse().ok())
                    .unwrap_or(500);
            } else {
                headers.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    let mut answer = Vec::new();
    reader.read_to_end(&mut answer)?;
    Ok((status, headers, answer))
}

/// A proxy that asks for basic authentication, tunnels CONNECT and forwards absolute requests.
pub(crate) struct Proxy {
    pub(crate) address: String,
    seen: mpsc::Receiver<(String, Option<String>)>,
}

impl Proxy {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let address = format!("http://{}", listener.local_addr().expect("address"));
        let (sender, seen) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sender = sender.clone();
                thread::spawn(move || drop(tunnel(stream, &sender)));
            }
        });
        Self { address, seen }
    }

    /// A SOCKS5 proxy that asks for a user and a password.
    pub(crate) fn socks() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let address = format!("socks5://{}", listener.local_addr().expect("address"));
        let (sender, seen) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sender = sender.clone();
                thread::spawn(move || drop(socks(stream, &sender)));
            }
        });
        Self { address, seen }
    }

    /// Request lines and credentials so far.
    pub(crate) fn seen(&self) -> Vec<(String, Option<String>)> {
        self.seen.try_iter().collect()
    }
}

fn tunnel(stream: TcpStream, seen: &mpsc::Sender<(String, Option<String>)>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let head = Head::read(&mut reader)?;
    let authorization = head.get("proxy-authorization").map(ToOwned::to_owned);
    seen.send((head.line.clone(), authorization))
        .map_err(io::Error::other)?;
    let mut words = head.line.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default().to_owned();
    if method == "CONNECT" {
        let upstream = TcpStream::connect(&target)?;
        let mut client = reader.into_inner();
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        return join(client, upstream);
    }
    let rest = target.strip_prefix("http://").unwrap_or(&target);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut upstream = TcpStream::connect(host)?;
    let mut request = format!("{method} /{path} HTTP/1.1\r\n");
    for (name, value) in &head.headers {
        write!(request, "{name}: {value}\r\n").map_err(io::Error::other)?;
    }
    request.push_str("\r\n");
    upstream.write_all(request.as_bytes())?;
    let length = head
        .get("content-length")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    io::copy(&mut reader.by_ref().take(length), &mut upstream)?;
    io::copy(&mut upstream, reader.get_mut()).map(drop)
}

/// Copies both ways until the server's side ends.
fn join(mut client: TcpStream, mut upstream: TcpStream) -> io::Result<()> {
    let (mut from, mut to) = (client.try_clone()?, upstream.try_clone()?);
    let forward = thread::spawn(move || io::copy(&mut from, &mut to).map(drop));
    drop(io::copy(&mut upstream, &mut client));
    drop(client.shutdown(std::net::Shutdown::Both));
    forward.join().unwrap_or(Ok(()))
}

fn socks(mut client: TcpStream, seen: &mpsc::Sender<(String, Option<String>)>) -> io::Result<()> {
    let counted = |client: &mut TcpStream| -> io::Result<String> {
        let mut length = [0];
        client.read_exact(&mut length)?;
        let mut text = vec![0; usize::from(length[0])];
        client.read_exact(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    };
    let mut version = [0];
    client.read_exact(&mut version)?;
    let methods = counted(&mut client)?;
    if !methods.contains('\u{2}') {
        return client.write_all(&[5, 0xff]);
    }
    client.write_all(&[5, 2])?;
    client.read_exact(&mut version)?;
    let login = format!("{}:{}", counted(&mut client)?, counted(&mut client)?);
    client.write_all(&[1, u8::from(login != "me:s3cret")])?;
    let mut request = [0; 4];
    client.read_exact(&mut request)?;
    let host = if request[3] == 3 {
        counted(&mut client)?
    } else {
        let mut address = [0; 4];
        client.read_exact(&mut address)?;
        std::net::Ipv4Addr::from(address).to_string()
    };
    let mut port = [0; 2];
    client.read_exact(&mut port)?;
    let target = format!("{host}:{}", u16::from_be_bytes(port));
    seen.send((target.clone(), Some(login)))
        .map_err(io::Error::other)?;
    let upstream = TcpStream::connect(target)?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    join(client, upstream)
}

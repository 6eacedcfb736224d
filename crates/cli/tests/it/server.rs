//! An HTTP server on the loopback interface: files, and repositories by `git http-backend`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

/// Serves until the process ends.
pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) root: PathBuf,
    log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Serves the directory `root`: what has `.git` or `git-upload-pack` in its path is Git's.
    pub(crate) fn start(root: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback");
        let address = listener.local_addr().expect("an address").to_string();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (shared, dir) = (Arc::clone(&log), root.to_path_buf());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, dir) = (Arc::clone(&shared), dir.clone());
                // A client that goes away is no concern of the others.
                thread::spawn(move || drop(answer(stream, &dir, &log)));
            }
        });
        Self {
            address,
            root: root.to_path_buf(),
            log,
        }
    }

    /// Takes the paths that were asked for since the last call.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().expect("the log"))
    }
}

fn answer(stream: TcpStream, root: &Path, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let method = words.next().unwrap_or("").to_owned();
    let target = words.next().unwrap_or("").to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (mut length, mut headers) = (0, Vec::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
        if name == "content-length" {
            length = value.parse().unwrap_or(0);
        }
        headers.push((name, value));
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    log.lock().expect("the log").push(path.to_owned());
    let is_git = path.ends_with("/info/refs") || path.ends_with("/git-upload-pack");
    let (status, content) = if is_git {
        backend(root, &method, path, query, &headers, &body)?
    } else if let Some(status) = path.strip_prefix("/status/") {
        (format!("{status} Status\r\n"), Vec::new())
    } else if let Some(target) = path.strip_prefix("/moved") {
        (format!("302 Found\r\nLocation: {target}\r\n"), Vec::new())
    } else {
        match std::fs::read(root.join(path.trim_start_matches('/'))) {
            Ok(content) => ("200 OK\r\n".to_owned(), content),
            Err(_) => ("404 Not Found\r\n".to_owned(), Vec::new()),
        }
    };
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status}Content-Length: {}\r\nConnection: close\r\n\r\n",
        content.len()
    )?;
    stream.write_all(&content)
}

/// Runs `git http-backend` as a CGI program; returns the status line with its headers, and the body.
fn backend(
    root: &Path,
    method: &str,
    path: &str,
    query: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> std::io::Result<(String, Vec<u8>)> {
    let header = |name: &str| {
        let found = headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    child.stdin.take().expect("an input").write_all(body)?;
    let output = child.wait_with_output()?.stdout;
    let at = output
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap_or(output.len());
    let mut status = "200 OK".to_owned();
    let mut rest = String::new();
    for line in String::from_utf8_lossy(&output[..at]).lines() {
        match line.strip_prefix("Status: ") {
            Some(text) => text.clone_into(&mut status),
            None => rest.extend([line, "\r\n"]),
        }
    }
    let content = output.get(at + 4..).unwrap_or_default().to_vec();
    Ok((format!("{status}\r\n{rest}"), content))
}

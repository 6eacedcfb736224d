//! One fetch: what we want and have, and the pack that comes back.

use bytes::Bytes;
use git2::Oid;
use tokio::sync::mpsc;

use super::{
    advertisement::{Advertisement, parse_oid, remote_error},
    packet::{self, Packet, Reader, text, truncated},
};
use crate::error::TransportError;

/// A request for objects.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    /// Objects to get.
    pub(crate) wants: Vec<Oid>,
    /// Commits that are complete here.
    pub(crate) haves: Vec<Oid>,
    /// Commits whose parents are missing here.
    pub(crate) shallow: Vec<Oid>,
    /// One commit only; otherwise the whole history.
    pub(crate) shallow_fetch: bool,
}

/// How the shallow boundary moves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Boundary {
    pub(crate) shallow: Vec<Oid>,
    pub(crate) unshallow: Vec<Oid>,
}

impl Request {
    /// The request of version 0.
    pub(crate) fn encode(&self, server: &Advertisement, agent: &str) -> Vec<u8> {
        let mut capabilities = String::new();
        for name in [
            "multi_ack_detailed",
            "side-band-64k",
            "thin-pack",
            "ofs-delta",
            "no-progress",
            "shallow",
        ] {
            if server.has(name) {
                capabilities.push(' ');
                capabilities.push_str(name);
            }
        }
        capabilities.push_str(" agent=");
        capabilities.push_str(&agent.replace(' ', "-"));
        let mut out = Vec::new();
        for (at, want) in self.wants.iter().enumerate() {
            let tail = if at == 0 { capabilities.as_str() } else { "" };
            packet::write(&mut out, &format!("want {want}{tail}\n"));
        }
        self.boundary(&mut out);
        packet::flush(&mut out);
        self.possessions(&mut out);
        out
    }

    /// The request of version 2.
    pub(crate) fn encode_v2(&self, agent: &str) -> Vec<u8> {
        let mut out = Vec::new();
        packet::write(&mut out, "command=fetch");
        packet::write(&mut out, &format!("agent={}", agent.replace(' ', "-")));
        packet::write(&mut out, "object-format=sha1");
        packet::delimiter(&mut out);
        for option in ["thin-pack", "no-progress", "ofs-delta"] {
            packet::write(&mut out, option);
        }
        for want in &self.wants {
            packet::write(&mut out, &format!("want {want}\n"));
        }
        self.boundary(&mut out);
        self.possessions(&mut out);
        packet::flush(&mut out);
        out
    }

    fn boundary(&self, out: &mut Vec<u8>) {
        if self.shallow_fetch {
            for commit in &self.shallow {
                packet::write(out, &format!("shallow {commit}\n"));
            }
            packet::write(out, "deepen 1\n");
        }
    }

    fn possessions(&self, out: &mut Vec<u8>) {
        for have in &self.haves {
            packet::write(out, &format!("have {have}\n"));
        }
        packet::write(out, "done\n");
    }
}

/// Reads an answer of either version, passing the pack's bytes on as they come.
///
/// # Errors
/// What the server says against it, a stream that ends before its final flush, or a gone receiver.
pub(crate) async fn receive(
    reader: &mut Reader<'_>,
    pack: &mpsc::Sender<Bytes>,
) -> Result<Boundary, TransportError> {
    let mut boundary = Boundary::default();
    let mut packing = false;
    loop {
        match reader.next().await? {
            Some(Packet::Flush) if packing => return Ok(boundary),
            // The end of a section: shallow lines in version 0, anything in version 2.
            Some(Packet::Flush | Packet::Delimiter) => {}
            Some(Packet::Data(data)) => match data.first() {
                Some(1) => {
                    packing = true;
                    if pack.send(data.slice(1..)).await.is_err() {
                        return Err(TransportError::protocol("the pack was refused"));
                    }
                }
                Some(2) => {}
                Some(3) => return Err(remote_error(&text(data.get(1..).unwrap_or_default()))),
                _ => header(&text(&data), &mut boundary)?,
            },
            None => return Err(truncated()),
        }
    }
}

fn header(line: &str, boundary: &mut Boundary) -> Result<(), TransportError> {
    let oid = |hash| {
        parse_oid(hash).ok_or_else(|| TransportError::protocol("invalid response: malformed hash"))
    };
    if let Some(message) = line.strip_prefix("ERR ") {
        return Err(remote_error(message));
    }
    if let Some(hash) = line.strip_prefix("shallow ") {
        boundary.shallow.push(oid(hash)?);
    } else if let Some(hash) = line.strip_prefix("unshallow ") {
        boundary.unshallow.push(oid(hash)?);
    } else if !(line == "NAK"
        || line.starts_with("ACK ")
        || line == "ready"
        || line == "shallow-info"
        || line == "acknowledgments"
        || line == "packfile")
    {
        return Err(TransportError::protocol(
            "invalid response: unexpected line",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Body;

    async fn answer(packets: &[&str]) -> (Result<Boundary, TransportError>, Vec<u8>) {
        let mut bytes = Vec::new();
        for line in packets {
            match *line {
                "0000" => packet::flush(&mut bytes),
                "0001" => packet::delimiter(&mut bytes),
                line => packet::write(&mut bytes, line),
            }
        }
        let mut body = Body::from_bytes(bytes);
        let (sender, mut receiver) = mpsc::channel(16);
        let result = receive(&mut Reader::new(&mut body), &sender).await;
        drop(sender);
        let mut pack = Vec::new();
        while let Some(chunk) = receiver.recv().await {
            pack.extend_from_slice(&chunk);
        }
        (result, pack)
    }

    #[tokio::test]
    async fn both_versions_are_read() {
        let one = "1".repeat(40);
        let shallow = format!("shallow {one}\n");
        let ack = format!("ACK {one}\n");
        let want = Boundary {
            shallow: vec![parse_oid(&one).expect("oid")],
            unshallow: vec![],
        };
        for packets in [
            &[
                &shallow,
                "0000",
                &ack,
                "\u{1}PA",
                "\u{2}noise",
                "\u{1}CK",
                "0000",
            ][..],
            &[
                "shallow-info",
                &shallow,
                "0001",
                "packfile",
                "\u{1}PACK",
                "0000",
            ][..],
            &[&shallow, "0000", "NAK\n", "\u{1}PACK", "0000"][..],
        ] {
            assert_eq!(answer(packets).await, (Ok(want.clone()), b"PACK".to_vec()));
        }
    }

    #[tokio::test]
    async fn refusals_and_truncation_are_errors() {
        for (packets, want) in [
            (&["NAK\n", "\u{1}PA"][..], truncated()),
            (
                &["ERR upload-pack: not our ref"][..],
                remote_error("upload-pack: not our ref"),
            ),
            (
                &["NAK", "\u{3}out of memory"][..],
                remote_error("out of memory"),
            ),
        ] {
            assert_eq!(answer(packets).await.0, Err(want));
        }
    }

    #[test]
    fn a_request_names_only_what_the_server_can() {
        let request = Request {
            wants: vec![Oid::ZERO_SHA1],
            shallow_fetch: true,
            ..Request::default()
        };
        let bytes = request.encode(&Advertisement::default(), "a b");
        assert_eq!(
            String::from_utf8_lossy(&bytes),
            format!(
                "003cwant {} agent=a-b\n000ddeepen 1\n00000009done\n",
                "0".repeat(40)
            )
        );
    }
}

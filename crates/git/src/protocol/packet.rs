//! Pkt-lines: four hex digits of length, then the payload.

use bytes::{Buf, Bytes, BytesMut};

use crate::{error::TransportError, transport::Body};

/// One packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Packet {
    Data(Bytes),
    /// `0000`.
    Flush,
    /// `0001`, version 2 only.
    Delimiter,
}

/// Appends one packet.
pub(crate) fn write(out: &mut Vec<u8>, payload: &str) {
    out.extend_from_slice(format!("{:04x}", payload.len() + 4).as_bytes());
    out.extend_from_slice(payload.as_bytes());
}

/// Appends a flush.
pub(crate) fn flush(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0000");
}

/// Appends a delimiter.
pub(crate) fn delimiter(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0001");
}

/// Cuts a body into packets.
pub(crate) struct Reader<'a> {
    body: &'a mut Body,
    buffer: BytesMut,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(body: &'a mut Body) -> Self {
        Self {
            body,
            buffer: BytesMut::new(),
        }
    }

    /// Reads the next packet; `None` at a clean end.
    pub(crate) async fn next(&mut self) -> Result<Option<Packet>, TransportError> {
        if !self.fill(4).await? {
            return if self.buffer.is_empty() {
                Ok(None)
            } else {
                Err(truncated())
            };
        }
        let length = self
            .buffer
            .get(..4)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| usize::from_str_radix(digits, 16).ok())
            .ok_or_else(|| TransportError::protocol("invalid pkt-len found"))?;
        match length {
            0 | 1 => {
                self.buffer.advance(4);
                Ok(Some(if length == 0 {
                    Packet::Flush
                } else {
                    Packet::Delimiter
                }))
            }
            2 | 3 => Err(TransportError::protocol("invalid pkt-len found")),
            _ => {
                if !self.fill(length).await? {
                    return Err(truncated());
                }
                self.buffer.advance(4);
                Ok(Some(Packet::Data(
                    self.buffer.split_to(length - 4).freeze(),
                )))
            }
        }
    }

    /// Waits until `length` bytes are there; false when the body ends before.
    async fn fill(&mut self, length: usize) -> Result<bool, TransportError> {
        while self.buffer.len() < length {
            match self.body.chunk().await? {
                Some(chunk) => self.buffer.extend_from_slice(&chunk),
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}

/// The text of a packet without its line end; lossy, since only hashes and names are taken from it.
pub(crate) fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data.strip_suffix(b"\n").unwrap_or(data)).into_owned()
}

pub(crate) fn truncated() -> TransportError {
    TransportError::protocol("unexpected EOF")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(input: &'static [u8]) -> Result<Vec<Packet>, TransportError> {
        let mut body = Body::from_static(input);
        let mut reader = Reader::new(&mut body);
        let mut out = Vec::new();
        while let Some(packet) = reader.next().await? {
            out.push(packet);
        }
        Ok(out)
    }

    #[tokio::test]
    async fn packets_are_cut_at_their_length() {
        assert_eq!(
            read(b"0006a\n00000001").await,
            Ok(vec![
                Packet::Data(Bytes::from_static(b"a\n")),
                Packet::Flush,
                Packet::Delimiter
            ])
        );
    }

    #[tokio::test]
    async fn damaged_streams_are_errors() {
        for input in [&b"000"[..], b"0009a\n", b"zzzz", b"0002", b"<html>"] {
            assert!(read(input).await.is_err(), "{input:?}");
        }
    }
}

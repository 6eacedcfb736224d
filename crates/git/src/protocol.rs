//! The client's half of Git's smart protocol, as pure encoders and decoders over an async byte source.
//!
//! References are listed with version 0, where one answer holds the capabilities and every reference: an unchanged
//! poll is one request. Wants, shallow boundary, haves and `done` travel in one request too, which every server takes
//! since a clone by go-git (and thus Flux) is exactly that. Version 2 serves for one thing that version 0
//! servers refuse by default: a commit that no reference points to.
//!
//! Source: Git's Documentation/gitprotocol-{common,pack,http,v2}.

pub(crate) mod advertisement;
pub(crate) mod packet;
pub(crate) mod upload;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::sync::mpsc;

    use super::{advertisement::Advertisement, packet, packet::Reader, upload};
    use crate::{
        commit::{Commit, Tag},
        transport::Body,
    };

    /// What servers send, more or less.
    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let line = prop_oneof![
            "(# service=git-upload-pack|ERR x|NAK|ready|packfile)\n?",
            "[0-9a-f]{39,41} (HEAD|refs/tags/a\\^\\{\\})?(\u{0}[a-z= ]{0,9})?\n?",
            "(un)?shallow [0-9a-f]{39,41}",
            "[\u{1}-\u{4}].{0,9}",
        ];
        let part = prop_oneof![
            8 => line.prop_map(|line| {
                let mut out = Vec::new();
                packet::write(&mut out, &line);
                out
            }),
            2 => Just(b"0000".to_vec()),
            1 => Just(b"0001".to_vec()),
            1 => proptest::collection::vec(any::<u8>(), 0..9),
        ];
        proptest::collection::vec(part, 0..9).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn no_answer_breaks_the_readers(bytes in stream(), http in any::<bool>()) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
            runtime.block_on(async {
                let mut body = Body::from_bytes(bytes.clone());
                let listed = Advertisement::read(&mut Reader::new(&mut body), http).await;
                prop_assert!(listed.is_err() || bytes.ends_with(b"0000") || bytes.len() > 4);
                let mut body = Body::from_bytes(bytes);
                let (sender, _receiver) = mpsc::channel(16);
                let received = upload::receive(&mut Reader::new(&mut body), &sender).await;
                // A pack counts only with its final flush.
                prop_assert!(received.is_err() || body.received >= 9);
                Ok(())
            })?;
        }

        #[test]
        fn no_object_breaks_the_parsers(raw in proptest::collection::vec(any::<u8>(), 0..99)) {
            let oid = git2::Oid::ZERO_SHA1;
            prop_assert!(Commit::parse(oid, &raw).signed.payload.len() <= raw.len() + 1);
            prop_assert!(Tag::parse(oid, &raw).signed.payload.len() <= raw.len());
        }
    }
}

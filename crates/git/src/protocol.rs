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

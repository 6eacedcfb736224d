//! Commits and annotated tags as their bytes say, with what a signature covers.
//!
//! Source: fluxcd/pkg git/git.go (`Commit`, `Tag`); Git's Documentation/gitformat-signature.

use git2::Oid;

/// Who did something, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
    /// Seconds since 1970, UTC.
    pub seconds: i64,
    /// The person's offset from UTC, in minutes.
    pub offset_minutes: i32,
}

/// A signature and the bytes that it covers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signed {
    /// The armoured signature; empty when there is none.
    pub signature: String,
    /// The object without its signature.
    pub payload: Vec<u8>,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// 40 hex digits.
    pub hash: String,
    /// The root tree, 40 hex digits.
    pub tree: String,
    /// Who wrote the change.
    pub author: Person,
    /// Who made the commit.
    pub committer: Person,
    /// The whole message.
    pub message: String,
    /// For verification.
    pub signed: Signed,
}

/// An annotated tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// 40 hex digits, of the tag object.
    pub hash: String,
    /// The tag's own idea of its name.
    pub name: String,
    /// Who made the tag.
    pub tagger: Person,
    /// The message, without the signature.
    pub message: String,
    /// For verification.
    pub signed: Signed,
}

impl Commit {
    /// The first line, cut after 50 characters as Flux shows it.
    pub fn subject(&self) -> String {
        let line = self.message.split('\n').next().unwrap_or_default();
        if line.chars().count() > 50 {
            format!("{}...", line.chars().take(50).collect::<String>())
        } else {
            line.to_owned()
        }
    }

    pub(crate) fn parse(oid: Oid, raw: &[u8]) -> Self {
        let object = Object::split(raw);
        Self {
            hash: oid.to_string(),
            tree: object.field("tree"),
            author: person(&object.field("author")),
            committer: person(&object.field("committer")),
            message: String::from_utf8_lossy(object.body).into_owned(),
            signed: Signed {
                signature: object.field("gpgsig"),
                payload: object.without_signature(),
            },
        }
    }
}

impl Tag {
    pub(crate) fn parse(oid: Oid, raw: &[u8]) -> Self {
        let at = signature_start(raw).unwrap_or(raw.len());
        let (payload, signature) = raw.split_at(at);
        let object = Object::split(payload);
        Self {
            hash: oid.to_string(),
            name: object.field("tag"),
            tagger: person(&object.field("tagger")),
            message: String::from_utf8_lossy(object.body).into_owned(),
            signed: Signed {
                signature: String::from_utf8_lossy(signature).into_owned(),
                payload: payload.to_vec(),
            },
        }
    }
}

/// An object's header fields, each with its continuation lines, and its body.
struct Object<'a> {
    fields: Vec<&'a [u8]>,
    body: &'a [u8],
}

impl<'a> Object<'a> {
    fn split(raw: &'a [u8]) -> Self {
        let mut fields: Vec<&'a [u8]> = Vec::new();
        let mut rest = raw;
        while !rest.is_empty() && !rest.starts_with(b"\n") {
            let mut end = line_end(rest, 0);
            while rest.get(end) == Some(&b' ') {
                end = line_end(rest, end);
            }
            let (field, tail) = rest.split_at(end);
            fields.push(field);
            rest = tail;
        }
        Self {
            fields,
            body: rest.strip_prefix(b"\n").unwrap_or(rest),
        }
    }

    /// A field's value; continuation lines lose their leading space.
    fn field(&self, name: &str) -> String {
        let value = self.fields.iter().find_map(|field| {
            field
                .strip_prefix(name.as_bytes())
                .and_then(|rest| rest.strip_prefix(b" "))
        });
        let text = String::from_utf8_lossy(value.unwrap_or_default()).replace("\n ", "\n");
        if name == "gpgsig" {
            text
        } else {
            text.trim_end_matches('\n').to_owned()
        }
    }

    fn without_signature(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for field in &self.fields {
            if !field.starts_with(b"gpgsig ") && !field.starts_with(b"gpgsig-sha256 ") {
                out.extend_from_slice(field);
            }
        }
        out.push(b'\n');
        out.extend_from_slice(self.body);
        out
    }
}

/// The index after the next line feed.
fn line_end(bytes: &[u8], from: usize) -> usize {
    bytes
        .iter()
        .skip(from)
        .position(|byte| *byte == b'\n')
        .map_or(bytes.len(), |length| from + length + 1)
}

/// Where a tag's trailing signature starts: the last line that opens an armour.
fn signature_start(raw: &[u8]) -> Option<usize> {
    let mut start = 0;
    let mut found = None;
    while start < raw.len() {
        let line = raw.get(start..).unwrap_or_default();
        if [
            &b"-----BEGIN PGP SIGNATURE-----"[..],
            b"-----BEGIN PGP MESSAGE-----",
            b"-----BEGIN SSH SIGNATURE-----",
            b"-----BEGIN SIGNED MESSAGE-----",
        ]
        .iter()
        .any(|armour| line.starts_with(armour))
        {
            found = Some(start);
        }
        start = line_end(raw, start);
    }
    found
}

/// `Name <address> seconds ±hhmm`.
fn person(text: &str) -> Person {
    let (name, rest) = text.split_once('<').unwrap_or((text, ""));
    let (email, rest) = rest.rsplit_once('>').unwrap_or((rest, ""));
    let mut when = rest.split_whitespace();
    let seconds = when.next().and_then(|text| text.parse().ok()).unwrap_or(0);
    let offset: i32 = when.next().and_then(|text| text.parse().ok()).unwrap_or(0);
    Person {
        name: name.trim().to_owned(),
        email: email.to_owned(),
        seconds,
        offset_minutes: offset / 100 * 60 + offset % 100,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNED: &[u8] = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\
author A U Thor <a@example.com> 1700000000 +0530\n\
committer C <c@example.com> 1700000001 -0130\n\
gpgsig -----BEGIN SSH SIGNATURE-----\n abc\n -----END SSH SIGNATURE-----\n\
encoding x\n\nsubject\n\nbody\n";

    #[test]
    fn a_signed_commit_is_taken_apart() {
        let commit = Commit::parse(Oid::ZERO_SHA1, SIGNED);
        assert_eq!(commit.author.name, "A U Thor");
        assert_eq!(
            (commit.author.seconds, commit.author.offset_minutes),
            (1_700_000_000, 330)
        );
        assert_eq!(commit.committer.offset_minutes, -90);
        assert_eq!(
            commit.signed.signature,
            "-----BEGIN SSH SIGNATURE-----\nabc\n-----END SSH SIGNATURE-----\n"
        );
        let payload = String::from_utf8_lossy(&commit.signed.payload).into_owned();
        assert!(
            !payload.contains("gpgsig") && payload.ends_with("encoding x\n\nsubject\n\nbody\n")
        );
        assert_eq!(commit.subject(), "subject");
    }

    #[test]
    fn a_signed_tag_is_cut_before_its_armour() {
        let raw = b"object 1\ntype commit\ntag v1\ntagger T <t@x> 1 +0000\n\nmsg\n-----BEGIN PGP SIGNATURE-----\nx\n";
        let tag = Tag::parse(Oid::ZERO_SHA1, raw);
        assert_eq!((tag.name.as_str(), tag.message.as_str()), ("v1", "msg\n"));
        assert!(
            tag.signed
                .signature
                .starts_with("-----BEGIN PGP SIGNATURE-----")
        );
        assert!(tag.signed.payload.ends_with(b"msg\n"));
    }

    #[test]
    fn long_subjects_are_cut_by_characters() {
        let raw = format!("tree x\n\n{}\n", "ä".repeat(51));
        let commit = Commit::parse(Oid::ZERO_SHA1, raw.as_bytes());
        assert_eq!(commit.subject(), format!("{}...", "ä".repeat(50)));
    }
}

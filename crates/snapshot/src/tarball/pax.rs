//! The records of PAX extended headers: `LENGTH KEY=VALUE\n`, where the length counts itself.
//!
//! Source: POSIX.1-2001 pax; Go archive/tar (limits, and that an empty value leaves the field
//! alone).

use std::io;

/// What the records of one header mean for the entry after it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Overrides {
    pub(super) path: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    /// The entry is a sparse file.
    pub(super) sparse: bool,
}

/// Reads the records of a local extended header.
pub(super) fn parse(mut records: &[u8]) -> io::Result<Overrides> {
    let mut overrides = Overrides::default();
    while !records.is_empty() {
        let (key, value, rest) = record(records).ok_or_else(invalid)?;
        records = rest;
        match key {
            _ if key.starts_with(b"GNU.sparse.") => overrides.sparse = true,
            _ if value.is_empty() => {}
            b"path" => overrides.path = Some(value.to_vec()),
            b"size" => {
                let size = str::from_utf8(value)
                    .ok()
                    .and_then(|text| text.parse().ok());
                overrides.size = Some(size.ok_or_else(invalid)?);
            }
            _ => {}
        }
    }
    Ok(overrides)
}

/// Appends a record.
pub(super) fn append(out: &mut Vec<u8>, key: &str, value: &str) {
    // Space, equals sign and newline.
    let bare = key.len() + value.len() + 3;
    let mut length = bare + digits(bare);
    length = bare + digits(length);
    out.extend_from_slice(format!("{length} {key}={value}\n").as_bytes());
}

fn digits(number: usize) -> usize {
    number.to_string().len()
}

/// The first record's key and value, and what follows it.
fn record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().take(20).position(|byte| *byte == b' ')?;
    let length: usize = str::from_utf8(records.get(..space)?).ok()?.parse().ok()?;
    let (record, rest) = records.split_at_checked(length)?;
    let body = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=')?;
    let (key, value) = body.split_at_checked(equals)?;
    Some((key, value.get(1..)?, rest))
}

fn invalid() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "invalid PAX record")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn records_that_are_none() {
        for bad in [
            "6 a=b",
            "5 ab\n",
            "7 a=b\n",
            "x a=b\n",
            " a=b\n",
            "0 a=b\n",
            "99999999999999999999 a=\n",
            "9 size=x\n",
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_empty_value_leaves_the_field_alone() {
        let overrides = parse(b"8 path=\n22 GNU.sparse.major=1\n");
        let expected = Overrides {
            sparse: true,
            ..Overrides::default()
        };
        assert_eq!(overrides.ok(), Some(expected));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(path in "[^\0]{1,1200}") {
            let mut records = Vec::new();
            append(&mut records, "path", &path);
            let expected = Overrides { path: Some(path.into_bytes()), ..Overrides::default() };
            prop_assert_eq!(parse(&records).unwrap(), expected);
        }

        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            parse(&bytes).ok();
        }
    }
}

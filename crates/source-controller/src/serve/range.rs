//! One byte range of a file. Source: RFC 9110 §14.

/// What of a file to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    /// All of it.
    Whole,
    /// `length` bytes from `start`; never empty, never past the end.
    Part {
        /// Offset in bytes.
        start: u64,
        /// Number of bytes.
        length: u64,
    },
    /// The range lies outside the file.
    Unsatisfiable,
}

/// Reads a `Range` header. Whatever is malformed, not in bytes or of several parts means the whole file, which a
/// server may always send.
pub(super) fn parse(header: Option<&str>, size: u64) -> Range {
    let parsed = header
        .and_then(|text| text.strip_prefix("bytes="))
        .filter(|text| !text.contains(','))
        .and_then(|text| text.trim().split_once('-'));
    let Some((first, last)) = parsed else {
        return Range::Whole;
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let (start, end) = match (number(first), number(last)) {
        (None, Some(suffix)) if first.trim().is_empty() => (size.saturating_sub(suffix), size),
        (Some(start), None) if last.trim().is_empty() => (start, size),
        (Some(start), Some(last)) if start <= last => (start, last.saturating_add(1).min(size)),
        _ => return Range::Whole,
    };
    if start < end {
        Range::Part {
            start,
            length: end - start,
        }
    } else {
        Range::Unsatisfiable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let part = |start, length| Range::Part { start, length };
        for (header, expected) in [
            (None, Range::Whole),
            (Some("bytes=0-3"), part(0, 4)),
            (Some("bytes=4-"), part(4, 6)),
            (Some("bytes=-3"), part(7, 3)),
            (Some("bytes=-99"), part(0, 10)),
            (Some("bytes=8-99"), part(8, 2)),
            (Some("bytes=10-"), Range::Unsatisfiable),
            (Some("bytes=-0"), Range::Unsatisfiable),
            (Some("bytes=3-2"), Range::Whole),
            (Some("bytes=0-1,3-4"), Range::Whole),
            (Some("lines=0-1"), Range::Whole),
            (Some("bytes=-"), Range::Whole),
            (Some("bytes=x-1"), Range::Whole),
        ] {
            assert_eq!(parse(header, 10), expected, "{header:?}");
        }
        assert_eq!(parse(Some("bytes=0-"), 0), Range::Unsatisfiable);
    }
}

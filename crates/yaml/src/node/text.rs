//! Text that many nodes share.
//!
//! A parsed scalar that stands in its document as it is, is a range of that document, which
//! therefore lives as long as any of its scalars.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, LazyLock};

static EMPTY: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from(""));

/// An immutable string that is cheap to clone. Equality, order and hash are those of its text.
#[derive(Clone)]
pub struct Text {
    source: Arc<str>,
    start: u32,
    end: u32,
}

impl Text {
    /// A range no string has: the text is the whole of its source.
    const WHOLE: (u32, u32) = (1, 0);

    /// The text.
    pub fn as_str(&self) -> &str {
        self.source
            .get(self.start as usize..self.end as usize)
            .unwrap_or(&self.source)
    }

    /// The part of `source` between two byte offsets, sharing its memory; empty if they are not on
    /// character boundaries of `source`. Parts that end past 4 GiB are copied.
    pub fn slice(source: &Arc<str>, start: usize, end: usize) -> Self {
        let Some(part) = source.get(start..end) else {
            return Self::default();
        };
        match (u32::try_from(start), u32::try_from(end)) {
            (Ok(start), Ok(end)) => Self {
                source: Arc::clone(source),
                start,
                end,
            },
            _ => Self::from(part),
        }
    }
}

impl Default for Text {
    fn default() -> Self {
        Self {
            source: Arc::clone(&EMPTY),
            start: 0,
            end: 0,
        }
    }
}

impl From<Arc<str>> for Text {
    fn from(source: Arc<str>) -> Self {
        let (start, end) = u32::try_from(source.len()).map_or(Self::WHOLE, |end| (0, end));
        Self { source, start, end }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        if text.is_empty() {
            Self::default()
        } else {
            Self::from(Arc::<str>::from(text))
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&Self> for Text {
    fn from(text: &Self) -> Self {
        text.clone()
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

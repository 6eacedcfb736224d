//! Types that are known before there are values.
//!
//! Source: cel-go `common/types/types.go`, `checker/format.go` (0.27).

use std::fmt;
use std::sync::Arc;

/// The type of an expression, as far as it is known.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum StaticType {
    /// Known at run time only.
    Dyn,
    /// Of an expression that is wrong; agrees with everything, so that one mistake is told once.
    Error,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Timestamp,
    Duration,
    List(Arc<Self>),
    Map(Arc<Self>, Arc<Self>),
    /// Of a type as a value, and of which, if it is known.
    Type(Option<Arc<Self>>),
    Optional(Arc<Self>),
    /// To be found out: the number of a variable in the checker.
    Variable(usize),
    /// A parameter in the signature of a function.
    Parameter(char),
}

impl StaticType {
    pub(crate) fn list(element: Self) -> Self {
        Self::List(Arc::new(element))
    }

    pub(crate) fn map(key: Self, value: Self) -> Self {
        Self::Map(Arc::new(key), Arc::new(value))
    }

    pub(crate) fn optional(value: Self) -> Self {
        Self::Optional(Arc::new(value))
    }

    /// The type of the type itself.
    pub(crate) fn of_type(named: Self) -> Self {
        Self::Type(Some(Arc::new(named)))
    }

    /// The type that a name stands for, and the name at run time.
    pub(crate) fn named(name: &str) -> Option<(Self, &'static str)> {
        Some(match name {
            "bool" => (Self::Bool, "bool"),
            "bytes" => (Self::Bytes, "bytes"),
            "double" => (Self::Double, "double"),
            "google.protobuf.Duration" => (Self::Duration, "google.protobuf.Duration"),
            "google.protobuf.Timestamp" => (Self::Timestamp, "google.protobuf.Timestamp"),
            "int" => (Self::Int, "int"),
            "list" => (Self::list(Self::Dyn), "list"),
            "map" => (Self::map(Self::Dyn, Self::Dyn), "map"),
            "null_type" => (Self::Null, "null_type"),
            "optional_type" => (Self::optional(Self::Dyn), "optional_type"),
            "string" => (Self::String, "string"),
            "type" => (Self::Type(None), "type"),
            "uint" => (Self::Uint, "uint"),
            _ => return None,
        })
    }

    /// Whether nothing is known about it.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self, Self::Dyn | Self::Error)
    }

    /// The types in it.
    pub(crate) fn parts(&self) -> Vec<&Self> {
        match self {
            Self::List(part) | Self::Optional(part) | Self::Type(Some(part)) => vec![part],
            Self::Map(key, value) => vec![key, value],
            _ => Vec::new(),
        }
    }

    /// The same type around other parts.
    pub(crate) fn with_parts(&self, mut change: impl FnMut(&Self) -> Self) -> Self {
        match self {
            Self::List(part) => Self::list(change(part)),
            Self::Optional(part) => Self::optional(change(part)),
            Self::Type(Some(part)) => Self::of_type(change(part)),
            Self::Map(key, value) => {
                let key = change(key);
                Self::map(key, change(value))
            }
            other => other.clone(),
        }
    }

    /// The name at run time, which is how a mismatch of the whole expression is told.
    pub(crate) fn long_name(&self) -> String {
        match self {
            Self::Null => "null_type".to_owned(),
            Self::Timestamp => "google.protobuf.Timestamp".to_owned(),
            Self::Duration => "google.protobuf.Duration".to_owned(),
            Self::Error => "error".to_owned(),
            other => {
                let parts: Vec<_> = other.parts().into_iter().map(Self::long_name).collect();
                other.with_name(&parts)
            }
        }
    }

    /// The name at run time, without its parts.
    pub(crate) fn runtime_name(&self) -> String {
        match self {
            Self::Null | Self::Timestamp | Self::Duration | Self::Error => self.long_name(),
            other => other.with_name(&[]),
        }
    }

    fn with_name(&self, parts: &[String]) -> String {
        let name = match self {
            Self::Dyn => "dyn",
            Self::Error => "!error!",
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Timestamp => "timestamp",
            Self::Duration => "duration",
            Self::List(_) => "list",
            Self::Map(..) => "map",
            Self::Type(_) => "type",
            Self::Optional(_) => "optional_type",
            Self::Variable(number) => return format!("_var{number}"),
            Self::Parameter(letter) => return letter.to_string(),
        };
        if parts.is_empty() {
            name.to_owned()
        } else {
            format!("{name}({})", parts.join(", "))
        }
    }
}

impl fmt::Display for StaticType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = self.parts().into_iter().map(Self::to_string).collect();
        f.write_str(&self.with_name(&parts))
    }
}

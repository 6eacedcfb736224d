//! Decodes JSON values as Go's `encoding/json` does into a struct.
//!
//! Field names match case-insensitively, null leaves a field at its zero value, and scalars are
//! not converted. [`Mode::Strict`] refuses unknown fields; [`Mode::Lenient`] drops them and turns
//! numbers and booleans into strings where a string is due, as `sigs.k8s.io/yaml` does when it
//! knows the target type.
//! Source: Go `encoding/json`, `sigs.k8s.io/yaml` 1.5.0.

use std::collections::BTreeMap;

use serde_json::Value;

/// How forgiving decoding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Unknown fields and wrong scalar types are errors.
    Strict,
    /// Unknown fields are dropped, scalars become strings.
    Lenient,
}

/// Where in the document a value is.
#[derive(Debug, Clone)]
pub(crate) struct Place<'a> {
    pub(crate) mode: Mode,
    parent: Option<&'a Place<'a>>,
    /// The struct that the value is a field of.
    within: &'a str,
    name: &'a str,
}

/// A type that can be decoded.
pub(crate) trait Decode: Sized {
    /// The type's name in messages.
    fn type_name() -> String;

    /// Decodes a value that is not null.
    fn decode(value: &Value, place: &Place<'_>) -> Result<Self, String>;
}

impl<'a> Place<'a> {
    pub(crate) fn root(mode: Mode, name: &'a str) -> Self {
        Self {
            mode,
            parent: None,
            within: name,
            name,
        }
    }

    pub(crate) fn field(&'a self, within: &'a str, name: &'a str) -> Self {
        Self {
            mode: self.mode,
            parent: Some(self),
            within,
            name,
        }
    }

    /// The error of a value whose type is not `want`.
    pub(crate) fn mismatch(&self, value: &Value, want: &str) -> String {
        let got = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        match self.parent {
            None => format!(
                "json: cannot unmarshal {got} into Go value of type types.{}",
                self.name
            ),
            Some(_) => format!(
                "json: cannot unmarshal {got} into Go struct field {}{} of type {want}",
                self.within,
                self.path()
            ),
        }
    }

    fn path(&self) -> String {
        match self.parent {
            None => String::new(),
            Some(parent) => format!("{}.{}", parent.path(), self.name),
        }
    }
}

impl Decode for String {
    fn type_name() -> String {
        "string".to_owned()
    }

    fn decode(value: &Value, place: &Place<'_>) -> Result<Self, String> {
        match (value, place.mode) {
            (Value::String(text), _) => Ok(text.clone()),
            (Value::Bool(flag), Mode::Lenient) => Ok(flag.to_string()),
            (Value::Number(number), Mode::Lenient) => Ok(number_text(number)),
            _ => Err(place.mismatch(value, &Self::type_name())),
        }
    }
}

impl Decode for bool {
    fn type_name() -> String {
        "bool".to_owned()
    }

    fn decode(value: &Value, place: &Place<'_>) -> Result<Self, String> {
        value
            .as_bool()
            .ok_or_else(|| place.mismatch(value, &Self::type_name()))
    }
}

impl Decode for i64 {
    fn type_name() -> String {
        "int64".to_owned()
    }

    fn decode(value: &Value, place: &Place<'_>) -> Result<Self, String> {
        // A float without a fraction becomes JSON without one.
        let written = |float: f64| float.to_string().parse().ok();
        value
            .as_i64()
            .or_else(|| value.as_f64().and_then(written))
            .ok_or_else(|| place.mismatch(value, &Self::type_name()))
    }
}

impl Decode for Value {
    fn type_name() -> String {
        "interface {}".to_owned()
    }

    fn decode(value: &Value, _: &Place<'_>) -> Result<Self, String> {
        Ok(value.clone())
    }
}

impl<T: Decode> Decode for Box<T> {
    fn type_name() -> String {
        T::type_name()
    }

    fn decode(value: &Value, place: &Place<'_>) -> Result<Self, String> {
        T::decode(value, place).map(Self::new)
    }
}

impl<T: Decode> Decode for Option<T> {
    fn type_name() -> String {
        T::type_name()
    }

    fn decode(value: &Value, place: &Place<'_>) -> Result<Self, String> {
        if value.is_null() {
            Ok(None)
        } else {
            T::decode(value, place).map(Some)
        }
    }
}

impl<T: Decode + Default> Decode for Vec<T> {
    fn type_name() -> String {
        format!("[]{}", T::type_name())
    }

    fn decode(value: &Value, place: &Place<'_>) -> Result<Self, String> {
        let items = value
            .as_array()
            .ok_or_else(|| place.mismatch(value, &Self::type_name()))?;
        items
            .iter()
            .map(|item| {
                if item.is_null() {
                    Ok(T::default())
                } else {
                    T::decode(item, place)
                }
            })
            .collect()
    }
}

impl Decode for BTreeMap<String, String> {
    fn type_name() -> String {
        "map[string]string".to_owned()
    }

    fn decode(value: &Value, place: &Place<'_>) -> Result<Self, String> {
        let fields = value
            .as_object()
            .ok_or_else(|| place.mismatch(value, &Self::type_name()))?;
        fields
            .iter()
            .map(|(key, value)| {
                let text = if value.is_null() {
                    String::new()
                } else {
                    String::decode(value, place)?
                };
                Ok((key.clone(), text))
            })
            .collect()
    }
}

/// Implements [`Decode`] for a struct with a list of `"json name" => field`.
macro_rules! decode_struct {
    ($name:ident, $label:literal, { $($key:literal => $field:ident),* $(,)? }) => {
        impl $crate::kustomization::decode::Decode for $name {
            fn type_name() -> String {
                concat!("types.", $label).to_owned()
            }

            fn decode(
                value: &serde_json::Value,
                place: &$crate::kustomization::decode::Place<'_>,
            ) -> Result<Self, String> {
                let fields = value
                    .as_object()
                    .ok_or_else(|| place.mismatch(value, &Self::type_name()))?;
                let mut out = Self::default();
                for (key, value) in fields {
                    match $crate::kustomization::decode::known(key, &[$($key),*]) {
                        $(Some($key) => {
                            if !value.is_null() {
                                out.$field = $crate::kustomization::decode::Decode::decode(
                                    value,
                                    &place.field($label, $key),
                                )?;
                            }
                        })*
                        _ => place.unknown(key)?,
                    }
                }
                Ok(out)
            }
        }
    };
}
pub(crate) use decode_struct;

/// Finds the field a key means: the exact name, else the same letters in another case.
pub(crate) fn known(key: &str, names: &[&'static str]) -> Option<&'static str> {
    let exact = names.iter().find(|name| **name == key);
    exact
        .or_else(|| names.iter().find(|name| name.eq_ignore_ascii_case(key)))
        .copied()
}

impl Place<'_> {
    /// What an unknown field means in this mode.
    pub(crate) fn unknown(&self, key: &str) -> Result<(), String> {
        match self.mode {
            Mode::Strict => Err(format!("json: unknown field \"{key}\"")),
            Mode::Lenient => Ok(()),
        }
    }
}

/// A number as the lenient reader writes it into a string: floats by their 32-bit shortest form.
fn number_text(number: &serde_json::Number) -> String {
    if number.is_f64() {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "Go formats with 32 bits here"
        )]
        let float = number.as_f64().unwrap_or_default() as f32;
        crate::go::format_float32(float)
    } else {
        number.to_string()
    }
}

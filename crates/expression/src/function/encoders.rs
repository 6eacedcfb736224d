//! Base64.
//!
//! Source: cel-go `ext/encoders.go` (0.27); Go `encoding/base64`.

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::budget::Budget;
use crate::failure::Failure;
use crate::value::Value;

type Outcome<'a> = Result<Value<'a>, Failure>;

/// With padding or without, and whatever bits the last digit has to spare.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

pub(super) fn encode<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [Value::Bytes(bytes)] = arguments else {
        return Err(Failure::Unmatched);
    };
    budget.spend_bytes(bytes.len() * 2)?;
    Ok(Value::string(STANDARD.encode(&**bytes)))
}

pub(super) fn decode<'a>(budget: &mut Budget, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [Value::String(text)] = arguments else {
        return Err(Failure::Unmatched);
    };
    budget.spend_bytes(text.len())?;
    // Go skips line ends wherever they are.
    let digits: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    match LENIENT.decode(&digits) {
        Ok(bytes) => Ok(Value::bytes(bytes)),
        Err(_) => Err(Failure::text(format!(
            "illegal base64 data at input byte {}",
            first_illegal(text)
        ))),
    }
}

/// Where Go stops: at the first byte that is no digit, else where digits are missing.
fn first_illegal(text: &str) -> usize {
    let is_digit =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'\r' | b'\n');
    let illegal = text.bytes().position(|byte| !is_digit(byte));
    illegal.unwrap_or_else(|| {
        let digits = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n'));
        text.len() - digits.count() % 4
    })
}

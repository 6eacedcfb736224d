//! `!!binary` scalars.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use crate::error::ParseError;

/// Decodes as Go's standard encoding does, which skips line breaks, into text in which every byte
/// that is not UTF-8 is U+FFFD, as Go's JSON encoder makes it.
pub(crate) fn decode_text(text: &str) -> Result<String, ParseError> {
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
    );
    let packed: Vec<u8> = text
        .bytes()
        .filter(|byte| !matches!(byte, b'\r' | b'\n'))
        .collect();
    let bytes = ENGINE
        .decode(packed)
        .map_err(|_| ParseError::without_line("!!binary value contains invalid base64 data"))?;
    let mut decoded = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        decoded.push_str(chunk.valid());
        decoded.extend(chunk.invalid().iter().map(|_| '\u{FFFD}'));
    }
    Ok(decoded)
}

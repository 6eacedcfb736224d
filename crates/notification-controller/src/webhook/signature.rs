//! Proofs that a sender knows the token. All comparisons take the same time whatever differs.
//!
//! Source: go-github `github/messages.go` (64), notification-controller `verifyHmacSignature`.

use aws_lc_rs::{
    digest,
    hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, HMAC_SHA512},
};
use subtle::ConstantTimeEq;

/// Why a signature is not accepted. The texts quote nothing of the expected signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SignatureError {
    #[error("missing signature")]
    Missing,
    #[error("error parsing signature")]
    Malformed,
    #[error("unknown hash type prefix: {0:?}")]
    UnknownHash(String),
    #[error("error decoding signature")]
    Encoding,
    #[error("payload signature check failed")]
    Mismatch,
}

/// Checks `<sha1|sha256|sha512>=<hex>`, the HMAC of `body` under `token`.
pub(super) fn verify(signature: &str, body: &[u8], token: &[u8]) -> Result<(), SignatureError> {
    if signature.is_empty() {
        return Err(SignatureError::Missing);
    }
    let (hash, code) = signature.split_once('=').ok_or(SignatureError::Malformed)?;
    let algorithm = match hash {
        "sha1" => HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        "sha256" => HMAC_SHA256,
        "sha512" => HMAC_SHA512,
        other => return Err(SignatureError::UnknownHash(other.to_owned())),
    };
    let code = unhex(code).ok_or(SignatureError::Encoding)?;
    hmac::verify(&hmac::Key::new(algorithm, token), body, &code)
        .map_err(|_| SignatureError::Mismatch)
}

/// Checks the HMAC-SHA1 of `body` under `token`, in lower-case hex, as Nexus sends it.
pub(super) fn verify_sha1(
    signature: &str,
    body: &[u8],
    token: &[u8],
) -> Result<(), SignatureError> {
    if signature.is_empty() {
        return Err(SignatureError::Missing);
    }
    if signature.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(SignatureError::Mismatch);
    }
    let code = unhex(signature).ok_or(SignatureError::Encoding)?;
    let key = hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, token);
    hmac::verify(&key, body, &code).map_err(|_| SignatureError::Mismatch)
}

/// Whether two secrets are equal. Digests are compared, so that not even a length shows in the time.
pub(super) fn equal(a: &[u8], b: &[u8]) -> bool {
    let digest = |bytes| digest::digest(&digest::SHA256, bytes);
    digest(a).as_ref().ct_eq(digest(b).as_ref()).into()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    pairs.iter().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2202 and RFC 4231, test case 2.
    const KEY: &[u8] = b"Jefe";
    const TEXT: &[u8] = b"what do ya want for nothing?";
    const SHA1: &str = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
    const SHA256: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    const SHA512: &str = "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
                          9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737";

    #[test]
    fn signatures_are_checked() {
        let upper = SHA256.to_uppercase();
        for (signature, expected) in [
            (format!("sha1={SHA1}"), Ok(())),
            (format!("sha256={SHA256}"), Ok(())),
            (format!("sha512={SHA512}"), Ok(())),
            (format!("sha256={upper}"), Ok(())),
            (String::new(), Err(SignatureError::Missing)),
            (SHA256.to_owned(), Err(SignatureError::Malformed)),
            ("sha256=".to_owned(), Err(SignatureError::Mismatch)),
            ("sha256=5bdc".to_owned(), Err(SignatureError::Mismatch)),
            ("sha256=5bd".to_owned(), Err(SignatureError::Encoding)),
            ("sha256=é0".to_owned(), Err(SignatureError::Encoding)),
            (format!("sha512={SHA256}"), Err(SignatureError::Mismatch)),
            (
                format!("md5={SHA1}"),
                Err(SignatureError::UnknownHash("md5".to_owned())),
            ),
        ] {
            assert_eq!(verify(&signature, TEXT, KEY), expected, "{signature}");
        }
        let signature = format!("sha256={SHA256}");
        assert!(verify(&signature, b"what do ya want?", KEY).is_err());
        assert!(verify(&signature, TEXT, b"jefe").is_err());
    }

    #[test]
    fn nexus_signs_in_lower_case_hex() {
        assert_eq!(verify_sha1(SHA1, TEXT, KEY), Ok(()));
        for wrong in ["", &SHA1.to_uppercase(), &SHA1.replace('e', "d"), "zz"] {
            assert!(verify_sha1(wrong, TEXT, KEY).is_err(), "{wrong}");
        }
    }

    #[test]
    fn secrets_are_equal_or_not() {
        for (a, b, expected) in [
            ("", "", true),
            ("a", "a", true),
            ("a", "b", false),
            ("a", "aa", false),
        ] {
            assert_eq!(equal(a.as_bytes(), b.as_bytes()), expected, "{a} {b}");
        }
    }
}

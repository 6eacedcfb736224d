use jsonwebtoken::{DecodingKey, Validation};

use super::*;

fn secret(pairs: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()))
        .collect()
}

/// An RSA key as GitHub hands it out, and its public half.
fn key() -> (String, Vec<u8>) {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::KeyPair as _;
    use base64::Engine as _;

    let pair = KeyPair::generate(KeySize::Rsa2048).expect("key");
    let private = aws_lc_rs::encoding::AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair)
        .expect("private key");
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        base64::engine::general_purpose::STANDARD.encode(private.as_ref())
    );
    let public: aws_lc_rs::encoding::PublicKeyX509Der<'_> =
        pair.public_key().as_der().expect("public key");
    (pem, public.as_ref().to_vec())
}

#[test]
fn each_missing_field_has_its_error() {
    let (pem, _) = key();
    let all = [
        (APP_ID, "7"),
        (INSTALLATION_ID, "8"),
        (PRIVATE_KEY, pem.as_str()),
    ];
    let with = |changes: &[(&str, &str)]| {
        let mut data = secret(&all);
        data.extend(secret(changes));
        data.retain(|_, value| !value.is_empty());
        App::read(&data).err().map(|error| error.to_string())
    };
    let no_id = "app ID must be provided to use github app authentication";
    for (changes, expected) in [
        (&[][..], None),
        (&[(INSTALLATION_ID, ""), (INSTALLATION_OWNER, "acme")], None),
        (&[(APP_ID, "")], Some(no_id)),
        (&[(APP_ID, "seven")], Some(no_id)),
        (
            &[(INSTALLATION_ID, "")],
            Some("app installation owner or ID must be provided to use github app authentication"),
        ),
        (
            &[(INSTALLATION_OWNER, "acme")],
            Some(
                "only one of app installation owner or ID must be provided to use github app authentication",
            ),
        ),
        (
            &[(PRIVATE_KEY, "")],
            Some("private key must be provided to use github app authentication"),
        ),
        (
            &[(PRIVATE_KEY, "no PEM")],
            Some("could not parse private key"),
        ),
    ] {
        assert_eq!(with(changes).as_deref(), expected, "{changes:?}");
    }
}

#[test]
fn a_claim_is_short_lived_and_signed_by_the_key() {
    #[derive(Deserialize)]
    struct Read {
        iss: String,
        iat: i64,
        exp: i64,
    }
    let (pem, public) = key();
    let data = secret(&[(APP_ID, "7"), (INSTALLATION_ID, "8"), (PRIVATE_KEY, &pem)]);
    let app = App::read(&data).expect("app");
    let now = Timestamp::now();
    let claim = app.claim(now).expect("claim");
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_aud = false;
    let key = DecodingKey::from_rsa_der(public_key(&public));
    let read = jsonwebtoken::decode::<Read>(&claim, &key, &validation)
        .expect("a valid signature")
        .claims;
    assert_eq!(read.iss, "7");
    assert_eq!(read.iat, now.as_second() - 30);
    assert_eq!(read.exp, read.iat + 120);
}

/// The last part of an X.509 public key, which is the RSA key itself: what follows the bit string's
/// head, at a fixed place for a key of 2048 bits.
fn public_key(x509: &[u8]) -> &[u8] {
    x509.get(24..).expect("a key of 2048 bits")
}

use jsonwebtoken::{DecodingKey, Validation};

use super::*;

fn secret(pairs: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()))
        .collect()
}

/// A new RSA key in two notations, PKCS#8 and, as GitHub hands it out, PKCS#1; and its public half.
struct Key {
    pkcs8: String,
    pkcs1: String,
    public: Vec<u8>,
}

/// What precedes the PKCS#1 key in the PKCS#8 one: a fixed length for a key of 2048 bits.
const PKCS8_HEAD: usize = 26;

/// What precedes the PKCS#1 key in the X.509 one, likewise.
const X509_HEAD: usize = 24;

impl Key {
    fn new() -> Self {
        use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
        use aws_lc_rs::rsa::{KeyPair, KeySize};
        use aws_lc_rs::signature::KeyPair as _;
        use base64::Engine as _;

        let pem = |kind: &str, der: &[u8]| {
            let text = base64::engine::general_purpose::STANDARD.encode(der);
            format!("-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n")
        };
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("key");
        let private = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).expect("private key");
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("public key");
        Self {
            pkcs8: pem("PRIVATE KEY", private.as_ref()),
            pkcs1: pem("RSA PRIVATE KEY", &private.as_ref()[PKCS8_HEAD..]),
            public: public.as_ref()[X509_HEAD..].to_vec(),
        }
    }
}

#[test]
fn each_missing_field_has_its_error() {
    let Key { pkcs8: pem, .. } = Key::new();
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
    let Key {
        pkcs8,
        pkcs1,
        public,
    } = Key::new();
    for pem in [pkcs8, pkcs1] {
        let data = secret(&[(APP_ID, "7"), (INSTALLATION_ID, "8"), (PRIVATE_KEY, &pem)]);
        let app = App::read(&data).expect("app");
        let now = Timestamp::now();
        let claim = app.claim(now).expect("claim");
        let mut validation = Validation::new(Algorithm::RS256);
        validation.validate_aud = false;
        let key = DecodingKey::from_rsa_der(&public);
        let read = jsonwebtoken::decode::<Read>(&claim, &key, &validation)
            .expect("a valid signature")
            .claims;
        assert_eq!(read.iss, "7");
        assert_eq!(read.iat, now.as_second() - 30);
        assert_eq!(read.exp, read.iat + 120);
    }
}

//! The certificate authority of one control plane, and kubeconfigs that speak for its users.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use serde_json::{Value, json};

/// Signs the server's certificate and the users'.
#[derive(Debug)]
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// The authority's own certificate, PEM.
    pub(super) certificate: String,
    dir: PathBuf,
}

/// How a kubeconfig speaks to the server.
pub(super) enum Credentials {
    /// A bearer token: of the static file or of a `ServiceAccount`.
    Token(String),
    /// A client certificate and its key, PEM.
    Certificate { certificate: String, key: String },
    /// What another kubeconfig's user may do, as somebody else (for a cluster that we did not start).
    Impersonation {
        user: Value,
        name: String,
        groups: Vec<String>,
    },
}

impl Authority {
    /// Makes an authority that writes into `dir`.
    pub(super) fn new(dir: &Path) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "control-plane");
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().context("make the authority's key")?;
        let certificate = params
            .self_signed(&key)
            .context("sign the authority")?
            .pem();
        let authority = Self {
            issuer: Issuer::new(params, key),
            certificate,
            dir: dir.to_path_buf(),
        };
        authority.write("ca.pem", &authority.certificate)?;
        Ok(authority)
    }

    /// The file with the authority's own certificate.
    pub(super) fn path(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    /// Writes a certificate for a server on the loopback interface; returns its and its key's path.
    pub(super) fn server(&self) -> Result<(PathBuf, PathBuf)> {
        let mut params = CertificateParams::new(
            ["127.0.0.1", "localhost", "kubernetes.default.svc"].map(Into::into),
        )
        .context("name the server")?;
        params
            .distinguished_name
            .push(DnType::CommonName, "kube-apiserver");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().context("make the server's key")?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .context("sign the server")?;
        Ok((
            self.write("server.pem", &certificate.pem())?,
            self.write("server-key.pem", &key.serialize_pem())?,
        ))
    }

    /// Writes the pair that `ServiceAccount` tokens are signed and verified with; returns the paths of
    /// the private and the public key.
    pub(super) fn service_account_keys(&self) -> Result<(PathBuf, PathBuf)> {
        let key = KeyPair::generate().context("make the key of service accounts")?;
        Ok((
            self.write("service-account-key.pem", &key.serialize_pem())?,
            self.write("service-account.pem", &key.public_key_pem())?,
        ))
    }

    /// Makes a client certificate for a user in groups.
    pub(super) fn client(&self, name: &str, groups: &[String]) -> Result<Credentials> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        for group in groups {
            params
                .distinguished_name
                .push(DnType::OrganizationName, group.as_str());
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().context("make a user's key")?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .context("sign a user")?
            .pem();
        Ok(Credentials::Certificate {
            certificate,
            key: key.serialize_pem(),
        })
    }

    fn write(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.dir.join(name);
        fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
        Ok(path)
    }
}

/// Writes a kubeconfig in JSON, which is YAML too.
///
/// `cluster` is the entry as kubeconfigs have it (`server`, `certificate-authority-data`…).
pub(super) fn write_kubeconfig(
    path: &Path,
    cluster: &Value,
    credentials: &Credentials,
) -> Result<()> {
    let user = match credentials {
        Credentials::Token(token) => json!({ "token": token }),
        Credentials::Certificate { certificate, key } => json!({
            "client-certificate-data": BASE64_STANDARD.encode(certificate),
            "client-key-data": BASE64_STANDARD.encode(key),
        }),
        Credentials::Impersonation { user, name, groups } => {
            let mut user = user.clone();
            user["as"] = json!(name);
            user["as-groups"] = json!(groups);
            user
        }
    };
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "control-plane", "cluster": cluster }],
        "users": [{ "name": "user", "user": user }],
        "contexts": [{
            "name": "control-plane",
            "context": { "cluster": "control-plane", "user": "user" },
        }],
        "current-context": "control-plane",
    });
    let content = serde_json::to_vec_pretty(&config).context("print a kubeconfig")?;
    fs::write(path, content).with_context(|| format!("write {}", path.display()))
}

/// Writes the files that a pod has of its service account, and returns the server's host and port.
pub(super) fn write_service_account(
    cluster: &Value,
    namespace: &str,
    token: &str,
    dir: &Path,
) -> Result<(String, u16)> {
    let certificate = cluster["certificate-authority-data"]
        .as_str()
        .context("the cluster's authority is not in its kubeconfig")?;
    let certificate = BASE64_STANDARD
        .decode(certificate)
        .context("read the cluster's authority")?;
    for (name, content) in [
        ("ca.crt", certificate.as_slice()),
        ("namespace", namespace.as_bytes()),
        ("token", token.as_bytes()),
    ] {
        let path = dir.join(name);
        fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
    }
    let server = cluster["server"].as_str().unwrap_or_default();
    let (host, port) = server
        .trim_start_matches("https://")
        .trim_end_matches('/')
        .rsplit_once(':')
        .with_context(|| format!("{server} has no port"))?;
    Ok((
        host.to_owned(),
        port.parse().context("read the server's port")?,
    ))
}

/// The cluster entry of a kubeconfig for a server with this authority.
pub(super) fn cluster(server: &str, certificate: &str) -> Value {
    json!({
        "server": server,
        "certificate-authority-data": BASE64_STANDARD.encode(certificate),
    })
}

//! Downloading an artifact as a consumer does, with `tar` and SHA-256 as oracles.

use sha2::{Digest, Sha256};

use api::source::Artifact;

use super::*;

/// A downloaded artifact.
#[derive(Debug)]
pub(super) struct Archive {
    /// Content by path; directories, with a trailing slash, have none.
    pub(super) entries: BTreeMap<String, Vec<u8>>,
    /// Modes by path.
    pub(super) modes: BTreeMap<String, u32>,
}

impl Archive {
    /// Downloads and checks size and digest.
    pub(super) async fn download(artifact: &Artifact) -> Result<Self> {
        let response = reqwest::get(&artifact.url).await?.error_for_status()?;
        let bytes = response.bytes().await?;
        ensure!(
            Some(bytes.len() as u64) == artifact.size.map(i64::cast_unsigned),
            "size"
        );
        let digest = Sha256::digest(&bytes);
        let hex = digest
            .iter()
            .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        ensure!(format!("sha256:{hex}") == artifact.digest, "digest");
        let mut entries = BTreeMap::new();
        let mut modes = BTreeMap::new();
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(&*bytes));
        for entry in tar.entries()? {
            let mut entry = entry?;
            let path = entry.path()?.to_string_lossy().into_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            modes.insert(path.clone(), entry.header().mode()?);
            let is_dir = entry.header().entry_type().is_dir();
            entries.insert(if is_dir { format!("{path}/") } else { path }, content);
        }
        Ok(Self { entries, modes })
    }

    /// The paths of its files.
    pub(super) fn files(&self) -> Vec<&str> {
        let files = self.entries.keys().filter(|path| !path.ends_with('/'));
        files.map(String::as_str).collect()
    }

    /// A file's content.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        let content = self.entries.get(path)?;
        Some(String::from_utf8_lossy(content).into_owned())
    }
}

/// The regular files of a revision as git lists them, without what artifacts never have.
pub(super) fn ls_tree(repository: &Repository, revision: &str) -> Result<Vec<String>> {
    let list = repository.git(&["-c", "core.quotePath=false", "ls-tree", "-r", revision])?;
    let mut files: Vec<String> = list
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter(|(meta, _)| meta.starts_with("100"))
        .map(|(_, path)| path.to_owned())
        .filter(|path| !path.split('/').any(|part| part.starts_with(".git")))
        .collect();
    files.sort();
    Ok(files)
}

//! Errors of a build.
//!
//! The texts are those of `kustomize build`, because people search for them and tests match on
//! them. Every variant prints only its own fragment; [`Error::chain`] walks the sources and joins
//! them with `: `, which yields the nested text that Go's wrapped errors print.
//! Source: kustomize 5.8.1 (`api/internal/target`, `api/internal/loader`, `api/resmap`).

use std::error::Error as _;
use std::fmt;

/// Why a build failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An outer step, with the failure of the inner one as its source.
    #[error("{context}")]
    Context {
        /// What was being done.
        context: String,
        /// What went wrong in it.
        #[source]
        source: Box<Error>,
    },
    /// A path is missing from the tree.
    #[error("{0}")]
    Missing(String),
    /// A path lies outside what the build may read.
    #[error("{0}")]
    Restricted(String),
    /// A directory holds no kustomization file.
    #[error(
        "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '{0}'"
    )]
    MissingKustomization(String),
    /// A directory holds more than one kustomization file.
    #[error("Found multiple kustomization files under: {0}\n")]
    ManyKustomizations(String),
    /// A kustomization file does not decode.
    #[error("invalid Kustomization: {0}")]
    InvalidKustomization(String),
    /// A kustomization file says nothing.
    #[error("kustomization.yaml is empty")]
    EmptyKustomization,
    /// A file is not YAML.
    #[error("MalformedYAMLError: {message} in File: {file}")]
    MalformedYaml {
        /// The parser's message.
        message: String,
        /// The file as the kustomization names it.
        file: String,
    },
    /// A text is not YAML.
    #[error("{0}")]
    Yaml(String),
    /// Two resources have one id.
    #[error("may not add resource with an already registered id: {0}")]
    DuplicateId(String),
    /// A base or component could be read neither as a file nor as a directory.
    #[error("accumulation err='{}'", file.chain())]
    Accumulation {
        /// Why it is not a file of resources.
        file: Box<Error>,
        /// Why it is not a directory to build.
        #[source]
        directory: Box<Error>,
    },
    /// A layer is reached from itself.
    #[error("cycle detected: candidate root '{candidate}' contains visited root '{visited}'")]
    Cycle {
        /// The directory about to be visited.
        candidate: String,
        /// A directory that is being built.
        visited: String,
    },
    /// The build asks for something that this engine refuses to do.
    #[error("{0}")]
    Disabled(String),
    /// A remote base or file failed.
    #[error("{0}")]
    Remote(String),
    /// Fetching a remote base took too long.
    #[error("{0}")]
    Timeout(String),
    /// A remote file was answered with a failure status.
    #[error("HTTP Error: status code {0}")]
    Http(String),
    /// A limit of [`Limits`](crate::Limits) was exceeded.
    #[error("{0}")]
    Limit(String),
    /// The content of a kustomization, resource or patch is wrong.
    #[error("{0}")]
    Invalid(String),
}

/// Prints an error and its sources joined with `: `.
#[derive(Debug)]
pub struct Chain<'a>(&'a Error);

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Returns a printer for the whole chain, outermost context first.
    pub fn chain(&self) -> Chain<'_> {
        Chain(self)
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }

    /// Wraps the error in an outer step.
    #[must_use]
    pub(crate) fn context(self, context: impl Into<String>) -> Self {
        Self::Context {
            context: context.into(),
            source: Box::new(self),
        }
    }

    /// Returns the innermost error.
    pub(crate) fn root(&self) -> &Self {
        match self {
            Self::Context { source, .. } => source.root(),
            other => other,
        }
    }
}

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(error) = next {
            write!(f, ": {error}")?;
            next = error.source();
        }
        Ok(())
    }
}

/// Adds an outer step to a failure.
pub(crate) trait ResultExt<T> {
    fn context(self, context: impl FnOnce() -> String) -> Result<T>;
}

impl<T> ResultExt<T> for Result<T> {
    fn context(self, context: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| error.context(context()))
    }
}

impl Error {
    /// Names the file in a failure to parse it.
    pub(crate) fn in_file(self, file: &str) -> Self {
        match self {
            Self::Yaml(message) => Self::MalformedYaml {
                message,
                file: file.to_owned(),
            },
            other => other,
        }
    }
}

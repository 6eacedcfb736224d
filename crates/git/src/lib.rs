//! Fetching Git repositories into bare caches and reading their trees.

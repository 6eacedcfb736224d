//! source-controller: fetches sources and serves their artifacts.

//! A control plane, a Git server and sample repositories for tests, the demo and the bench.

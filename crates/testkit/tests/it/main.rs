//! The testkit against the real programs: etcd, kube-apiserver, kwok, git.

mod control_plane;
mod git_server;

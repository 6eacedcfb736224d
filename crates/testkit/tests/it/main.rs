//! The testkit against the real programs: etcd, kube-apiserver, kwok, git.

mod control_plane;
mod controller;
mod git_server;
mod observe;

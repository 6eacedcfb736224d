use std::fs;
use std::process::Command;
use std::time::Duration;

use testkit::controller::ControllerOptions;
use testkit::{Controller, Role};

/// Stands in for a controller: tells its flags, and that it was asked to end.
const SCRIPT: &str = r#"#!/bin/sh
trap 'echo terminated; exit 0' TERM
for flag; do echo "$flag"; done
echo "KUBECONFIG=$KUBECONFIG"
echo up
while :; do sleep 0.01; done
"#;

#[test]
fn is_given_fluxs_flags_and_keeps_them() {
    let dir = tempfile::tempdir().unwrap();
    let (script, binary) = (
        dir.path().join("script"),
        dir.path().join("source-controller"),
    );
    fs::write(&script, SCRIPT).unwrap();
    // By another process: what this one has open for writing, a child of another test may have too, and then the
    // system does not run it.
    let install = Command::new("install").arg(&script).arg(&binary).status();
    assert!(install.unwrap().success());
    let home = dir.path().join("home");
    let options =
        ControllerOptions::new(Role::Source, dir.path(), &dir.path().join("config"), &home)
            .flag("--concurrent=20");
    let mut controller = Controller::start(&options).unwrap();
    let log = controller.log().to_path_buf();
    let until_up = |times: usize| loop {
        let text = fs::read_to_string(&log).unwrap();
        if text.matches("up\n").count() == times {
            break text;
        }
        std::thread::yield_now();
    };
    let first = until_up(1);
    for flag in [
        "--metrics-addr=127.0.0.1:",
        "--health-addr=127.0.0.1:",
        "--storage-path=",
        "--storage-addr=127.0.0.1:",
        "--storage-adv-addr=127.0.0.1:",
        "--watch-all-namespaces=true",
        "--enable-leader-election=false",
        "--concurrent=20",
        "KUBECONFIG=",
    ] {
        assert!(
            first.lines().any(|line| line.starts_with(flag)),
            "no {flag} in {first}"
        );
    }
    assert!(controller.usage().unwrap().memory > 0);
    controller.kill().unwrap();
    assert!(controller.usage().is_err());
    controller.start_again().unwrap();
    let both = until_up(2);
    assert_eq!(both, first.repeat(2));
    controller.terminate(Duration::from_mins(1)).unwrap();
    assert!(fs::read_to_string(&log).unwrap().ends_with("terminated\n"));
}

use std::io::{BufRead, BufReader};

use super::*;

fn sleeper(dir: &Path) -> Program {
    Program::new("sleep", dir.join("log")).arg("1000")
}

/// Waits for a state that is bound to come; the limit only keeps a broken test from hanging.
fn eventually(what: &str, reached: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !reached() {
        assert!(Instant::now() < deadline, "not reached: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn runs(id: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .trim_start()
            .starts_with('Z')
    })
}

#[test]
fn the_process_id_is_the_programs() {
    let dir = tempfile::tempdir().unwrap();
    let process = sleeper(dir.path()).spawn().unwrap();
    let comm = format!("/proc/{}/comm", process.id());
    eventually("sh has become sleep", || {
        std::fs::read_to_string(&comm).is_ok_and(|name| name.trim() == "sleep")
    });
    assert!(process.usage().unwrap().peak_memory > 0);
}

#[test]
fn dropping_kills() {
    let dir = tempfile::tempdir().unwrap();
    let process = sleeper(dir.path()).spawn().unwrap();
    let id = process.id();
    assert!(runs(id));
    drop(process);
    assert!(!runs(id));
}

#[test]
fn terminating_is_gentle_first() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let script = "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.01; done";
    let mut process = Program::new("sh", &log)
        .args(["-c", script])
        .spawn()
        .unwrap();
    eventually("the trap is set", || {
        std::fs::read_to_string(&log).is_ok_and(|log| log == "up\n")
    });
    let status = process.terminate(Duration::from_mins(1)).unwrap();
    assert_eq!(status.code(), Some(7));
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "up\nbye\n");
}

#[test]
fn an_early_end_is_reported_with_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Program::new("sh", dir.path().join("log"))
        .args(["-c", "echo no such luck; exit 3"])
        .spawn()
        .unwrap();
    process.child.wait().unwrap();
    let error = process.check().unwrap_err().to_string();
    assert!(
        error.contains("exit status: 3") && error.contains("no such luck"),
        "{error}"
    );
}

/// The parent is this test binary itself, run once more: it starts a program, tells its id and
/// is then killed without a chance to clean up.
#[test]
fn a_killed_parent_takes_the_program_and_the_leftovers_with_it() {
    const ROLE: &str = "TESTKIT_ROLE_OF_PARENT";
    if let Some(dir) = std::env::var_os(ROLE) {
        let leftovers = PathBuf::from(dir);
        let process = sleeper(&leftovers)
            .remove_afterwards(&leftovers)
            .spawn()
            .expect("start the program");
        println!("program {}", process.id());
        loop {
            std::thread::park();
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let leftovers = dir.path().join("leftovers");
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("process::tests::a_killed_parent_takes_the_program_and_the_leftovers_with_it")
        .env(ROLE, &leftovers)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(parent.stdout.take().unwrap());
    let id: u32 = output
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.rsplit_once("program ")?.1.parse().ok())
        .expect("the parent tells the program's id");
    assert!(runs(id) && leftovers.exists());
    parent.kill().unwrap();
    parent.wait().unwrap();
    eventually("the program is gone", || !runs(id));
    eventually("the leftovers are gone", || !leftovers.exists());
}

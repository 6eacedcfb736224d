//! What a process has used, from `/proc`: processor time and memory.
//!
//! Source: proc(5), `/proc/[pid]/stat`, `status` and `clear_refs`.

use std::time::Duration;

use anyhow::{Context, Result};

/// Linux counts processor time in hundredths of a second towards user space, whatever its own tick.
const TICK: Duration = Duration::from_millis(10);

/// What a process has used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Processor time in user and system mode, of all threads, since the start; steps of 10 ms.
    pub cpu: Duration,
    /// Resident memory now, in bytes.
    pub memory: u64,
    /// The most resident memory since the start or since [`reset_peak`], in bytes.
    pub peak_memory: u64,
}

impl Usage {
    /// Reads what the process `id` has used.
    ///
    /// # Errors
    /// If there is no such process or no `/proc`.
    pub fn of(id: u32) -> Result<Self> {
        let read = |file: &str| {
            let path = format!("/proc/{id}/{file}");
            std::fs::read_to_string(&path).with_context(|| format!("read {path}"))
        };
        let (stat, status) = (read("stat")?, read("status")?);
        Ok(Self {
            cpu: cpu(&stat).with_context(|| format!("no processor time in {stat:?}"))?,
            memory: memory(&status, "VmRSS:").context("the process has no memory any more")?,
            peak_memory: memory(&status, "VmHWM:").context("the process has no memory any more")?,
        })
    }
}

/// Makes the process `id` count its peak memory from now on.
///
/// # Errors
/// If there is no such process or it belongs to someone else.
pub fn reset_peak(id: u32) -> Result<()> {
    let path = format!("/proc/{id}/clear_refs");
    std::fs::write(&path, "5").with_context(|| format!("write {path}"))
}

/// The fields are counted from the last parenthesis, since the name before it may contain anything.
fn cpu(stat: &str) -> Option<Duration> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(TICK * user.checked_add(system)?)
}

fn memory(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_fields() {
        let stat = "42 (a) b (c)) S 1 42 42 0 -1 4194304 10 0 0 0 150 25 0 0 20 0 1 0 7 1 2 3";
        assert_eq!(cpu(stat), Some(Duration::from_millis(1750)));
        assert_eq!(cpu("42 (x) S 1"), None);
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(memory(status, "VmHWM:"), Some(2048 * 1024));
        assert_eq!(memory(status, "VmRSS:"), Some(1024 * 1024));
        assert_eq!(memory("Name:\tkthreadd\n", "VmRSS:"), None);
    }

    #[test]
    fn reads_this_process() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(
            usage.memory > 0 && usage.peak_memory >= usage.memory / 2,
            "{usage:?}"
        );
    }
}

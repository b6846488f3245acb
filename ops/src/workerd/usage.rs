//! What a process has used, from `/proc`.

use std::time::Duration;

/// What a process has used since its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// User and system time of all its threads, in steps of 10 ms on most systems.
    pub cpu: Duration,
    /// The most memory it ever had resident, in bytes.
    pub peak_rss_bytes: u64,
}

impl Usage {
    /// The usage of a process; nothing when it is gone or the system has no `/proc`.
    /// <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>
    pub fn of(pid: u32) -> Option<Usage> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        // The program's name is in parentheses and may hold anything; `utime` and `stime` are fields 14 and 15.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut times = fields.split_whitespace().skip(11).map(str::parse::<u64>);
        let ticks = times.next()?.ok()?.checked_add(times.next()?.ok()?)?;
        let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok()??;
        let millis = ticks.checked_mul(1000)?.checked_div(u64::try_from(per_second).ok()?)?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = peak.split_whitespace().next()?.parse().ok()?;
        Some(Usage { cpu: Duration::from_millis(millis), peak_rss_bytes: kilobytes.checked_mul(1024)? })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::Usage;

    #[test]
    fn our_own_usage_grows() {
        let before = Usage::of(std::process::id()).unwrap();
        assert!(before.peak_rss_bytes > 1 << 20);
        let end = std::time::Instant::now() + std::time::Duration::from_millis(100);
        while std::time::Instant::now() < end {}
        assert!(Usage::of(std::process::id()).unwrap().cpu > before.cpu);
    }
}

//! Progress lines that nobody can read, on a full disk or after a pipe was closed, end no work.

#![cfg(target_os = "linux")]

use std::os::fd::AsRawFd;

use sharp_minima::{Training, data, zoo};

type Done = Result<(), Box<dyn std::error::Error>>;

const CHILD: &str = "SHARP_MINIMA_UNREAD_CHILD";

/// Trains with lines of progress, of which one is due at once: a part in the folder is not as it was kept.
fn work(folder: &std::path::Path) -> sharp_minima::Result<usize> {
    let data = data::digits().first(60, 20)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.02)?;
    let training = Training::adam().batch(6).trials(2).epochs(1).kept_in(folder);
    Ok(training.run(&net, &data)?.regime.runs.len())
}

/// The test program itself would end where it cannot write, so that the output is put back before it says how the test went.
#[test]
fn lines_that_nobody_can_read_end_no_work() -> Done {
    if let Some(folder) = std::env::var_os(CHILD) {
        let full = std::fs::File::options().write(true).open("/dev/full")?;
        // SAFETY: only this process's standard output is changed, and put back; nothing else runs in it.
        let own = unsafe { libc::dup(1) };
        assert!(own >= 0 && unsafe { libc::dup2(full.as_raw_fd(), 1) } == 1);
        let done = work(folder.as_ref());
        // SAFETY: as above.
        assert_eq!(unsafe { libc::dup2(own, 1) }, 1);
        assert_eq!(done?, 2);
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    work(folder.path())?;
    for entry in std::fs::read_dir(folder.path())? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            std::fs::write(path, "nothing")?;
        }
    }
    let program = std::process::Command::new(std::env::current_exe()?)
        .args(["--exact", "lines_that_nobody_can_read_end_no_work", "--nocapture"])
        .env(CHILD, folder.path())
        .output()?;
    assert!(program.status.success(), "{}", String::from_utf8_lossy(&program.stderr));
    Ok(())
}

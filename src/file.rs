//! Files that are whole or not there.

use std::path::Path;

use crate::error::{Error, Result};

/// Writes a file whole or not at all: beside its place first, then renamed into it. Its folder is made where it is missing.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let name = path.file_name().ok_or_else(|| Error::file(path, "it names no file"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| Error::file(folder, error))?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    // Two threads may write the same file at once, each whole: the last one stays. Processes of two machines or containers
    // may have the same number, but hardly in the same nanosecond; if so, the second one is refused.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    beside.push(format!(".{}.{:?}.{now}.part", std::process::id(), std::thread::current().id()));
    let beside = folder.join(beside);
    sweep(folder, name);
    let written = std::fs::File::options().write(true).create_new(true).open(&beside).and_then(|mut file| {
        // Who holds the lock is alive. Not every file system has locks.
        let _ = file.lock();
        std::io::Write::write_all(&mut file, bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    });
    written.map_err(|error| {
        // What was half-written goes; that it cannot be removed either is no news beside the first failure.
        let _ = std::fs::remove_file(&beside);
        Error::file(path, error)
    })
}

/// How old what a killed process left is when it is removed, where its lock says that nobody writes it: a writer needs a moment
/// from making its file to locking it.
const LEFT: std::time::Duration = std::time::Duration::from_secs(10);
/// The same where there are no locks: nobody writes a file for so long.
const STALE: std::time::Duration = std::time::Duration::from_secs(3_600);

/// Removes what killed writes of this file left beside its place. That something stays is not an error.
fn sweep(folder: &Path, name: &std::ffi::OsStr) {
    let begin = [b".", name.as_encoded_bytes(), b"."].concat();
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let other = entry.file_name();
        let other = other.as_encoded_bytes();
        let is_left = other.starts_with(&begin) && other.ends_with(b".part");
        if is_left && is_abandoned(&entry.path()).unwrap_or(false) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Whether nobody writes this file any more.
fn is_abandoned(part: &Path) -> std::io::Result<bool> {
    // To open a pipe is to wait for who writes it.
    let facts = std::fs::symlink_metadata(part)?;
    if !facts.is_file() {
        return Ok(false);
    }
    let file = std::fs::File::open(part)?;
    let age = facts.modified()?.elapsed().unwrap_or_default();
    Ok(age > LEFT
        && match file.try_lock() {
            Ok(()) => true,
            Err(std::fs::TryLockError::WouldBlock) => false,
            Err(std::fs::TryLockError::Error(_)) => age > STALE,
        })
}

/// The bytes of a file, if it is a file, and no larger than `most`: a pipe would be waited for, and a wrong name may be that of
/// anything.
///
/// # Errors
/// [`Error::File`] where it cannot be read or is not a file, [`Error::Format`] where it is larger.
pub(crate) fn read_whole(path: &Path, most: u64) -> Result<Vec<u8>> {
    let facts = std::fs::metadata(path).map_err(|error| Error::file(path, error))?;
    if !facts.is_file() {
        return Err(Error::file(path, "it is a folder, a pipe or a device, and not a file"));
    }
    if facts.len() > most {
        return Err(Error::format(path, "size", format!("it has {} bytes, and at most {most} are read", facts.len())));
    }
    std::fs::read(path).map_err(|error| Error::file(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_write_left_is_removed_later() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let place = |name: &str| folder.path().join(name);
        let parts = [".a.json.1.x.2.part", ".a.json.3.x.4.part", ".b.json.1.x.2.part", ".a.json.5.x.6.part"].map(place);
        let [_, young, _, written] = &parts;
        let mut files = Vec::new();
        for path in &parts {
            let file = std::fs::File::create(path)?;
            if path != young {
                file.set_modified(std::time::SystemTime::now() - 2 * LEFT)?;
            }
            if path == written {
                file.lock()?;
                files.push(file);
            }
        }
        write_whole(&place("a.json"), b"whole")?;
        assert_eq!(parts.each_ref().map(|path| path.exists()), [false, true, true, true]);
        drop(files);
        write_whole(&place("a.json"), b"whole")?;
        assert_eq!(parts.each_ref().map(|path| path.exists()), [false, true, true, false]);
        assert_eq!(read_whole(&place("a.json"), 5)?, b"whole");
        let said = |path: &Path, most| read_whole(path, most).expect_err("refused").to_string();
        assert!(said(&place("a.json"), 4).contains("it has 5 bytes, and at most 4 are read"));
        // A pipe in the place of a file, or of what a killed write left: nobody waits for it.
        if cfg!(unix) {
            let pipes = [place("pipe"), place(".a.json.7.x.8.part")];
            assert!(std::process::Command::new("mkfifo").args(&pipes).status()?.success());
            assert!(said(&pipes[0], 9).contains("and not a file"));
            write_whole(&place("a.json"), b"whole")?;
        }
        assert!(said(folder.path(), 9).contains("not a file") && !said(&place("none"), 9).is_empty());
        Ok(())
    }
}

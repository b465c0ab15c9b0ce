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
    let written = std::fs::File::options().write(true).create_new(true).open(&beside).and_then(|mut file| {
        std::io::Write::write_all(&mut file, bytes)?;
        file.sync_all()
    });
    written.and_then(|()| std::fs::rename(&beside, path)).map_err(|error| {
        // What was half-written goes; that it cannot be removed either is no news beside the first failure.
        let _ = std::fs::remove_file(&beside);
        Error::file(path, error)
    })
}

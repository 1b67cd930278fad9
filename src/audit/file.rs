//! The file of the audit log, which others may move, delete, cut and append to while it is open.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::files;
use crate::limits;

/// Where the lines of the log go.
pub(super) trait Place: Write {
    /// Makes sure that what is written next can be found there. True when what was written last is not, or not at the
    /// end: a line that was begun is to be begun again.
    ///
    /// # Errors
    /// The place is gone and cannot be made anew.
    fn renew(&mut self) -> io::Result<bool>;
}

/// The file at a path, appended to.
pub(super) struct AuditFile {
    path: PathBuf,
    file: File,
    /// Its last line has no end: somebody was stopped in the middle of it.
    torn: bool,
    /// Becomes true when it is to be opened again.
    reopen: Arc<AtomicBool>,
}

impl AuditFile {
    /// Opens the file, or creates it. When `reopen` becomes true it is opened again before the next line, so that
    /// another program may move it away.
    ///
    /// # Errors
    /// It cannot be opened for appending. Nor can a pipe that nobody reads.
    pub fn open(path: &Path, reopen: Arc<AtomicBool>) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            file: append(path)?,
            torn: false,
            reopen,
        })
    }
}

impl Place for AuditFile {
    fn renew(&mut self) -> io::Result<bool> {
        let asked = self.reopen.swap(false, Ordering::AcqRel);
        let mut metadata = self.file.metadata()?;
        let deleted = is_deleted(&metadata);
        let mut begin = false;
        if asked || deleted {
            match append(&self.path) {
                Ok(file) => {
                    metadata = file.metadata()?;
                    self.file = file;
                    begin = true;
                }
                Err(error) if deleted => return Err(error),
                // What is written to the one before can be found.
                Err(error) => log::error!("the audit log cannot be opened again: {error}"),
            }
        }
        // It was there before us, another runner appends to it as well, or it was cut.
        if metadata.is_file() && metadata.len() != self.file.stream_position()? {
            self.torn = is_torn(&mut self.file);
            begin = true;
        }
        Ok(begin)
    }
}

impl Write for AuditFile {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if self.torn {
            self.file.write_all(b"\n")?;
            self.torn = false;
        }
        self.file.write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    let mut at_once = options.clone();
    files::never_wait(&mut at_once);
    let file = at_once.open(path)?;
    match file.metadata()?.is_file() {
        // Its end is looked at where that is allowed.
        true => Ok(options.read(true).open(path).unwrap_or(file)),
        // A pipe: it has a reader, or there would be an error. Writing to it may wait.
        false => options.open(path),
    }
}

/// True when the last byte of the file is not the end of a line, and stays so: another runner may be just writing one.
fn is_torn(file: &mut File) -> bool {
    ends_within_a_line(file) && {
        thread::sleep(limits::AUDIT_GLANCE);
        ends_within_a_line(file)
    }
}

/// False for a file that cannot be read.
fn ends_within_a_line(file: &mut File) -> bool {
    let mut last = *b"\n";
    let read = file
        .seek(SeekFrom::End(-1))
        .and_then(|_| file.read_exact(&mut last));
    read.is_ok() && last != *b"\n"
}

#[cfg(unix)]
fn is_deleted(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(metadata) == 0
}

#[cfg(not(unix))]
fn is_deleted(_: &std::fs::Metadata) -> bool {
    false
}

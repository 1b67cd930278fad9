//! Files that a configuration names: regular ones, read up to a bound.

use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::limits;
use crate::text::unless_secret;

thread_local! {
    /// What is named now is named by a source whose configuration came from the gateway.
    static MANAGED: Cell<bool> = const { Cell::new(false) };
}

/// Where such sources may name files; anywhere if it is not set.
static FOLDERS: OnceLock<Vec<PathBuf>> = OnceLock::new();

/// Confines the files that managed sources name to these folders, for the life of the process.
pub fn confine_to(folders: Vec<PathBuf>) {
    // It is told once.
    let _ = FOLDERS.set(folders);
}

/// Reads a configuration that came from the gateway.
pub fn for_managed<T>(work: impl FnOnce() -> T) -> T {
    /// Puts things back, also after a panic.
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            MANAGED.set(self.0);
        }
    }
    let _before = Before(MANAGED.replace(true));
    work()
}

/// True while such a configuration is read: whoever wrote it is not to learn what files there are.
pub fn is_managed() -> bool {
    MANAGED.get()
}

/// Refuses a path that this configuration may not name, by whatever links it leads elsewhere.
///
/// # Errors
/// `PermissionDenied`, and the same for what is not there.
pub fn allowed(path: &Path) -> io::Result<()> {
    match FOLDERS.get() {
        Some(folders) if is_managed() => allowed_in(folders, path),
        _ => Ok(()),
    }
}

fn allowed_in(folders: &[PathBuf], path: &Path) -> io::Result<()> {
    let resolved = fs::canonicalize(path).ok();
    let inside = |resolved: PathBuf| {
        let mut folders = folders.iter().filter_map(|f| fs::canonicalize(f).ok());
        folders.any(|folder| resolved.starts_with(folder))
    };
    match resolved.is_some_and(inside) {
        true => Ok(()),
        false => Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "sources that the gateway describes may not name this file (SEMILAYER_ALLOW_FILES)",
        )),
    }
}

/// Opens a regular file for reading.
///
/// # Errors
/// The system's own; `InvalidInput` for what is no regular file and might block or never end.
pub fn open(path: &Path) -> io::Result<File> {
    allowed(path)?;
    // Asked before it is opened, because opening a device may do something, and afterwards, because it may be another
    // file by then: a pipe, whose other end nobody waits for.
    only_regular(&fs::metadata(path)?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    never_wait(&mut options);
    let file = options.open(path)?;
    only_regular(&file.metadata()?)?;
    Ok(file)
}

fn only_regular(metadata: &fs::Metadata) -> io::Result<()> {
    match metadata.is_file() {
        true => Ok(()),
        false => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "this is no regular file",
        )),
    }
}

/// Has a pipe without another end opened, or refused, at once. On regular files it means nothing.
pub fn never_wait(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NONBLOCK);
}

/// All bytes of a regular file.
///
/// # Errors
/// As [`open`]; `FileTooLarge` beyond `most` bytes.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// A secret in a file, as Docker and Kubernetes mount them: its text without the trailing newline.
///
/// # Errors
/// Says what is wrong with the file: it cannot be read, is empty, too long for a secret or not UTF-8. Its
/// text is never part of the message.
pub fn read_secret(path: &Path) -> Result<String, String> {
    let shown = unless_secret(&path.to_string_lossy());
    let bytes = read(path, limits::SECRET_FILE_BYTES).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => format!("{shown} is too long for a secret"),
        _ => format!("{shown}: {error}"),
    })?;
    let mut text =
        String::from_utf8(bytes).map_err(|_| format!("{shown} does not hold UTF-8 text"))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.is_empty() {
        return Err(format!("{shown} is empty"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn file(name: &str, bytes: &[u8]) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("semilayer-secret-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn only_the_last_newline_goes() {
        for (bytes, text) in [
            (&b"s3cret"[..], "s3cret"),
            (b"s3cret\n", "s3cret"),
            (b"s3cret\r\n", "s3cret"),
            (b" s3\ncret \n\n", " s3\ncret \n"),
        ] {
            let path = file("newline", bytes);
            assert_eq!(read_secret(&path).unwrap(), text);
            std::fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn unusable_files_are_told_apart_without_their_text() {
        let long = vec![b'x'; usize::try_from(limits::SECRET_FILE_BYTES).unwrap() + 1];
        for (name, bytes, problem) in [
            ("empty", &b"\n"[..], "is empty"),
            ("long", &long, "too long"),
            ("binary", b"abc\xff", "UTF-8"),
        ] {
            let path = file(name, bytes);
            let message = read_secret(&path).unwrap_err();
            assert!(message.contains(problem), "{message}");
            assert!(!message.contains("abc"));
            std::fs::remove_file(path).unwrap();
        }
        assert!(read_secret(Path::new("/nowhere/at/all")).is_err());
    }

    #[test]
    fn links_lead_nowhere_else() {
        let folder = std::env::temp_dir().join(format!("semilayer-files-{}", std::process::id()));
        let (inside, outside) = (folder.join("inside"), folder.join("inside-not"));
        fs::create_dir_all(&inside).unwrap();
        fs::create_dir_all(&outside).unwrap();
        for file in [inside.join("a"), outside.join("b")] {
            fs::write(file, "x").unwrap();
        }
        std::os::unix::fs::symlink(outside.join("b"), inside.join("link")).unwrap();
        let folders = [inside.clone()];
        assert!(allowed_in(&folders, &inside.join("a")).is_ok());
        let refusal = |path: PathBuf| allowed_in(&folders, &path).unwrap_err().to_string();
        let missing = refusal(inside.join("missing"));
        for path in [
            outside.join("b"),
            inside.join("link"),
            inside.join("../inside-not/b"),
            PathBuf::from("/etc/passwd"),
        ] {
            assert_eq!(refusal(path), missing);
        }
        assert!(allowed_in(&[], &inside.join("a")).is_err());
        fs::remove_dir_all(folder).unwrap();
        assert!(!is_managed() && for_managed(is_managed) && !is_managed());
    }

    #[test]
    fn what_might_never_end_is_not_opened() {
        for path in ["/", "/dev/zero"] {
            let error = read(Path::new(path), 10).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    }

    /// A file that is a regular one when it is asked about and a pipe when it is opened.
    #[cfg(unix)]
    #[test]
    fn a_pipe_that_takes_the_place_of_a_file_is_not_waited_for() {
        use std::sync::atomic::{AtomicBool, Ordering};
        let folder = std::env::temp_dir().join(format!("semilayer-swap-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (named, pipe, plain) = (
            folder.join("named"),
            folder.join("pipe"),
            folder.join("plain"),
        );
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        fs::write(&plain, "x").unwrap();
        let done = AtomicBool::new(false);
        let (mut read, mut refused) = (0, 0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let link = folder.join("link");
                while !done.load(Ordering::Relaxed) {
                    for target in [&pipe, &plain] {
                        std::os::unix::fs::symlink(target, &link).unwrap();
                        fs::rename(&link, &named).unwrap();
                    }
                }
            });
            let until = std::time::Instant::now() + std::time::Duration::from_secs(1);
            while std::time::Instant::now() < until {
                match super::read(&named, 10) {
                    Ok(bytes) => {
                        assert_eq!(bytes, b"x");
                        read += 1;
                    }
                    Err(_) => refused += 1,
                }
            }
            done.store(true, Ordering::Relaxed);
        });
        fs::remove_dir_all(folder).unwrap();
        assert!(read > 0 && refused > 0, "{read} read, {refused} refused");
    }
}

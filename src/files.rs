//! Files that a configuration names: regular ones, read up to a bound.

use std::cell::Cell;
use std::fs::{self, File};
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

/// All bytes of a regular file.
///
/// # Errors
/// The system's own; `InvalidInput` for what is no regular file and might block or never end,
/// `FileTooLarge` beyond `most` bytes.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    allowed(path)?;
    // Asked before it is opened, because opening a pipe waits for its other end.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "this is no regular file",
        ));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
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
}

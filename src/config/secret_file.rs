//! A secret in a file, as Docker and Kubernetes mount them.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::limits;

/// The text of the file without its trailing newline.
///
/// # Errors
/// Says what is wrong with the file: it cannot be read, is empty, too long for a secret or not UTF-8. Its
/// text is never part of the message.
pub fn read(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let file = File::open(path).map_err(|error| format!("{shown}: {error}"))?;
    let mut bytes = Vec::new();
    file.take(limits::SECRET_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("{shown}: {error}"))?;
    if bytes.len() as u64 > limits::SECRET_FILE_BYTES {
        return Err(format!("{shown} is too long for a secret"));
    }
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
            assert_eq!(read(&path).unwrap(), text);
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
            let message = read(&path).unwrap_err();
            assert!(message.contains(problem), "{message}");
            assert!(!message.contains("abc"));
            std::fs::remove_file(path).unwrap();
        }
        assert!(read(Path::new("/nowhere/at/all")).is_err());
    }
}

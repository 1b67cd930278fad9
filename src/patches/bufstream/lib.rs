//! Stands in for the crate `bufstream` in this workspace: the buffered stream that the mysql driver puts over
//! every socket, encrypted or not. The driver reads without end whatever a server sends, knows no way to give
//! up, and hands out neither its socket nor its TLS state. This is the one place where all of it passes, so a
//! [`Guard`] may look here: at the stream when it is made, and at every read. Not for anything else.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::sync::Arc;

/// Looks after one connection.
pub trait Guard: Send + Sync {
    /// A stream was put under the driver: the socket first, and once more as a TLS stream if it is encrypted,
    /// before the first byte of the handshake.
    ///
    /// # Errors
    /// The connection fails with it at its first read or write.
    fn opened(&self, stream: &mut dyn Any) -> io::Result<()>;

    /// The driver is about to wait for bytes.
    ///
    /// # Errors
    /// It gets this error in place of bytes.
    fn before_read(&self) -> io::Result<()>;

    /// So many bytes have come in.
    ///
    /// # Errors
    /// The driver gets this error in place of them.
    fn received(&self, bytes: &[u8]) -> io::Result<()>;
}

thread_local! {
    static GUARD: RefCell<Option<Arc<dyn Guard>>> = const { RefCell::new(None) };
}

/// Does `work`, whose connections are guarded by `guard` for as long as they live.
pub fn guarded<T>(guard: Arc<dyn Guard>, work: impl FnOnce() -> T) -> T {
    /// Puts things back, also after a panic.
    struct Before(Option<Arc<dyn Guard>>);
    impl Drop for Before {
        fn drop(&mut self) {
            GUARD.set(self.0.take());
        }
    }
    let _before = Before(GUARD.replace(Some(guard)));
    work()
}

/// A stream with a buffer in each direction.
pub struct BufStream<S: Write> {
    inner: BufReader<Buffered<S>>,
}

struct Buffered<S: Write> {
    stream: BufWriter<S>,
    guard: Option<Arc<dyn Guard>>,
    /// What the guard had against the stream when it was made.
    refused: Option<io::Error>,
}

impl<S: Read + Write + Any> BufStream<S> {
    /// A stream guarded by the guard of this moment.
    pub fn new(mut stream: S) -> Self {
        let guard = GUARD.with_borrow(Option::clone);
        let refused = guard
            .as_ref()
            .and_then(|guard| guard.opened(&mut stream).err());
        let stream = Buffered {
            stream: BufWriter::new(stream),
            guard,
            refused,
        };
        Self {
            inner: BufReader::new(stream),
        }
    }

    /// The stream itself.
    pub fn get_ref(&self) -> &S {
        self.inner.get_ref().stream.get_ref()
    }

    /// Gives the stream back. What was read and not taken is lost.
    ///
    /// # Errors
    /// What waited to be written cannot be.
    pub fn into_inner(self) -> Result<S, IntoInnerError> {
        let stream = self.inner.into_inner().stream;
        stream
            .into_inner()
            .map_err(|error| IntoInnerError(error.into_error()))
    }
}

/// The stream could not be given back.
#[derive(Debug)]
pub struct IntoInnerError(io::Error);

impl From<IntoInnerError> for io::Error {
    fn from(error: IntoInnerError) -> Self {
        error.0
    }
}

impl<S: Write> Buffered<S> {
    fn check(&mut self) -> io::Result<()> {
        self.refused.take().map_or(Ok(()), Err)
    }
}

impl<S: Read + Write> Read for Buffered<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        let Some(guard) = &self.guard else {
            return self.stream.get_mut().read(buf);
        };
        guard.before_read()?;
        let count = self.stream.get_mut().read(buf)?;
        guard.received(buf.get(..count).unwrap_or_default())?;
        Ok(count)
    }
}

impl<S: Read + Write> Read for BufStream<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buf)
    }
}

impl<S: Write> Write for BufStream<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let stream = self.inner.get_mut();
        stream.check()?;
        stream.stream.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        let stream = self.inner.get_mut();
        stream.check()?;
        stream.stream.flush()
    }
}

impl<S: Write> fmt::Debug for BufStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BufStream")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Lets so many bytes pass.
    struct Few(AtomicUsize);

    impl Guard for Few {
        fn opened(&self, stream: &mut dyn Any) -> io::Result<()> {
            match stream.downcast_mut::<VecDeque<u8>>() {
                Some(stream) => stream.extend(b"!"),
                None => return Err(io::ErrorKind::Unsupported.into()),
            }
            Ok(())
        }

        fn before_read(&self) -> io::Result<()> {
            match self.0.load(Ordering::Relaxed) {
                0 => Err(io::ErrorKind::ConnectionAborted.into()),
                _ => Ok(()),
            }
        }

        fn received(&self, bytes: &[u8]) -> io::Result<()> {
            self.0.fetch_sub(bytes.len(), Ordering::Relaxed);
            Ok(())
        }
    }

    fn guard(bytes: usize) -> Arc<Few> {
        Arc::new(Few(AtomicUsize::new(bytes)))
    }

    #[test]
    fn without_a_guard_everything_passes() {
        let mut stream = BufStream::new(VecDeque::from(*b"abc"));
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert_eq!(text, "abc");
        stream.write_all(b"d").unwrap();
        assert_eq!(stream.into_inner().unwrap(), b"d");
    }

    #[test]
    fn a_guard_sees_the_stream_and_may_end_it() {
        let mut stream = guarded(guard(4), || BufStream::new(VecDeque::from(*b"abc")));
        let mut text = [0; 4];
        stream.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"abc!");
        let error = stream.read(&mut text).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
        // Streams made later are not guarded.
        let mut free = BufStream::new(VecDeque::new());
        assert_eq!(free.read(&mut text).unwrap(), 0);
    }

    #[test]
    fn a_stream_that_is_refused_fails_when_it_is_used() {
        let mut stream = guarded(guard(4), || BufStream::new(io::Cursor::new(vec![1])));
        let error = stream.write(b"x").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    }
}

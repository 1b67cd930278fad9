//! Lines to a standard stream that may be closed, or a pipe that nobody reads. A thread of its own writes
//! them; whoever has a line to say never waits and never fails. Lines that find the queue full are dropped,
//! and their number is told once the stream moves again.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use crate::limits;

/// Most text that is written at once.
const BATCH: usize = 64 << 10;

enum Item {
    /// A line with its end.
    Line(Vec<u8>),
    /// Answer once everything before is written.
    Flush(Sender<()>),
}

/// The way to one stream; clones share it.
#[derive(Clone)]
pub struct Console {
    items: Sender<Item>,
    dropped: Arc<AtomicU64>,
}

impl Console {
    /// Starts the thread, named for the stream.
    pub fn start(name: &str, stream: impl Write + Send + 'static) -> io::Result<Self> {
        let (items, queue) = bounded(limits::CONSOLE_LINES);
        let dropped = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&dropped);
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || write_lines(stream, &queue, &count))?;
        Ok(Self { items, dropped })
    }

    /// Writes a line, soon.
    pub fn line(&self, text: impl Into<String>) {
        let mut text = text.into().into_bytes();
        text.push(b'\n');
        self.text(text);
    }

    fn text(&self, text: Vec<u8>) {
        if let Err(TrySendError::Full(_)) = self.items.try_send(Item::Line(text)) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything said before is written, at most `wait`.
    pub fn flush(&self, wait: Duration) {
        let (done, written) = bounded(1);
        if self.items.send_timeout(Item::Flush(done), wait).is_ok() {
            // Time is up, or the thread is gone: either way there is nothing left to do.
            let _ = written.recv_timeout(wait);
        }
    }
}

/// Whole lines only: a logger writes each of its records at once.
impl Write for Console {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.text(buf.to_vec());
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Text from outside with its control characters replaced: a line break must not forge a line.
pub fn printable(text: impl IntoIterator<Item = char>) -> String {
    text.into_iter()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// Runs until every [`Console`] of the stream is gone.
fn write_lines(mut stream: impl Write, queue: &Receiver<Item>, dropped: &AtomicU64) {
    let mut batch = Vec::new();
    while let Ok(first) = queue.recv() {
        let mut next = Some(first);
        let mut flushed = None;
        while let Some(item) = next {
            match item {
                Item::Line(text) => batch.extend(text),
                Item::Flush(done) => flushed = Some(done),
            }
            next = match flushed {
                None if batch.len() < BATCH => queue.try_recv().ok(),
                _ => None,
            };
        }
        // A closed stream loses its lines, and nothing else.
        let _ = stream.write_all(&batch).and_then(|()| stream.flush());
        batch.clear();
        batch.shrink_to(BATCH);
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let note = format!("({lost} lines were dropped because this stream was not read)\n");
            batch.extend(note.bytes());
        }
        if let Some(done) = flushed {
            let _ = done.try_send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    const LONG: Duration = Duration::from_secs(20);

    /// Writes to memory, but only with permission.
    struct Gated {
        text: Arc<Mutex<Vec<u8>>>,
        permits: Receiver<()>,
    }

    impl Write for Gated {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            let _ = self.permits.recv();
            self.text.lock().unwrap().extend_from_slice(buf);
            Ok(buf.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_blocked_stream_holds_nobody_up() {
        let text = Arc::new(Mutex::new(Vec::new()));
        let (permit, permits) = bounded(1);
        let stream = Gated {
            text: Arc::clone(&text),
            permits,
        };
        let console = Console::start("test", stream).unwrap();
        for n in 0..2 * limits::CONSOLE_LINES {
            console.line(format!("line {n}"));
        }
        drop(permit);
        console.flush(LONG);
        console.line("after");
        console.flush(LONG);
        let text = String::from_utf8(text.lock().unwrap().clone()).unwrap();
        assert!(text.starts_with("line 0\nline 1\n"));
        let note = text.lines().find(|l| l.ends_with("was not read)")).unwrap();
        let lost: usize = note[1..].split(' ').next().unwrap().parse().unwrap();
        assert_eq!(text.lines().count() + lost, 2 * limits::CONSOLE_LINES + 2);
        assert!(text.ends_with("after\n"));
    }

    #[test]
    fn a_closed_stream_is_no_error() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let console = Console::start("test", Closed).unwrap();
        for _ in 0..10 {
            console.line("x");
            console.flush(LONG);
        }
    }
}

//! Lines to a standard stream that may be closed, or a pipe that nobody reads. A thread of its own writes
//! them; whoever has a line to say never waits and never fails. Lines that find the buffer full are dropped,
//! and their number is told once the stream moves again.

mod lines;

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::limits;
use crate::locks::lock;

pub use lines::{Form, Lines};

/// What is kept of the buffer after a burst.
const KEEP: usize = 16 << 10;
/// Least time between two writes. A line by itself leaves at once; two lines a job, under load, would
/// otherwise be two wake-ups and two writes a job.
const PACE: Duration = Duration::from_millis(5);

/// The way to one stream; clones share it.
#[derive(Clone)]
pub struct Console {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Wakes the thread: there is something to write, or somebody is waiting for it.
    wake: Condvar,
    /// Everything is written.
    idle: Condvar,
}

#[derive(Default)]
struct Waiting {
    text: Vec<u8>,
    dropped: u64,
    thread: State,
    /// How many wait for everything to be written.
    flushing: usize,
}

#[derive(Default, PartialEq, Eq)]
enum State {
    /// Starting, writing, or about to: it will look for more on its own.
    #[default]
    Busy,
    /// Waiting for the first line.
    Idle,
}

impl Console {
    /// Starts the thread, named for the stream. It lives as long as the process.
    pub fn start(name: &str, stream: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let console = Self {
            shared: Arc::clone(&shared),
        };
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || write_lines(stream, &shared))?;
        Ok(console)
    }

    /// Writes a line, soon.
    pub fn line(&self, text: &str) {
        self.put(&[text.as_bytes(), b"\n"]);
    }

    fn put(&self, parts: &[&[u8]]) {
        let mut waiting = self.shared.lock();
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if waiting.text.len() + length > limits::CONSOLE_BYTES {
            waiting.dropped += 1;
            return;
        }
        for part in parts {
            waiting.text.extend_from_slice(part);
        }
        if waiting.thread == State::Idle {
            self.shared.wake.notify_one();
        }
    }

    /// Waits for the lines said until the guard is dropped, at most `wait`.
    pub fn last_lines(&self, wait: Duration) -> LastLines<'_> {
        LastLines {
            console: self,
            wait,
        }
    }

    /// Waits until everything said before is written, at most `wait`.
    pub fn flush(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut waiting = self.shared.lock();
        waiting.flushing += 1;
        self.shared.wake.notify_one();
        while waiting.thread != State::Idle || !waiting.text.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.shared.idle.wait_timeout(waiting, left);
            waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        waiting.flushing -= 1;
    }
}

/// Flushes a console when it is dropped, whichever way that comes about.
pub struct LastLines<'a> {
    console: &'a Console,
    wait: Duration,
}

impl Drop for LastLines<'_> {
    fn drop(&mut self) {
        self.console.flush(self.wait);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.waiting)
    }
}

/// Whole lines only: a logger writes each of its records at once.
impl Write for Console {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.put(&[buf]);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_lines(mut stream: impl Write, shared: &Shared) {
    let mut batch = Vec::new();
    let mut waiting = shared.lock();
    let mut next = Instant::now();
    loop {
        waiting = next_batch(shared, waiting, next);
        batch.clear();
        batch.shrink_to(KEEP);
        std::mem::swap(&mut batch, &mut waiting.text);
        drop(waiting);
        // A closed stream loses its lines, and nothing else.
        let _ = stream.write_all(&batch).and_then(|()| stream.flush());
        next = Instant::now() + PACE;
        waiting = shared.lock();
        if waiting.dropped > 0 {
            // In the place where the lines would have been.
            let note = format!(
                "({} lines were dropped because this stream was not read)\n",
                std::mem::take(&mut waiting.dropped)
            );
            waiting.text.extend_from_slice(note.as_bytes());
        }
    }
}

/// Waits for text, and until `next` for more of it.
fn next_batch<'a>(
    shared: &'a Shared,
    mut waiting: MutexGuard<'a, Waiting>,
    next: Instant,
) -> MutexGuard<'a, Waiting> {
    while waiting.text.is_empty() {
        waiting.thread = State::Idle;
        shared.idle.notify_all();
        let woken = shared.wake.wait(waiting);
        waiting = woken.unwrap_or_else(PoisonError::into_inner);
    }
    waiting.thread = State::Busy;
    let enough = |waiting: &mut Waiting| waiting.flushing == 0 && waiting.text.len() < KEEP;
    let wait = next.saturating_duration_since(Instant::now());
    let waited = shared.wake.wait_timeout_while(waiting, wait, enough);
    waited.unwrap_or_else(PoisonError::into_inner).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const LONG: Duration = Duration::from_secs(20);

    /// Writes to memory, but only with permission.
    struct Gated {
        text: Arc<Mutex<Vec<u8>>>,
        permits: mpsc::Receiver<()>,
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
        let (permit, permits) = mpsc::channel();
        let stream = Gated {
            text: Arc::clone(&text),
            permits,
        };
        let console = Console::start("test", stream).unwrap();
        let said = 3 * limits::CONSOLE_BYTES / 100;
        for n in 0..said {
            console.line(&format!("{n:0>99}"));
        }
        console.flush(Duration::from_millis(1));
        drop(permit);
        console.flush(LONG);
        console.line("after");
        console.flush(LONG);
        let text = String::from_utf8(text.lock().unwrap().clone()).unwrap();
        assert!(text.starts_with("0000"));
        let note = text.lines().find(|l| l.ends_with("was not read)")).unwrap();
        let lost: usize = note[1..].split(' ').next().unwrap().parse().unwrap();
        assert!(lost > 0);
        assert_eq!(text.lines().count() + lost, said + 2);
        assert!(text.ends_with("\nafter\n"));
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

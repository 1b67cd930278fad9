//! The real binary as a child process.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

use crate::{RUNNER_ID, TOKEN, secrets};

/// Every child that may still run, for the watchdog.
static CHILDREN: Mutex<Vec<Weak<Mutex<Child>>>> = Mutex::new(Vec::new());

/// Ends every runner of this process.
pub fn kill_all() {
    for child in lock(&CHILDREN).iter().filter_map(Weak::upgrade) {
        let _ = lock(&child).kill();
    }
}

/// CPU time of a process, of threads that have ended as well.
pub fn cpu_of(pid: u32) -> Duration {
    let pid = Pid::from_raw(i32::try_from(pid).expect("a process id"));
    let clock = clock_getcpuclockid(pid).expect("a live process");
    clock_gettime(clock).expect("its clock").into()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A runner process to be started. Its environment is clean but for what is set here.
pub struct RunnerBuilder {
    binary: String,
    wrapper: Vec<String>,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
}

impl RunnerBuilder {
    /// The binary at this path, pointed at a gateway, with the usual id and token. Use the macro `runner!`. It
    /// logs at the level that `TEST_RUNNER_LOG` names.
    pub fn new(binary: &str, gateway: &str) -> Self {
        let builder = Self {
            binary: binary.to_owned(),
            wrapper: Vec::new(),
            arguments: vec!["start".to_owned()],
            environment: BTreeMap::new(),
        };
        let builder = match std::env::var("TEST_RUNNER_LOG") {
            Ok(level) => builder.env("SEMILAYER_LOG", level),
            Err(_) => builder,
        };
        builder
            .env("PATH", "/usr/bin:/bin")
            .env("SEMILAYER_RUNNER_ID", RUNNER_ID)
            .env("SEMILAYER_RUNNER_TOKEN", TOKEN)
            .env("SEMILAYER_GATEWAY_URL", gateway)
    }

    /// The binary at this path, or the one that is shipped if `TEST_RUNNER` names it, through the emulator that
    /// `TEST_EMULATOR` names; `scripts/check-static.sh` sets them.
    pub fn under_test(binary: &str, gateway: &str) -> Self {
        let other = std::env::var("TEST_RUNNER");
        let mut builder = Self::new(other.as_deref().unwrap_or(binary), gateway);
        builder.wrapper.extend(std::env::var("TEST_EMULATOR"));
        builder
    }

    /// The optimised binary instead, at its usual log level, for measures that are only honest for what is
    /// shipped. `None`, and why, when there is none; `scripts/test.sh` builds it.
    pub fn release(mut self) -> Option<Self> {
        self.environment.remove("SEMILAYER_LOG");
        match std::env::var("TEST_RELEASE_RUNNER") {
            Ok(path) => {
                self.binary = path;
                self.wrapper.clear();
                Some(self)
            }
            Err(_) => {
                println!("skipped: TEST_RELEASE_RUNNER is not set (scripts/test.sh sets it)");
                None
            }
        }
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        secrets::keep_variable(name, &value);
        self.environment.insert(name.to_owned(), value);
        self
    }

    /// Takes a variable away.
    pub fn env_remove(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// Arguments in place of `start`.
    pub fn args(mut self, arguments: &[&str]) -> Self {
        secrets::keep_arguments(arguments);
        self.arguments = arguments.iter().map(ToString::to_string).collect();
        self
    }

    /// Starts it through a command that becomes it, such as `ip netns exec x`.
    pub fn through(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(ToString::to_string).collect();
        self
    }

    /// Starts it.
    pub fn start(self) -> Runner {
        let started = Instant::now();
        let mut words = self.wrapper.iter().chain([&self.binary]);
        let mut child = Command::new(words.next().expect("the binary at least"))
            .args(words)
            .args(&self.arguments)
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", self.binary));
        let stdout = Output::collect(child.stdout.take().expect("a pipe"));
        let stderr = Output::collect(child.stderr.take().expect("a pipe"));
        let pid = child.id();
        let child = Arc::new(Mutex::new(child));
        lock(&CHILDREN).push(Arc::downgrade(&child));
        Runner {
            pid,
            started,
            child,
            stdout,
            stderr,
        }
    }
}

/// What a child wrote on one stream.
struct Output {
    text: Mutex<(String, bool)>,
    changed: Condvar,
}

impl Output {
    fn collect(mut stream: impl Read + Send + 'static) -> Arc<Self> {
        let output = Arc::new(Self {
            text: Mutex::default(),
            changed: Condvar::new(),
        });
        let collector = output.clone();
        let collect = move || {
            let mut buffer = [0; 8192];
            loop {
                let count = stream.read(&mut buffer).unwrap_or(0);
                let mut text = lock(&collector.text);
                text.0.push_str(&String::from_utf8_lossy(&buffer[..count]));
                text.1 = count == 0;
                collector.changed.notify_all();
                if count == 0 {
                    return;
                }
            }
        };
        let spawned = thread::Builder::new()
            .name("runner-output".into())
            .spawn(collect);
        spawned.expect("a thread");
        output
    }

    fn text(&self) -> String {
        lock(&self.text).0.clone()
    }

    /// Waits until the text holds `count` occurrences of `part`, or the stream has ended.
    fn wait(&self, part: &str, count: usize, limit: Duration) -> bool {
        let waiting = |text: &mut (String, bool)| text.0.matches(part).count() < count && !text.1;
        let waited = self
            .changed
            .wait_timeout_while(lock(&self.text), limit, waiting);
        let text = waited.unwrap_or_else(PoisonError::into_inner).0;
        text.0.matches(part).count() >= count
    }

    fn wait_end(&self) {
        let waiting = |text: &mut (String, bool)| !text.1;
        drop(
            self.changed
                .wait_timeout_while(lock(&self.text), Duration::from_secs(5), waiting),
        );
    }
}

/// A running runner, killed when dropped. A failing test prints what it said.
pub struct Runner {
    /// Its process id.
    pub pid: u32,
    /// When it was started.
    pub started: Instant,
    child: Arc<Mutex<Child>>,
    stdout: Arc<Output>,
    stderr: Arc<Output>,
}

impl Runner {
    /// Standard output so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// Standard error so far: the log.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits until standard output holds this text; panics after `limit`.
    #[track_caller]
    pub fn wait_stdout(&self, part: &str, limit: Duration) {
        self.wait_stdout_times(part, 1, limit);
    }

    /// Waits until standard output holds this text so many times; panics after `limit`.
    #[track_caller]
    pub fn wait_stdout_times(&self, part: &str, count: usize, limit: Duration) {
        if !self.stdout.wait(part, count, limit) {
            panic!(
                "{part:?} not printed {count} times within {limit:?}; stdout:\n{}",
                self.stdout()
            );
        }
    }

    /// Waits until standard output holds this text, or has ended: then it is false. Panics after `limit`.
    #[track_caller]
    pub fn stdout_holds(&self, part: &str, limit: Duration) -> bool {
        let started = Instant::now();
        let held = self.stdout.wait(part, 1, limit);
        assert!(
            held || started.elapsed() < limit,
            "{part:?} not printed within {limit:?}"
        );
        held
    }

    /// Waits until the log holds this text; panics after `limit`.
    #[track_caller]
    pub fn wait_stderr(&self, part: &str, limit: Duration) {
        if !self.stderr.wait(part, 1, limit) {
            panic!(
                "{part:?} not logged within {limit:?}; log:\n{}",
                self.stderr()
            );
        }
    }

    /// Sends a signal such as `TERM`.
    pub fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.pid);
        let status = Command::new("sh").args(["-c", &command]).status();
        assert!(status.expect("a shell").success(), "{command} failed");
    }

    /// True while the process runs.
    pub fn is_running(&self) -> bool {
        matches!(lock(&self.child).try_wait(), Ok(None))
    }

    /// Waits for the end of the process; panics after `limit`. All its output has been read then.
    #[track_caller]
    pub fn wait_exit(&self, limit: Duration) -> ExitStatus {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = lock(&self.child).try_wait().expect("a child") {
                self.stdout.wait_end();
                self.stderr.wait_end();
                return status;
            }
            assert!(Instant::now() < until, "still running after {limit:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Resident memory now, in bytes.
    pub fn rss(&self) -> u64 {
        self.status_kib("VmRSS:") * 1024
    }

    /// The most resident memory it ever had, in bytes.
    pub fn peak_rss(&self) -> u64 {
        self.status_kib("VmHWM:") * 1024
    }

    /// Number of threads.
    pub fn threads(&self) -> u64 {
        self.status_kib("Threads:")
    }

    /// Number of open file descriptors, sockets included.
    pub fn descriptors(&self) -> u64 {
        let open = fs::read_dir(format!("/proc/{}/fd", self.pid)).expect("a live process");
        open.count() as u64
    }

    /// CPU time so far.
    pub fn cpu(&self) -> Duration {
        cpu_of(self.pid)
    }

    fn status_kib(&self, field: &str) -> u64 {
        let text =
            fs::read_to_string(format!("/proc/{}/status", self.pid)).expect("a live process");
        let line = text.lines().find(|line| line.starts_with(field));
        let value = line.and_then(|line| line.split_whitespace().nth(1));
        value
            .and_then(|value| value.parse().ok())
            .expect("a figure")
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let mut child = lock(&self.child);
        let _ = child.kill();
        let _ = child.wait();
        if !thread::panicking() {
            self.stdout.wait_end();
            self.stderr.wait_end();
            for (stream, text) in [("stdout", self.stdout()), ("log", self.stderr())] {
                if let Some(secret) = secrets::found_in(&text) {
                    panic!("{secret} is in a runner's {stream}:\n{text}");
                }
            }
        }
        if thread::panicking() {
            eprintln!("runner's stdout:\n{}", self.stdout());
            eprintln!("runner's log:\n{}", self.stderr());
        }
    }
}

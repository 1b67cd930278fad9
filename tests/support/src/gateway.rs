//! A stand-in for the SemiLayer runner gateway.
//!
//! It accepts runners over `ws` and `wss`, answers `hello`, dispatches jobs, collects what comes back and
//! enforces the frame contract (`ledger`): a breach fails the test when the gateway is dropped.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use rustls::ServerConfig;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::connection::{Connection, Sink};
use crate::ledger::{Glance, Ledger};
use crate::upgrade::{self, Admission, Upgrade};
use crate::{RUNNER_ID, TOKEN, deep_json, tls};

/// Decides about one upgrade.
type Admit = Box<dyn Fn(&Upgrade) -> Admission + Send + Sync>;

/// How a gateway behaves.
pub struct Options {
    /// TLS towards runners; `ws` when `None`.
    pub tls: Option<Arc<ServerConfig>>,
    /// Host in the URL handed to runners.
    pub host: String,
    /// Port to listen on; 0 for any.
    pub port: u16,
    /// Sources of `hello-ack`.
    pub sources: Vec<Value>,
    /// Answer `hello` with `hello-ack`.
    pub ack: bool,
    /// Lets runners in or not.
    pub admit: Admit,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tls: None,
            host: "127.0.0.1".into(),
            port: 0,
            sources: Vec::new(),
            ack: true,
            admit: Box::new(|upgrade| check_credentials(upgrade, TOKEN, RUNNER_ID)),
        }
    }
}

/// What the real gateway does as far as is known: the upgrade succeeds, bad credentials are a close code.
pub fn check_credentials(upgrade: &Upgrade, token: &str, runner_id: &str) -> Admission {
    if upgrade.parameter("token") != Some(token) {
        Admission::Close(4401, "bad token")
    } else if upgrade
        .parameter("runnerId")
        .is_some_and(|id| id != runner_id)
    {
        Admission::Close(4401, "unknown runner")
    } else {
        Admission::Accept
    }
}

/// A frame of the session, and when it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// The connection it came on, from 1.
    pub connection: usize,
    /// The frame.
    pub frame: Value,
    /// When.
    pub at: Instant,
}

/// What a gateway has seen.
#[derive(Default)]
pub struct State {
    /// Upgrades asked for, in order, refused ones included.
    pub upgrades: Vec<Upgrade>,
    /// When each of them arrived.
    pub upgraded_at: Vec<Instant>,
    /// `hello` frames.
    pub hellos: Vec<Received>,
    /// `heartbeat` frames.
    pub heartbeats: Vec<Received>,
    /// Number of WebSocket pings.
    pub pings: usize,
    /// Connections that ended, with what the runner's close frame said.
    pub closed: Vec<(usize, Option<(u16, String)>)>,
    /// TLS handshakes that failed.
    pub tls_failures: Vec<String>,
    /// Jobs and breaches.
    pub ledger: Ledger,
    /// The newest connection that said `hello`, while it lasts.
    current: Option<Connection>,
    connections: Vec<Connection>,
    upgrades_begun: usize,
    jobs: usize,
}

impl State {
    /// True while a runner that said `hello` is connected.
    pub fn connected(&self) -> bool {
        self.current.is_some()
    }

    /// Its connection.
    pub fn current(&self) -> Option<Connection> {
        self.current.clone()
    }
}

struct Shared {
    options: Options,
    state: Mutex<State>,
    changed: Condvar,
    stopping: AtomicBool,
}

/// A running gateway. Dropping it fails the test when a runner broke the frame contract.
pub struct Gateway {
    shared: Arc<Shared>,
    address: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
}

/// A port that was listened on before may for a moment be somebody's way out.
fn listen(port: u16) -> TcpListener {
    let give_up = Instant::now() + Duration::from_secs(20);
    loop {
        match TcpListener::bind(("127.0.0.1", port)) {
            Err(error) if port != 0 && Instant::now() < give_up => {
                println!("port {port}: {error}");
                thread::sleep(Duration::from_millis(20));
            }
            listener => return listener.expect("a port to listen on"),
        }
    }
}

impl Gateway {
    /// A gateway on a free port of the loopback interface.
    pub fn start() -> Self {
        Self::with(Options::default())
    }

    /// A gateway with options.
    pub fn with(options: Options) -> Self {
        let listener = listen(options.port);
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            options,
            state: Mutex::default(),
            changed: Condvar::new(),
            stopping: AtomicBool::new(false),
        });
        let acceptor = {
            let shared = shared.clone();
            thread::Builder::new()
                .name("gateway-accept".into())
                .spawn(move || accept(&listener, &shared))
                .expect("a thread")
        };
        Self {
            shared,
            address,
            acceptor: Some(acceptor),
        }
    }

    /// Where runners find it.
    pub fn url(&self) -> String {
        let options = &self.shared.options;
        let scheme = if options.tls.is_some() { "wss" } else { "ws" };
        format!(
            "{scheme}://{}:{}/connect",
            options.host,
            self.address.port()
        )
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What it has seen so far. Hold it shortly: connections wait for it.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.shared.lock()
    }

    /// Waits until `ready` gives a value; panics after `limit`, saying what it waited for.
    #[track_caller]
    pub fn wait<T>(&self, what: &str, limit: Duration, ready: impl Fn(&State) -> Option<T>) -> T {
        let until = Instant::now() + limit;
        let mut state = self.state();
        loop {
            if let Some(value) = ready(&state) {
                return value;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {what} within {limit:?}");
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for the how-manieth `hello`, from 1.
    #[track_caller]
    pub fn wait_hello(&self, number: usize, limit: Duration) -> Received {
        let what = format!("hello number {number}");
        self.wait(&what, limit, |state| state.hellos.get(number - 1).cloned())
    }

    /// Waits until the newest connection has ended, and tells what the runner's close frame said.
    #[track_caller]
    pub fn wait_closed(&self, number: usize, limit: Duration) -> Option<(u16, String)> {
        let what = format!("end of connection {number}");
        self.wait(&what, limit, |state| {
            let mut ends = state.closed.iter();
            ends.find(|(connection, _)| *connection == number)
                .map(|(_, close)| close.clone())
        })
    }

    /// Dispatches a job with the usual deadline of 30 s.
    pub fn dispatch(&self, source: &Value, kind: &str, target: &str, options: Value) -> Job {
        self.dispatch_with(source, kind, target, options, 30_000, false)
    }

    /// Dispatches a job; `count_only` counts its rows instead of keeping them.
    pub fn dispatch_with(
        &self,
        source: &Value,
        kind: &str,
        target: &str,
        options: Value,
        deadline_ms: u64,
        count_only: bool,
    ) -> Job {
        self.try_dispatch(source, kind, target, options, deadline_ms, count_only)
            .expect("a connected runner")
    }

    /// The same; `None` while no runner is connected.
    pub fn try_dispatch(
        &self,
        source: &Value,
        kind: &str,
        target: &str,
        options: Value,
        deadline_ms: u64,
        count_only: bool,
    ) -> Option<Job> {
        let job = json!({ "kind": kind, "target": target, "options": options });
        let mut state = self.state();
        let connection = state.current.clone()?;
        state.jobs += 1;
        let id = format!("job-{:04}-{}", state.jobs, std::process::id());
        let answer = state.ledger.open(&id, connection.number, count_only);
        drop(state);
        let frame = json!({
            "id": id,
            "type": "job",
            "params": { "source": source, "job": job },
            "deadlineMs": deadline_ms,
        });
        connection.text(frame.to_string());
        Some(Job { id, answer })
    }

    /// Enters a job whose frame the test writes itself.
    pub fn expect_job(&self, id: &str) -> Job {
        let mut state = self.state();
        let connection = state.current.clone().expect("a connected runner");
        let answer = state.ledger.open(id, connection.number, false);
        Job {
            id: id.to_owned(),
            answer,
        }
    }

    /// Asks the runner to stop a job.
    pub fn cancel(&self, job: &Job) {
        self.send(&json!({ "id": job.id, "type": "cancel" }));
    }

    /// Sends a frame to the connected runner.
    pub fn send(&self, frame: &Value) {
        self.connection().text(frame.to_string());
    }

    /// True while a runner that has said `hello` is connected.
    pub fn is_connected(&self) -> bool {
        self.state().current.is_some()
    }

    /// The connected runner's connection.
    pub fn connection(&self) -> Connection {
        self.state().current.clone().expect("a connected runner")
    }

    /// Waits until this many chunks of a job have arrived.
    #[track_caller]
    pub fn wait_chunks(&self, job: &Job, count: usize, limit: Duration) {
        let what = format!("chunk {count} of {}", job.id);
        self.wait(&what, limit, |state| {
            (state.ledger.frames_of(&job.id) >= count).then_some(())
        });
    }

    /// Ends every connection and takes no new one, as a gateway that is gone.
    pub fn stop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        // Wakes the acceptor.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        for connection in self.state().connections.drain(..) {
            connection.cut();
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop();
        let violations = self.state().ledger.take_violations();
        if !thread::panicking() {
            assert!(
                violations.is_empty(),
                "the runner broke the frame contract: {violations:#?}"
            );
        }
    }
}

/// A dispatched job.
pub struct Job {
    /// Its id on the wire.
    pub id: String,
    answer: Receiver<Answer>,
}

impl Job {
    /// The answer; panics when there is none within a minute.
    #[track_caller]
    pub fn wait(&self) -> Answer {
        self.wait_for(Duration::from_secs(60))
    }

    /// The answer; panics when there is none within `limit`.
    #[track_caller]
    pub fn wait_for(&self, limit: Duration) -> Answer {
        self.poll(limit)
            .unwrap_or_else(|| panic!("no answer to {} within {limit:?}", self.id))
    }

    /// The answer, if it comes within `limit`.
    pub fn poll(&self, limit: Duration) -> Option<Answer> {
        self.answer.recv_timeout(limit).ok()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }
}

impl Sink for Shared {
    fn text(&self, connection: usize, text: &str) {
        let Ok(glance) = serde_json::from_str::<Glance<'_>>(text) else {
            let start: String = text.chars().take(80).collect();
            return self.change(|state| state.ledger.violation(format!("undecodable: {start}")));
        };
        let received = |frame| Received {
            connection,
            frame,
            at: Instant::now(),
        };
        let id = glance.id.as_deref().unwrap_or_default();
        // Rows that are only counted were counted by the glance.
        let frame = if glance.kind == "chunk" && self.lock().ledger.counts_only(id) {
            Value::Null
        } else {
            deep_json::parse(text).expect("parsed once already")
        };
        self.change(|state| match glance.kind.as_ref() {
            "hello" => {
                if !is_hello(&frame) {
                    state.ledger.violation(format!("hello of a wrong shape: {frame}"));
                }
                let mut connections = state.connections.iter();
                let found = connections.find(|candidate| candidate.number == connection).cloned();
                if let Some(found) = found {
                    if self.options.ack {
                        let sources = &self.options.sources;
                        let ack = json!({ "type": "hello-ack", "serverVersion": 1, "assignedSources": sources });
                        found.text(ack.to_string());
                    }
                    state.current = Some(found);
                }
                state.hellos.push(received(frame));
            }
            "heartbeat" => {
                let stats = &frame["stats"];
                if !stats.is_null() && !stats["activeJobs"].is_number() {
                    state.ledger.violation(format!("heartbeat of a wrong shape: {frame}"));
                }
                state.heartbeats.push(received(frame));
            }
            _ => state.ledger.job_frame(connection, &glance, frame, text.len()),
        });
    }

    fn binary(&self, connection: usize) {
        self.change(|state| {
            state
                .ledger
                .violation(format!("binary frame on connection {connection}"))
        });
    }

    fn ping(&self, _connection: usize) {
        self.change(|state| state.pings += 1);
    }

    fn closed(&self, connection: usize, close: Option<(u16, String)>) {
        self.change(|state| {
            state.ledger.disconnect(connection);
            state
                .connections
                .retain(|candidate| candidate.number != connection);
            state
                .current
                .take_if(|current| current.number == connection);
            state.closed.push((connection, close));
        });
    }
}

fn is_hello(frame: &Value) -> bool {
    frame["version"].is_number()
        && frame["runnerId"].is_string()
        && frame["capabilities"].is_array()
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopping.load(Ordering::Acquire) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = shared.clone();
        thread::Builder::new()
            .name("gateway-upgrade".into())
            .spawn(move || serve(stream, &shared))
            .expect("a thread");
    }
}

fn serve(stream: TcpStream, shared: &Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let plain = match &shared.options.tls {
        None => stream,
        Some(config) => match tls::terminate(stream, config.clone()) {
            Ok(plain) => plain,
            Err(error) => return shared.change(|state| state.tls_failures.push(error.to_string())),
        },
    };
    let number = {
        let mut state = shared.lock();
        state.upgrades_begun += 1;
        state.upgrades_begun
    };
    let admit = |upgrade: &Upgrade| {
        shared.change(|state| {
            state.upgrades.push(upgrade.clone());
            state.upgraded_at.push(Instant::now());
        });
        (shared.options.admit)(upgrade)
    };
    let Ok(Some((stream, _, admission))) = upgrade::accept(plain, number, admit) else {
        return;
    };
    if admission == Admission::Drop {
        return;
    }
    let sink: Arc<dyn Sink> = shared.clone();
    let mut state = shared.lock();
    let connection = Connection::start(number, stream, sink);
    if let Admission::Close(code, reason) = admission {
        connection.close(code, reason);
    }
    state.connections.push(connection);
}

//! One session: everything that belongs to one connection lives here and is dropped with it.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use log::debug;

use crate::engine::{Engine, Outbox, Urgent};
use crate::gateway::dial::Link;
use crate::gateway::end::End;
use crate::gateway::error::LinkError;
use crate::gateway::events::Events;
use crate::gateway::frame_guard::FrameGuard;
use crate::gateway::pulse::Pulse;
use crate::gateway::reader::Reader;
use crate::gateway::stop::Stop;
use crate::gateway::wire::{Wire, WireReader, WireWriter};
use crate::gateway::writer::Writer;
use crate::job::{Bell, Inlet};
use crate::limits;
use crate::net::Budget;
use crate::protocol::FrameParser;

/// What a session needs besides its connection.
pub struct SessionContext<'a> {
    /// Runs the jobs.
    pub engine: &'a Arc<Engine>,
    /// What people see.
    pub events: &'a Events,
    /// Where the end of the process is announced.
    pub stop: &'a Stop,
    /// The first frame.
    pub hello: String,
    /// Time between two heartbeats.
    pub heartbeat: Duration,
    /// Room for what goes before rows; at least one error a live job.
    pub urgent_queue: usize,
}

/// Has a session over `link` until it ends: how, and how long it was up. The calling thread is the reader.
pub fn run(link: Link, budget: Budget, context: SessionContext<'_>) -> (End, Duration) {
    let bell = Bell::default();
    let (urgent, urgent_queue) = Inlet::queue(context.urgent_queue, &bell);
    let (frames, frame_queue) = Inlet::queue(limits::WRITER_QUEUE, &bell);
    let running = Running(bell.clone());
    let _hang_up = HangUp(Some(Arc::clone(&link.wire)));
    let writer = Writer::new(
        WireWriter::new(Arc::clone(&link.wire)),
        urgent_queue,
        frame_queue,
        bell,
        context.events.clone(),
        Arc::clone(context.engine.metrics()),
    );
    let writer = match spawn(writer, Arc::clone(&link.wire)) {
        Ok(writer) => writer,
        Err(source) => return (End::Failed(LinkError::System { source }), Duration::ZERO),
    };
    // The queue is empty.
    let _ = urgent.try_send(Urgent::Session(context.hello));
    let _registered = context.stop.register(urgent.clone());
    let wire = Arc::clone(&link.wire);
    let outbox = Outbox {
        urgent: urgent.clone(),
        frames,
        kill: Arc::new(move || wire.hang_up()),
    };
    let mut reader = Reader {
        frames: FrameParser::default(),
        stream: FrameGuard::new(
            WireReader::new(Arc::clone(&link.wire), urgent.clone()),
            link.early,
        ),
        pulse: Pulse::new(context.heartbeat, Instant::now(), budget.until()),
        urgent,
        jobs: context.engine.session(outbox),
        engine: Arc::clone(context.engine),
        events: context.events.clone(),
        budget: budget.total(),
        up_since: None,
        up: None,
    };
    let end = reader.run();
    let up_for = reader
        .up_since
        .map_or(Duration::ZERO, |since| since.elapsed());
    // Ends the session's jobs. Then the writer, wherever it is: in a write, or waiting for something to write.
    drop(reader);
    link.wire.hang_up();
    drop(running);
    if writer.join().is_err() {
        log::error!("the writer thread has panicked");
    }
    (end, up_for)
}

fn spawn(writer: Writer, wire: Arc<Wire>) -> io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name("writer".into()).spawn(move || {
        let mut hang_up = HangUp(Some(wire));
        match writer.run() {
            // After a close frame the gateway has the last word.
            Ok(()) => hang_up.0 = None,
            Err(error) => debug!("writing failed: {error}"),
        }
    })
}

/// The reader's side of the session, until it is dropped: then the writer ends.
struct Running(Bell);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Hangs up when a thread of the session leaves it, by a panic for instance: then the other ends, too.
struct HangUp(Option<Arc<Wire>>);

impl Drop for HangUp {
    fn drop(&mut self) {
        if let Some(wire) = &self.0 {
            wire.hang_up();
        }
    }
}

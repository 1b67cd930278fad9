//! One session: everything that belongs to one connection lives here and is dropped with it.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use log::debug;

use crate::engine::{Engine, Outbox};
use crate::gateway::control::{Control, ControlSender};
use crate::gateway::credentials::Credentials;
use crate::gateway::dial::OpenWebSocket;
use crate::gateway::end::End;
use crate::gateway::error::GatewayError;
use crate::gateway::events::Events;
use crate::gateway::frame_guard::FrameGuard;
use crate::gateway::incoming::Told;
use crate::gateway::outlet::{Outlet, SharedOutlet};
use crate::gateway::pulse::Pulse;
use crate::gateway::reader::Reader;
use crate::gateway::shortcut::Shortcut;
use crate::gateway::socket::{Socket, SocketReader, SocketWriter};
use crate::gateway::stop::Stop;
use crate::gateway::writer::{Queues, Writer};
use crate::job::{Buffers, QueueSender, Wakeup};
use crate::limits;
use crate::net::Budget;
use crate::protocol::FrameParser;
use crate::shortage;

/// What a session needs besides its connection.
pub struct SessionContext<'a> {
    /// Runs the jobs.
    pub engine: &'a Arc<Engine>,
    /// What people see.
    pub events: &'a Events,
    /// Where the end of the process is announced.
    pub stop: &'a Stop,
    /// Who we are.
    pub credentials: Arc<Credentials>,
    /// The first frame.
    pub hello: String,
    /// Time between two heartbeats.
    pub heartbeat: Duration,
}

/// Has a session until it ends: how, and how long it was up. The calling thread is the reader.
pub fn run(open: OpenWebSocket, budget: Budget, context: SessionContext<'_>) -> (End, Duration) {
    let (wakeup, room) = (Wakeup::default(), Wakeup::default());
    let (control, control_queue) = ControlSender::queue(&wakeup);
    // Room for an error a live job, and for those of jobs that were refused meanwhile.
    let most = context.engine.most_live() + limits::CONTROL_QUEUE;
    let (errors, error_queue) = QueueSender::queue(most, &wakeup);
    let (frames, frame_queue) = QueueSender::queue(limits::WRITER_QUEUE, &wakeup);
    let buffers = Buffers::default();
    let running = Running(wakeup.clone());
    let _hang_up = HangUp(Some(Arc::clone(&open.socket)));
    let outlet = SharedOutlet::new(Outlet::new(
        SocketWriter::new(Arc::clone(&open.socket)),
        buffers.clone(),
        context.events.clone(),
        Arc::clone(context.engine.metrics()),
    ));
    let shortcut = Shortcut {
        outlet: outlet.clone(),
        control: control.clone(),
        errors: errors.clone(),
        frames: frames.clone(),
        wakeup: wakeup.clone(),
    };
    let queues = Queues {
        control: control_queue,
        errors: error_queue,
        frames: frame_queue,
        wakeup,
        room: room.clone(),
    };
    let writer = Writer { outlet, queues };
    // The queue is empty.
    control.offer(Control::Frame(context.hello.clone()));
    let writer = match spawn(writer, Arc::clone(&open.socket)) {
        Ok(writer) => writer,
        Err(source) => return (End::Failed(GatewayError::System { source }), Duration::ZERO),
    };
    let _registered = context.stop.register(control.clone());
    let socket = Arc::clone(&open.socket);
    let outbox = Outbox {
        errors: errors.clone(),
        frames,
        shortcut: Arc::new(move |frame| shortcut.send(frame)),
        buffers,
        kill: Arc::new(move || socket.hang_up()),
    };
    let mut reader = Reader {
        frames: FrameParser::default(),
        stream: FrameGuard::new(
            SocketReader::new(Arc::clone(&open.socket), control.clone()),
            open.early,
        ),
        pulse: Pulse::new(context.heartbeat, Instant::now(), budget.until()),
        control,
        errors,
        room,
        jobs: context.engine.session(outbox),
        engine: Arc::clone(context.engine),
        events: context.events.clone(),
        hello: context.hello,
        credentials: context.credentials,
        told: Told::default(),
        said: None,
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
    open.socket.hang_up();
    drop(running);
    if writer.join().is_err() {
        log::error!("the writer thread has panicked");
    }
    (end, up_for)
}

fn spawn(writer: Writer, socket: Arc<Socket>) -> io::Result<thread::JoinHandle<()>> {
    shortage::spawn("writer", move || {
        let mut hang_up = HangUp(Some(socket));
        match writer.run() {
            // After a close frame the gateway has the last word.
            Ok(()) => hang_up.0 = None,
            Err(error) => debug!("writing failed: {error}"),
        }
    })
}

/// The reader's side of the session, until it is dropped: then the writer ends.
struct Running(Wakeup);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Hangs up when a thread of the session leaves it, by a panic for instance: then the other ends, too.
struct HangUp(Option<Arc<Socket>>);

impl Drop for HangUp {
    fn drop(&mut self) {
        if let Some(socket) = &self.0 {
            socket.hang_up();
        }
    }
}

//! The reading side of a session: what comes in, and the clock.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use log::{debug, info, warn};
use tungstenite::error::ProtocolError;
use tungstenite::protocol::{Message, Role, WebSocketConfig, WebSocketContext};

use crate::engine::{Engine, ErrorFrame, JobSession};
use crate::gateway::control::{Control, ControlSender};
use crate::gateway::credentials::Credentials;
use crate::gateway::end::End;
use crate::gateway::error::GatewayError;
use crate::gateway::events::Events;
use crate::gateway::frame_guard::FrameGuard;
use crate::gateway::incoming::{Told, end_of, text_of};
use crate::gateway::pulse::{Beat, Pulse};
use crate::gateway::socket::SocketReader;
use crate::job::{QueueSender, Wakeup};
use crate::limits;
use crate::metrics::{SessionUp, resident_kib};
use crate::protocol::{FrameError, FrameParser, ServerFrame, client_frame};

/// Reads until the session ends. Owns the heartbeat: the wait for bytes is at most the wait for the next beat,
/// so an idle session uses no CPU between two of them.
pub struct Reader {
    /// Where the frames come from.
    pub stream: FrameGuard<SocketReader>,
    /// What makes sense of them.
    pub frames: FrameParser,
    /// The clock.
    pub pulse: Pulse,
    /// To the writer: what the session itself has to send.
    pub control: ControlSender,
    /// To the writer: the ends of jobs that cannot even be accepted.
    pub errors: QueueSender<ErrorFrame>,
    /// Woken by the writer when half of the room for errors is free again.
    pub room: Wakeup,
    /// The jobs of this session.
    pub jobs: JobSession,
    /// All jobs, and the sources.
    pub engine: Arc<Engine>,
    /// What people see.
    pub events: Events,
    /// The first frame, to be sent once more if it is not answered.
    pub hello: String,
    /// Who we are: the gateway may quote it.
    pub credentials: Arc<Credentials>,
    /// What was told of frames that mean nothing to us.
    pub told: Told,
    /// The last error the gateway sent, before it accepted the session or instead of that.
    pub said: Option<String>,
    /// The whole time for connecting, for the message when the acknowledgement does not come.
    pub budget: Duration,
    /// When the gateway acknowledged the session.
    pub up_since: Option<Instant>,
    /// Held from then on.
    pub up: Option<SessionUp>,
}

impl Reader {
    /// Reads until the gateway closes the session, or there is a reason to give it up.
    pub fn run(&mut self) -> End {
        self.room.attend();
        let mut context = context();
        loop {
            match self
                .pulse
                .at(Instant::now(), self.stream.inner().last_received())
            {
                Beat::Heartbeat => {
                    self.heartbeat();
                    self.control.offer(Control::Ping);
                    continue;
                }
                Beat::Dead => return End::Lost("the gateway has fallen silent".to_owned()),
                Beat::HelloAgain => {
                    debug!("no answer to hello; it is said once more");
                    self.control.offer(Control::Frame(self.hello.clone()));
                    continue;
                }
                Beat::NoAck => {
                    self.close(&mut context, 1002, "no hello-ack");
                    return End::Failed(GatewayError::Silent {
                        budget: self.budget,
                        said: self.said.take(),
                    });
                }
                Beat::Wait(until) => {
                    if let Err(error) = self.stream.inner().wait_until(until) {
                        return End::Lost(error.to_string());
                    }
                }
            }
            let read = context.read(&mut self.stream);
            let received = self.stream.inner().last_received();
            self.engine.metrics().gateway.received(received);
            match read {
                Ok(message) => {
                    let large = message.len() > limits::READ_BUFFER;
                    if let Err(end) = self.take(message, &mut context) {
                        return end;
                    }
                    if large {
                        // The parser would keep its buffer for the life of the session. It is empty now:
                        // the stream gives it one frame at a time.
                        context = self::context();
                    }
                }
                Err(error) => {
                    if let Some(end) = self.stumble(error, &mut context) {
                        return end;
                    }
                }
            }
        }
    }

    fn take(&mut self, message: Message, context: &mut WebSocketContext) -> Result<(), End> {
        match message {
            Message::Text(_) | Message::Binary(_) => match text_of(&message) {
                Some(text) => self.take_text(text),
                None => self.tell_once("ignoring binary frames that hold no text"),
            },
            Message::Ping(payload) => self.control.offer(Control::Pong(payload.to_vec())),
            Message::Pong(_) | Message::Frame(_) => {}
            Message::Close(frame) => {
                let end = end_of(frame, &self.credentials);
                self.close(context, end.code().unwrap_or(1005), "");
                return Err(end);
            }
        }
        if !self.has_room() {
            // Dropping an answer is no choice, and neither is memory without bound.
            self.close(context, 1008, "answers are not read");
            return Err(End::Lost(
                "the gateway sends jobs but does not read their answers".to_owned(),
            ));
        }
        Ok(())
    }

    /// The ends of refused jobs may pile up faster than the writer gets to run. This is the one place where
    /// reading waits for it, and not for long.
    fn has_room(&self) -> bool {
        let capacity = self.errors.capacity();
        if self.errors.len() < capacity / 4 * 3 {
            return true;
        }
        let until = Instant::now() + limits::CLOSE_LINGER;
        while self.errors.len() > capacity / 2 && self.room.wait_until(until) {}
        !self.errors.is_full()
    }

    fn take_text(&mut self, text: &str) {
        if text.is_empty() {
            // What is left of a frame that was too large, and was reported.
            return;
        }
        match self.frames.parse(text) {
            Ok(ServerFrame::Error { text }) => {
                let said = self.credentials.quote(&text);
                warn!("the gateway sends an error: {said}");
                self.said = Some(said);
            }
            Ok(frame) => {
                self.understood();
                self.take_frame(frame);
            }
            Err(FrameError::Job { id, error }) => {
                self.understood();
                self.events.job(Some(&id));
                warn!("refusing a job: {error}");
                self.engine.refused(&id, error.code);
                let text = client_frame::error(&id, &error);
                // Fails only when the writer is gone or the queue is full, and both end the session.
                let _ = self.errors.try_send(ErrorFrame { id, text });
            }
            Err(error @ (FrameError::Unknown { .. } | FrameError::NoType { .. })) => {
                let text = error.to_string();
                self.tell_once(&format!("ignoring frames of the gateway: {text}"));
            }
            Err(error) => {
                if let FrameError::Incomplete { kind: "job", .. } = error {
                    self.events.job(None);
                }
                warn!("ignoring a frame: {error}");
            }
        }
    }

    fn take_frame(&mut self, frame: ServerFrame) {
        match frame {
            ServerFrame::Job(job) => {
                self.events.job(Some(&job.id));
                self.jobs.submit(job);
            }
            ServerFrame::Cancel { id } => self.jobs.cancel(&id),
            ServerFrame::Ping => {
                self.heartbeat();
                self.pulse.sent(Instant::now());
            }
            ServerFrame::HelloAck {
                server_version,
                sources,
            } => {
                if server_version.is_some_and(|v| v > u64::from(limits::PROTOCOL_VERSION) + 1) {
                    warn!(
                        "the gateway speaks protocol version {server_version:?}; update the runner"
                    );
                }
                info!("number of sources assigned: {}", sources.len());
                self.engine.assign(&sources);
            }
            ServerFrame::AssignmentsChanged { sources } => {
                info!("number of sources assigned now: {}", sources.len());
                self.engine.assign(&sources);
            }
            ServerFrame::Error { .. } => {}
        }
    }

    /// The gateway speaks to us: whatever it said first, it has accepted the session.
    fn understood(&mut self) {
        if self.up_since.is_none() {
            let now = Instant::now();
            self.up_since = Some(now);
            let patience = self.pulse.patience();
            self.up = Some(self.engine.metrics().session_up(patience, now));
            self.pulse.acknowledged();
            self.events.connected();
        }
    }

    fn tell_once(&mut self, text: &str) {
        if self.told.is_new(text) {
            warn!("{text}; more of them are not told");
        }
    }

    fn heartbeat(&self) {
        let memory_mb = resident_kib().map(|kib| (kib + 512) / 1024);
        let text = client_frame::heartbeat(self.engine.active_jobs(), memory_mb);
        self.control.offer(Control::Frame(text));
        self.engine.metrics().gateway.heartbeat(Instant::now());
    }

    /// Ends the session on an error, or not.
    fn stumble(
        &mut self,
        error: tungstenite::Error,
        context: &mut WebSocketContext,
    ) -> Option<End> {
        use tungstenite::Error;
        match error {
            Error::Io(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock
                        | io::ErrorKind::TimedOut
                        | io::ErrorKind::Interrupted
                ) =>
            {
                None
            }
            Error::Utf8(_) => {
                warn!("ignoring a text frame that is not UTF-8");
                None
            }
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
            | Error::ConnectionClosed
            | Error::AlreadyClosed => Some(End::Lost("the gateway hung up".to_owned())),
            Error::Capacity(error) => {
                self.close(context, 1009, "frame too large");
                Some(End::Lost(error.to_string()))
            }
            Error::Protocol(error) => {
                self.close(context, 1002, "protocol error");
                Some(End::Lost(error.to_string()))
            }
            Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                self.close(context, 1002, "protocol error");
                Some(End::Lost(error.to_string()))
            }
            // TLS ends with a good-bye; without one, somebody on the way may have ended it.
            Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Some(End::Lost("the gateway hung up".to_owned()))
            }
            Error::Io(error) => Some(End::Lost(crate::tls::chain(&error))),
            error => Some(End::Lost(crate::tls::chain(&error))),
        }
    }

    /// Asks the writer for a close frame, and gives the gateway a moment to answer it or hang up.
    fn close(&mut self, context: &mut WebSocketContext, code: u16, reason: &'static str) {
        if !self.control.close(code, reason) {
            return;
        }
        let until = Instant::now() + limits::CLOSE_LINGER;
        while self.stream.inner().wait_until(until).is_ok() {
            match context.read(&mut self.stream) {
                Ok(Message::Close(_)) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }
}

fn context() -> WebSocketContext {
    let config = WebSocketConfig::default()
        .read_buffer_size(limits::READ_BUFFER)
        .max_message_size(Some(limits::MAX_FRAME_BYTES))
        .max_frame_size(Some(limits::MAX_FRAME_BYTES));
    WebSocketContext::new(Role::Client, Some(config))
}

//! A session for `doctor`: up to the gateway's first frame that we understand, then closed. Jobs that come in
//! meanwhile are refused.

use std::io;

use tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};
use tungstenite::{Error, WebSocket};

use crate::error::{ErrorCode, JobError};
use crate::gateway::credentials::Credentials;
use crate::gateway::end::End;
use crate::gateway::error::GatewayError;
use crate::gateway::incoming::{end_of, text_of};
use crate::gateway::transport::{Destination, Transport, TransportStream};
use crate::gateway::upgrade::upgrade;
use crate::limits;
use crate::net::Budget;
use crate::protocol::{FrameError, ServerFrame, client_frame};
use crate::sources::Source;

/// What the gateway said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Greeting {
    /// Its protocol version.
    pub server_version: Option<u64>,
    /// The sources that are assigned to this runner; `None` when it was no list that came first.
    pub sources: Option<Vec<Source>>,
}

/// Asks for the upgrade and hangs up once it is granted. The destination has no credentials then, so that no
/// session of a running runner is disturbed: a refusal for want of them is as good as a grant.
pub fn probe(destination: &Destination<'_>, budget: Budget) -> Result<u16, GatewayError> {
    let mut transport = Transport::open(destination, budget, &mut |_| {})?;
    match upgrade(&mut transport, destination, budget) {
        Ok(_) => Ok(101),
        Err(GatewayError::Refused(refusal)) if refusal.may_be_misnamed() => Ok(refusal.status),
        Err(error) => Err(error),
    }
}

/// Authenticates, waits for the first frame that we understand, closes.
pub fn authenticate(
    destination: &Destination<'_>,
    credentials: &Credentials,
    hello: &str,
    budget: Budget,
) -> Result<Greeting, End> {
    let destination = Destination {
        credentials: Some(credentials),
        ..*destination
    };
    let mut transport = Transport::open(&destination, budget, &mut |_| {}).map_err(End::Failed)?;
    let early = upgrade(&mut transport, &destination, budget).map_err(End::Failed)?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(limits::MAX_FRAME_BYTES))
        .max_frame_size(Some(limits::MAX_FRAME_BYTES));
    let first = budget.at_most(limits::HELLO_AGAIN);
    let stream = transport.stream(first);
    let mut trial = Trial {
        socket: WebSocket::from_partially_read(stream, early, Role::Client, Some(config)),
        credentials,
        said: None,
    };
    trial
        .send(hello)
        .map_err(|error| trial.broken(error, budget))?;
    match trial.wait() {
        Err(Stop::Broken(error)) if is_late(&error) && budget.left().is_ok() => {
            trial.socket.get_mut().until(budget);
            let again = trial.send(hello).map_err(Stop::Broken);
            again.and_then(|()| trial.wait())
        }
        answer => answer,
    }
    .map_err(|stop| match stop {
        Stop::End(end) => end,
        Stop::Broken(error) => trial.broken(error, budget),
    })
}

struct Trial<'a> {
    socket: WebSocket<TransportStream<'a>>,
    credentials: &'a Credentials,
    /// The last error the gateway sent.
    said: Option<String>,
}

/// Why there is no greeting.
enum Stop {
    End(End),
    Broken(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

impl Trial<'_> {
    fn send(&mut self, text: &str) -> Result<(), Error> {
        self.socket.send(Message::text(text))
    }

    fn wait(&mut self) -> Result<Greeting, Stop> {
        loop {
            let message = self.socket.read()?;
            if let Message::Close(frame) = message {
                // The answer to a close frame is sent by the next call; the gateway may be gone.
                let _ = self.socket.flush();
                return Err(Stop::End(self.closed(frame)));
            }
            let Some(text) = text_of(&message) else {
                continue;
            };
            let greeting = match ServerFrame::parse(text) {
                Ok(ServerFrame::HelloAck {
                    server_version,
                    sources,
                }) => Greeting {
                    server_version,
                    sources: Some(sources),
                },
                Ok(ServerFrame::AssignmentsChanged { sources }) => Greeting {
                    sources: Some(sources),
                    ..Greeting::default()
                },
                Ok(ServerFrame::Job(job)) => self.refuse(&job.id)?,
                Err(FrameError::Job { id, .. }) => self.refuse(&id)?,
                Ok(ServerFrame::Ping | ServerFrame::Cancel { .. }) => Greeting::default(),
                Ok(ServerFrame::Error { text }) => {
                    self.said = Some(self.credentials.quote(&text));
                    continue;
                }
                Err(error) => {
                    let text = self.credentials.quote(&error.to_string());
                    self.said.get_or_insert(text);
                    continue;
                }
            };
            self.close();
            return Ok(greeting);
        }
    }

    fn refuse(&mut self, id: &str) -> Result<Greeting, Error> {
        let message = "this runner is only being tested (doctor --connect)";
        let error = JobError::new(ErrorCode::ShuttingDown, message);
        self.send(&client_frame::error(id, &error))?;
        Ok(Greeting::default())
    }

    /// A close frame often has less to say than the error before it.
    fn closed(&mut self, frame: Option<CloseFrame>) -> End {
        match (end_of(frame, self.credentials), self.said.take()) {
            (End::Closed { code, reason }, Some(said)) if reason.is_empty() => {
                End::Closed { code, reason: said }
            }
            (end, _) => end,
        }
    }

    fn broken(&mut self, error: Error, budget: Budget) -> End {
        if is_late(&error) {
            return End::Failed(GatewayError::Silent {
                budget: budget.total(),
                said: self.said.take(),
            });
        }
        let said = self.said.take();
        let said = said.map_or_else(String::new, |said| format!("; it said: {said}"));
        End::Lost(format!(
            "the connection broke before hello-ack: {error}{said}"
        ))
    }

    /// Says good-bye; whether the gateway hears it makes no difference to the answer.
    fn close(&mut self) {
        let frame = CloseFrame {
            code: 1000.into(),
            reason: "".into(),
        };
        let closed = self.socket.close(Some(frame));
        if let Err(error) = closed.and_then(|()| self.socket.flush()) {
            log::debug!("closing: {error}");
        }
    }
}

fn is_late(error: &Error) -> bool {
    matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::TimedOut)
}

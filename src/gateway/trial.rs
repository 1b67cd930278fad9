//! A session for `doctor`: up to the gateway's `hello-ack`, then closed. Jobs that come in meanwhile are
//! refused.

use std::io;

use tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};
use tungstenite::{Error, WebSocket};

use crate::error::{ErrorCode, JobError};
use crate::gateway::end::End;
use crate::gateway::error::GatewayError;
use crate::gateway::transport::{Destination, Transport, TransportStream, or_timed_out};
use crate::gateway::upgrade::upgrade;
use crate::limits;
use crate::net::{Budget, Phase};
use crate::protocol::{ServerFrame, client_frame};

/// What the gateway said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// Its protocol version.
    pub server_version: Option<u64>,
    /// Names of the sources that are assigned to this runner.
    pub sources: Vec<String>,
}

/// Asks for the upgrade and hangs up once it is granted. The destination's path holds no credentials then,
/// so that no session of a running runner is disturbed: a refusal for want of them is as good as a grant.
pub fn probe(destination: &Destination<'_>, budget: Budget) -> Result<u16, GatewayError> {
    let mut transport = Transport::open(destination, budget, &mut |_| {})?;
    match upgrade(
        transport.stream(budget),
        destination.address,
        destination.path,
    ) {
        Ok(_) => Ok(101),
        Err(GatewayError::Refused { status, .. }) if status == 401 || status == 403 => Ok(status),
        Err(error) => Err(or_timed_out(error, Phase::Upgrade, budget)),
    }
}

/// Authenticates, waits for `hello-ack`, closes.
pub fn authenticate(
    destination: &Destination<'_>,
    hello: &str,
    budget: Budget,
) -> Result<Greeting, End> {
    let mut transport = Transport::open(destination, budget, &mut |_| {}).map_err(End::Failed)?;
    let early = upgrade(
        transport.stream(budget),
        destination.address,
        destination.path,
    )
    .map_err(|error| End::Failed(or_timed_out(error, Phase::Upgrade, budget)))?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(limits::MAX_FRAME_BYTES))
        .max_frame_size(Some(limits::MAX_FRAME_BYTES));
    let mut socket =
        WebSocket::from_partially_read(transport.stream(budget), early, Role::Client, Some(config));
    let lost = |error| broken(error, budget);
    socket.send(Message::text(hello)).map_err(lost)?;
    loop {
        let message = socket.read().map_err(lost)?;
        let text = match message {
            Message::Text(text) => text,
            Message::Close(frame) => {
                let (code, reason) = frame.map_or((1005, String::new()), |frame| {
                    (frame.code.into(), frame.reason.to_string())
                });
                // The answer to a close frame is sent by the next call; the gateway may be gone.
                let _ = socket.flush();
                return Err(End::Closed { code, reason });
            }
            _ => continue,
        };
        match ServerFrame::parse(&text) {
            Ok(ServerFrame::HelloAck {
                server_version,
                sources,
            }) => {
                close(&mut socket);
                return Ok(Greeting {
                    server_version,
                    sources: sources.into_iter().map(|source| source.name).collect(),
                });
            }
            Ok(ServerFrame::Job(job)) => {
                let message = "this runner is only being tested (doctor --connect)";
                let error = JobError::new(ErrorCode::ShuttingDown, message);
                let frame = client_frame::error(&job.id, &error);
                socket.send(Message::text(frame)).map_err(lost)?;
            }
            Ok(_) | Err(_) => {}
        }
    }
}

/// Says good-bye; whether the gateway hears it makes no difference to the answer.
fn close(socket: &mut WebSocket<TransportStream<'_>>) {
    let frame = CloseFrame {
        code: 1000.into(),
        reason: "".into(),
    };
    let closed = socket.close(Some(frame)).and_then(|()| socket.flush());
    if let Err(error) = closed {
        log::debug!("closing: {error}");
    }
}

fn broken(error: Error, budget: Budget) -> End {
    match error {
        Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
            End::Failed(GatewayError::TimedOut {
                phase: Phase::Ack,
                budget: budget.total(),
            })
        }
        error => End::Lost(format!("the connection broke before hello-ack: {error}")),
    }
}

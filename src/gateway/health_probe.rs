//! The official `doctor`'s question to a gateway's host: does anything answer `GET /health`?

use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::gateway::error::GatewayError;
use crate::gateway::transport::{Destination, Step, Transport, or_timed_out};
use crate::net::http::Head;
use crate::net::{Budget, http_date};

/// What the host answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Any status will do.
    pub status: u16,
    /// By how much this machine's clock is ahead of the host's, in seconds; negative when it is behind.
    /// `None` when the host does not tell its time.
    pub clock_ahead: Option<i64>,
}

/// Asks, over a connection of its own.
pub fn ask_health(
    destination: &Destination<'_>,
    budget: Budget,
    watch: &mut dyn FnMut(Step<'_>),
) -> Result<Health, GatewayError> {
    let mut transport = Transport::open(destination, budget, watch)?;
    let failed = |source| or_timed_out(GatewayError::Health { source }, budget);
    let mut stream = transport.stream(budget);
    let request = format!(
        "GET /health HTTP/1.1\r\nHost: {}\r\nUser-Agent: semilayer-runner/{}\r\n\
         Accept: */*\r\nConnection: close\r\n\r\n",
        destination.address.authority(),
        env!("CARGO_PKG_VERSION")
    );
    stream
        .write_all(request.as_bytes())
        .and_then(|()| stream.flush())
        .map_err(failed)?;
    let (head, _) = Head::read_alone(&mut stream).map_err(failed)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    Ok(Health {
        status: head.status,
        clock_ahead: head
            .header("date")
            .and_then(http_date::parse)
            .and_then(|date| ahead(now.unwrap_or(Duration::ZERO), date)),
    })
}

fn ahead(now: Duration, date: u64) -> Option<i64> {
    let now = i64::try_from(now.as_secs()).ok()?;
    now.checked_sub(i64::try_from(date).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_compared_either_way() {
        assert_eq!(ahead(Duration::from_secs(100), 40), Some(60));
        assert_eq!(ahead(Duration::from_secs(40), 100), Some(-60));
        assert_eq!(ahead(Duration::from_secs(40), u64::MAX), None);
    }
}

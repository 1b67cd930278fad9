//! `@semilayer/bridge-turso`: SQLite behind the service of Turso, which speaks Hrana 3, or behind the same server run
//! by oneself. What it shares with SQLite is in `lite`.
//!
//! All of it was tried on that server, sqld. Of the service it is known from documentation only that it speaks Hrana 3,
//! what stands before it (429, 502 to 504), and how its tokens are made.
//!
//! - `package`: its facts, and opening a source; `config`: its configuration
//! - `hrana`: the text of requests and answers
//! - `stream`: statements of a job, on one stream of the server

mod config;
mod hrana;
mod package;
mod stream;

use std::sync::Arc;

use crate::bridges::lite::{Known, LiteSession, write_value};
use crate::bridges::places::Place;
use crate::bridges::pool::Connector;
use crate::bridges::service::Service;
use crate::bridges::sql::SqlEngine;
use crate::error::JobError;
use crate::job::{JobControl, Package};
use crate::json::Text;

use config::Settings;
use hrana::Line;
use stream::Stream;

pub(super) use package::PACKAGE;

/// The engine.
struct Turso {
    settings: Arc<Settings>,
    known: Known,
}

/// Makes what jobs ask with. Nothing is connected until something is asked.
struct Servers(Arc<Settings>);

impl Connector for Servers {
    type Connection = Service;

    fn connect(&self, job: &Arc<JobControl>, _: &Place) -> Result<Service, JobError> {
        job.check()?;
        Ok(Service::new(
            self.0.peer.clone(),
            self.0.token.as_ref().map(|token| token.expose()),
        ))
    }

    fn reusable(&self, service: &mut Service) -> bool {
        service.reusable()
    }
}

impl SqlEngine for Turso {
    type Connector = Servers;
    type Session<'s> = LiteSession<'s>;

    fn package(&self) -> &'static Package {
        &PACKAGE.package
    }

    fn job<T>(
        &self,
        service: &mut Service,
        job: &Arc<JobControl>,
        work: impl FnOnce(&mut LiteSession<'_>) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        let _guard = service.begin(job)?;
        let mut stream = Stream {
            service,
            settings: &self.settings,
            known: &self.known,
            job,
            baton: None,
        };
        let result = work(&mut LiteSession(&mut stream));
        stream.close(result.as_ref().err());
        result
    }
}

/// Appends the values of a row as it comes over the wire, as a list. False for what is no line of an answer; nothing is
/// written of a line that is another one.
pub(super) fn write_line(out: &mut Text, line: &str) -> bool {
    let line = hrana::line(line);
    if let Some(Line::Row(values)) = &line {
        for (i, value) in values.iter().enumerate() {
            out.push(if i == 0 { '[' } else { ',' });
            write_value(out, value);
        }
        out.push_str(if values.is_empty() { "[]" } else { "]" });
    }
    line.is_some()
}

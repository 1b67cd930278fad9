//! A session with a database to ask.

use std::time::Duration;

use serde_json::{Value, json};

use crate::databases::{self, Database};
use crate::session::SOON;
use crate::watchdog::Watchdog;
use crate::{Answer, FaultProxy, Gateway, Job, Runner, RunnerBuilder, Session};

/// One runner with one source, ready for jobs. Made by `stage!`.
pub struct Stage<D> {
    /// The runner.
    pub runner: Runner,
    /// Its gateway.
    pub gateway: Gateway,
    /// The database as a managed source; jobs of the stage go there.
    pub source: Value,
    /// The database.
    pub database: D,
    _watchdog: Watchdog,
}

impl<D: Database> Stage<D> {
    /// A session of the binary, which `describe` may change.
    pub fn new(
        binary: &str,
        database: D,
        describe: impl FnOnce(RunnerBuilder) -> RunnerBuilder,
    ) -> Self {
        let session = Session::new(binary, describe);
        Self {
            runner: session.runner,
            gateway: session.gateway,
            source: database.source(),
            database,
            _watchdog: session.watchdog,
        }
    }

    /// Limits the source to so many connections.
    pub fn pool(mut self, connections: usize) -> Self {
        self.source["config"]["pool"] = json!({ "max": connections });
        self
    }

    /// Puts a new relay between the source and its database.
    pub fn relay(&mut self) -> FaultProxy {
        let source = self.database.source();
        let url = source["config"]["url"].as_str();
        let url = url.expect("a source with a URL");
        let proxy = FaultProxy::start(databases::address(url));
        let relayed = databases::with_address(url, proxy.address);
        self.source["config"]["url"] = relayed.into();
        proxy
    }

    /// Dispatches a job of this kind with the usual deadline.
    pub fn start(&self, kind: &str, target: &str) -> Job {
        let target = self.database.target(target);
        self.gateway
            .dispatch(&self.source, kind, &target, json!({}))
    }

    /// Asks for all rows of a target.
    pub fn rows(&self, target: &str) -> Job {
        self.start("batchRead", target)
    }

    /// Asks for all rows of a target within a deadline. They are counted, not kept.
    pub fn rows_within(&self, target: &str, deadline: Duration) -> Job {
        let target = self.database.target(target);
        let deadline = deadline.as_millis() as u64;
        self.gateway.dispatch_with(
            &self.source,
            "batchRead",
            &target,
            json!({}),
            deadline,
            true,
        )
    }

    /// The one row of the table `one` comes, soon.
    #[track_caller]
    pub fn expect_one(&self) -> Answer {
        let answer = self.rows("one").wait_for(SOON);
        assert_eq!(answer.expect_done()["count"], 1);
        answer
    }
}

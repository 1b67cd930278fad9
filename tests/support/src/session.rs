//! What nearly every test begins with: a gateway, and a runner that has said `hello` to it.

use std::time::Duration;

use serde_json::Value;

use crate::watchdog::{Watchdog, watchdog};
use crate::{Answer, Gateway, Runner, RunnerBuilder};

/// A test that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(120);
/// A test that measures takes longer.
const MEASURED: Duration = Duration::from_secs(240);
/// For everything that takes no time to speak of, on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// One runner and its gateway, ready for jobs. Made by `session!`.
pub struct Session {
    /// The runner.
    pub runner: Runner,
    /// Its gateway.
    pub gateway: Gateway,
    pub(crate) watchdog: Watchdog,
}

impl Session {
    /// Starts a gateway and the binary, which `describe` may change, and waits for its `hello`.
    pub fn new(binary: &str, describe: impl FnOnce(RunnerBuilder) -> RunnerBuilder) -> Self {
        let gateway = Gateway::start();
        let runner = RunnerBuilder::under_test(binary, &gateway.url());
        Self::begin(LIMIT, gateway, describe(runner))
    }

    /// The same with the optimised binary. `None`, and why, where there is none.
    pub fn release() -> Option<Self> {
        let gateway = Gateway::start();
        let runner = RunnerBuilder::new("", &gateway.url()).release()?;
        Some(Self::begin(MEASURED, gateway, runner))
    }

    fn begin(limit: Duration, gateway: Gateway, runner: RunnerBuilder) -> Self {
        let watchdog = watchdog(limit);
        let runner = runner.start();
        gateway.wait_hello(1, SOON);
        Self {
            runner,
            gateway,
            watchdog,
        }
    }

    /// The answer to one job with the usual deadline.
    pub fn ask(&self, source: &Value, kind: &str, target: &str, options: Value) -> Answer {
        self.gateway.dispatch(source, kind, target, options).wait()
    }
}

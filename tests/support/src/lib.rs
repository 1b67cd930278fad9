//! What the runner's tests and measurements stand on: a gateway that enforces the frame contract, the real
//! binary as a child process, a watchdog, databases, certificates. It is a crate of its own so that it is
//! compiled once for all tests and no line of it can be in the production binary.
//!
//! Everything panics when something is wrong: that is what ends a test.

pub mod answer;
pub mod bson;
pub mod certificates;
pub mod clock;
pub mod connection;
pub mod databases;
pub mod deep_json;
pub mod fakes;
pub mod fault_proxy;
pub mod gateway;
pub mod intercepting_proxy;
pub mod ledger;
pub mod linked;
pub mod name_server;
pub mod network;
pub mod openssl;
pub mod project;
pub mod proxy;
pub mod runner;
pub mod secrets;
pub mod service_manager;
pub mod session;
pub mod source;
pub mod stage;
pub mod statistics;
pub mod temp;
pub mod tinyproxy;
pub mod tls;
pub mod upgrade;
pub mod watchdog;

pub use answer::{Answer, Terminal};
pub use certificates::{SelfSigned, TestCa};
pub use fault_proxy::{FaultProxy, Faults};
pub use gateway::{Gateway, Job, Options};
pub use intercepting_proxy::InterceptingProxy;
pub use linked::Linked;
pub use project::project;
pub use runner::{Runner, RunnerBuilder};
pub use rustls::ServerConfig;
pub use session::Session;
pub use stage::Stage;
pub use upgrade::{Admission, Upgrade};
pub use watchdog::watchdog;

/// The token every test runner presents unless a test says otherwise.
pub const TOKEN: &str = "rk_test_0123456789abcdef0123456789abcdef";
/// The id every test runner presents unless a test says otherwise.
pub const RUNNER_ID: &str = "6f9f1c1e-3b6a-4c55-9f0e-5f0a6d1f2b3c";

/// Starts to describe a runner process: the binary under test with a clean environment, pointed at a gateway.
/// A macro, because only the test itself knows where cargo put the binary.
#[macro_export]
macro_rules! runner {
    ($gateway:expr) => {
        $crate::RunnerBuilder::under_test(env!("CARGO_BIN_EXE_semilayer-runner"), &$gateway.url())
    };
}

/// A `Session`: the binary under test has said `hello` to a gateway of its own. An argument describes the runner, as
/// in `session!(|runner| runner.env("SEMILAYER_WORKERS", "2"))`.
#[macro_export]
macro_rules! session {
    () => {
        $crate::session!(|runner| runner)
    };
    ($describe:expr) => {
        $crate::Session::new(env!("CARGO_BIN_EXE_semilayer-runner"), $describe)
    };
}

/// A `Stage` on this database: the binary under test has said `hello` to a gateway of its own. A second argument
/// describes the runner, as in `stage!(database, |runner| runner.env("SEMILAYER_WORKERS", "2"))`.
#[macro_export]
macro_rules! stage {
    ($database:expr) => {
        $crate::stage!($database, |runner| runner)
    };
    ($database:expr, $describe:expr) => {
        $crate::Stage::new(env!("CARGO_BIN_EXE_semilayer-runner"), $database, $describe)
    };
}

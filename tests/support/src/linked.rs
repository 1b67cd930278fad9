//! A gateway that runners reach through a relay, in the clear or, as in real life, encrypted.

use crate::temp::TempDir;
use crate::{FaultProxy, Gateway, Options, RunnerBuilder, TestCa};

/// A gateway behind a relay.
pub struct Linked {
    /// The gateway.
    pub gateway: Gateway,
    /// The way to it.
    pub link: FaultProxy,
    /// The authority behind its certificate, for who connects encrypted.
    authority: Option<TempDir>,
}

impl Linked {
    /// Over `ws`.
    pub fn plain() -> Self {
        Self::to(Gateway::start(), None)
    }

    /// Over `wss`.
    pub fn encrypted() -> Self {
        let ca = TestCa::new("gateway root");
        let gateway = Gateway::with(Options {
            tls: Some(ca.server(&["127.0.0.1"])),
            ..Options::default()
        });
        let folder = TempDir::new();
        folder.write("ca.pem", ca.pem());
        Self::to(gateway, Some(folder))
    }

    fn to(gateway: Gateway, authority: Option<TempDir>) -> Self {
        let link = FaultProxy::start(([127, 0, 0, 1], gateway.port()).into());
        Self {
            gateway,
            link,
            authority,
        }
    }

    /// Where runners find the relay.
    pub fn url(&self) -> String {
        let scheme = if self.authority.is_some() {
            "wss"
        } else {
            "ws"
        };
        format!("{scheme}://{}/connect", self.link.address)
    }

    /// A runner that trusts this gateway, as in `linked.trusted(runner!(linked))`.
    pub fn trusted(&self, runner: RunnerBuilder) -> RunnerBuilder {
        match &self.authority {
            Some(folder) => {
                let file = folder.path().join("ca.pem");
                runner.env("NODE_EXTRA_CA_CERTS", file.display().to_string())
            }
            None => runner,
        }
    }
}

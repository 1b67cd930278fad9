//! Connecting has one budget. Whichever phase uses it up, the runner says which, and tries again.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use runner_testkit::network::{BlackHole, FullBacklog};
use runner_testkit::{
    FaultProxy, Faults, Gateway, Options, Runner, RunnerBuilder, TestCa, runner, watchdog,
};

/// The whole budget, and some time for a busy machine.
const BUDGET: Duration = Duration::from_secs(15);
const LIMIT: Duration = Duration::from_secs(25);

fn towards(url: &str) -> RunnerBuilder {
    RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), url)
}

/// An HTTP proxy that accepts every CONNECT and passes on to one host.
fn obliging_proxy(host: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            use std::io::{Read, Write};
            let mut client = client;
            let _ = client.read(&mut [0; 4096]);
            let _ = client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
            let mut host = std::net::TcpStream::connect(("127.0.0.1", host)).unwrap();
            let mut from_host = host.try_clone().unwrap();
            let mut to_client = client.try_clone().unwrap();
            thread::spawn(move || std::io::copy(&mut from_host, &mut to_client));
            thread::spawn(move || std::io::copy(&mut client, &mut host));
        }
    });
    port
}

/// All at once, because each takes the whole budget. The look-up of a name is in `network_namespace.rs`.
#[test]
fn the_phase_that_ran_out_of_time_is_named() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let mute = BlackHole::start();
    let deaf = FullBacklog::start();
    let no_ack = Gateway::with(Options {
        ack: false,
        ..Options::default()
    });
    // The proxy lets the request for the upgrade through and none of the answer.
    let gateway = Gateway::start();
    let swallowing = FaultProxy::start(([127, 0, 0, 1], gateway.port()).into());
    swallowing.set(Faults::default(), Faults::stalled());
    // The tunnel is there, but what is at its end says nothing.
    let tunnel = obliging_proxy(mute.address.port());
    let through = |proxy: u16| {
        towards("wss://gateway.invalid/connect")
            .env("HTTPS_PROXY", format!("http://u:s3cret@127.0.0.1:{proxy}"))
    };
    let cases: Vec<(Runner, &str)> = vec![
        (
            towards(&format!("ws://{}/connect", deaf.address)).start(),
            "the TCP connection",
        ),
        (
            through(mute.address.port()).start(),
            "the proxy's answer to CONNECT",
        ),
        (through(tunnel).start(), "the TLS handshake"),
        (
            towards(&format!("wss://{}/connect", mute.address)).start(),
            "the TLS handshake",
        ),
        (
            towards(&format!("ws://{}/connect", swallowing.address)).start(),
            "the WebSocket upgrade",
        ),
        (runner!(no_ack).start(), "the gateway's hello-ack"),
    ];
    for (runner, phase) in &cases {
        runner.wait_stderr(&format!("{phase} took too long (15 s in all)"), LIMIT);
        let took = runner.started.elapsed();
        assert!(
            took >= BUDGET - Duration::from_millis(100),
            "{phase}: {took:?}"
        );
        runner.wait_stdout("  ⚠ disconnected: close 1006\n", LIMIT);
        let said = runner.stdout() + &runner.stderr();
        assert!(!said.contains("s3cret"), "{said}");
    }
    // Whoever stands still is left with a close frame where there is a session already.
    let close = no_ack.wait_closed(1, LIMIT);
    assert_eq!(close.expect("a close frame").0, 1002);
    // All of them try again, by themselves.
    swallowing.heal();
    gateway.wait_hello(1, LIMIT);
    no_ack.wait_hello(2, LIMIT);
}

/// However slowly or in however small pieces the answers come, as long as they come in time.
#[test]
fn single_bytes_are_enough() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let ca = TestCa::new("slow CA");
    let folder = runner_testkit::temp::TempDir::new();
    let roots = folder.write("ca.pem", ca.pem());
    for tls in [false, true] {
        let gateway = Gateway::with(Options {
            tls: tls.then(|| ca.server(&["127.0.0.1"])),
            ..Options::default()
        });
        let link = FaultProxy::start(([127, 0, 0, 1], gateway.port()).into());
        link.set(Faults::single_bytes(), Faults::single_bytes());
        let scheme = if tls { "wss" } else { "ws" };
        let runner = towards(&format!("{scheme}://{}/connect", link.address))
            .env("NODE_EXTRA_CA_CERTS", roots.display().to_string())
            .start();
        gateway.wait_hello(1, LIMIT);
        runner.wait_stdout("  → connected, awaiting jobs\n", LIMIT);
        assert_eq!(link.connections(), 1);
    }
}

/// A connection that breaks anywhere on the way to the first frame is a failed attempt like any other.
#[test]
fn an_end_at_any_point_is_survived() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let gateways: Vec<_> = [0, 1, 20, 90, 129, 130, 140, 170]
        .into_iter()
        .map(|bytes| {
            let gateway = Gateway::start();
            let link = FaultProxy::start(([127, 0, 0, 1], gateway.port()).into());
            link.set(Faults::default(), Faults::cut_after(bytes));
            let runner = towards(&format!("ws://{}/connect", link.address)).start();
            (gateway, link, runner)
        })
        .collect();
    for (_, link, runner) in &gateways {
        runner.wait_stdout("  ⚠ disconnected: close 1006\n", LIMIT);
        link.heal();
    }
    for (gateway, _, runner) in &gateways {
        gateway.wait("a session", LIMIT, |state| state.hellos.last().cloned());
        runner.wait_stdout("  → connected, awaiting jobs\n", LIMIT);
    }
}

//! The container image as it is meant to be run: no writable file, no capability, few processes and files.
//! `scripts/check-image.sh` builds it and says how to call the container tool; elsewhere nothing is tested.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use runner_testkit::databases;
use runner_testkit::gateway::Options;
use runner_testkit::temp::TempDir;
use runner_testkit::{Gateway, RUNNER_ID, RunnerBuilder, TOKEN, TestCa, network, source, watchdog};
use serde_json::json;

/// Container tools take a moment.
const SOON: Duration = Duration::from_secs(60);

/// An image and the command that runs it.
struct Image {
    name: String,
    tool: Vec<String>,
}

impl Image {
    /// `None`, and why, when there is none.
    fn find() -> Option<Self> {
        match (std::env::var("TEST_IMAGE"), std::env::var("TEST_CONTAINER")) {
            (Ok(name), Ok(tool)) => Some(Self {
                name,
                tool: tool.split_whitespace().map(str::to_owned).collect(),
            }),
            _ => {
                println!("skipped: TEST_IMAGE is not set (scripts/check-image.sh sets it)");
                None
            }
        }
    }

    /// The container tool with these arguments.
    fn tool(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.tool[0]);
        command.args(&self.tool[1..]).args(arguments);
        command
    }

    /// A container of this name with these variables and read-only files, about to run `command`.
    fn run(
        &self,
        container: &str,
        variables: &[(&str, &str)],
        files: &[(PathBuf, &str)],
        command: &[&str],
    ) -> RunnerBuilder {
        let mut arguments: Vec<String> = self.tool[1..].to_vec();
        arguments.extend(
            [
                "run",
                "--rm",
                "--name",
                container,
                "--network=host",
                "--read-only",
                "--cap-drop=all",
                "--security-opt=no-new-privileges",
                "--ulimit=nofile=1024:1024",
                "--ulimit=nproc=1000:1000",
            ]
            .map(str::to_owned),
        );
        for (name, value) in variables {
            arguments.push(format!("--env={name}={value}"));
        }
        for (file, place) in files {
            arguments.push(format!("--volume={}:{place}:ro", file.display()));
        }
        arguments.push(self.name.clone());
        arguments.extend(command.iter().map(ToString::to_string));
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        // The gateway's address goes into the container by its own variable.
        RunnerBuilder::new(&self.tool[0], "")
            .args(&arguments)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", std::env::var("HOME").unwrap_or_default())
    }

    /// Waits until the tool itself, by the image's own check, calls the container healthy.
    fn is_healthy(&self, container: &str) {
        let until = Instant::now() + SOON;
        loop {
            // Podman has no timer of its own where no systemd runs.
            let _ = self.tool(&["healthcheck", "run", container]).output();
            let format = "{{.State.Health.Status}}";
            let seen = self
                .tool(&["inspect", "--format", format, container])
                .output()
                .unwrap();
            let seen = String::from_utf8_lossy(&seen.stdout).trim().to_owned();
            if seen == "healthy" {
                return;
            }
            assert!(Instant::now() < until, "{seen:?}");
            std::thread::sleep(Duration::from_secs(1));
        }
    }
}

/// A line of `/proc/PID/status`.
fn status(pid: &str, key: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    text.lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))
        .unwrap_or_else(|| panic!("no {key}"))
        .trim()
        .to_owned()
}

#[test]
fn a_job_is_answered_from_the_image() {
    let _watchdog = watchdog(Duration::from_secs(180));
    let Some(image) = Image::find() else { return };
    let Some(url) = databases::postgres() else {
        return;
    };
    // A gateway whose certificate only an extra root vouches for; the token in a file, as secrets are.
    let ca = TestCa::new("private root");
    let gateway = Gateway::with(Options {
        tls: Some(ca.server(&["localhost"])),
        host: "localhost".into(),
        ..Options::default()
    });
    let files = TempDir::new();
    let token = files.write("token", TOKEN);
    let root = files.write("root.pem", ca.pem());
    let container = format!("runner-image-{}", std::process::id());
    // The image's own port may be somebody else's on this network.
    let address = format!("127.0.0.1:{}", network::closed_port());
    let runner = image
        .run(
            &container,
            &[
                ("SEMILAYER_GATEWAY_URL", &gateway.url()),
                ("SEMILAYER_RUNNER_ID", RUNNER_ID),
                ("SEMILAYER_RUNNER_TOKEN_FILE", "/secrets/token"),
                ("NODE_EXTRA_CA_CERTS", "/secrets/root.pem"),
                ("SEMILAYER_SOURCE_PRIMARY_DB_URL", &url),
                ("SEMILAYER_HEALTH_ADDR", &address),
            ],
            &[(token, "/secrets/token"), (root, "/secrets/root.pem")],
            &[],
        )
        .start();
    gateway.wait_hello(1, SOON);
    let source = source::runner_local("s", "primary-db", "postgres");
    let answer = gateway.dispatch(&source, "test", "", json!({})).wait();
    assert_eq!(answer.expect_done()["readOnly"], true);

    let healthy = ["/semilayer-runner", "health", "--ready"];
    let asked = image.tool(&["exec", &container]).args(healthy).status();
    assert!(asked.unwrap().success());
    let built_in = image
        .tool(&["image", "inspect", "--format", "{{.Config.Healthcheck}}"])
        .arg(&image.name)
        .output()
        .unwrap();
    let built_in = String::from_utf8(built_in.stdout).unwrap();
    assert!(built_in.contains(&healthy.join(" ")), "{built_in}");

    image.is_healthy(&container);

    let pid = image
        .tool(&["inspect", "--format", "{{.State.Pid}}", &container])
        .output()
        .unwrap();
    let pid = String::from_utf8(pid.stdout).unwrap().trim().to_owned();
    assert_eq!(status(&pid, "Uid"), "65532\t65532\t65532\t65532");
    for set in ["CapEff", "CapPrm", "CapBnd"] {
        assert_eq!(status(&pid, set), "0000000000000000", "{set}");
    }
    assert_eq!(status(&pid, "NoNewPrivs"), "1");

    assert!(
        image
            .tool(&["stop", &container])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(gateway.wait_closed(1, SOON).expect("a close frame").0, 1000);
    assert!(runner.wait_exit(SOON).success());
}

/// What the image prints when it is run with this command, and its exit code.
fn run(image: &Image, gateway: &Gateway, command: &[&str]) -> (String, Option<i32>) {
    let container = format!("runner-image-{}-{}", command[0], std::process::id());
    let variables = [
        ("SEMILAYER_GATEWAY_URL", &*gateway.url()),
        ("SEMILAYER_RUNNER_ID", RUNNER_ID),
        ("SEMILAYER_RUNNER_TOKEN", TOKEN),
    ];
    let runner = image.run(&container, &variables, &[], command).start();
    let code = runner.wait_exit(SOON).code();
    (runner.stdout(), code)
}

#[test]
fn the_arguments_are_a_command() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let Some(image) = Image::find() else { return };
    let gateway = Gateway::start();
    for (command, first) in [
        (["status"], format!("runner id:   {RUNNER_ID}\n")),
        (
            ["doctor"],
            "✓ config loaded (runner 6f9f1c1e…)\n".to_owned(),
        ),
    ] {
        let (printed, code) = run(&image, &gateway, &command);
        assert!(printed.starts_with(&first), "{printed}");
        assert_eq!(code, Some(0), "{printed}");
    }
}

//! `scripts/doctor.sh --container` with containers of the image that fail in every known way.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::temp::TempDir;
use runner_testkit::{
    Gateway, Options, RUNNER_ID, TOKEN, TestCa, network, project, secrets, watchdog,
};

/// Container tools take a moment.
const SOON: Duration = Duration::from_secs(60);

/// The image, and the engine as it must be called on this machine.
struct Engine {
    image: String,
    words: Vec<String>,
    /// Where the script finds the engine by its plain name.
    folder: TempDir,
}

impl Engine {
    /// `None`, and why, when there is none.
    fn find() -> Option<Self> {
        let (Ok(image), Ok(tool)) = (std::env::var("TEST_IMAGE"), std::env::var("TEST_CONTAINER"))
        else {
            println!("skipped: TEST_IMAGE is not set (scripts/check-image.sh sets it)");
            return None;
        };
        let folder = TempDir::new();
        let name = tool.split(' ').next().unwrap();
        let script = format!(
            "#!/bin/sh\nPATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nexec {tool} \"$@\"\n"
        );
        let script = folder.write(name, script);
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        if name != "docker" {
            // The command alone, without an engine behind it, must lead nobody astray.
            let docker = folder.write("docker", "#!/bin/sh\necho 'no daemon' >&2\nexit 1\n");
            fs::set_permissions(&docker, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Some(Self {
            image,
            words: tool.split(' ').map(str::to_owned).collect(),
            folder,
        })
    }

    fn tool(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(&self.words[0]);
        let output = command.args(&self.words[1..]).args(arguments).output();
        let output = output.expect("the container tool");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned() + &said
    }

    /// Starts a container with these variables and options, and waits until its log says `word`.
    fn start(&self, variables: &[(&str, &str)], options: &[&str], word: &str) -> Container<'_> {
        let name = format!("runner-doctor-{}", std::process::id());
        let address = format!("127.0.0.1:{}", network::closed_port());
        let mut arguments = vec![
            "run".to_owned(),
            "--detach".to_owned(),
            format!("--name={name}"),
            "--network=host".to_owned(),
            "--ulimit=nofile=1024:1024".to_owned(),
            "--ulimit=nproc=1000:1000".to_owned(),
            format!("--env=SEMILAYER_HEALTH_ADDR={address}"),
        ];
        for (name, value) in variables {
            secrets::keep_variable(name, value);
            arguments.push(format!("--env={name}={value}"));
        }
        arguments.extend(options.iter().map(ToString::to_string));
        arguments.push(self.image.clone());
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        self.tool(&arguments);
        let container = Container { engine: self, name };
        let until = Instant::now() + SOON;
        while !container.log().contains(word) {
            assert!(Instant::now() < until, "{word}: {}", container.log());
            thread::sleep(Duration::from_millis(100));
        }
        container
    }

    /// The script, as somebody calls it on whose machine nothing is set.
    fn doctor(&self, container: &str, arguments: &[&str]) -> (String, i32) {
        let output = Command::new("sh")
            .arg(project("scripts/doctor.sh"))
            .args(["--container", container])
            .args(arguments)
            .env_clear()
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", self.folder.path().display()),
            )
            .env("HOME", std::env::var("HOME").unwrap_or_default())
            .output()
            .expect("a shell");
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(secrets::found_in(&text), None, "{text}");
        (text, output.status.code().expect("an exit code"))
    }
}

struct Container<'a> {
    engine: &'a Engine,
    name: String,
}

impl Container<'_> {
    fn log(&self) -> String {
        self.engine.tool(&["logs", &self.name])
    }

    /// What the script says, which must hold all this.
    fn explains(&self, parts: &[&str], code: i32) {
        let (text, ended) = self.engine.doctor(&self.name, &[]);
        for part in parts {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(ended, code, "{text}");
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        self.engine.tool(&["rm", "--force", &self.name]);
    }
}

#[test]
fn a_container_that_fails_is_explained() {
    let _watchdog = watchdog(Duration::from_secs(300));
    let Some(engine) = Engine::find() else {
        return;
    };
    let gateway = Gateway::start();
    let url = gateway.url();
    let with = |more: &[(&'static str, &str)]| {
        let mut variables = vec![
            ("SEMILAYER_RUNNER_ID", RUNNER_ID.to_owned()),
            ("SEMILAYER_RUNNER_TOKEN", TOKEN.to_owned()),
            ("SEMILAYER_GATEWAY_URL", url.clone()),
        ];
        for (name, value) in more {
            variables.retain(|(known, _)| known != name);
            variables.push((*name, (*value).to_owned()));
        }
        variables
    };
    let start = |more: &[(&'static str, &str)], options: &[&str], word: &str| {
        let variables = with(more);
        let variables: Vec<_> = variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
        engine.start(&variables, options, word)
    };

    let works = start(&[], &[], "connected, awaiting jobs");
    let healthy = [
        "Variables of the container",
        "✓ token      set, ",
        "  Runner environment looks healthy.",
        "✓ container  is running",
        "✓ log        nothing in it that is known to be wrong",
        "Nothing wrong was found.",
    ];
    works.explains(&healthy, 0);
    drop(works);

    let wrong = start(
        &[("SEMILAYER_RUNNER_TOKEN", "rk_wrong-token-1")],
        &[],
        "4401 bad token",
    );
    wrong.explains(
        &[
            "✓ container  is running",
            "4401 bad token",
            "mint a new one",
        ],
        1,
    );
    drop(wrong);

    let closed = format!("wss://127.0.0.1:{}/connect", network::closed_port());
    let unreachable = start(&[("SEMILAYER_GATEWAY_URL", &closed)], &[], "next attempt");
    unreachable.explains(
        &["✗ tcp        127.0.0.1:", "check outbound firewall rules"],
        1,
    );
    drop(unreachable);

    // Nobody it knows has signed the gateway's certificate; then the root is mounted.
    let ca = TestCa::new("Corporate Root");
    let intercepted = Gateway::with(Options {
        tls: Some(ca.server(&["localhost"])),
        host: "localhost".to_owned(),
        ..Options::default()
    });
    let secure = intercepted.url();
    let gateway_url = ("SEMILAYER_GATEWAY_URL", secure.as_str());
    let untrusted = start(&[gateway_url], &[], "next attempt");
    let said = [
        "signed by \"CN=Corporate Root\"",
        "set NODE_EXTRA_CA_CERTS to a PEM file with its root certificate",
    ];
    untrusted.explains(&said, 1);
    drop(untrusted);
    let root = ("NODE_EXTRA_CA_CERTS", "/ca.pem");
    let forgotten = start(&[gateway_url, root], &[], "next attempt");
    let said = ["✗ NODE_EXTRA_CA_CERTS nothing is mounted at /ca.pem"];
    forgotten.explains(&said, 1);
    drop(forgotten);
    let files = TempDir::new();
    let pem = files.write("ca.pem", ca.pem());
    let mount = format!("--volume={}:/ca.pem:ro", pem.display());
    let trusted = start(&[gateway_url, root], &[&mount], "connected, awaiting jobs");
    let said = [
        "✓ NODE_EXTRA_CA_CERTS 1 certificates in ",
        "Nothing wrong was found.",
    ];
    trusted.explains(&said, 0);
    drop(trusted);

    let missing = start(&[("SEMILAYER_RUNNER_ID", "")], &[], "Missing runner id");
    let said = [
        "✗ id         SEMILAYER_RUNNER_ID is not set",
        "the container does not run",
        "✗ container  ended with code 2",
        "set SEMILAYER_RUNNER_ID (shown in the Console)",
    ];
    missing.explains(&said, 1);
    drop(missing);

    let (text, code) = engine.doctor("no-such-container", &["--no-binary"]);
    assert!(
        text.contains("knows no container no-such-container"),
        "{text}"
    );
    assert_eq!(code, 1);
}

//! Collections of one test on a MongoDB, and a replica set of one test.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Database, ServerDatabase, address, private};
use crate::temp::TempDir;
use crate::{project, source};

/// Collections and views in the database `workload`, dropped afterwards.
pub struct MongodbDatabase {
    /// URL of a user who may only read.
    pub url: String,
    prefix: String,
}

impl MongodbDatabase {
    /// Without any collection. `None`, and why, where there is no server.
    pub fn empty() -> Option<Self> {
        Some(Self::on(&super::mongodb()?))
    }

    /// The same on the server at this URL.
    pub fn on(url: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self {
            url: url.to_owned(),
            prefix: format!("t{}_{number}_", std::process::id()),
        }
    }

    /// With `one`, `sleeper` and `nap`. `None`, and why, where there is no server.
    pub fn usual() -> Option<Self> {
        let database = Self::empty()?;
        database.insert("one", &[json!({ "_id": 1, "id": 1 })]);
        database.create_sleeper("sleeper", 60_000);
        database.create_sleeper("nap", 2_000);
        Some(database)
    }

    /// A view of `one` that takes so many milliseconds.
    pub fn create_sleeper(&self, view: &str, millis: u32) {
        let function = json!({
            "body": format!("function() {{ sleep({millis}); return 1; }}"), "args": [], "lang": "js",
        });
        let pipeline = json!([{ "$project": { "id": 1, "slept": { "$function": function } } }]);
        let (view, one) = (self.target(view), self.target("one"));
        self.run(&json!({ "create": view, "viewOn": one, "pipeline": pipeline }));
    }

    /// Fills a collection with so many documents: `_id` and `id` from 1 on, and these fields, in which `$i` is that
    /// number. The server makes them itself.
    pub fn generate(&self, collection: &str, count: u64, fields: Value) {
        let seed = self.target("seed");
        self.run(&json!({ "update": seed, "updates": [{ "q": { "_id": 1 }, "u": { "_id": 1 }, "upsert": true }] }));
        let mut shown = json!({ "_id": "$i", "id": "$i" });
        for (name, value) in fields.as_object().expect("fields") {
            shown[name] = value.clone();
        }
        self.run(&json!({
            "aggregate": seed, "cursor": {},
            "pipeline": [
                { "$project": { "i": { "$range": [1, count + 1] } } },
                { "$unwind": "$i" },
                { "$project": shown },
                { "$out": self.target(collection) },
            ],
        }));
    }

    /// Ends every operation on these collections, as an administrator does.
    pub fn kill_everything(&self) {
        for operation in self.active() {
            self.run_on("admin", &json!({ "killOp": 1, "op": operation }));
        }
    }

    /// Adds documents, in Extended JSON.
    pub fn insert(&self, collection: &str, documents: &[Value]) {
        let collection = self.target(collection);
        self.run(&json!({ "insert": collection, "documents": documents }));
    }

    /// Runs a command on `workload` as the administrator.
    pub fn run(&self, command: &Value) -> Value {
        self.run_on("workload", command)
    }

    /// The same on another database.
    pub fn run_on(&self, database: &str, command: &Value) -> Value {
        let login = ["--user", "admin", "--password", "administrator"];
        run(&address(&self.url).to_string(), database, command, &login).expect("a command")
    }

    /// Numbers of the operations that are about this test's collections.
    pub fn active(&self) -> Vec<i64> {
        let pattern = json!({ "$regex": format!("^{}", self.prefix) });
        let about = json!([{ "command.find": pattern }, { "command.aggregate": pattern }]);
        let answer = self.run_on(
            "admin",
            &json!({
                "aggregate": 1, "cursor": {},
                "pipeline": [
                    { "$currentOp": { "allUsers": true, "localOps": true } },
                    { "$match": { "$or": about, "active": true } },
                    { "$project": { "opid": 1 } },
                ],
            }),
        );
        let found = answer["cursor"]["firstBatch"].as_array().expect("a batch");
        found
            .iter()
            .filter_map(|operation| operation["opid"].as_i64())
            .collect()
    }

    /// Cursors that somebody has open on this server.
    pub fn open_cursors(&self) -> i64 {
        let status = self.run_on("admin", &json!({
            "aggregate": 1, "cursor": {},
            "pipeline": [
                { "$currentOp": { "allUsers": true, "idleCursors": true, "localOps": true } },
                { "$match": { "type": "idleCursor", "ns": { "$regex": format!("{}", self.prefix) } } },
                { "$count": "n" },
            ],
        }));
        status["cursor"]["firstBatch"][0]["n"].as_i64().unwrap_or(0)
    }
}

impl Database for MongodbDatabase {
    fn source(&self) -> Value {
        source::managed(
            "s",
            "mongodb",
            json!({ "url": self.url, "database": "workload" }),
        )
    }

    fn target(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

impl ServerDatabase for MongodbDatabase {
    fn wait_active(&self, count: usize, limit: Duration) -> Duration {
        let start = Instant::now();
        loop {
            let active = self.active().len();
            if active == count {
                return start.elapsed();
            }
            assert!(
                // Asking takes a tenth of a second, and what is told is a little old.
                start.elapsed() < limit + Duration::from_millis(500),
                "not {count} running after {limit:?} but {active}"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for MongodbDatabase {
    fn drop(&mut self) {
        let answer = self.run(&json!({ "listCollections": 1, "nameOnly": true }));
        let found = answer["cursor"]["firstBatch"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let names = found
            .iter()
            .filter_map(|collection| collection["name"].as_str());
        for name in names.filter(|name| name.starts_with(&self.prefix)) {
            self.run(&json!({ "drop": name }));
        }
    }
}

/// A replica set of two, of which either may become the primary, with the fixtures. It ends with the value.
pub struct MongodbSet {
    /// URL with both members.
    pub url: String,
    members: Vec<String>,
    folder: TempDir,
}

impl MongodbSet {
    /// `None`, and why, where it cannot be started.
    pub fn start() -> Option<Self> {
        let folder = TempDir::new();
        let output = Command::new(private::script())
            .arg("set")
            .arg(folder.path())
            .output();
        let output = output.expect("scripts/databases.sh");
        let url = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if !output.status.success() || url.is_empty() {
            let said = String::from_utf8_lossy(&output.stderr);
            super::skipped(
                "mongodb",
                &format!("no replica set of its own: {}", said.trim()),
            );
            return None;
        }
        let hosts = url.split(['/', '?']).nth(2).expect("hosts");
        Some(Self {
            members: hosts.split(',').map(str::to_owned).collect(),
            url,
            folder,
        })
    }

    /// The member that takes writes, and the others; waits until there is one.
    pub fn roles(&self) -> (String, Vec<String>) {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let is_primary = |member: &&String| {
                let hello = run(member, "admin", &json!({ "hello": 1 }), &[]);
                hello.expect("a greeting")["isWritablePrimary"] == true
            };
            let (primaries, others): (Vec<_>, Vec<_>) = self.members.iter().partition(is_primary);
            if let [primary] = primaries.as_slice() {
                return ((*primary).clone(), others.into_iter().cloned().collect());
            }
            assert!(Instant::now() < until, "no primary");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Has the primary make room for another one. Whoever did so shortly before takes its time to be electable.
    pub fn step_down(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        let command = json!({ "replSetStepDown": 5, "secondaryCatchUpPeriodSecs": 4 });
        while let Err(refused) = run(&self.roles().0, "admin", &command, &[]) {
            assert!(Instant::now() < until, "{refused}");
        }
    }
}

impl Drop for MongodbSet {
    fn drop(&mut self) {
        let _ = Command::new(private::script())
            .arg("down")
            .arg(self.folder.path())
            .status();
    }
}

/// The folder with the server's certificates: `ca.pem`, and the client's `client.pem`.
pub fn mongodb_certificates() -> Option<PathBuf> {
    super::server("TEST_MONGODB_TLS").map(PathBuf::from)
}

fn run(server: &str, database: &str, command: &Value, login: &[&str]) -> Result<Value, String> {
    let mut client = Command::new("python3")
        .arg(project("scripts/lib/mongodb.py"))
        .args([server, "run", database, "-"])
        .args(login)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3");
    let mut input = client.stdin.take().expect("its input");
    input
        .write_all(command.to_string().as_bytes())
        .expect("its input");
    drop(input);
    let output = client.wait_with_output().expect("python3");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(serde_json::from_slice(&output.stdout).expect("an answer"))
}

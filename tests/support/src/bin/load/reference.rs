//! Other programs doing the same work: pgbench, psql, mariadb, sqlite3, curl, redis-benchmark.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use runner_testkit::temp::TempDir;
use url::Url;

use crate::database::{Engine, Source};
use crate::tables::{POINTS, Tables};

/// The kernel counts the CPU time of ended children in hundredths of a second.
const TICK: f64 = 0.01;

/// What a stretch of another program showed.
pub struct Transactions {
    /// Transactions a second.
    pub rate: f64,
    /// Its CPU time of each, in microseconds.
    pub micros: f64,
}

/// pgbench looking up rows by one statement; `mode` is `prepared` or `extended`.
pub fn pgbench(
    source: &Source,
    tables: &Tables,
    mode: &str,
    connections: usize,
    seconds: f64,
) -> Transactions {
    let folder = TempDir::new();
    let script = folder.write(
        "point.sql",
        format!(
            "\\set id random({}, {})\nSELECT t.id, t.owner, t.balance, t.note FROM {} AS t WHERE t.id = :id;\n",
            POINTS.start,
            POINTS.end - 1,
            tables.points.target
        ),
    );
    let mut command = Command::new("pgbench");
    command
        .args(["-n", "-M", mode, "-c", &connections.to_string()])
        .args(["-T", &format!("{:.0}", seconds.max(1.0)), "-f"])
        .arg(script)
        .arg(&source.url)
        .stderr(Stdio::null());
    let mut said = String::new();
    // Its time begins before it is connected: on a busy machine that can be all of it.
    for _ in 0..5 {
        let before = children_cpu();
        let output = command.output().expect("pgbench");
        let cpu = children_cpu() - before;
        said = String::from_utf8_lossy(&output.stdout).into_owned();
        let figure = |label: &str| -> Option<f64> {
            let rest = said.lines().find_map(|line| line.strip_prefix(label))?;
            rest.split_whitespace().next()?.parse().ok()
        };
        let done = figure("number of transactions actually processed: ");
        if let (Some(rate), Some(done)) = (figure("tps = "), done) {
            let micros = cpu * 1e6 / done;
            return Transactions { rate, micros };
        }
    }
    panic!("pgbench did nothing:\n{said}");
}

/// CPU time of all children that have ended, in seconds.
fn children_cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    // After the name in parentheses: state is field 3, cutime and cstime are 16 and 17.
    let rest = stat.rsplit(") ").next().expect("fields");
    let ticks = rest.split(' ').skip(13).take(2);
    ticks
        .map(|word| word.parse::<f64>().expect("a figure"))
        .sum::<f64>()
        * TICK
}

/// How long the engine's own client takes for a statement whose rows go nowhere, without what it takes to
/// start and to log in.
pub fn client(source: &Source, statement: &str) -> Duration {
    let nothing = wall(source, "SELECT 1");
    wall(source, statement).saturating_sub(nothing)
}

fn wall(source: &Source, statement: &str) -> Duration {
    let mut command = match source.engine {
        Engine::Postgres => {
            let mut command = Command::new("psql");
            command.args([
                "-X",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-c",
                statement,
                &source.url,
            ]);
            command
        }
        Engine::Mysql => {
            let url = Url::parse(&source.url).expect("a database URL");
            let mut command = Command::new("mariadb");
            command
                .args(["--no-defaults", "--quick", "--batch", "-N", "-e", statement])
                .args(["-h", url.host_str().expect("a host")])
                .args(["-P", &url.port().unwrap_or(3306).to_string()])
                .args([
                    "-u",
                    url.username(),
                    "-D",
                    url.path().trim_start_matches('/'),
                ])
                .env("MYSQL_PWD", url.password().unwrap_or_default());
            command
        }
        Engine::Sqlite => {
            let mut command = Command::new("sqlite3");
            command.args(["-readonly", "-json", &source.url, statement]);
            command
        }
        Engine::Clickhouse => {
            let url = Url::parse(&source.url).expect("a database URL");
            let mut command = Command::new("curl");
            let password = url.password().unwrap_or_default();
            let database = url.path().trim_start_matches('/');
            command
                .args([
                    "--silent",
                    "--show-error",
                    "--fail",
                    "--data-binary",
                    statement,
                ])
                .args(["--user", &format!("{}:{password}", url.username())])
                .arg(format!(
                    "http://{}:{}/?database={database}&default_format=JSONEachRow",
                    url.host_str().expect("a host"),
                    url.port().unwrap_or(8123),
                ));
            command
        }
        other => panic!("{other:?} has no client"),
    };
    let start = Instant::now();
    let status = command.stdout(Stdio::null()).status().expect("a client");
    assert!(status.success(), "{statement} fails");
    start.elapsed()
}

/// Rows as JSON from the engine's own client.
pub fn rows_statement(engine: Engine, table: &str, limit: Option<u64>) -> String {
    let limit = limit.map_or(String::new(), |limit| format!(" LIMIT {limit}"));
    match engine {
        Engine::Postgres => {
            format!("COPY (SELECT row_to_json(t) FROM (SELECT * FROM {table}{limit}) t) TO STDOUT")
        }
        Engine::Mysql => format!(
            "SELECT JSON_OBJECT('id', id, 'name', name, 'email', email, 'amount', amount, 'ratio', ratio, \
             'active', active, 'created_at', created_at, 'note', note) FROM {table}{limit}"
        ),
        _ => format!("SELECT * FROM {table}{limit}"),
    }
}

/// redis-benchmark getting keys at random on so many connections: gets a second, and its CPU time of each.
pub fn redis_benchmark(
    source: &Source,
    tables: &Tables,
    connections: usize,
    gets: u64,
) -> Transactions {
    let before = children_cpu();
    let output = Command::new("redis-benchmark")
        .args(["-u", &source.url, "-q", "--csv"])
        .args(["-c", &connections.to_string(), "-n", &gets.to_string()])
        .args(["-r", &POINTS.end.to_string()])
        .args(["GET", &format!("{}:__rand_int__", tables.points.target)])
        .output()
        .expect("redis-benchmark");
    let micros = (children_cpu() - before) * 1e6 / gets as f64;
    let said = String::from_utf8_lossy(&output.stdout);
    // A line of heads, and one of figures: what was done, how often a second.
    let figure = said
        .lines()
        .last()
        .and_then(|line| line.split("\",\"").nth(1)?.parse().ok());
    let rate = figure.unwrap_or_else(|| panic!("redis-benchmark did nothing:\n{said}"));
    Transactions { rate, micros }
}

/// What the runner sends for the aggregate that is measured, for this table.
pub fn aggregate_statement(table: &str) -> String {
    format!(
        "SELECT s.d0, COUNT(*), SUM(s.c0), MAX(s.c1) FROM (SELECT t.active AS d0, t.amount AS c0, t.created_at AS c1 \
         FROM {table} AS t WHERE t.active IS NOT NULL) AS s GROUP BY s.d0"
    )
}

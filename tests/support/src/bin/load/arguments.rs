//! The command line.

use std::time::Duration;

use lexopt::prelude::{Long, Short, ValueExt};

use crate::database::Source;
use crate::session::Program;
use crate::table::Bench;
use crate::tables::Tables;

/// What `--help` prints.
pub const USAGE: &str = "\
Load on a runner, measured. One JSON object a measure.

usage: load MEASURE --source URL [--runner PATH] [OPTIONS]
       load ratios --runner PATH --postgres URL [--mariadb URL] [--mongodb URL] [--clickhouse URL] [--redis URL]
                   [--against COMMAND] [--quick] [--plot FILE]
       load growth --runner PATH --postgres URL [--against COMMAND] [--quick]

MEASURE
  prepare      makes the tables bench_points and bench_rows in the source, replacing what is there
  point        looks up rows by their key
  bulk         reads 200,000 rows of eight columns in one batchRead
  walk         reads the whole table in pages of a thousand
  aggregate    groups the whole table
  idle         one job, then nothing
  bare-point   a bare loop over the driver that does what `point` does, without a runner
  bare-bulk    the same for `bulk`
  ratios       everything against its references, on tables of its own, as one table
  growth       how cost grows with jobs in flight, sources, columns and rows, as tables

  --source URL      postgres://…, mysql://…, or the path of a SQLite file
  --runner PATH     the runner's binary
  --in-flight N     point jobs at a time (default 8)
  --seconds S       for how long (default 5)
  --times N         so many measures, each of a new process (default 1)
  --rows N          rows of the whole table, and keys of the whole store; at least 50,000 (default 1000000)
  --quick           shorter stretches and a smaller table
  --against COMMAND another runner that takes every measure, too, by turns; words with spaces between them
  --plot FILE       draws the ratios as SVG, too
";

/// Everything the command line says.
pub enum Arguments {
    /// One measure.
    Single(Single),
    /// All of them.
    Ratios(Bench),
    /// How cost grows.
    Growth(Bench),
}

/// One measure.
pub struct Single {
    /// Its name.
    pub measure: String,
    /// The runner's binary.
    pub runner: Program,
    /// The database.
    pub source: Source,
    /// Its tables.
    pub tables: Tables,
    /// Point jobs at a time.
    pub in_flight: usize,
    /// How long point jobs go on.
    pub time: Duration,
    /// Measures.
    pub times: usize,
}

impl Arguments {
    /// Parses the command line; `None` when it asks for help.
    pub fn parse(mut parser: lexopt::Parser) -> Result<Option<Self>, String> {
        let (mut measure, mut runner, mut source) = (None, None, None);
        let (mut postgres, mut mariadb, mut plot) = (None, None, None);
        let (mut mongodb, mut clickhouse, mut redis, mut against) = (None, None, None, None);
        let (mut rows, mut in_flight, mut seconds, mut times) = (None, 8, None, 1);
        let mut quick = false;
        let text = |error: lexopt::Error| error.to_string();
        while let Some(argument) = parser.next().map_err(text)? {
            match argument {
                Long("runner") => runner = Some(Program::at(value(&mut parser)?)),
                Long("against") => against = Some(Program::parse(&value(&mut parser)?)?),
                Long("source") => source = Some(Source::parse(&value(&mut parser)?)?),
                Long("postgres") => postgres = Some(value(&mut parser)?),
                Long("mariadb") => mariadb = Some(value(&mut parser)?),
                Long("mongodb") => mongodb = Some(value(&mut parser)?),
                Long("clickhouse") => clickhouse = Some(value(&mut parser)?),
                Long("redis") => redis = Some(value(&mut parser)?),
                Long("plot") => plot = Some(value(&mut parser)?),
                Long("in-flight") => in_flight = number(&value(&mut parser)?)?,
                Long("seconds") => seconds = Some(number(&value(&mut parser)?)?),
                Long("times") => times = number(&value(&mut parser)?)?,
                Long("rows") => rows = Some(number(&value(&mut parser)?)?),
                Long("quick") => quick = true,
                Long("help") | Short('h') => return Ok(None),
                lexopt::Arg::Value(word) if measure.is_none() => {
                    measure = Some(word.string().map_err(text)?);
                }
                other => return Err(other.unexpected().to_string()),
            }
        }
        let measure = measure.ok_or("measure what? See --help")?;
        if measure == "ratios" || measure == "growth" {
            let ours = runner.ok_or("--runner is missing")?;
            let bench = Bench {
                programs: [Some(ours), against].into_iter().flatten().collect(),
                rounds: if quick { 3 } else { 5 },
                seconds: seconds.unwrap_or(if quick { 0.5 } else { 2.0 }),
                rows: rows.unwrap_or(if quick { 200_000 } else { 1_000_000 }),
                postgres: postgres.ok_or("--postgres is missing")?,
                mariadb,
                mongodb,
                clickhouse,
                redis,
                plot,
            };
            return Ok(Some(match measure.as_str() {
                "growth" => Self::Growth(bench),
                _ => Self::Ratios(bench),
            }));
        }
        let alone = measure == "prepare" || measure.starts_with("bare-");
        // What stands alone needs none.
        let runner = match runner {
            None if alone => Program::at(String::new()),
            runner => runner.ok_or("--runner is missing")?,
        };
        let time = Duration::try_from_secs_f64(seconds.unwrap_or(5.0));
        Ok(Some(Self::Single(Single {
            measure,
            runner,
            source: source.ok_or("--source is missing")?,
            tables: Tables::new("", rows.unwrap_or(1_000_000)),
            in_flight,
            time: time.map_err(|error| error.to_string())?,
            times,
        })))
    }
}

fn value(parser: &mut lexopt::Parser) -> Result<String, String> {
    let value = parser.value().map_err(|error| error.to_string())?;
    value.string().map_err(|error| error.to_string())
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    let number = text.parse();
    number.map_err(|_| format!("{text:?} is no number in range"))
}

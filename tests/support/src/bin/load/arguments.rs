//! The command line.

use std::time::Duration;

use lexopt::prelude::{Long, Short, ValueExt};

use crate::database::Source;
use crate::tables::Tables;

/// What `--help` prints.
pub const USAGE: &str = "\
Load on a runner, measured. One JSON object a measure.

usage: load MEASURE --source URL [--runner PATH] [OPTIONS]

MEASURE
  prepare     makes the tables bench_points and bench_rows in the source, replacing what is there
  point       looks up rows by their key
  bulk        reads 200,000 rows of eight columns in one batchRead
  walk        reads the whole table in pages of a thousand
  aggregate   groups the whole table
  idle        one job, then nothing

  --source URL      postgres://…, mysql://…, or the path of a SQLite file
  --runner PATH     the runner's binary
  --in-flight N     point jobs at a time (default 8)
  --seconds S       for how long (default 5)
  --times N         so many measures, each of a new process (default 1)
  --rows N          rows of the whole table (default 1000000)
";

/// Everything the command line says.
pub struct Arguments {
    /// What to measure.
    pub measure: String,
    /// The runner's binary.
    pub runner: String,
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
        let (mut rows, mut in_flight, mut seconds, mut times) = (1_000_000, 8, 5.0, 1);
        let text = |error: lexopt::Error| error.to_string();
        while let Some(argument) = parser.next().map_err(text)? {
            match argument {
                Long("runner") => runner = Some(value(&mut parser)?),
                Long("source") => source = Some(Source::parse(&value(&mut parser)?)?),
                Long("in-flight") => in_flight = number(&value(&mut parser)?)?,
                Long("seconds") => seconds = number(&value(&mut parser)?)?,
                Long("times") => times = number(&value(&mut parser)?)?,
                Long("rows") => rows = number(&value(&mut parser)?)?,
                Long("help") | Short('h') => return Ok(None),
                lexopt::Arg::Value(word) if measure.is_none() => {
                    measure = Some(word.string().map_err(text)?);
                }
                other => return Err(other.unexpected().to_string()),
            }
        }
        let measure = measure.ok_or("measure what? See --help")?;
        let runner = match runner {
            None if measure != "prepare" => return Err("--runner is missing".to_owned()),
            runner => runner.unwrap_or_default(),
        };
        Ok(Some(Self {
            measure,
            runner,
            source: source.ok_or("--source is missing")?,
            tables: Tables::new("", rows),
            in_flight,
            time: Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?,
            times,
        }))
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

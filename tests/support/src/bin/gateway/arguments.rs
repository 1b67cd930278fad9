//! The command line.

use std::fmt;
use std::fs;

use lexopt::prelude::{Long, Short, ValueExt};
use runner_testkit::{TOKEN, source};
use serde_json::{Value, json};

/// What `--help` prints.
pub const USAGE: &str = r#"A SemiLayer gateway for development.

usage: gateway [OPTIONS] [JOB]...

JOB is one argument: 'SOURCE KIND [TARGET] [OPTIONS AS JSON]', for example
  'shop listTargets'
  'shop query people {"where":{"age":{"$gt":30}},"limit":5}'
  'shop walk people {"limit":10}'      walk = read page after page
With jobs: waits for a runner, runs them in order, exits 0 if all succeeded.
Without: takes jobs by HTTP, as POST /jobs with
  {"source":"shop","kind":"query","target":"people","options":{}}
and answers with rows and meta, or with the error.

  --source NAME=BRIDGE          a runner-local source, bridge such as sqlite or postgres
  --source NAME=BRIDGE:CONFIG   a managed source, its configuration as JSON
  --sources FILE                a JSON array of sources as they stand in hello-ack
  --token TOKEN                 what the runner must present (default: the token of the tests)
  --runner-id ID                the only runner id let in (default: any)
  --port PORT                   WebSocket port on 127.0.0.1 (default 7070; 0 for any)
  --http-port PORT              port for jobs by HTTP (default 7071; 0 for any)
  --deadline MS                 deadline of every job (default 30000)
  --json                        print answers as JSON, one a line
"#;

/// A job of the command line.
#[derive(Debug, Clone, PartialEq)]
pub struct JobLine {
    /// The source as it travels with the job.
    pub source: Value,
    /// Job kind.
    pub kind: String,
    /// Its target; empty where the kind has none.
    pub target: String,
    /// Its options.
    pub options: Value,
    /// Go on with `nextCursor` until there is none.
    pub walk: bool,
}

impl fmt::Display for JobLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.walk { "walk" } else { &self.kind };
        let source = self.source["name"].as_str().unwrap_or("?");
        write!(f, "{source} {kind}")?;
        if !self.target.is_empty() {
            write!(f, " {}", self.target)?;
        }
        if self
            .options
            .as_object()
            .is_some_and(|options| !options.is_empty())
        {
            write!(f, " {}", self.options)?;
        }
        Ok(())
    }
}

/// Everything the command line says.
#[derive(Debug)]
pub struct Arguments {
    /// Port of the gateway.
    pub port: u16,
    /// Port for jobs by HTTP.
    pub http_port: u16,
    /// The token a runner must present.
    pub token: String,
    /// The only runner id let in.
    pub runner_id: Option<String>,
    /// Sources of `hello-ack`.
    pub sources: Vec<Value>,
    /// Deadline of every job in milliseconds.
    pub deadline_ms: u64,
    /// Print answers as JSON.
    pub json: bool,
    /// Jobs to run, in order.
    pub jobs: Vec<JobLine>,
}

impl Arguments {
    /// Parses the command line; `None` when it asks for help.
    pub fn parse(mut parser: lexopt::Parser) -> Result<Option<Self>, String> {
        let mut arguments = Self {
            port: 7070,
            http_port: 7071,
            token: TOKEN.to_owned(),
            runner_id: None,
            sources: Vec::new(),
            deadline_ms: 30_000,
            json: false,
            jobs: Vec::new(),
        };
        let mut lines: Vec<String> = Vec::new();
        while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
            match argument {
                Long("port") => arguments.port = number(&value(&mut parser)?)?,
                Long("http-port") => arguments.http_port = number(&value(&mut parser)?)?,
                Long("deadline") => arguments.deadline_ms = number(&value(&mut parser)?)?,
                Long("token") => arguments.token = value(&mut parser)?,
                Long("runner-id") => arguments.runner_id = Some(value(&mut parser)?),
                Long("source") => arguments.sources.push(parse_source(&value(&mut parser)?)?),
                Long("sources") => arguments
                    .sources
                    .extend(read_sources(&value(&mut parser)?)?),
                Long("json") => arguments.json = true,
                Long("help") | Short('h') => return Ok(None),
                lexopt::Arg::Value(line) => lines.push(line.to_string_lossy().into_owned()),
                other => return Err(other.unexpected().to_string()),
            }
        }
        for line in lines {
            arguments.jobs.push(arguments.parse_job(&line)?);
        }
        Ok(Some(arguments))
    }

    /// The source of this name.
    pub fn source(&self, name: &str) -> Result<Value, String> {
        let mut found = self.sources.iter().filter(|source| source["name"] == name);
        found
            .next()
            .cloned()
            .ok_or_else(|| format!("no source is called {name}; see --source"))
    }

    /// `SOURCE KIND [TARGET] [OPTIONS AS JSON]`. A target may hold spaces: the options begin at the brace.
    pub fn parse_job(&self, line: &str) -> Result<JobLine, String> {
        let (words, options) = match line.find(" {") {
            Some(at) => (&line[..at], &line[at..]),
            None => (line, "{}"),
        };
        let mut words = words.trim().splitn(3, ' ');
        let (Some(name), Some(kind)) = (words.next(), words.next()) else {
            return Err(format!("{line:?} is no job"));
        };
        let walk = kind == "walk";
        Ok(JobLine {
            source: self.source(name)?,
            kind: if walk { "read" } else { kind }.to_owned(),
            target: words.next().unwrap_or_default().trim().to_owned(),
            options: serde_json::from_str(options)
                .map_err(|error| format!("options of {line:?}: {error}"))?,
            walk,
        })
    }
}

/// The value of an option.
fn value(parser: &mut lexopt::Parser) -> Result<String, String> {
    let value = parser.value().map_err(|error| error.to_string())?;
    value.string().map_err(|error| error.to_string())
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is no number in range"))
}

fn parse_source(text: &str) -> Result<Value, String> {
    let (name, rest) = text.split_once('=').ok_or("--source wants NAME=BRIDGE")?;
    let Some((bridge, config)) = rest.split_once(':') else {
        return Ok(source::runner_local(name, name, rest));
    };
    let config: Value = serde_json::from_str(config)
        .map_err(|error| format!("configuration of {name}: {error}"))?;
    Ok(source::managed(name, bridge, config))
}

fn read_sources(path: &str) -> Result<Vec<Value>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{path}: {error}"))
}

/// A job by HTTP, in the words of the command line.
pub fn job_from_json(arguments: &Arguments, body: &str) -> Result<JobLine, String> {
    let body: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    let source = match &body["source"] {
        Value::Object(_) => body["source"].clone(),
        _ => arguments.source(&text("source"))?,
    };
    Ok(JobLine {
        source,
        kind: text("kind"),
        target: text("target"),
        options: if body["options"].is_null() {
            json!({})
        } else {
            body["options"].clone()
        },
        walk: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Option<Arguments>, String> {
        Arguments::parse(lexopt::Parser::from_args(words))
    }

    #[test]
    fn jobs_name_their_source() {
        let arguments = parse(&[
            "--source",
            "shop=sqlite",
            "--source",
            r#"db=postgres:{"url":"postgres://h/d"}"#,
            "shop listTargets",
            r#"db walk spaced table {"limit":5}"#,
        ]);
        let jobs = arguments.unwrap().unwrap().jobs;
        assert_eq!(jobs[0].source["credentialsLocation"], "runner-local");
        assert_eq!(
            (jobs[0].kind.as_str(), jobs[0].target.as_str()),
            ("listTargets", "")
        );
        assert_eq!(jobs[1].source["config"]["url"], "postgres://h/d");
        assert_eq!(
            (jobs[1].kind.as_str(), jobs[1].target.as_str()),
            ("read", "spaced table")
        );
        assert!(jobs[1].walk);
        assert_eq!(jobs[1].options, json!({ "limit": 5 }));
    }

    #[test]
    fn mistakes_are_named() {
        assert!(parse(&["shop listTargets"]).unwrap_err().contains("shop"));
        assert!(parse(&["--port", "x"]).unwrap_err().contains("\"x\""));
        assert!(parse(&["--source", "shop=sqlite", "shop query t {"]).is_err());
        assert!(parse(&["--help"]).unwrap().is_none());
    }
}

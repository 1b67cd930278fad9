//! One runner with its sources, and the load's connection to it.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use runner_testkit::{Runner, RunnerBuilder, source};
use serde_json::{Value, json};

use crate::database::Source;
use crate::link::{ID_DIGITS, Kind, Link, Message, meta};

/// A program that obeys the runner's environment: its name, and arguments before `start`.
#[derive(Debug, Clone)]
pub struct Program {
    words: Vec<String>,
}

impl Program {
    /// The binary at this path.
    pub fn at(path: String) -> Self {
        Self { words: vec![path] }
    }

    /// From a command, whose words have spaces between them.
    pub fn parse(command: &str) -> Result<Self, String> {
        let words: Vec<_> = command.split_whitespace().map(str::to_owned).collect();
        if words.is_empty() {
            return Err("a command without a word".to_owned());
        }
        Ok(Self { words })
    }

    /// Its file, where it is one by itself.
    pub fn file(&self) -> Option<&str> {
        match self.words.as_slice() {
            [file] => Some(file),
            _ => None,
        }
    }

    fn builder(&self, gateway: &str) -> RunnerBuilder {
        let mut arguments: Vec<_> = self.words.iter().skip(1).map(String::as_str).collect();
        arguments.push("start");
        RunnerBuilder::new(&self.words[0], gateway).args(&arguments)
    }
}

/// A connected runner.
pub struct Session {
    /// The process.
    pub runner: Runner,
    /// The connection.
    pub link: Link,
    /// From the start of the process to its `hello`.
    pub start_to_hello: Duration,
    listener: TcpListener,
    sources: Vec<Value>,
    chosen: usize,
    jobs: u64,
}

/// The answer to one job.
pub struct Answer {
    /// Its rows, by its own count.
    pub rows: u64,
    /// Bytes of its frames.
    pub bytes: u64,
    /// From the job's frame to its first.
    pub first: Duration,
    /// From the job's frame to its last.
    pub total: Duration,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
    /// CPU time of the runner.
    pub runner_cpu: Duration,
    /// CPU time of this process.
    pub load_cpu: Duration,
    /// The chunks, where they are kept.
    pub chunks: Vec<String>,
}

impl Answer {
    /// Rows a second.
    pub fn rate(&self) -> f64 {
        self.rows as f64 / self.total.as_secs_f64()
    }

    /// The runner's CPU time a row, in microseconds.
    pub fn runner_micros(&self) -> f64 {
        self.runner_cpu.as_secs_f64() * 1e6 / self.rows as f64
    }
}

impl Session {
    /// Starts this runner with sources of its own environment. Jobs are for the first one.
    pub fn start(program: &Program, sources: &[&Source]) -> Result<Self, String> {
        let mut environment = Vec::new();
        let mut named = Vec::new();
        for source in sources {
            let name = format!("bench-{}", source.bridge());
            let variable = name.to_uppercase().replace('-', "_");
            for (key, value) in source.keys() {
                environment.push((
                    format!("SEMILAYER_SOURCE_{variable}_{key}"),
                    value.to_owned(),
                ));
            }
            named.push(source::runner_local(&name, &name, source.bridge()));
        }
        Self::start_with(program, &environment, named, &[])
    }

    /// Starts this runner for sources that come with each job, and assigns it these.
    pub fn start_managed(
        program: &Program,
        sources: Vec<Value>,
        assigned: &[Value],
    ) -> Result<Self, String> {
        Self::start_with(program, &[], sources, assigned)
    }

    fn start_with(
        program: &Program,
        environment: &[(String, String)],
        sources: Vec<Value>,
        assigned: &[Value],
    ) -> Result<Self, String> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mut runner = program.builder(&format!("ws://127.0.0.1:{port}/connect"));
        for (name, value) in environment {
            runner = runner.env(name, value.as_str());
        }
        let runner = runner.start();
        let (link, hello) = Link::accept(&listener, assigned)?;
        Ok(Self {
            start_to_hello: hello - runner.started,
            runner,
            link,
            listener,
            sources,
            chosen: 0,
            jobs: 0,
        })
    }

    /// Cuts the connection, waits for the next one and assigns it these sources. Tells how long that took.
    pub fn reconnect(&mut self, assigned: &[Value]) -> Result<Duration, String> {
        let start = Instant::now();
        self.link.cut();
        let (link, hello) = Link::accept(&self.listener, assigned)?;
        self.link = link;
        Ok(hello - start)
    }

    /// Jobs from now on are for this source.
    pub fn choose(&mut self, source: usize) {
        self.chosen = source;
    }

    /// How many there are.
    pub fn sources(&self) -> usize {
        self.sources.len()
    }

    /// The frame of a job, for any id.
    pub fn job_frame(&self, kind: &str, target: &str, options: &Value) -> JobFrame {
        let params = json!({ "source": self.sources[self.chosen], "job": { "kind": kind, "target": target, "options": options } });
        JobFrame {
            text: format!(
                r#"{{"id":"{:0ID_DIGITS$}","type":"job","params":{params},"deadlineMs":600000}}"#,
                0
            )
            .into_bytes(),
        }
    }

    /// The next unused id.
    pub fn next_id(&mut self) -> u64 {
        self.jobs += 1;
        self.jobs
    }

    /// Sends one job and waits for its end.
    pub fn ask(&mut self, kind: &str, target: &str, options: &Value) -> Result<Answer, String> {
        let mut frame = self.job_frame(kind, target, options);
        let id = self.next_id();
        frame.set_id(id);
        let (runner_cpu, load_cpu) = (self.runner.cpu(), own_cpu());
        let start = Instant::now();
        self.link.put(&frame.text);
        self.link.flush()?;
        let mut first = None;
        let mut bytes = 0;
        let mut chunks = Vec::new();
        let done = loop {
            let message = self.link.message()?;
            if message.kind == Kind::Session {
                continue;
            }
            if message.id != id {
                return Err("an answer to another job".to_owned());
            }
            first.get_or_insert_with(|| start.elapsed());
            bytes += message.length as u64;
            match message {
                Message {
                    kind: Kind::Done, ..
                } => break message,
                Message { text, .. } if self.link.keep => chunks.push(text),
                _ => {}
            }
        };
        let total = start.elapsed();
        Ok(Answer {
            rows: meta(&done, "count")
                .as_u64()
                .ok_or("a done without a count")?,
            bytes,
            first: first.unwrap_or(total),
            total,
            next_cursor: meta(&done, "nextCursor").as_str().map(str::to_owned),
            runner_cpu: self.runner.cpu() - runner_cpu,
            load_cpu: own_cpu() - load_cpu,
            chunks,
        })
    }

    /// The rows of one job, parsed.
    pub fn rows(
        &mut self,
        kind: &str,
        target: &str,
        options: &Value,
    ) -> Result<Vec<Value>, String> {
        self.link.keep = true;
        let answer = self.ask(kind, target, options);
        self.link.keep = false;
        let mut rows = Vec::new();
        for chunk in answer?.chunks {
            let mut chunk: Value =
                serde_json::from_str(&chunk).map_err(|error| error.to_string())?;
            rows.append(chunk["rows"].as_array_mut().ok_or("a chunk without rows")?);
        }
        Ok(rows)
    }
}

/// CPU time of this process so far.
pub fn own_cpu() -> Duration {
    runner_testkit::runner::cpu_of(std::process::id())
}

/// A job's frame, ready to be sent again with another id.
pub struct JobFrame {
    /// Its text.
    pub text: Vec<u8>,
}

impl JobFrame {
    /// Writes another id.
    pub fn set_id(&mut self, id: u64) {
        self.set_digits("{\"id\":\"".len(), ID_DIGITS, id);
    }

    /// Writes a number over `width` bytes from `at`.
    pub fn set_digits(&mut self, at: usize, width: usize, mut number: u64) {
        for byte in self.text[at..at + width].iter_mut().rev() {
            *byte = b'0' + (number % 10) as u8;
            number /= 10;
        }
    }
}

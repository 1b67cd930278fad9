//! A gateway for development: accepts a runner, sends it jobs from the command line or by HTTP, and prints
//! what comes back. Not part of the runner.

mod arguments;
mod http;
mod table;

use std::process::ExitCode;
use std::time::Duration;

use runner_testkit::gateway::{Options, check_credentials};
use runner_testkit::{Admission, Answer, Gateway, Terminal};
use serde_json::{Value, json};

use crate::arguments::{Arguments, JobLine, USAGE};

/// Time for a runner to appear before the first job of the command line.
const RUNNER: Duration = Duration::from_secs(60);
/// Pages of a `walk` at most.
const PAGES: usize = 1000;

fn main() -> ExitCode {
    let arguments = match Arguments::parse(lexopt::Parser::from_env()) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("error: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let gateway = Gateway::with(options(&arguments));
    println!("gateway: {}", gateway.url());
    if arguments.jobs.is_empty() {
        http::serve(&gateway, &arguments);
    }
    gateway.wait_hello(1, RUNNER);
    let mut ok = true;
    for line in &arguments.jobs {
        println!("\n$ {line}");
        ok &= run(&gateway, &arguments, line);
    }
    if gateway.is_connected() {
        gateway.connection().close(1000, "no more jobs");
        gateway.wait_closed(1, RUNNER);
    }
    if ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn options(arguments: &Arguments) -> Options {
    let (token, id) = (arguments.token.clone(), arguments.runner_id.clone());
    Options {
        port: arguments.port,
        sources: arguments.sources.clone(),
        admit: Box::new(move |upgrade| {
            let admission = match &id {
                Some(id) => check_credentials(upgrade, &token, id),
                None if upgrade.parameter("token") == Some(&token) => Admission::Accept,
                None => Admission::Close(4401, "bad token"),
            };
            println!(
                "runner {}: {admission:?}",
                upgrade.parameter("runnerId").unwrap_or("?")
            );
            admission
        }),
        ..Options::default()
    }
}

/// Runs one line of the command line and prints what came back. True when all of it was `done`.
fn run(gateway: &Gateway, arguments: &Arguments, line: &JobLine) -> bool {
    let mut options = line.options.clone();
    for page in 1..=PAGES {
        let answer = dispatch(gateway, arguments, line, options.clone());
        if line.walk {
            println!("page {page}");
        }
        print_answer(&answer, arguments.json);
        let Terminal::Done(meta) = &answer.terminal else {
            return false;
        };
        if !line.walk || meta["nextCursor"].is_null() {
            break;
        }
        options["cursor"] = meta["nextCursor"].clone();
    }
    true
}

/// Sends one job and waits for its end.
fn dispatch(gateway: &Gateway, arguments: &Arguments, line: &JobLine, options: Value) -> Answer {
    let deadline = arguments.deadline_ms;
    let job = gateway.dispatch_with(
        &line.source,
        &line.kind,
        &line.target,
        options,
        deadline,
        false,
    );
    job.wait_for(Duration::from_millis(deadline) + Duration::from_secs(30))
}

/// The answer as one JSON object.
fn to_json(answer: &Answer) -> Value {
    match &answer.terminal {
        Terminal::Done(meta) => {
            json!({ "rows": answer.rows(), "chunks": answer.chunks.len(), "meta": meta })
        }
        Terminal::Error { code, message } => {
            json!({ "error": { "code": code, "message": message } })
        }
        Terminal::Disconnected => {
            json!({ "error": { "code": "disconnected", "message": "the runner went away" } })
        }
    }
}

fn print_answer(answer: &Answer, as_json: bool) {
    if as_json {
        println!("{}", to_json(answer));
        return;
    }
    let rows = answer.rows();
    if !rows.is_empty() {
        print!("{}", table::render(&rows));
    }
    // The columns of an introspected target are a table of their own.
    for columns in rows.iter().filter_map(|row| row["columns"].as_array()) {
        print!("{}", table::render(columns));
    }
    for chunk in &answer.chunks {
        if let Some(total) = chunk.get("total") {
            println!("total {total}");
        }
        for bucket in chunk["agg"].as_array().into_iter().flatten() {
            println!("{bucket}");
        }
    }
    match &answer.terminal {
        Terminal::Done(meta) => println!("done {meta}"),
        Terminal::Error { code, message } => println!("error {code}: {message}"),
        Terminal::Disconnected => println!("the runner went away"),
    }
}

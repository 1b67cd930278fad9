//! Recorded cases of how sources are reached: each has a configuration of its own, and perhaps faults on the way.

use std::fs;
use std::time::Duration;

use runner_testkit::{Gateway, RunnerBuilder, project, source, watchdog};
use serde_json::{Value, json};

use crate::departures;
use crate::judge::Rules;

/// No case waits for longer than a lost connection takes.
const ANSWER: Duration = Duration::from_secs(40);

/// One file of such cases.
pub struct Connects<'a> {
    /// File under `tests/conformance/answers`.
    pub answers: &'a str,
    /// The bridge, without `@semilayer/bridge-`.
    pub bridge: &'a str,
    /// What stands for `{name}` in a configuration.
    pub places: &'a [(&'a str, String)],
    /// Orders faults for the requests to come.
    pub order: &'a dyn Fn(&[Value]),
}

impl Connects<'_> {
    /// Replays every case, one after the other, and panics if one disagrees. `describe` says what the runner needs.
    pub fn check(&self, describe: impl FnOnce(RunnerBuilder) -> RunnerBuilder) {
        let _watchdog = watchdog(Duration::from_secs(300));
        let file = project("tests/conformance/answers").join(self.answers);
        let text = fs::read_to_string(file).unwrap();
        let mut cases: Vec<Value> = serde_json::from_str(&text).unwrap();
        cases.iter_mut().for_each(departures::correct);
        let gateway = Gateway::start();
        let runner = describe(runner_testkit::runner!(gateway)).start();
        gateway.wait_hello(1, Duration::from_secs(10));
        let wrong = cases
            .iter()
            .filter_map(|case| self.disagreement(case, &gateway));
        let wrong: Vec<_> = wrong.collect();
        assert!(runner.is_running(), "the runner ended");
        assert!(
            wrong.is_empty(),
            "{} of {}: {wrong:#?}",
            wrong.len(),
            cases.len()
        );
        println!("{}: {} cases agree", self.answers, cases.len());
    }

    fn disagreement(&self, case: &Value, gateway: &Gateway) -> Option<String> {
        let mut config = case["config"].to_string();
        for (name, place) in self.places {
            config = config.replace(&format!("{{{name}}}"), place);
        }
        let config: Value = serde_json::from_str(&config).unwrap();
        let mut source = source::managed("primary-db", self.bridge, config);
        source["id"] = case["id"].clone();
        let ask = |kind: &str, target: &Value, options: &Value| {
            let options = if options.is_null() {
                json!({})
            } else {
                options.clone()
            };
            let target = target.as_str().unwrap_or_default();
            let answer = gateway
                .dispatch(&source, kind, target, options)
                .poll(ANSWER);
            answer.expect("an answer in time").result(kind)
        };
        if let Some(faults) = case["faults"].as_array() {
            // With a connection that is kept.
            (self.order)(&[]);
            let _ = ask("count", &json!("people"), &Value::Null);
            (self.order)(faults);
        }
        let kind = case["kind"].as_str().unwrap();
        let got = ask(kind, &case["target"], &case["options"]);
        (self.order)(&[]);
        let rules = Rules { six_digits: false };
        let agrees = match (case["check"].as_str().unwrap(), &got) {
            (_, Err((code, _))) if ["INTERNAL", "disconnected"].contains(&code.as_str()) => false,
            ("error", got) => got.is_err(),
            ("lenient", Err(_)) => true,
            ("lenient" | "equal", Ok(got)) => rules.agree(case, got),
            (_, _) => false,
        };
        let got = match got {
            Ok(got) => got.to_string().chars().take(300).collect(),
            Err((code, message)) => format!("{code}: {message}"),
        };
        println!("{}: {got}", case["id"]);
        (!agrees).then(|| format!("{}: {got}", case["id"]))
    }
}

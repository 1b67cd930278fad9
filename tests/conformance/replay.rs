//! Replays a file of recorded cases through the real binary over a real WebSocket.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use runner_testkit::{Gateway, deep_json, project, source, watchdog};
use serde_json::{Value, json};

use crate::departures;
use crate::judge::{Rules, is_set};

/// Jobs in flight at once, as in the checker that defines the comparison.
const IN_FLIGHT: usize = 4;
/// No job of the conformance set takes nearly as long.
const ANSWER: Duration = Duration::from_secs(40);
/// Pages after which a walk has lost its way.
const MOST_PAGES: usize = 12_000;

/// One file of cases against one database.
pub struct Run<'a> {
    /// Names the run in messages.
    pub name: &'a str,
    /// File under `tests/conformance/answers`.
    pub answers: &'a str,
    /// The bridge, without `@semilayer/bridge-`.
    pub bridge: &'a str,
    /// Configuration of the source by profile.
    pub config: &'a (dyn Fn(&str) -> Value + Sync),
}

/// A case that does not agree, with everything needed to see why.
struct Disagreement {
    kind: String,
    report: Value,
}

impl Run<'_> {
    /// Replays every case and panics if one disagrees; the cases are then written to a file in full.
    pub fn check(&self) {
        let _watchdog = watchdog(Duration::from_secs(300));
        let file = project("tests/conformance/answers").join(self.answers);
        let mut cases = cases(&fs::read_to_string(file).unwrap());
        cases.iter_mut().for_each(departures::correct);
        let gateway = Gateway::start();
        let runner = runner_testkit::runner!(gateway).start();
        gateway.wait_hello(1, Duration::from_secs(10));
        let replay = Replay {
            run: self,
            gateway: &gateway,
            rules: Rules {
                six_digits: matches!(self.bridge, "mysql" | "mariadb"),
            },
        };
        let queue = Mutex::new(cases.iter());
        let bad = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..IN_FLIGHT {
                scope.spawn(|| {
                    loop {
                        // Not in the loop's head, where the lock would be held for the whole body.
                        let Some(case) = queue.lock().unwrap().next() else {
                            return;
                        };
                        let Some(disagreement) = replay.judge(case) else {
                            continue;
                        };
                        bad.lock().unwrap().push(disagreement);
                    }
                });
            }
        });
        assert!(runner.is_running(), "the runner ended");
        self.report(cases.len(), &bad.into_inner().unwrap());
    }

    fn report(&self, cases: usize, bad: &[Disagreement]) {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("disagreements-{}.json", self.name));
        let reports: Vec<_> = bad
            .iter()
            .map(|disagreement| &disagreement.report)
            .collect();
        fs::write(&path, serde_json::to_string_pretty(&reports).unwrap()).unwrap();
        let mut kinds = BTreeMap::<_, usize>::new();
        for disagreement in bad {
            *kinds.entry(&disagreement.kind).or_default() += 1;
        }
        let ids: Vec<_> = reports
            .iter()
            .filter_map(|report| report["id"].as_str())
            .take(20)
            .collect();
        println!("{}: {}/{cases} cases agree", self.name, cases - bad.len());
        assert!(
            bad.is_empty(),
            "{} of {cases} cases disagree {kinds:?}: {ids:#?}\nin full: {}",
            bad.len(),
            path.display()
        );
    }
}

/// The cases of a file, one a line. This test's parser takes no half of a surrogate pair; the few cases that want one are
/// told, and unit tests stand in for them.
fn cases(text: &str) -> Vec<Value> {
    let lines = text.lines().map(|line| line.trim_end_matches(','));
    let lines = lines.filter(|line| line.starts_with('{'));
    let (cases, beyond): (Vec<_>, Vec<_>) = lines
        .map(|line| deep_json::parse(line).map_err(|error| (error, line)))
        .partition(Result::is_ok);
    for (error, line) in beyond.iter().filter_map(|case| case.as_ref().err()) {
        let id: String = line.chars().take(60).collect();
        assert!(error.to_string().contains("hex escape"), "{id}: {error}");
        println!("left out: {id}…");
    }
    cases.into_iter().filter_map(Result::ok).collect()
}

struct Replay<'a> {
    run: &'a Run<'a>,
    gateway: &'a Gateway,
    rules: Rules,
}

/// What a case came back with: a value, or the code and message of an error.
type Outcome = Result<Value, (String, String)>;

impl Replay<'_> {
    fn judge(&self, case: &Value) -> Option<Disagreement> {
        let (agrees, got) = self.verdict(case);
        let got = got.unwrap_or_else(
            |(code, message)| json!({ "error": { "code": code, "message": message } }),
        );
        let want = if case["result"].is_null() {
            &case["error"]
        } else {
            &case["result"]
        };
        let report = || Disagreement {
            kind: case["kind"].as_str().unwrap_or_default().to_owned(),
            report: json!({
                "id": case["id"], "check": case["check"], "bug": case["bug"], "profile": case["profile"],
                "kind": case["kind"], "target": case["target"], "options": case["options"],
                "want": want, "got": got,
            }),
        };
        (!agrees).then(report)
    }

    fn verdict(&self, case: &Value) -> (bool, Outcome) {
        let check = case["check"].as_str().unwrap();
        if check == "walk-all" {
            let got = self.walk(case, MOST_PAGES);
            return (self.walked_all(case, &got), got);
        }
        let got = if is_set(case, "walk") {
            let truncated = is_set(&case["result"], "truncated");
            self.walk(case, if truncated { 15 } else { MOST_PAGES })
        } else {
            self.ask(case, case["kind"].as_str().unwrap(), options_of(case))
        };
        let agrees = match (check, &got) {
            ("error", Err((code, _))) => !crashed(code),
            ("error", Ok(_)) => false,
            ("answers", got) => got.is_ok(),
            ("lenient", Err((code, _))) => !crashed(code),
            ("lenient", Ok(got)) => case.get("result").is_none() || self.rules.agree(case, got),
            ("equal", Ok(got)) => self.rules.agree(case, got),
            ("equal", Err(_)) => false,
            (other, _) => panic!("unknown check {other:?}"),
        };
        (agrees, got)
    }

    fn ask(&self, case: &Value, kind: &str, options: Value) -> Outcome {
        let profile = case["profile"].as_str().unwrap_or("default");
        let mut source = source::managed("primary-db", self.run.bridge, (self.run.config)(profile));
        source["id"] = json!(format!("src-{}-{profile}", self.run.bridge));
        let target = case["target"].as_str().unwrap_or_default();
        let job = self.gateway.dispatch(&source, kind, target, options);
        match job.poll(ANSWER) {
            Some(answer) => answer.result(kind),
            None => Err(("timeout".to_owned(), String::new())),
        }
    }

    /// Reads page after page.
    fn walk(&self, case: &Value, most: usize) -> Outcome {
        let mut pages = Vec::new();
        let mut rows = Vec::new();
        let mut options = options_of(case);
        loop {
            let page = self.ask(case, "read", options.clone())?;
            let page_rows = page["rows"].as_array().cloned().unwrap_or_default();
            let mut summary = json!({ "count": page_rows.len() });
            for field in ["nextCursor", "total"] {
                if let Some(value) = page.get(field) {
                    summary[field] = value.clone();
                }
            }
            pages.push(summary);
            rows.extend(page_rows);
            let Some(cursor) = page.get("nextCursor") else {
                return Ok(json!({ "pages": pages, "rows": rows }));
            };
            let limit = page["total"].as_u64().map_or(most, |total| total as usize) + 5;
            if pages.len() >= most || pages.len() > limit {
                return Ok(json!({ "pages": pages, "rows": rows, "truncated": true }));
            }
            options["cursor"] = cursor.clone();
        }
    }

    /// Every row of the target exactly once, in full pages but the last.
    fn walked_all(&self, case: &Value, got: &Outcome) -> bool {
        let fields = &case["options"]["fields"];
        let select = if fields.is_null() {
            json!({})
        } else {
            json!({ "select": fields })
        };
        let (Ok(got), Ok(all)) = (got, self.ask(case, "query", select)) else {
            return false;
        };
        let limit = case["options"]["limit"].as_u64().unwrap_or(1000);
        let pages = got["pages"].as_array().unwrap();
        let (_, full) = pages.split_last().unwrap();
        !is_set(got, "truncated")
            && full.iter().all(|page| {
                page["count"].as_u64() == page["total"].as_u64().map(|total| limit.min(total))
            })
            && self.rules.same_bag(&all["rows"], &got["rows"])
    }
}

/// The options, from their own text where the recording's reader could not hold their numbers.
fn options_of(case: &Value) -> Value {
    match (&case["rawOptions"], &case["options"]) {
        (Value::String(text), _) => serde_json::from_str(text).unwrap(),
        (_, Value::Null) => json!({}),
        (_, options) => options.clone(),
    }
}

/// Endings that are never an answer.
fn crashed(code: &str) -> bool {
    matches!(code, "timeout" | "disconnected" | "INTERNAL")
}

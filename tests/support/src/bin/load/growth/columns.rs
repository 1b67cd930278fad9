//! Rows of more columns.

use runner_testkit::databases::PostgresDatabase;
use serde_json::json;

use super::{Growth, cell};
use crate::database::{Engine, Source};
use crate::session::Answer;
use crate::table::{Bench, Contest, Figures, Unit};

/// Columns of a row.
const COLUMNS: [u64; 3] = [4, 40, 400];
/// Values of a whole result.
const VALUES: u64 = 800_000;

/// Measures it on tables of its own.
pub fn measure(bench: &Bench) -> Growth {
    let database = PostgresDatabase::create(&bench.postgres, "");
    let source = Source::of(Engine::Postgres, &database.url);
    let title = format!(
        "Rows of more columns, half of them numbers and half short texts, of PostgreSQL: {VALUES} values a result. \
         A value costs the same however many there are in a row."
    );
    let mut growth = Growth::new(title, "columns");
    let mut contest = Contest::start(bench, &[&source]);
    for columns in COLUMNS {
        let list = (0..columns).map(|n| match n % 2 {
            0 => format!("i * {n} % 10007 AS c{n}"),
            _ => format!("'text ' || i % 1000 AS c{n}"),
        });
        let list: Vec<_> = list.collect();
        let rows = VALUES / columns;
        source.run(&format!(
            "CREATE TABLE wide_{columns} AS SELECT {} FROM generate_series(1, {rows}) i; VACUUM ANALYZE wide_{columns}",
            list.join(", ")
        ));
        let [mut rates, mut a_row, mut a_value, mut first]: [Figures; 4] = Default::default();
        let target = format!("wide_{columns}");
        let ask = |session: &mut crate::session::Session| {
            let answer = session.ask("batchRead", &target, &json!({ "where": {} }))?;
            match answer.rows == rows {
                true => Ok(answer),
                false => Err(format!("{} rows instead of {rows}", answer.rows)),
            }
        };
        contest.each(ask);
        for _ in 0..bench.rounds {
            let answers = contest.each(ask);
            rates.add(&answers, Answer::rate);
            a_row.add(&answers, Answer::runner_micros);
            a_value.add(&answers, |answer| {
                answer.runner_micros() * 1e3 / columns as f64
            });
            first.add(&answers, |answer| answer.first.as_secs_f64() * 1e3);
        }
        let cells = vec![
            cell("done", Unit::Rate("rows"), &rates),
            cell("CPU a row", Unit::Micros, &a_row),
            cell("CPU a value", Unit::Nanos, &a_value),
            cell("first chunk", Unit::ShortMillis, &first),
        ];
        growth.add(columns.to_string(), cells);
    }
    growth
}

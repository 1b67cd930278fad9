//! The departures of `aggregate`, which are the same on every engine that speaks SQL.

/// A case whose recorded answer is replaced.
pub struct Departure {
    /// The case's id after `<engine>.aggregate.`.
    case: &'static str,
    /// The right answer, as JSON; anything else stands for an error.
    pub right: &'static str,
    /// The rule that stands against the recording.
    pub reason: &'static str,
}

const FILTER: &str = "filters mean in aggregates what they mean in queries";
const SAME_ROWS: &str = "top_k sees the same rows as the main statement";
const FIRST: &str =
    "first and last are the value of the row with the smallest and greatest tracking column";
const NAMES: &str = "two names are two things, however they are spelled";
const PERCENTILE: &str = "percentiles are computed in the database, as PostgreSQL does";
const TIES: &str = "of rows with one tracking value the last one has the greatest value";
const ABSENT: &str = "null counts as absent";
const BITS: &str = "the smallest and greatest BIT are numbers";

const DEPARTURES: &[Departure] = &[
    Departure {
        case: "where-or-empty",
        right: EVERY_ROW,
        reason: FILTER,
    },
    Departure {
        case: "where-and-empty",
        right: EVERY_ROW,
        reason: FILTER,
    },
    Departure {
        case: "where-not-empty",
        right: EVERY_ROW,
        reason: FILTER,
    },
    Departure {
        case: "where-ilike",
        right: KIND_A,
        reason: FILTER,
    },
    Departure {
        case: "where-contains",
        right: KIND_A,
        reason: FILTER,
    },
    Departure {
        case: "where-starts",
        right: KIND_A,
        reason: FILTER,
    },
    Departure {
        case: "where-in-string",
        right: r#"[{"dims":{},"measures":{"c":0,"s":null},"count":0}]"#,
        reason: FILTER,
    },
    Departure {
        case: "mwhere-null",
        right: r#"[{"dims":{},"measures":{"d":1},"count":12}]"#,
        reason: FILTER,
    },
    Departure {
        case: "topk-ids-ignored",
        right: r#"[{"dims":{},"measures":{"c":3,"t":[{"key":"paid","count":2},{"key":"new","count":1}]},"count":3}]"#,
        reason: SAME_ROWS,
    },
    Departure {
        case: "dim-as-collision",
        right: r#"[
            {"dims":{"a-b":"a","a_b":"x"},"measures":{"c":2},"count":2},
            {"dims":{"a-b":"a","a_b":"y"},"measures":{"c":1},"count":1},
            {"dims":{"a-b":"b","a_b":"x"},"measures":{"c":1},"count":1},
            {"dims":{"a-b":"b","a_b":"y"},"measures":{"c":1},"count":1},
            {"dims":{"a-b":"c","a_b":"x"},"measures":{"c":1},"count":1},
            {"dims":{"a-b":"c","a_b":"z"},"measures":{"c":2},"count":2},
            {"dims":{"a-b":"d","a_b":"w"},"measures":{"c":2},"count":2}]"#,
        reason: NAMES,
    },
    Departure {
        case: "measure-collision",
        right: r#"[{"dims":{},"measures":{"m-1":365,"m_1":12},"count":12}]"#,
        reason: NAMES,
    },
    Departure {
        case: "first-unknown-tracking",
        right: "no column of that name",
        reason: FIRST,
    },
    Departure {
        case: "type-first.t_arr.a_i4",
        right: r#"[{"dims":{},"measures":{"f":[1,2,3],"l":[7,8,9]},"count":5}]"#,
        reason: FIRST,
    },
    Departure {
        case: "type-first.t_arr.a_text",
        right: r#"[{"dims":{},"measures":{"f":["a","b c","d,e","f\"g","h\\i",null,"NULL",""],"l":["x","y"]},"count":5}]"#,
        reason: FIRST,
    },
    Departure {
        case: "type-first.t_arr.a_enum",
        right: r#"[{"dims":{},"measures":{"f":"{sad,\"very happy\"}","l":"{\"q\\\"uote\"}"},"count":5}]"#,
        reason: FIRST,
    },
    Departure {
        case: "type-first.t_arr.a_j",
        right: r#"[{"dims":{},"measures":{"f":[{"a":1},[1,2]],"l":[{"k":[1,{"z":null}]}]},"count":5}]"#,
        reason: FIRST,
    },
    Departure {
        case: "type-minmax.t_num.b1",
        right: r#"[{"dims":{},"measures":{"mn":0,"mx":1,"d":2},"count":9}]"#,
        reason: BITS,
    },
    Departure {
        case: "percentile",
        right: r#"[{"dims":{},"measures":{"p":30},"count":12}]"#,
        reason: PERCENTILE,
    },
    Departure {
        case: "percentile-decimal",
        right: r#"[{"dims":{},"measures":{"p9":2252.305,"p1":257.84600000000006},"count":2000}]"#,
        reason: PERCENTILE,
    },
    Departure {
        case: "percentile-dim",
        right: r#"[{"dims":{"kind":"a"},"measures":{"p":-0.75},"count":3},{"dims":{"kind":"b"},"measures":{"p":1.25},"count":3},{"dims":{"kind":"c"},"measures":{"p":0.15000000000000002},"count":3},{"dims":{"kind":"d"},"measures":{"p":244.25},"count":2}]"#,
        reason: PERCENTILE,
    },
    Departure {
        case: "percentile-where",
        right: r#"[{"dims":{},"measures":{"p":30},"count":12}]"#,
        reason: PERCENTILE,
    },
];

/// Of the engine whose cases are other ones under some of the same names.
const CLICKHOUSE: &[Departure] = &[
    Departure {
        case: "where-not-empty",
        right: r#"[{"dims":{},"measures":{"c":12},"count":12}]"#,
        reason: FILTER,
    },
    Departure {
        case: "where-in-string",
        right: r#"[{"dims":{},"measures":{"c":0},"count":0}]"#,
        reason: FILTER,
    },
    Departure {
        case: "first-last-dim-tracked-n",
        right: r#"[
            {"dims":{"sub":"w"},"measures":{"f":11,"l":12},"count":2},
            {"dims":{"sub":"x"},"measures":{"f":1,"l":5},"count":5},
            {"dims":{"sub":"y"},"measures":{"f":10,"l":2},"count":2},
            {"dims":{"sub":"z"},"measures":{"f":8,"l":7},"count":2}]"#,
        reason: TIES,
    },
    Departure {
        case: "num-step-null",
        right: r#"[
            {"dims":{"n":-5},"measures":{"c":1},"count":1},
            {"dims":{"n":0},"measures":{"c":1},"count":1},
            {"dims":{"n":10},"measures":{"c":2},"count":2},
            {"dims":{"n":20},"measures":{"c":1},"count":1},
            {"dims":{"n":30},"measures":{"c":3},"count":3},
            {"dims":{"n":40},"measures":{"c":1},"count":1},
            {"dims":{"n":100},"measures":{"c":2},"count":2}]"#,
        reason: ABSENT,
    },
];

const EVERY_ROW: &str = r#"[{"dims":{},"measures":{"c":12,"s":78},"count":12}]"#;
const KIND_A: &str = r#"[{"dims":{},"measures":{"c":3,"s":9},"count":3}]"#;

/// The departure of a case, if there is one.
pub fn of(id: &str) -> Option<&'static Departure> {
    let (engine, case) = id.split_once(".aggregate.")?;
    let departures = match engine {
        // Its recordings have a tag for every fault.
        "mongodb" => return None,
        "clickhouse" => CLICKHOUSE,
        _ => DEPARTURES,
    };
    departures.iter().find(|departure| departure.case == case)
}

//! Geohash buckets, where the source says that they may be used.

use std::time::Duration;

use runner_testkit::databases::{self, MysqlDatabase};
use runner_testkit::{session, source};
use serde_json::json;

const SOON: Duration = Duration::from_secs(10);

#[test]
fn mysql_tells_the_cell_of_a_place() {
    let Some(server) = databases::mysql9() else {
        return;
    };
    let database = MysqlDatabase::create(
        &server,
        "CREATE TABLE {}places (id INT PRIMARY KEY, lat DOUBLE, lng DOUBLE);
         INSERT INTO {}places VALUES (1, 52.52, 13.405), (2, 52.521, 13.406), (3, 48.8566, 2.3522), (4, NULL, 2);",
    );
    let session = session!();
    let gateway = &session.gateway;
    let bucket = json!({"type": "geohash", "precision": 5, "latField": "lat", "lngField": "lng"});
    let options = json!({
        "dimensions": [{"field": "cell", "bucket": bucket}],
        "sort": [{"key": "cell", "dir": "asc"}],
    });
    let ask = |allowed: bool| {
        let config = json!({ "url": database.url, "enableGeohash": allowed });
        let source = source::managed(&format!("allowed {allowed}"), "mysql", config);
        gateway
            .dispatch(
                &source,
                "aggregate",
                &database.target("places"),
                options.clone(),
            )
            .wait_for(SOON)
    };
    assert_eq!(
        ask(true).result("aggregate").unwrap(),
        json!([
            {"dims": {"cell": "u09tv"}, "measures": {}, "count": 1},
            {"dims": {"cell": "u33dc"}, "measures": {}, "count": 2},
        ])
    );
    ask(false).expect_error("UNSUPPORTED_OPERATOR");
}

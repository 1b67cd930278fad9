//! Walking a whole table gives every row once, whatever its key is made of.

use runner_testkit::databases::{self, MysqlDatabase};
use runner_testkit::{session, source};
use serde_json::{Value, json};

/// Name, key column, rows.
const TABLES: &[(&str, &str, &str)] = &[
    ("float", "k FLOAT PRIMARY KEY", "(0.1),(0.2),(16777216),(1e-7),(-3.4e38),(123456.789),(0)"),
    ("sets", "k SET('a','b','c') PRIMARY KEY", "(''),('a'),('b'),('a,b'),('c'),('a,c')"),
    ("enum", "k ENUM('z','m','a') PRIMARY KEY", "('z'),('m'),('a')"),
    ("bits", "k BIT(64) PRIMARY KEY", "(b'0'),(b'1'),(0xFFFFFFFFFFFFFFFF),(0x8000000000000000),(b'101')"),
    ("year", "k YEAR PRIMARY KEY", "(0),(1901),(1999),(2000),(2155)"),
    ("unsigned", "k BIGINT UNSIGNED PRIMARY KEY", "(0),(9007199254740993),(9007199254740994),(18446744073709551614),(18446744073709551615)"),
    ("stamp", "k TIMESTAMP(6) PRIMARY KEY", "('2024-01-01 00:00:00'),('2024-01-01 00:00:00.000001'),('2024-01-01 00:00:00.5'),('1970-01-01 00:00:01')"),
    ("time", "k TIME(6) PRIMARY KEY", "('-838:59:59'),('-00:00:00.000001'),('00:00:00'),('9:00:00'),('10:00:00'),('100:00:00')"),
    ("bytes", "k VARBINARY(4) PRIMARY KEY", "(0x00),(0x0000),(''),(0xff),('abc')"),
    ("blob", "k BLOB, PRIMARY KEY (k(20))", "(0x00),(0x0000),(''),(0xff),('abc')"),
    ("text", "k VARCHAR(20) COLLATE utf8mb4_bin PRIMARY KEY", "(''),('0'),('a'),('a\t'),('B'),('[x]'),('[\"q\"]'),('null'),(' x'),('2024-01-01'),('10'),('9')"),
    ("latin", "k VARCHAR(10) CHARACTER SET latin1 PRIMARY KEY", "('é'),('e1'),('z'),('ß'),('ss1')"),
    ("folded", "k VARCHAR(10) COLLATE utf8mb4_unicode_ci PRIMARY KEY", "('a'),('B'),('ä2'),('Ä3'),('zz')"),
    ("whole", "k DECIMAL(65,0) PRIMARY KEY", "(99999999999999999999999999999999999999999999999999999999999999999),(99999999999999999999999999999999999999999999999999999999999999998),(-1),(0)"),
    ("fraction", "k DECIMAL(65,30) PRIMARY KEY", "(1.000000000000000000000000000001),(1.000000000000000000000000000002),(-1)"),
    ("mixed", "e ENUM('z','a'), d DATETIME(6), s VARCHAR(10), b VARBINARY(4), PRIMARY KEY (e, d, s, b)",
     "('z','2024-01-01 00:00:00.000001','A',0x00),('z','2024-01-01 00:00:00.000001','A',0xff),('z','2024-01-01 00:00:00.000001','b',''),
      ('z','2024-01-01 00:00:00.000002','',''),('a','2024-01-01 00:00:00.000001','é',0x00),('a','2024-01-01 00:00:00.000002','é',0x00)"),
    ("exact", "f FLOAT, u BIGINT UNSIGNED, t TIME(3), c DECIMAL(30,10), PRIMARY KEY (f, u, t, c)",
     "(0.1,18446744073709551615,'-00:00:01.5',12345678901234567890.0000000001),(0.1,18446744073709551615,'-00:00:01.5',12345678901234567890.0000000002),
      (0.1,18446744073709551615,'100:00:00.001',0),(0.1,9007199254740993,'00:00:00',0),(0.3,9007199254740993,'00:00:00',0)"),
];

fn sorted(rows: &[Value]) -> Vec<String> {
    let mut texts: Vec<_> = rows.iter().map(Value::to_string).collect();
    texts.sort();
    texts
}

fn every_row_once(server: Option<String>, bridge: &str) {
    let Some(server) = server else { return };
    let create: Vec<_> = TABLES
        .iter()
        .map(|(name, columns, rows)| {
            format!("CREATE TABLE {{}}{name} ({columns}); INSERT INTO {{}}{name} VALUES {rows}")
        })
        .collect();
    let database = MysqlDatabase::create(&server, &create.join(";"));
    let source = source::managed("s", bridge, json!({ "url": database.url }));
    let session = session!();
    let gateway = &session.gateway;
    for (name, ..) in TABLES {
        let target = database.target(name);
        let all = gateway
            .dispatch(&source, "batchRead", &target, json!({}))
            .wait();
        all.expect_done();
        for limit in [1, 2, 3] {
            let mut rows = Vec::new();
            let mut cursor = Value::Null;
            loop {
                let options = json!({ "limit": limit, "cursor": cursor });
                let page = gateway.dispatch(&source, "read", &target, options).wait();
                cursor = page.expect_done()["nextCursor"].clone();
                rows.extend(page.rows());
                assert!(rows.len() <= all.rows().len(), "{name}: a row twice");
                if cursor.is_null() {
                    break;
                }
                assert_eq!(rows.len() % limit, 0, "{name}: a short page");
            }
            assert_eq!(
                sorted(&rows),
                sorted(&all.rows()),
                "{name}, pages of {limit}"
            );
        }
    }
}

#[test]
fn of_mysql() {
    every_row_once(databases::mysql9(), "mysql");
}

#[test]
fn of_mariadb() {
    every_row_once(databases::mariadb(), "mariadb");
}

use super::*;
use serde_json::json;
use std::os::unix::ffi::OsStringExt;

use crate::job::fixture::{ALL, FILE_NAME, LOOSE_NAME as LOOSE, SERVER_NAME as SERVER};

fn environment(variables: &[(&str, &str)]) -> SourceEnvironment {
    SourceEnvironment::from_env(
        variables
            .iter()
            .map(|(name, value)| (format!("{PREFIX}{name}").into(), (*value).into())),
        ALL,
    )
}

fn config(variables: &[(&str, &str)], name: &str, bridge: &str) -> Result<Value, String> {
    environment(variables)
        .config_for(name, bridge, &LocalNames::default())
        .map(Value::Object)
        .map_err(|error| {
            assert_eq!(error.code, ErrorCode::SourceConfig);
            error.message
        })
}

#[test]
fn values_have_the_type_of_their_key() {
    let found = config(
        &[
            ("PRIMARY_DB_HOST", "db.internal"),
            ("PRIMARY_DB_PORT", "5433"),
            ("PRIMARY_DB_DATABASE", "2024"),
            ("PRIMARY_DB_USER", "42"),
            ("PRIMARY_DB_PASSWORD", "007"),
            ("PRIMARY_DB_FAST", "false"),
            ("PRIMARY_DB_POOL_MAX", "5"),
            ("PRIMARY_DB_POOL_MIN", "1"),
            ("PRIMARY_DB_BRIDGE", "server"),
        ],
        "primary-db",
        SERVER,
    );
    let expected = json!({
        "host": "db.internal", "port": 5433, "database": "2024", "user": "42", "password": "007",
        "fast": false,
        "pool": {"min": 1, "max": 5},
    });
    assert_eq!(found.unwrap(), expected);
}

#[test]
fn a_source_does_not_swallow_the_variables_of_another() {
    let variables = [
        ("DB_URL", "server://one"),
        ("DB_REPLICA_URL", "server://two"),
        ("DB_REPLICA_POOL_MAX", "9"),
    ];
    assert_eq!(
        config(&variables, "db", SERVER).unwrap(),
        json!({"url": "server://one"})
    );
    assert_eq!(
        config(&variables, "db-replica", SERVER).unwrap(),
        json!({"url": "server://two", "pool": {"max": 9}})
    );
    let message = config(&variables[1..], "db", SERVER).unwrap_err();
    assert!(message.contains("SEMILAYER_SOURCE_DB_URL (or"), "{message}");
}

#[test]
fn what_is_missing_is_named() {
    for (variables, bridge, message) in [
        (
            &[][..],
            SERVER,
            "source \"primary-db\" is runner-local: set SEMILAYER_SOURCE_PRIMARY_DB_URL (or \
             SEMILAYER_SOURCE_PRIMARY_DB_HOST and SEMILAYER_SOURCE_PRIMARY_DB_DATABASE)",
        ),
        (
            &[("PRIMARY_DB_HOST", "h"), ("PRIMARY_DB_URL", "")],
            SERVER,
            "source \"primary-db\" is runner-local: set SEMILAYER_SOURCE_PRIMARY_DB_URL (or \
             SEMILAYER_SOURCE_PRIMARY_DB_HOST and SEMILAYER_SOURCE_PRIMARY_DB_DATABASE)",
        ),
        (
            &[("PRIMARY_DB_URL", "x")],
            FILE_NAME,
            "source \"primary-db\" is runner-local: set SEMILAYER_SOURCE_PRIMARY_DB_PATH",
        ),
        (
            &[],
            LOOSE,
            "source \"primary-db\" is runner-local: set SEMILAYER_SOURCE_PRIMARY_DB_URL (or \
             SEMILAYER_SOURCE_PRIMARY_DB_HOST, SEMILAYER_SOURCE_PRIMARY_DB_USER and \
             SEMILAYER_SOURCE_PRIMARY_DB_PASSWORD)",
        ),
    ] {
        assert_eq!(
            config(variables, "primary-db", bridge).unwrap_err(),
            message
        );
    }
}

#[test]
fn names_with_odd_characters_are_found() {
    let variables = [("SALES___EU_1_PATH", "/data/x.db")];
    let found = config(&variables, "sales. €u.1", FILE_NAME);
    assert!(found.unwrap_err().contains("SALES___U_1_PATH"));
    assert_eq!(
        config(&variables, "sales. _eu 1", FILE_NAME).unwrap(),
        json!({"path": "/data/x.db"})
    );
    assert!(
        config(&variables, "", FILE_NAME)
            .unwrap_err()
            .contains("name")
    );
    assert!(
        config(&variables, "--", FILE_NAME)
            .unwrap_err()
            .contains("name")
    );
}

#[test]
fn two_names_for_the_same_variables_use_neither() {
    let environment = environment(&[("A_B_PATH", "/data/x.db")]);
    let known = LocalNames::of(["a-b", "a_b", "a-b"]);
    for name in ["a-b", "a_b"] {
        let error = environment.config_for(name, FILE_NAME, &known).unwrap_err();
        assert_eq!(error.code, ErrorCode::SourceConfig);
        assert!(error.message.contains("\"a-b\"") && error.message.contains("\"a_b\""));
        assert_eq!(environment.problems(name, FILE_NAME, &known).len(), 1);
    }
    assert!(
        environment
            .config_for("a-b", FILE_NAME, &LocalNames::of(["a-b"]))
            .is_ok()
    );
}

#[test]
fn the_source_that_is_spelled_as_the_variables_are_has_them() {
    let environment = environment(&[("HR_PATH", "/data/x.db")]);
    let known = LocalNames::of(["hr", "HR"]);
    assert!(environment.config_for("HR", FILE_NAME, &known).is_ok());
    assert!(environment.problems("HR", FILE_NAME, &known).is_empty());
    let error = environment.config_for("hr", FILE_NAME, &known).unwrap_err();
    assert!(error.message.contains("those of source \"HR\""), "{error}");
}

#[test]
fn a_secret_may_be_in_a_file() {
    let path = std::env::temp_dir().join(format!("semilayer-env-{}", std::process::id()));
    std::fs::write(&path, "server://u:0123@h/d\n").unwrap();
    let path = path.to_str().unwrap();
    assert_eq!(
        config(&[("DB_URL_FILE", path)], "db", SERVER).unwrap(),
        json!({"url": "server://u:0123@h/d"})
    );
    let both = config(&[("DB_URL_FILE", path), ("DB_URL", "x")], "db", SERVER);
    assert_eq!(
        both.unwrap_err(),
        "SEMILAYER_SOURCE_DB_URL and SEMILAYER_SOURCE_DB_URL_FILE are both set; set one of them"
    );
    std::fs::remove_file(path).unwrap();
    let gone = config(&[("DB_URL_FILE", path)], "db", SERVER).unwrap_err();
    assert!(gone.starts_with("SEMILAYER_SOURCE_DB_URL_FILE: "), "{gone}");
}

#[test]
fn unusable_values_are_named_and_not_shown() {
    let port = [("DB_URL", "x"), ("DB_PORT", "s3cret")];
    let message = config(&port, "db", SERVER).unwrap_err();
    assert!(message.contains("SEMILAYER_SOURCE_DB_PORT"), "{message}");
    assert!(!message.contains("s3cret"));
    let twice = [
        ("DB_URL", "loose://h"),
        ("DB_SSLMODE", "require"),
        ("DB_SSL_MODE", "disable"),
    ];
    let message = config(&twice, "db", LOOSE).unwrap_err();
    assert!(message.contains("mean the same"), "{message}");
    let bytes = OsString::from_vec(b"\xff\xfe".to_vec());
    let odd = SourceEnvironment::from_env(
        [
            ("SEMILAYER_SOURCE_DB_URL".into(), bytes.clone()),
            (bytes, "x".into()),
        ],
        ALL,
    );
    let error = odd
        .config_for("db", SERVER, &LocalNames::default())
        .unwrap_err();
    assert_eq!(error.message, "SEMILAYER_SOURCE_DB_URL is not UTF-8 text");
    assert_eq!(format!("{odd:?}"), "SourceEnvironment(1 variables)");
}

#[test]
fn a_misspelt_key_is_reported_and_the_key_of_another_source_is_not() {
    let environment = environment(&[
        ("DB_URL", "x"),
        ("DB_BRIDGE", "server"),
        ("DB_PASWORD", "x"),
        ("DB_REPLICA_URL", "x"),
        ("DB_REPLICA_PASSWORD_FILE", "x"),
        ("DB_POOL_MAX_FILE", "x"),
    ]);
    let problems = environment.problems("db", SERVER, &LocalNames::default());
    assert_eq!(
        problems,
        [format!(
            "SEMILAYER_SOURCE_DB_PASWORD is ignored: source \"db\" has the bridge {SERVER}, \
             which has no key PASWORD; did you mean SEMILAYER_SOURCE_DB_PASSWORD?"
        )]
    );
}

#[test]
fn a_bridge_that_nobody_knows_is_not_a_matter_of_variables() {
    assert_eq!(config(&[], "db", "bridge-unknown").unwrap(), json!({}));
}

#[test]
fn sources_are_found_without_the_gateway() {
    let found = environment(&[
        ("A_URL", "servers://h/d"),
        ("A_POOL_MAX", "1"),
        ("B_C_PATH", "/x"),
        ("D_HOST", "h"),
        ("D_BRIDGE", "loose"),
        ("E_HOST", "h"),
        ("F_CONNECTION_STRING", "loose://h/d"),
        ("G_URL", "strange://h"),
        ("H_URL_FILE", "/nowhere/at/all"),
    ])
    .local_sources();
    let bridges: Vec<_> = found
        .iter()
        .map(|source| {
            let bridge = source.bridge.as_deref();
            (
                source.name.as_str(),
                bridge.map_err(|error| error.message.as_str()),
            )
        })
        .collect();
    assert_eq!(bridges[0], ("A", Ok(SERVER)));
    assert_eq!(bridges[1], ("B_C", Ok(FILE_NAME)));
    assert_eq!(bridges[2], ("D", Ok(LOOSE)));
    assert_eq!(
        bridges[3],
        ("E", Err("set SEMILAYER_SOURCE_E_BRIDGE to tell its bridge"))
    );
    assert_eq!(bridges[4], ("F", Ok(LOOSE)));
    assert!(
        bridges[5]
            .1
            .unwrap_err()
            .contains("SEMILAYER_SOURCE_G_BRIDGE")
    );
    assert!(
        bridges[6]
            .1
            .unwrap_err()
            .contains("SEMILAYER_SOURCE_H_URL_FILE")
    );
    assert_eq!(bridges.len(), 7);
    let unclaimed = environment(&[
        ("SHOP_URL", "server://h/d"),
        ("SHOP_POOL_MAX", "1"),
        ("SHOPS_URI", "server://h/d"),
        ("OTHER_PASSWORD", "x"),
        ("MY_BIG_DB_PASWORD_FILE", "/x"),
    ])
    .unclaimed();
    let names: Vec<_> = unclaimed
        .iter()
        .map(|(name, meant)| (name.as_str(), meant.as_deref()))
        .collect();
    assert_eq!(
        names,
        [
            (
                "SEMILAYER_SOURCE_MY_BIG_DB_PASWORD_FILE",
                Some("SEMILAYER_SOURCE_MY_BIG_DB_PASSWORD_FILE")
            ),
            ("SEMILAYER_SOURCE_OTHER_PASSWORD", None),
            (
                "SEMILAYER_SOURCE_SHOPS_URI",
                Some("SEMILAYER_SOURCE_SHOPS_URL")
            ),
        ]
    );
}

#[test]
fn only_what_is_known_to_be_harmless_may_be_shown() {
    let environment = environment(&[]);
    for (name, may) in [
        ("SEMILAYER_SOURCE_SHOP_HOST", true),
        ("SEMILAYER_SOURCE_SHOP_POOL_MAX", true),
        ("SEMILAYER_SOURCE_SHOP_BRIDGE", true),
        ("SEMILAYER_SOURCE_SHOP_PASSWORD_FILE", true),
        ("SEMILAYER_SOURCE_SHOP_PASSWORD", false),
        ("SEMILAYER_SOURCE_SHOP_PASWORD", false),
        ("SEMILAYER_SOURCE_HOST", false),
        ("OTHER_HOST", false),
    ] {
        assert_eq!(environment.may_show(name), may, "{name}");
    }
}

//! Makes a SQLite database from a script: `sqlite-database FILE.sql DATABASE`. A machine with nothing but
//! cargo has no `sqlite3` to do it.

use std::env;
use std::error::Error;
use std::fs;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [script, database] = arguments.as_slice() else {
        return Err("usage: sqlite-database FILE.sql DATABASE".into());
    };
    let connection = rusqlite::Connection::open(database)?;
    connection.execute_batch(&fs::read_to_string(script)?)?;
    Ok(())
}

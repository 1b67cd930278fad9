//! A wall clock that a test can turn while a runner looks at it. The machine's own clock is everybody's.

use std::fs;
use std::path::PathBuf;

use crate::RunnerBuilder;
use crate::temp::TempDir;

/// The wall clock of one runner; its monotonic clock stays the machine's.
pub struct WallClock {
    library: PathBuf,
    folder: TempDir,
}

impl WallClock {
    /// A clock that is right. `None`, and why, where libfaketime cannot help.
    pub fn new() -> Option<Self> {
        if std::env::var_os("TEST_RUNNER").is_some() {
            println!("skipped: the binary of TEST_RUNNER is static and loads no library");
            return None;
        }
        let found = fs::read_dir("/usr/lib").ok().and_then(|folders| {
            folders
                .filter_map(|folder| Some(folder.ok()?.path().join("faketime/libfaketimeMT.so.1")))
                .find(|library| library.exists())
        });
        let Some(library) = found else {
            println!("skipped: no libfaketime here (Debian: apt-get install libfaketime)");
            return None;
        };
        let clock = Self {
            library,
            folder: TempDir::new(),
        };
        clock.turn("+0");
        Some(clock)
    }

    /// Turns it to so far from the true time, for example `-7h` or `+400d`.
    pub fn turn(&self, offset: &str) {
        // In one step, because somebody may be reading it.
        let next = self.folder.write("next", offset);
        fs::rename(next, self.file()).expect("the clock's file");
    }

    /// Has a runner live by this clock.
    pub fn rule(&self, runner: RunnerBuilder) -> RunnerBuilder {
        runner
            .env("LD_PRELOAD", self.library.display().to_string())
            .env("FAKETIME_TIMESTAMP_FILE", self.file().display().to_string())
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("FAKETIME_DONT_RESET", "1")
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("offset")
    }
}

//! The one place for limits and defaults. Everything from outside is bounded by something named here.

use std::time::Duration;

/// Gateway when neither flag nor environment names one: the service's own.
pub const GATEWAY_URL: &str = "wss://runner.semilayer.com/connect";
/// Version label when `SEMILAYER_RUNNER_VERSION` is not set; the official CLI says the same.
pub const VERSION_LABEL: &str = "0.1.0";
/// Version of the wire protocol we speak.
pub const PROTOCOL_VERSION: u32 = 1;

/// Budget for DNS + TCP + proxy + TLS + upgrade + `hello-ack`, shared by all phases.
pub const CONNECT_BUDGET: Duration = Duration::from_secs(15);
/// Time for `doctor`'s first question, as officially.
pub const HEALTH_PROBE: Duration = Duration::from_secs(5);
/// Longest `Retry-After` that is honoured: whoever asks for more gets a question every five minutes.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);
/// Quiet time after which the kernel begins to probe the gateway's TCP connection.
pub const TCP_KEEPALIVE: Duration = Duration::from_secs(30);
/// Bytes that may wait in the kernel for the gateway. Its own limit is megabytes, and on a slow uplink a
/// heartbeat would wait behind them for longer than either side takes for a sign of life.
pub const UNSENT_BYTES: u32 = 256 << 10;
/// After so much silence `hello` is sent once more: a gateway may begin to listen late.
pub const HELLO_AGAIN: Duration = Duration::from_secs(5);
/// Credentials that have been refused for so long are told about loudly.
pub const REFUSED_LOUDLY: Duration = Duration::from_secs(600);
/// Most of the body of a refused upgrade that is read, and how long it may take.
pub const REFUSAL_BYTES: usize = 4 << 10;
/// See [`REFUSAL_BYTES`].
pub const REFUSAL_PATIENCE: Duration = Duration::from_secs(1);
/// Most of what the gateway says in its own words that is shown in a line.
pub const QUOTED_BYTES: usize = 400;
/// Types of frames we do not know that are told about once each; the gateway chooses them.
pub const UNKNOWN_FRAMES: usize = 16;
/// Keys of such a frame that are told.
pub const UNKNOWN_KEYS: usize = 12;
/// What `doctor` waits between two ways to send the token, and for the answer to each.
pub const TRIAL_PAUSE: Duration = Duration::from_secs(1);
/// See [`TRIAL_PAUSE`].
pub const TRIAL_BUDGET: Duration = Duration::from_secs(6);
/// Heartbeat interval; middleboxes drop links idle for a minute. `SEMILAYER_HEARTBEAT_MS`.
pub const HEARTBEAT: Duration = Duration::from_millis(25_000);
/// Nothing received for this many heartbeats: the link is dead.
pub const DEAD_AFTER_HEARTBEATS: f64 = 2.5;
/// First step of the reconnect back-off.
pub const BACKOFF_FIRST: Duration = Duration::from_secs(1);
/// Cap of the reconnect back-off.
pub const BACKOFF_CAP: Duration = Duration::from_secs(30);
/// A session that stayed up this long resets the back-off.
pub const BACKOFF_RESET_AFTER: Duration = Duration::from_secs(60);

/// How long the other end may take to answer a close frame, and the last frames to leave when the runner stops.
pub const CLOSE_LINGER: Duration = Duration::from_secs(2);
/// Text of the sources that a session remembers, because every job carries its whole source: some thousand of the
/// usual length. A job of a source that is not remembered costs half as much again, or twice.
pub const KNOWN_SOURCES_BYTES: usize = 256 << 10;
/// Sources whose keys are remembered.
pub const KNOWN_SOURCES: usize = 1024;
/// Longest text of a source that is remembered.
pub const KNOWN_SOURCE_BYTES: usize = 16 << 10;
/// Read at once from the gateway; jobs are a few hundred bytes.
pub const READ_BUFFER: usize = 8 << 10;
/// Small frames that wait together for one write.
pub const WRITE_BUFFER: usize = 16 << 10;
/// Longest answer that a worker sends itself. Less than what waits together, so that none of it is sent before it is
/// complete.
pub const SHORT_ANSWER: usize = 8 << 10;
/// Frames above this go out in fragments, so that the one copy the framing makes stays small.
pub const FRAGMENT_BYTES: usize = 512 << 10;
/// Text waiting for a standard stream that is not read; lines beyond it are dropped and counted.
pub const CONSOLE_BYTES: usize = 1 << 20;

/// Bytes of a log line's message; at `trace` it may be a statement.
pub const LOG_MESSAGE: usize = 64 << 10;
/// Time for the last lines of a standard stream to leave when the process ends.
pub const LAST_LINES: Duration = Duration::from_millis(500);

/// Largest frame accepted from the gateway. Jobs are small; an `$in` of 100,000 ids is about 4 MB.
pub const MAX_FRAME_BYTES: usize = 16 << 20;
/// Deepest nesting accepted in a frame. Recursion in the filter parser is bounded by it.
pub const MAX_NESTING: usize = 100;
/// Largest frame that is read and thrown away for being too large; beyond, the session is closed.
pub const MAX_SKIPPED_BYTES: u64 = 256 << 20;
/// Most values in a frame. As parsed, each takes about 70 bytes: 18 MB at most.
pub const MAX_VALUES: usize = 250_000;
/// Longest job id; every frame of a job repeats it.
pub const MAX_ID_BYTES: usize = 1024;
/// Longest kind, target, name of a column, id, name and bridge of a source. No database has names of a tenth of it.
pub const MAX_NAME_BYTES: usize = 4096;
/// Most memory of a source's configuration. Certificates and keys may stand in it.
pub const MAX_CONFIG_BYTES: usize = 256 << 10;
/// Most memory of an assignment list: ids, names and bridges of some thousand sources. Those beyond it are as if they
/// were not in it.
pub const ASSIGNED_BYTES: usize = 1 << 20;
/// Assigned sources that cannot be served, and problems of the variables of others, that are told at a time.
pub const TOLD_SOURCES: usize = 100;
/// Longest deadline a job may ask for.
pub const MAX_DEADLINE: Duration = Duration::from_secs(24 * 3600);
/// Longest list accepted in options (`$in`, `fields`, `orderBy` …).
pub const MAX_LIST: usize = 100_000;
/// Most dimensions, measures, joins and edges of all numeric buckets in an aggregate. Databases have limits of
/// their own on the columns and branches of a statement; this one bounds the text we make.
pub const MAX_AGGREGATE_PARTS: usize = 1000;
/// Most dimensions times measures of an aggregate.
pub const MAX_AGGREGATE_CELLS: usize = 20_000;
/// Bytes of a column's name in a filter up to which a condition on it counts once.
pub const USUAL_NAME_BYTES: usize = 256;
/// Longest text of a statement, values not included: a hundred times what the largest honest jobs need.
pub const STATEMENT_BYTES: usize = 4 << 20;
/// Most conditions and clauses of a filter, and of all filters of an aggregate. The members of an `$in` are one; of
/// several operators beside a name each is one.
pub const MAX_CONDITIONS: usize = 20_000;
/// KiB that SQLite may hold for each sort of an aggregate; it writes the rest to a temporary file. A
/// statement has up to four of them, and SQLite's own 2,000 made 100,000 buckets cost 4 MB more for no gain.
pub const SQLITE_SORT_KIB: u32 = 1000;
/// Most bytes of the `top_k` lists of one job, which are held while its buckets are streamed: 100,000 lists
/// of three short texts take 3 MB.
pub const TOP_K_BYTES: usize = 32 << 20;

/// Worker threads. `SEMILAYER_WORKERS`.
pub const WORKERS: usize = 16;
/// Jobs waiting before `OVERLOADED`. `SEMILAYER_QUEUE`.
pub const QUEUE: usize = 1024;
/// Memory that the frames of waiting jobs may take before `OVERLOADED`, whatever their number: one job's
/// options may be as large as a frame.
pub const QUEUE_BYTES: usize = 8 << 20;
/// So much more may be waiting where a [`LIGHT_JOB`] of a source that waits for little arrives.
pub const QUEUE_SPARE: usize = QUEUE_BYTES / 4;
/// Memory that the frames of all jobs may take, waiting or running: the largest one there is, and some of the usual. Found
/// before one is parsed; beyond, it is `OVERLOADED`.
pub const FRAMES_BYTES: usize = 36 << 20;
/// Memory that the frames of running jobs may take. A statement and its parameters take as much again. A job
/// that would exceed it waits, unless nothing else runs.
pub const RUNNING_BYTES: usize = 8 << 20;
/// A job of no more memory runs beside any others. As many as there are workers take a megabyte.
pub const LIGHT_JOB: usize = 64 << 10;
/// A job of so much memory takes turns with those that have large rows: what it sends takes as much again, or twice.
pub const HEAVY_JOB: usize = RUNNING_BYTES / 2;
/// Bytes of an `error` frame's message; databases quote whole statements in theirs.
pub const ERROR_MESSAGE_BYTES: usize = 8 << 10;
/// A worker that has not come back this long after its job ended elsewhere is stuck in a driver call that
/// cannot be interrupted, and is replaced.
pub const LOST_WORKER_AFTER: Duration = Duration::from_secs(5);
/// Most workers that may be lost at a time, and most that are started beyond the usual number because every
/// one is busy: over all sources together. Each costs a thread and the memory of its job.
pub const LOST_WORKERS: usize = 64;
/// From so many lost workers on, jobs are refused for sources that have lost one or have not answered yet.
/// What is left is for the others.
pub const MANY_LOST_WORKERS: usize = 32;
/// One worker of so many is left to sources that have none.
pub const WORKERS_PER_SPARE: usize = 4;
/// Sources without a job whose pools are kept for the next one. Beyond that the least recently used is
/// closed, those that are not assigned first.
pub const IDLE_SOURCES: usize = 100;
/// Lines of a log that `doctor --bundle` takes over.
pub const BUNDLE_LINES: usize = 500;
/// Bytes at the end of a log among which it looks for them.
pub const BUNDLE_LOG_BYTES: usize = 256 << 10;
/// Largest file that a `_FILE` variable may name; the bundle of all public roots has about 230 KB.
pub const SECRET_FILE_BYTES: u64 = 256 << 10;
/// Most files in a folder of secrets.
pub const SECRET_FILES: usize = 1000;
/// When the runner stops, the statements it cancels get this long to end in their database.
pub const STOP_STATEMENTS: Duration = Duration::from_secs(1);
/// Sources that have metrics of their own; the others share one label.
pub const METRIC_SOURCES: usize = 100;
/// Characters of a source's name that its metrics show.
pub const METRIC_LABEL_CHARS: usize = 100;
/// Close codes that are counted apart; the gateway chooses them.
pub const METRIC_CLOSE_CODES: usize = 24;
/// A client of the health listener has this long to ask and to take its answer.
pub const HEALTH_PATIENCE: Duration = Duration::from_secs(2);
/// Clients of a health listener at a time. One more is served in place of the oldest.
pub const HEALTH_CLIENTS: usize = 16;
/// Longest request line and headers a client of the health listener may send, and longest answer that
/// `health` reads.
pub const HEALTH_HEAD: usize = 8 << 10;
/// Jobs that may be live or waiting to be written to the audit log.
pub const AUDIT_LINES: usize = 4096;
/// Text waiting to be written to the audit log, from which on no job is taken on.
pub const AUDIT_WAITING: usize = 8 << 20;
/// Most columns that a line of the audit log lists: more than any table has, so that nothing can hide behind
/// others that are not there.
pub const AUDIT_COLUMNS: usize = 5000;
/// Most bytes of names in a line of the audit log. All columns of the widest table of any database, three times, take
/// three quarters of it.
pub const AUDIT_LINE: usize = 1 << 20;
/// Most text of the audit log that is written at once.
pub const AUDIT_BATCH: usize = 64 << 10;
/// Pause between two attempts to write the audit log.
pub const AUDIT_RETRY: Duration = Duration::from_secs(1);
/// Time that another process may take for the rest of a line of it.
pub const AUDIT_GLANCE: Duration = Duration::from_millis(20);
/// Time for the last lines of the audit log when the runner stops.
pub const AUDIT_FLUSH: Duration = Duration::from_secs(2);
/// Longest policy file.
pub const POLICY_BYTES: u64 = 4 << 20;
/// Threads that close pools; each may hang in the network for a while.
pub const CLOSERS: usize = 4;
/// Rows a chunk. `SEMILAYER_CHUNK_ROWS`.
pub const CHUNK_ROWS: usize = 500;
/// Bytes of text after which a chunk is cut. `SEMILAYER_CHUNK_BYTES`.
pub const CHUNK_BYTES: usize = 256 << 10;
/// What a session itself may have waiting for the writer: signs of life, and the answers to pings.
pub const CONTROL_QUEUE: usize = 64;
/// Frames between the workers and the writer. With chunks of 256 KiB this bounds what a stalled gateway can
/// make us hold: 2 MiB, plus one chunk a worker.
pub const WRITER_QUEUE: usize = 8;
/// Texts of rows a session keeps when they are sent, to write more rows into them: one is written while another one
/// is sent.
pub const KEPT_BUFFERS: usize = 2;
/// Bytes of memory that such a text takes; others are given back to the system.
pub const KEPT_BUFFER: std::ops::Range<usize> = 16 << 10..640 << 10;
/// In-flight jobs may take this long to finish when the runner stops. `SEMILAYER_SHUTDOWN_GRACE_MS`.
pub const SHUTDOWN_GRACE: Duration = Duration::from_millis(10_000);
/// Deadline of a job whose frame names none, as officially.
pub const JOB_DEADLINE: Duration = Duration::from_millis(30_000);

/// Connections a source, unless its `pool.max` says otherwise.
pub const POOL_MAX: usize = 3;
/// Most connections a source may ask for.
pub const POOL_CEILING: usize = 64;
/// Longest select list of columns that are asked for so that they come exactly. D1 takes statements of 100 KB.
pub const EXACT_LIST_BYTES: usize = 512 << 10;
/// Values that a statement of D1 may have.
pub const D1_PARAMETERS: usize = 100;
/// Bytes in which a service says something about a table: some sixty a column.
pub const REMOTE_CATALOG_BYTES: usize = 256 << 10;
/// Most that ClickHouse may say about the columns of a table, and [`CLICKHOUSE_COLUMN`] more for each.
pub const CLICKHOUSE_TABLE: usize = 512 << 10;
/// See [`CLICKHOUSE_TABLE`]: some nine thousand columns of usual names.
pub const CLICKHOUSE_COLUMN: usize = 32;
/// Longest text of a sorting key of ClickHouse.
pub const SORTING_KEY_BYTES: usize = 16 << 10;
/// Expressions of a sorting key by which a walk goes; behind them comes a hash.
pub const SORTING_KEY_PARTS: usize = 32;
/// For so long what a service said about a table is used, checked along with what it is needed for.
pub const REMOTE_CATALOG: Duration = Duration::from_secs(600);
/// Most conditions of a filter that a service gets one after the other: each is one level of an expression, of
/// which D1 has a hundred.
pub const NARROW_CHAIN: usize = 32;
/// Before a service that is too busy is asked again, unless it says how long.
pub const BUSY_PAUSE: Duration = Duration::from_millis(200);
/// Most descriptors that the connections of all sources may have together: 400 of PostgreSQL, 1000 of most others. With a
/// lower limit of open files (`ulimit -n`) it is what [`OTHER_DESCRIPTORS`] leaves.
pub const CONNECTION_DESCRIPTORS: usize = 2000;
/// Descriptors for everything else: streams, gateway, health listener and its clients, audit log, files being read.
pub const OTHER_DESCRIPTORS: usize = 40;
/// Descriptors that connections are given however low the limit is.
pub const LEAST_DESCRIPTORS: usize = 12;
/// One of so many is left to sources that have no connection and whose database answered when last asked. And one of so
/// many look-ups to names that were answered before.
pub const PLACES_PER_SPARE: usize = 4;
/// How long a job waits for a connection of another source to end when there may be no more of them.
pub const PLACE_PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks at that. Both are the same for look-ups of names.
pub const PLACE_PAUSE: Duration = Duration::from_millis(5);
/// Look-ups of names under way at a time, those that nobody waits for any more included: each has a thread, and mostly
/// a socket.
pub const LOOK_UPS: usize = 64;
/// Names that are remembered as answered.
pub const ANSWERED_NAMES: usize = 256;
/// Memory that idle connections of all sources keep together, in buffers that have grown and statements that are prepared.
pub const IDLE_BYTES: usize = 24 << 20;
/// Most connections that are closed because another one wants to keep its memory.
pub const CLOSED_FOR_ONE: usize = 8;
/// Idle database connections are closed after this long.
pub const POOL_IDLE: Duration = Duration::from_secs(60);
/// Time to connect to a database, unless its configuration says otherwise.
pub const SOURCE_CONNECT: Duration = Duration::from_secs(10);
/// Page size of `read` when the job names none, as officially.
pub const READ_LIMIT: u64 = 1000;
/// Longest file of extra roots that is read; the bundle of all public roots has about 230 KB.
pub const MAX_PEM_BYTES: u64 = 8 << 20;
/// Rows that `test-source --query` shows when it is told no `--limit`.
pub const SHOWN_ROWS: u64 = 10;
/// Most targets that `test-source --query` lists when none is named.
pub const SHOWN_TARGETS: usize = 50;
/// Most text that describes the columns of a target: ten times what the widest tables take.
pub const DESCRIPTION_BYTES: usize = 2 << 20;
/// Longest values of a row's key, of which the cursor of a page is made.
pub const CURSOR_BYTES: usize = 256 << 10;
/// For so long what was read of a table's columns is used again without asking the database.
pub const CATALOG_FRESH: Duration = Duration::from_secs(1);
/// The total of a walk's first page serves the pages that follow for so long.
pub const WALK_TOTAL: Duration = Duration::from_secs(60);
/// Most bytes of what a database may tell of a table's columns, each counted with 32 more: the widest table of MySQL with
/// the longest names of one-byte letters takes 400 KB.
pub const TOLD_BYTES: usize = 512 << 10;
/// Tables a source whose columns are remembered.
pub const CATALOG_TARGETS: usize = 1000;
/// Memory of all that is remembered of targets, of all sources: some 400 bytes for a table of ten columns, but as much
/// as [`REMOTE_CATALOG_BYTES`] where a database says that much.
pub const REMEMBERED_BYTES: usize = 4 << 20;
/// Most attempts at a job that may succeed when it is tried again.
pub const ATTEMPTS: usize = 6;
/// Before the second attempt in its turn at a job of SQLite that found no memory; twice as long before each other,
/// up to sixteen times.
pub const SQLITE_MEMORY_PAUSE: Duration = Duration::from_millis(100);
/// Attempts at a job of SQLite that finds no memory beside other jobs: some half a minute of pauses.
pub const SQLITE_MEMORY_ATTEMPTS: u32 = 20;
/// What SQLite may hold beside the largest row: pages, sorts, and what a value is made of.
pub const SQLITE_MEMORY: i64 = 64 << 20;
/// How long a SQLite statement waits for a writer (the official driver's default).
pub const SQLITE_BUSY: Duration = Duration::from_secs(5);
/// Statements that a PostgreSQL server keeps for a session, with their plans.
pub const KEPT_STATEMENTS: usize = 64;
/// Bytes of a PostgreSQL server's greeting that are looked at; it has a few hundred.
pub const GREETING_BYTES: usize = 16 << 10;
/// A connection to PostgreSQL that carried a statement, with its parameters, of more bytes is closed: the driver keeps
/// its buffers, and there may be hundreds of connections.
pub const LARGE_STATEMENT: usize = 128 << 10;
/// Longest text of a statement that is kept prepared for the next job.
pub const KEPT_STATEMENT: usize = 4 << 10;
/// Steps of SQLite's machine between two looks at whether the job has ended; a fraction of a millisecond.
pub const SQLITE_STEPS: i32 = 10_000;
/// Most that a PostgreSQL server may say before a session is open; usually a few hundred bytes.
pub const POSTGRES_GREETING: usize = 64 << 10;
/// Most that it may say unasked and the driver keeps: changed settings, notifications.
pub const POSTGRES_UNASKED: usize = 256 << 10;
/// Rows that come in one after the other before one is taken: those of the answers that the driver itself asks for. From
/// [`LARGE_ROW`] on they take turns.
pub const POSTGRES_UNTAKEN: usize = 8 << 20;
/// Longest message of it that is no row. A thousand columns are described in some 100 KB. From [`LARGE_ROW`] on they take
/// turns as rows do.
pub const POSTGRES_MESSAGE: usize = 4 << 20;
/// A database that says nothing for this long is given up, whatever the job's deadline.
pub const SOURCE_SILENCE: Duration = Duration::from_secs(900);
/// First TCP keep-alive probe of a silent database connection, in milliseconds.
pub const SOURCE_KEEPALIVE_MS: u32 = 30_000;
/// Time to tell a database that a statement is to stop.
pub const STOP_BUDGET: Duration = Duration::from_secs(3);
/// A MySQL server greets at once; one that is silent for this long is asked whether it is another server.
pub const MYSQL_GREETING: Duration = Duration::from_secs(2);
/// Time for that question.
pub const STRANGER_BUDGET: Duration = Duration::from_secs(1);
/// How often a server that knows no such statement is told to kill one, and the pause between: the statement may
/// only just be on its way.
pub const KILL_ATTEMPTS: u32 = 5;
/// See [`KILL_ATTEMPTS`].
pub const KILL_PAUSE: Duration = Duration::from_millis(100);
/// Largest packet of a MySQL server that the driver takes: the largest there is. How large a row may be is said elsewhere.
pub const MYSQL_PACKET: usize = 1 << 30;
/// From so many bytes of a statement's values on, a server that hangs up may have found them too many: the least of what
/// servers are set to by default.
pub const MYSQL_LARGE_VALUES: usize = 1 << 20;
/// Most that is kept of an error of PostgreSQL, for when the driver does not pass it on.
pub const POSTGRES_ERROR: usize = 4 << 10;
/// Most that a MySQL server may say before a session is open; usually a few hundred bytes.
pub const MYSQL_LOGIN: usize = 256 << 10;
/// Most attempts to connect to MySQL servers at a time, over all sources. Each has a thread.
pub const MYSQL_ATTEMPTS: usize = 64;
/// Bytes of a connection to MySQL that the driver reads into: it goes through all of them before it begins anew.
pub const MYSQL_BUFFER: usize = 4 << 20;
/// Most columns of a result, and of a table that a service tells of. It is what MySQL has; SQLite has 2000.
pub const RESULT_COLUMNS: usize = 4096;
/// Most bytes of the names of a result's columns together.
pub const COLUMN_NAMES_BYTES: usize = 1 << 20;
/// Largest row, in bytes of its JSON text. A blob of 8 MB is some 30 MB as a list of its bytes.
/// `SEMILAYER_MAX_ROW_BYTES`.
pub const ROW_BYTES: usize = 32 << 20;
/// A row of this many bytes is large: jobs with such rows take turns, and a connection that carried one is
/// closed, because drivers keep the buffer.
pub const LARGE_ROW: usize = 512 << 10;
/// Longest head of an HTTP answer, and of all trailers together.
pub const HTTP_HEAD: usize = 32 << 10;
/// Most headers of an HTTP answer.
pub const HTTP_HEADERS: usize = 64;
/// Most interim answers (1xx) before the real one.
pub const HTTP_INTERIM: usize = 8;
/// Longest line that says how long a chunk of an HTTP body is; some servers add extensions to it.
pub const HTTP_CHUNK_LINE: usize = 256;
/// Read at once while only the head of an HTTP answer is of interest.
pub const HTTP_HEAD_BUFFER: usize = 1 << 10;
/// Bytes of parameters that stand in a request's path; servers refuse paths that are much longer.
pub const HTTP_SHORT: usize = 4 << 10;
/// Bytes of one parameter in a request's body. ClickHouse takes 128 KiB, escapes included.
pub const HTTP_FIELD: usize = 48 << 10;
/// Bytes of an exception's text that are read.
pub const EXCEPTION_BYTES: usize = 64 << 10;
/// Read at once from an HTTP server.
pub const HTTP_BUFFER: usize = 16 << 10;
/// Longest answer of a MongoDB server: a batch has up to 16 MiB, and a little around it.
pub const MONGODB_MESSAGE: usize = 17 << 20;
/// Longer answers of a MongoDB server take turns, and come of nothing but a job's own commands. The first 101 documents come
/// in one, so this is what they have when each takes 20 KB.
pub const MONGODB_LARGE: usize = 2 << 20;
/// Longest command that a MongoDB server takes.
pub const MONGODB_COMMAND: usize = 16 << 20;
/// Read at once from a MongoDB server; the answers of small jobs fit.
pub const MONGODB_READ: usize = 8 << 10;
/// Bytes that a batch of a MongoDB cursor should have.
pub const MONGODB_BATCH: usize = 256 << 10;
/// Most documents in a batch of a MongoDB cursor, however small they are.
pub const MONGODB_BATCH_DOCUMENTS: usize = 2000;
/// Time to find a MongoDB server that may answer, elections included (the official driver's default).
pub const MONGODB_SELECTION: Duration = Duration::from_secs(30);
/// For so long what DNS says of a MongoDB service is used again.
pub const MONGODB_SERVICE: Duration = Duration::from_secs(60);
/// Longest list of name servers that is read.
pub const RESOLV_CONF_BYTES: u64 = 64 << 10;
/// Most rounds of hashing that a MongoDB server may ask for at a login; it asks for 15,000 unless told otherwise.
pub const SCRAM_ITERATIONS: u32 = 1_000_000;
/// Documents that are looked at to tell the fields of a MongoDB collection, at either end of it.
pub const MONGODB_SAMPLE: u64 = 100;
/// Memory that all jobs together may hold on to while they run: groups and distinct values of aggregates made
/// here, keys of walks, rows that wait for their place.
pub const HELD_BYTES: usize = 48 << 20;
/// Keys that a key-value store is asked for at once while it is scanned: a fraction of a millisecond of its time.
pub const SCAN_COUNT: u64 = 1000;
/// Longest answer to one step of a scan.
pub const SCAN_BYTES: usize = 8 << 20;
/// Keys that a job looks at in their order before it scans again: about 170,000 short ones.
pub const WINDOW_BYTES: usize = 4 << 20;
/// What a job remembers of keys by which it takes them once in any order, before it scans again: 1.1 million keys. While it
/// grows it takes half as much again.
pub const SEEN_BYTES: usize = 16 << 20;
/// Memory of all windows that wait for the next page of their walk, of all sources.
pub const KEPT_WINDOWS_BYTES: usize = 12 << 20;
/// Values that a key-value store is first asked for at once: of 16 KB each they are no large answer yet.
pub const FETCH_FIRST: usize = 32;
/// Most values that it is asked for at once, when they are small.
pub const FETCH_MOST: usize = 512;
/// Bytes that the values of several keys have together when there are enough of them for one answer, and more would only make
/// it a large one.
pub const FETCH_GOOD: usize = LARGE_ROW / 2;
/// Longest answer with the values of several keys; one that would be longer is asked for in two.
pub const FETCH_BYTES: usize = 8 << 20;
/// Largest value of one key: as large as the largest row.
pub const VALUE_BYTES: usize = 32 << 20;
/// Longest baton of Turso: sqld's have some sixty bytes.
pub const BATON_BYTES: usize = 4 << 10;
/// Longest answer of Turso to a statement that looks something up: no server makes one longer than 10 MB.
pub const HRANA_ANSWER: usize = 11 << 20;
/// Largest value that is asked for over REST, where an answer is held as a text before it is read.
pub const REST_VALUE_BYTES: usize = 8 << 20;
/// Parts of a hash, list, set or stream that are asked for at once.
pub const SLICE_PARTS: u64 = 10_000;
/// Longest line of a reply of Redis: a status, an error, or a length.
pub const REPLY_LINE: usize = 64 << 10;
/// Longest answer of a key-value store to what is asked of it besides keys and values.
pub const STORE_REPLY_BYTES: usize = 256 << 10;

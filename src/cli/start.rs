//! `start`: the runner itself, from the first line to the last.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, select};
use log::{error, info, warn};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use crate::audit::AuditLog;
use crate::cli::reload::{self, Reload, Token};
use crate::cli::{config_error, logging, oddities, say, sources, survey, variable, version};
use crate::config::{ConfigError, Flags, OversightSettings, Settings};
use crate::console::{Console, Lines};
use crate::engine::{Engine, Oversight};
use crate::gateway::{self, Events, GatewaySettings, Stop, short};
use crate::health;
use crate::inspect::audit_variables;
use crate::policy::Policy;
use crate::protocol::client_frame;
use crate::service_manager::ServiceManager;
use crate::shortage;
use crate::{bridges, files, limits, tls};

/// Runs until a signal. Exit code 2 for a configuration that cannot work, 1 for a machine that refuses.
pub fn run(flags: &Flags) -> ExitCode {
    let settings = match survey(flags).into_settings() {
        Ok(settings) => settings,
        Err(error) => return config_error(&error),
    };
    let reopen = Arc::new(AtomicBool::new(false));
    let oversight = match oversight(&settings.oversight, &reopen) {
        Ok(oversight) => oversight,
        Err(error) => return config_error(&error),
    };
    match serve(&settings, oversight, reopen) {
        Ok(code) => code,
        Err(error) => {
            say(io::stderr(), &format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn serve(
    settings: &Settings,
    (oversight, entries): (Oversight, Option<usize>),
    reopen: Arc<AtomicBool>,
) -> io::Result<ExitCode> {
    if let Some(folders) = &settings.allow_files {
        files::confine_to(folders.clone());
    }
    // A file beyond what the system lets it be (`ulimit -f`) is a full disk, and no reason to die.
    flag::register(libc::SIGXFSZ, Arc::default())?;
    let signals = watch_signals()?;
    let manager = Arc::new(ServiceManager::from_env(variable)?);
    let out = Console::start("stdout", io::stdout())?;
    let err = Console::start("stderr", io::stderr())?;
    let _last = [&out, &err].map(|console| console.last_lines(limits::LAST_LINES));
    logging::start(&err, settings.log.clone(), settings.log_format);
    info!(
        version = version::short(), commit = version::commit(), bridges = version::features();
        "semilayer-runner starts"
    );
    if let Some(entries) = entries {
        info!("the policy is read; number of sources it has entries for: {entries}");
    }
    let named = audit_variables(&sources());
    for odd in oddities(settings).into_iter().chain(named) {
        warn!("{}", odd.sentence());
    }
    let lines = Lines::new(out.clone(), settings.stdout);
    banner(settings, &lines);
    bridges::prepare()?;
    let engine = Engine::start(
        settings.engine,
        sources(),
        oversight,
        Box::new(bridges::open),
    )?;
    for address in settings.health.listen() {
        let engine = Arc::clone(&engine);
        health::listen(
            address,
            Arc::new(move |head| health::respond(&engine, head)),
        )?;
        info!("health listener on {address}");
    }
    let token = Token::new(settings.credentials.clone(), settings.token_file.clone());
    reload::watch(Reload {
        token: token.clone(),
        oversight: settings.oversight.clone(),
        engine: Arc::clone(&engine),
        reopen,
    })?;
    let gateway = gateway_settings(settings, token)?;
    let stop = Arc::new(Stop::default());
    let events = Events::new(lines.clone(), Arc::clone(&manager));
    let ended = start_sessions(gateway, Arc::clone(&engine), events, Arc::clone(&stop))?;
    feed_watchdog(&manager, &engine)?;
    manager.started();
    Ok(select! {
        recv(signals) -> signal => {
            let signal = name(signal.unwrap_or(SIGTERM));
            manager.stopping();
            stop.begin();
            engine.drain(settings.shutdown_grace, || {
                let text = format!("\n{signal} received, stopping runner…");
                lines.say(&text, "stopping", &[("signal", signal)]);
            });
            if stop.close() {
                // The last frames are on their way; whoever does not take them by now, will not.
                let _ = ended.recv_timeout(limits::CLOSE_LINGER);
            }
            ExitCode::SUCCESS
        }
        recv(ended) -> _ => {
            error!("the gateway's thread has ended");
            ExitCode::FAILURE
        }
    })
}

/// Opens what must work before anything is answered, and counts the policy's entries. When `reopen` becomes true
/// the audit log opens its file again.
fn oversight(
    settings: &OversightSettings,
    reopen: &Arc<AtomicBool>,
) -> Result<(Oversight, Option<usize>), ConfigError> {
    let policy = settings.load_policy()?;
    let audit = settings.audit.as_ref();
    let audit = audit.map(|audit| AuditLog::open(audit, Arc::clone(reopen)));
    let audit = audit.transpose().map_err(|error| {
        ConfigError::variable(
            OversightSettings::AUDIT_LOG,
            format!("cannot be opened for appending: {error}"),
        )
    })?;
    let entries = policy.as_ref().map(Policy::len);
    Ok((Oversight::new(audit, policy), entries))
}

/// Tells the service manager that the runner is alive, as long as the engine's dispatcher answers and the process
/// has a thread to say so on.
fn feed_watchdog(manager: &Arc<ServiceManager>, engine: &Arc<Engine>) -> io::Result<()> {
    let Some(pause) = manager.watchdog() else {
        return Ok(());
    };
    let (manager, engine) = (Arc::clone(manager), Arc::clone(engine));
    let feed = move || {
        loop {
            // Waits for ever where something holds the dispatcher for ever.
            let _ = engine.active_jobs();
            manager.alive();
            thread::sleep(pause);
        }
    };
    shortage::spawn("alive", feed)?;
    Ok(())
}

/// Reports the first signal on the channel; the second ends the process in the handler, whatever its threads
/// are doing, with the code a shell shows for that signal.
fn watch_signals() -> io::Result<Receiver<i32>> {
    let stopping = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&stopping))?;
        flag::register(signal, Arc::clone(&stopping))?;
    }
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let (report, reports) = bounded(1);
    shortage::spawn("signals", move || {
        for signal in signals.forever() {
            // One is enough.
            let _ = report.try_send(signal);
        }
    })?;
    Ok(reports)
}

fn name(signal: i32) -> &'static str {
    match signal {
        SIGINT => "SIGINT",
        _ => "SIGTERM",
    }
}

fn banner(settings: &Settings, lines: &Lines) {
    let identity = &settings.identity;
    let capabilities = match bridges::capabilities().join(", ") {
        none if none.is_empty() => "(none — bridge-resolver reports no built-ins)".to_owned(),
        list => list,
    };
    let (id, gateway) = (
        short(Some(&identity.runner_id)),
        identity.gateway.to_string(),
    );
    let text = format!("semilayer-runner {id}… → {gateway}\n  capabilities: {capabilities}");
    let more = [
        ("runner", identity.runner_id.as_str()),
        ("gateway", gateway.as_str()),
        ("capabilities", capabilities.as_str()),
    ];
    lines.say(&text, "starting", &more);
    if let Some(port) = settings.health.port {
        let url = format!("http://0.0.0.0:{port}/health");
        lines.say(&format!("  health: {url}"), "health", &[("url", &url)]);
    }
}

fn gateway_settings(settings: &Settings, token: Token) -> io::Result<GatewaySettings> {
    let identity = &settings.identity;
    Ok(GatewaySettings {
        address: identity.gateway.clone(),
        proxy: settings.proxy.clone(),
        credentials: Box::new(move || token.read()),
        tls: tls::verified().map_err(io::Error::other)?,
        hello: client_frame::hello(
            &identity.runner_id,
            &bridges::capabilities(),
            &identity.version_label,
        ),
        heartbeat: settings.heartbeat,
    })
}

/// Starts the thread that keeps the connection, which is the reader of each session. The channel is disconnected
/// when it ends, however it ends.
fn start_sessions(
    settings: GatewaySettings,
    engine: Arc<Engine>,
    events: Events,
    stop: Arc<Stop>,
) -> io::Result<Receiver<()>> {
    let (running, ended): (Sender<()>, _) = bounded(0);
    shortage::spawn("gateway", move || {
        let _running = running;
        gateway::run(&settings, &engine, &events, &stop);
    })?;
    Ok(ended)
}

//! The server from start to end, straight down: store, drivers, backends, listener, signals, drain.

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::api::{App, Server, router};
use crate::auth::Authenticator;
use crate::config::{AuthMode, Config};
use crate::driver::{Compiler, CompilerProcess, Engine, EngineConfig, PackageStore, WatchConfig, watch};
use crate::failpoint;
use crate::mapping::Ledger;
use crate::relay::{Parts, Relay, Retention};
use crate::secrets::Keyring;
use crate::sync::{CommitObserver, Options, SingleNode};
use crate::telemetry::{self, Metrics};
use crate::transport::Reach;

/// Serves until SIGTERM or SIGINT, then drains. A second signal ends the process at once.
pub fn serve(config: Config) -> anyhow::Result<ExitCode> {
    telemetry::init(&config.log)?;
    failpoint::arm()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(config))
}

async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let version = env!("CARGO_PKG_VERSION");
    std::fs::create_dir_all(&config.data_dir)
        .with_context(|| format!("data_dir: {} cannot be made", config.data_dir.display()))?;
    let keyring = Keyring::open_or_create(&config.key_file())?;
    let metrics = Arc::new(Metrics::new(version));
    let counted = Arc::clone(&metrics);
    let observer = CommitObserver(Arc::new(move |commands, took| {
        counted.commit(u32::try_from(commands).unwrap_or(u32::MAX), took);
    }));
    let options = Options { observer: Some(observer), ..Options::default() };
    let store = Arc::new(SingleNode::open(config.data_dir.join("store"), Ledger, options)?);
    let engine = Arc::new(Engine::new(engine_config(&config)?)?);
    let reach = Arc::new(Reach::new(config.backends.allow.clone(), config.backends.deny.clone()));
    let relay = Arc::new(Relay::new(Parts {
        store: Arc::clone(&store) as _,
        engine,
        packages: PackageStore::open(config.data_dir.join("packages"))?,
        keyring,
        metrics,
        retention: retention(&config),
        queued_per_backend: config.limits.queued_per_backend,
        reach: Arc::clone(&reach),
    })?);
    relay.recover().await?;
    relay.keep_up();
    let _watch = config.drivers_dir.as_ref().map(|folder| {
        let (found, candidates) = mpsc::channel(1);
        tokio::spawn(Arc::clone(&relay).follow(candidates));
        tracing::info!(folder = %folder.display(), "watching for drivers");
        watch(WatchConfig::new(folder), found)
    });

    let authenticator = match config.auth.mode {
        AuthMode::Tokens => Authenticator::with_tokens(&config.auth.token),
        AuthMode::Off => {
            tracing::warn!("authentication is off: everybody on this machine is an operator");
            Authenticator::off()
        }
    };
    let package_limit = usize::try_from(config.driver.package_mib.get()).unwrap_or(usize::MAX).saturating_mul(1 << 20);
    let app = App::new(Arc::clone(&relay), authenticator, &config.limits, package_limit);
    let server = Server::bind(config.listen, &config.limits).await?;
    reach.close(server.address());
    // Whoever reads that it serves may end it at once.
    let signals = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    tracing::info!(address = %server.address(), version, "serving");

    let stopping = CancellationToken::new();
    tokio::spawn(on_signal(signals, stopping.clone(), app.clone(), Arc::clone(&relay), config.drain.grace));
    let all_ended = server.run(router(app), stopping.cancelled_owned(), config.drain.grace).await;
    let left = relay.drain(config.drain.grace).await;
    if left > 0 || !all_ended {
        tracing::warn!(calls = left, "the grace is over; calls that are cut off will be in doubt at the next start");
    }
    store.close().await?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// On the first signal, no new calls; on the second, the end.
async fn on_signal(
    [mut terminate, mut interrupt]: [Signal; 2],
    stopping: CancellationToken,
    app: App,
    relay: Arc<Relay>,
    grace: Duration,
) {
    for first in [true, false] {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        if first {
            tracing::info!(calls = relay.calls_under_way(), grace = ?grace, "draining");
            app.announce_drain();
            relay.end_streams();
            stopping.cancel();
        } else {
            tracing::warn!("second signal: stopping at once");
            std::process::exit(1);
        }
    }
}

fn engine_config(config: &Config) -> anyhow::Result<EngineConfig> {
    let mib = |value: u32| usize::try_from(value).unwrap_or(usize::MAX).saturating_mul(1 << 20);
    Ok(EngineConfig {
        cache_dir: Some(config.cache_dir()),
        instances: config.driver.instances.get(),
        memory_limit: mib(config.driver.memory_mib.get()),
        deadline: config.driver.deadline(),
        output_limit: mib(config.driver.output_mib.get()),
        compiler: Compiler::Process(CompilerProcess {
            program: this_program()?,
            time: Duration::from_secs(config.driver.compile_s.get().into()),
            memory: u64::from(config.driver.compile_mib.get()) << 20,
        }),
    })
}

/// This very program, where the system can say so even if its file has been replaced since.
fn this_program() -> anyhow::Result<PathBuf> {
    let link = Path::new("/proc/self/exe");
    if link.exists() { Ok(link.to_owned()) } else { env::current_exe().context("where is this program?") }
}

fn retention(config: &Config) -> Retention {
    const HOUR: Duration = Duration::from_hours(1);
    Retention {
        idempotency: HOUR * config.limits.idempotency_hours,
        idempotency_keys: config.limits.idempotency_keys,
        operations: config.limits.operations,
        events: config.limits.events,
    }
}

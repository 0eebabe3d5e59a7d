use std::ffi::OsString;
use std::io::{Read, Write, stderr, stdin};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus, Output, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, nice, setrlimit};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use super::super::package::{Package, PackageError};
use super::{Engine, EngineConfig};

/// Where drivers are compiled.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub enum Compiler {
    /// On a thread of this process. A driver decides how much time and memory that takes.
    #[default]
    Thread,
    /// In a process of its own, which leaves the code in the cache.
    Process(CompilerProcess),
}

/// A process for one compilation: it may take so much and no more, gives way to the process that serves, and takes
/// nothing with it when it dies.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CompilerProcess {
    /// A program that begins with [`compile_apart`].
    pub program: PathBuf,
    /// The most CPU time, on all cores together. Counted in whole seconds.
    pub time: Duration,
    /// The most memory in bytes.
    pub memory: u64,
}

/// Why a package does not become code.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CompileError {
    /// It is no driver.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// What a compiler in a process of its own says.
    #[error("{0}")]
    Refused(String),
    /// The compiler refuses it, or could not work.
    #[error("the driver does not compile: {0}")]
    Compiler(String),
    /// It takes too long.
    #[error("compiling the driver takes more than {} s of CPU time, the limit of this server: make it smaller, or its functions", .0.as_secs())]
    Time(Duration),
    /// It takes too much memory.
    #[error("compiling the driver takes more than {} MiB of memory, the limit of this server: make it smaller, or its functions", .0 >> 20)]
    Memory(u64),
    /// The compiler did not survive it.
    #[error("the driver ended the compiler: {0}")]
    Died(String),
}

/// The argument that makes a program a compiler.
const ARGUMENT: &str = "compile-driver";
/// What allocators of Rust programs say last.
const OUT_OF_MEMORY: &str = "memory allocation of";
/// How much longer than its CPU time a compilation may last, on a machine that has more to do.
const PATIENCE: u32 = 5;
/// Below the threads that serve, but not so far that a busy machine would never compile.
const NICENESS: i32 = 5;
/// What is kept of a compiler's words, in bytes.
const WORDS: usize = 2048;

impl CompilerProcess {
    /// Has a package compiled into the cache of an engine with these limits. Cancel-safe: the process is ended.
    pub(super) async fn compile(&self, package: &Package, limits: &EngineConfig) -> Result<(), CompileError> {
        // One place is enough to compile in.
        let settings = serde_json::to_string(&EngineConfig { instances: 1, ..limits.clone() }).unwrap_or_default();
        let failed = |error| CompileError::Compiler(format!("no process for the compiler: {error}"));
        let mut child = Command::new(&self.program)
            .args([ARGUMENT, &settings])
            .env_clear()
            // An allocator that claims a gigabyte at its start would have used the limit up before it begins.
            .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let mut input = child.stdin.take();
        let bytes = package.bytes();
        let compiling = async {
            if let Some(mut input) = input.take() {
                // One that died early is told by how it ended.
                let _ = input.write_all(bytes).await;
            }
            child.wait_with_output().await
        };
        match timeout(self.time * PATIENCE, compiling).await {
            Ok(Ok(output)) => self.judge(&output),
            Ok(Err(error)) => Err(failed(error)),
            Err(_) => Err(CompileError::Time(self.time)),
        }
    }

    fn judge(&self, Output { status, stderr, .. }: &Output) -> Result<(), CompileError> {
        let words = String::from_utf8_lossy(stderr.get(..WORDS).unwrap_or(stderr)).trim().to_owned();
        match status.code() {
            Some(0) => Ok(()),
            Some(REFUSED) => Err(CompileError::Refused(words)),
            _ if status.signal() == Some(SIGXCPU) => Err(CompileError::Time(self.time)),
            _ if words.contains(OUT_OF_MEMORY) => Err(CompileError::Memory(self.memory)),
            _ => Err(CompileError::Died(end_of(*status, &words))),
        }
    }
}

fn end_of(status: ExitStatus, words: &str) -> String {
    match words.lines().last() {
        Some(last) => format!("{status}: {last}"),
        None => status.to_string(),
    }
}

/// The exit code of a compiler that has said why it refuses.
const REFUSED: i32 = 1;
const SIGXCPU: i32 = rustix::process::Signal::XCPU.as_raw();

/// Compiles the package on standard input and gives the exit code, where the arguments (the program's name first) ask
/// for that; to be tried first by a program that a [`CompilerProcess`] names.
#[must_use]
pub fn compile_apart(args: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut args = args.into_iter().skip(1);
    if args.next()? != ARGUMENT {
        return None;
    }
    let done = compile(&args.next().unwrap_or_default().to_string_lossy());
    Some(match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(refused) => {
            let _ = write!(stderr(), "{refused}");
            ExitCode::from(REFUSED.unsigned_abs().try_into().unwrap_or(u8::MAX))
        }
    })
}

fn compile(settings: &str) -> Result<(), String> {
    let limits: EngineConfig =
        serde_json::from_str(settings).map_err(|error| format!("the compiler's settings: {error}"))?;
    let Compiler::Process(process) = &limits.compiler else { return Err("no limits are set".to_owned()) };
    confine(process).map_err(|error| format!("the compiler cannot be confined: {error}"))?;
    let mut bytes = Vec::new();
    stdin().read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let package = Package::read(bytes).map_err(|error| error.to_string())?;
    let engine = Engine::new(limits).map_err(|error| error.to_string())?;
    engine.inner.made(&package).map(drop).map_err(|error| error.to_string())
}

/// Limits this process for good.
fn confine(process: &CompilerProcess) -> rustix::io::Result<()> {
    let at_most = |amount| Rlimit { current: Some(amount), maximum: Some(amount) };
    setrlimit(Resource::Core, at_most(0))?;
    // What is written to counts, not the address space that an engine reserves.
    setrlimit(Resource::Data, at_most(process.memory))?;
    let seconds = process.time.as_secs().max(1);
    // The signal of the first can be told from others; the second comes if it is of no use.
    setrlimit(Resource::Cpu, Rlimit { current: Some(seconds), maximum: Some(seconds + 1) })?;
    nice(NICENESS)?;
    // Where memory runs out all the same, this process goes first.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    Ok(())
}

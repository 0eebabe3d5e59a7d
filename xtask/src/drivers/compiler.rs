//! Finding a compiler for Wasm, or making one, by one of three routes.

use std::{
    env, fmt, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{process, project::Project};

/// The target that drivers are built for. It knows of no system, so its modules have nothing to import.
pub const TARGET: &str = "wasm32-unknown-unknown";

const ROUTE: &str = "CROSSPOINT_WASM_ROUTE";
const PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// A cargo that can build for [`TARGET`].
pub struct Compiler {
    route: Route,
    target_folder: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Present,
    Added,
}

enum Route {
    /// The toolchain that runs us has the target.
    Toolchain(Found),
    /// Debian's toolchain; the standard library is built from its source and linked with this linker.
    Debian { linker: PathBuf },
}

impl Compiler {
    /// Tries the routes in turn, or only the one that the environment asks for.
    pub fn find(project: &Project) -> Result<Self> {
        let wanted = env::var(ROUTE).ok();
        let routes: &[fn() -> Result<Route>] = match wanted.as_deref() {
            None | Some("") => &[present, add_with_rustup, take_debians],
            Some("1") => &[present],
            Some("2") => &[add_with_rustup],
            Some("3") => &[take_debians],
            Some(other) => bail!("{ROUTE} is `{other}`; it can be 1, 2 or 3"),
        };
        let mut obstacles = String::new();
        for route in routes {
            match route() {
                Ok(route) => {
                    // Two compilers in one folder would forever rebuild each other's work.
                    let target_folder = match route {
                        Route::Toolchain(_) => project.target.clone(),
                        Route::Debian { .. } => project.target.join("wasm-std"),
                    };
                    return Ok(Self { route, target_folder });
                }
                Err(obstacle) => obstacles = format!("{obstacles}\n  - {obstacle:#}"),
            }
        }
        bail!(
            "no compiler for {TARGET}:{obstacles}\n\
             Install one of these and run this again:\n  \
             rustup target add {TARGET}\n  \
             apt-get install {}   (Debian 12 or later, as root)",
            PACKAGES.join(" ")
        )
    }

    /// A cargo with everything set but its arguments.
    pub fn cargo(&self) -> Command {
        match &self.route {
            Route::Toolchain(_) => process::cargo(),
            Route::Debian { linker } => debians_cargo(linker),
        }
    }

    /// Where this compiler's work is kept.
    pub fn target_folder(&self) -> &Path {
        &self.target_folder
    }
}

impl fmt::Display for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.route {
            Route::Toolchain(Found::Present) => write!(f, "route 1, the toolchain has {TARGET}"),
            Route::Toolchain(Found::Added) => write!(f, "route 2, rustup added {TARGET} to the toolchain"),
            Route::Debian { .. } => write!(f, "route 3, Debian's compiler with the standard library built from source"),
        }
    }
}

fn present() -> Result<Route> {
    let mut rustc = rustc();
    rustc.args(["--print", "target-libdir", "--target", TARGET]);
    let library = process::output(&mut rustc)?;
    if !Path::new(library.trim()).is_dir() {
        bail!("the toolchain lacks the target: there is no folder {}", library.trim());
    }
    Ok(Route::Toolchain(Found::Present))
}

fn add_with_rustup() -> Result<Route> {
    process::run(Command::new("rustup").args(["target", "add", TARGET]))?;
    present().context("rustup added the target, but to another toolchain than the one in use")?;
    Ok(Route::Toolchain(Found::Added))
}

fn take_debians() -> Result<Route> {
    // Debian's package leaves out the linker, which every toolchain of rustup's has.
    let sysroot = PathBuf::from(process::output(rustc().args(["--print", "sysroot"]))?.trim());
    let host = process::output(rustc().args(["--print", "host-tuple"]))?;
    let linker = sysroot.join("lib/rustlib").join(host.trim()).join("bin/rust-lld");
    if !linker.is_file() {
        bail!("Debian's compiler needs a linker from the toolchain, but there is no file {}", linker.display());
    }
    if !PACKAGES.iter().all(|package| is_installed(package)) {
        install_packages()?;
    }
    Ok(Route::Debian { linker })
}

fn is_installed(package: &str) -> bool {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat=${db:Status-Status}", package]).stderr(std::process::Stdio::null());
    query.output().is_ok_and(|output| output.stdout == b"installed")
}

fn install_packages() -> Result<()> {
    let packages = PACKAGES.join(" ");
    if !Path::new("/etc/debian_version").exists() {
        bail!("this is no Debian, so its packages {packages} cannot be installed");
    }
    if fs::metadata("/proc/self").map_or(true, |it| it.uid() != 0) {
        bail!("only root can install the Debian packages {packages}");
    }
    println!("Installing the Debian packages {packages} on this machine, outside the project's folder.");
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet=2");
        apt
    };
    // If the lists cannot be refreshed, those at hand may still do; if they don't, installing says so.
    if let Err(stale) = process::run(apt().arg("update")) {
        println!("Going on with the package lists at hand: {stale:#}");
    }
    process::run(apt().args(["install", "--yes", "--no-install-recommends", "--no-remove"]).args(PACKAGES))
}

/// Debian's cargo and rustc, which must be used as a pair: one release's compiler cannot build another's library.
fn debians_cargo(linker: &Path) -> Command {
    let mut cargo = Command::new("/usr/bin/cargo");
    process::forget_our_package(&mut cargo);
    // What belongs to the toolchain that runs us would lead Debian's astray.
    for name in ["CARGO", "LD_LIBRARY_PATH", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
        cargo.env_remove(name);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(PathBuf::from("/usr/bin")).chain(env::split_paths(&path));
    if let Ok(path) = env::join_paths(path) {
        cargo.env("PATH", path);
    }
    cargo
        .env("RUSTC", "/usr/bin/rustc")
        // `-Zbuild-std` is how the standard library comes from source; it is not stable yet.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
        .arg("-Zbuild-std=std,panic_abort");
    cargo
}

fn rustc() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

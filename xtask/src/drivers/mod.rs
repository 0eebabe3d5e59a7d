//! `cargo xtask drivers`: every driver of the workspace as a Wasm module in `target/drivers`.
//!
//! A driver is a workspace package that is called `<name>-driver` and makes a `cdylib`. One with a feature called `next`
//! has a variant, built with it as `<name>-next.wasm`: the version to swap to in the demo and the tests.

mod compiler;
mod module;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{
    process,
    project::{Package, Project},
    stage,
};
use compiler::Compiler;

/// The feature that makes a variant.
const VARIANT: &str = "next";

/// Build the drivers as Wasm modules into target/drivers.
///
/// Uses the compiler's own Wasm target, adds it with rustup, or takes Debian's compiler and builds the standard library
/// from source, whichever works first; `CROSSPOINT_WASM_ROUTE` = 1, 2 or 3 asks for one of them.
#[derive(Args)]
pub struct Drivers {
    /// Only these, by name without `-driver`; all if none is named
    names: Vec<String>,
}

/// One package to build.
struct Driver {
    /// What its module is called, without `.wasm`.
    name: String,
    package: String,
    /// The file stem that cargo gives the module.
    stem: String,
    /// Whether there is a variant.
    varies: bool,
}

/// One module that came of it.
struct Built {
    name: String,
    size: usize,
    imports: Vec<String>,
    time: Duration,
    changed: bool,
}

impl Drivers {
    pub fn run(&self) -> Result<ExitCode> {
        build(&Project::load()?, &self.names)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Builds the drivers called `names`, or all of them, and shows a table of what they are. It is shown on standard error:
/// for whoever builds them on the way to something else, it is progress.
pub fn build(project: &Project, names: &[String]) -> Result<()> {
    let drivers = drivers_of(project);
    if let Some(stranger) = names.iter().find(|name| !drivers.iter().any(|driver| driver.name == **name)) {
        let known = drivers.iter().map(|driver| driver.name.as_str()).collect::<Vec<_>>().join(", ");
        bail!("there is no driver called `{stranger}`; there are: {known}");
    }
    let compiler = Compiler::find(project)?;
    eprintln!("Wasm compiler: {compiler}");

    let folder = project.drivers_folder();
    fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let mut built = Vec::new();
    for driver in drivers.iter().filter(|driver| names.is_empty() || names.contains(&driver.name)) {
        driver.build(&compiler, &folder, &mut built)?;
    }
    show(&built, &folder);

    let impure = built.iter().filter(|built| !built.imports.is_empty()).map(|built| built.name.as_str());
    let impure = impure.collect::<Vec<_>>().join(", ");
    if !impure.is_empty() {
        bail!("a driver must import nothing, but these do: {impure}");
    }
    Ok(())
}

fn drivers_of(project: &Project) -> Vec<Driver> {
    let driver = |package: &Package| {
        let name = package.name.strip_suffix("-driver")?.to_owned();
        let varies = package.features.contains_key(VARIANT);
        Some(Driver { name, package: package.name.clone(), stem: package.module_stem()?, varies })
    };
    let mut drivers = project.packages.iter().filter_map(driver).collect::<Vec<_>>();
    drivers.sort_by(|a, b| a.name.cmp(&b.name));
    drivers
}

impl Driver {
    /// Brings the driver's modules in `folder` up to date and adds them to `built`.
    fn build(&self, compiler: &Compiler, folder: &Path, built: &mut Vec<Built>) -> Result<()> {
        let start = Instant::now();
        let module = self.compile(compiler, None)?;
        let published = folder.join(format!("{}.wasm", self.name));
        built.push(Built::publish(&self.name, &read(&module)?, &published, start)?);
        if !self.varies {
            return Ok(());
        }
        // Cargo keeps one file and one record of it for a `cdylib`, whatever its features, so two variants are never up
        // to date together. Hence this order, which leaves the folder as if there were no variant: it was made last, so
        // it is stale only if cargo has made the plain module anew since.
        let start = Instant::now();
        let name = format!("{}-{VARIANT}", self.name);
        let published = folder.join(format!("{name}.wasm"));
        let bytes = if modified(&published) >= modified(&module) {
            read(&published)?
        } else {
            let bytes = read(&self.compile(compiler, Some(VARIANT))?)?;
            self.compile(compiler, None)?;
            bytes
        };
        built.push(Built::publish(&name, &bytes, &published, start)?);
        Ok(())
    }

    /// Has cargo make the module and says where it is.
    fn compile(&self, compiler: &Compiler, feature: Option<&str>) -> Result<PathBuf> {
        let target = compiler.target_folder();
        let mut cargo = compiler.cargo();
        cargo.args(["rustc", "--quiet", "--profile", "driver", "--target", compiler::TARGET]);
        // Also for a package that makes an `rlib` besides: cargo would then leave out link-time optimisation.
        cargo.args(["--package", &self.package, "--lib", "--crate-type", "cdylib"]).arg("--target-dir").arg(target);
        cargo.args(feature.into_iter().flat_map(|feature| ["--features", feature]));
        process::run(&mut cargo).with_context(|| format!("driver `{}` does not build", self.name))?;
        Ok(target.join(compiler::TARGET).join("driver").join(format!("{}.wasm", self.stem)))
    }
}

impl Built {
    /// Puts a module where it can be loaded from: in one step, because a running Crosspoint may watch the folder, and not
    /// at all if it is there already.
    fn publish(name: &str, bytes: &[u8], path: &Path, start: Instant) -> Result<Self> {
        let imports = module::imports(bytes).with_context(|| format!("cannot parse the module of `{name}`"))?;
        let unwritable = || format!("cannot write {}", path.display());
        let changed = fs::read(path).map_or(true, |present| present != bytes);
        if changed {
            let unfinished = path.with_extension("wasm.part");
            fs::write(&unfinished, bytes).with_context(unwritable)?;
            fs::rename(&unfinished, path).with_context(unwritable)?;
        } else {
            let file = File::options().append(true).open(path).with_context(unwritable)?;
            file.set_modified(SystemTime::now()).with_context(unwritable)?;
        }
        Ok(Self { name: name.to_owned(), size: bytes.len(), imports, time: start.elapsed(), changed })
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// When the file was last written, if there is one.
fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

fn show(built: &[Built], folder: &Path) {
    eprintln!("{:<20} {:>10}  {:<8} {:>8}", "DRIVER", "SIZE", "IMPORTS", "TIME");
    for Built { name, size, imports, time, changed } in built {
        let size = format!("{} KiB", size.div_ceil(1024));
        let imports = if imports.is_empty() { "none".to_owned() } else { imports.join(", ") };
        let time = stage::human(*time);
        let note = if *changed { "" } else { "  unchanged" };
        eprintln!("{name:<20} {size:>10}  {imports:<8} {time:>8}{note}");
    }
    eprintln!("in {}", folder.display());
}

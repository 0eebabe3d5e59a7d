//! What a driver comes in: read and judged before anything of it is compiled.

mod component;
mod walk;

use std::borrow::Cow;
use std::sync::Arc;

use crosspoint_contract::fixture::Fixture;
use crosspoint_contract::{CONTRACT, FIXTURES_SECTION, METADATA_SECTION, Metadata};
use thiserror::Error;

use super::digest::Digest;
use walk::{Form, Walk};

/// The largest package, in bytes. Python's are 20 MB.
pub const PACKAGE_SIZE: usize = 64 << 20;
/// The largest metadata, in bytes.
const METADATA_SIZE: usize = 64 << 10;
/// The largest set of fixtures, in bytes, and how many they may be.
const FIXTURES_SIZE: usize = 4 << 20;
const FIXTURES: usize = 1000;

/// Why a file is no driver that this host can run. Each says what its author can do.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PackageError {
    /// Larger than [`PACKAGE_SIZE`].
    #[error("the package has {size} bytes; at most {PACKAGE_SIZE} are accepted")]
    TooLarge {
        /// In bytes.
        size: usize,
    },
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Not WebAssembly.
    #[error("the file is not a WebAssembly binary: {hint}")]
    NotWasm {
        /// What it looks like instead.
        hint: &'static str,
    },
    /// It ends too early, as a file does that is still being copied.
    #[error("the file ends in the middle of something, after {size} bytes: it is damaged or not yet fully copied")]
    Truncated {
        /// In bytes.
        size: usize,
    },
    /// WebAssembly that breaks WebAssembly's own rules.
    #[error("the file is not valid WebAssembly: {message} (at byte {offset})")]
    Invalid {
        /// Which rule.
        message: String,
        /// Where, in bytes.
        offset: usize,
    },
    /// A core module that does not say which interfaces it implements.
    #[error(
        "the file is a core module without a component type: build it with the SDK, or turn it into a component \
         (`wasm-tools component new`)"
    )]
    NoComponentType,
    /// A core module that does not fit the component type it carries.
    #[error("the core module cannot be turned into a component: {0}")]
    Unfit(String),
    /// It wants something of its host.
    #[error("a driver has no imports, but this one wants {}; build it for wasm32-unknown-unknown", list(.0))]
    Imports(Vec<String>),
    /// Built for another contract.
    #[error("built for {found}; this host speaks {CONTRACT}: rebuild the driver with an SDK of that contract")]
    Contract {
        /// The contract it was built for.
        found: String,
    },
    /// No driver at all.
    #[error("the component exports {}, but not `{}`: it is no driver", list(.0), super::v1::INTERFACE)]
    NoDriver(Vec<String>),
    /// A section of the package itself is wrong.
    #[error("the custom section `{section}` {problem}")]
    Section {
        /// Its name.
        section: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

fn list(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => "nothing".to_owned(),
        count if count <= SHOWN => shown,
        count => format!("{shown} and {} more", count - SHOWN),
    }
}

/// A driver's file and what it says of itself. Not yet compiled, so not yet trusted.
#[derive(Clone, Debug)]
pub struct Package {
    digest: Digest,
    bytes: Arc<[u8]>,
    form: Form,
    metadata: Option<Metadata>,
    fixtures: Vec<Fixture>,
}

impl Package {
    /// Reads what a file says of itself: a component, or a core module that carries its component type. Whether it keeps
    /// what it says is found out by compiling it.
    ///
    /// Takes a millisecond a megabyte or so: not for a thread that must not block.
    ///
    /// # Errors
    /// See [`PackageError`].
    pub fn read(bytes: Vec<u8>) -> Result<Self, PackageError> {
        if bytes.len() > PACKAGE_SIZE {
            return Err(PackageError::TooLarge { size: bytes.len() });
        }
        looks_like_wasm(&bytes)?;
        let walk = Walk::through(&bytes)?;
        let metadata = walk.metadata.map(metadata).transpose()?;
        let fixtures = walk.fixtures.map(fixtures).transpose()?.unwrap_or_default();
        let form = match walk.form {
            Form::Module { .. } if !walk.imports.is_empty() => return Err(PackageError::Imports(walk.imports)),
            Form::Module { component_type: false } => return Err(PackageError::NoComponentType),
            form => form,
        };
        Ok(Self { digest: Digest::of(&bytes), bytes: bytes.into(), form, metadata, fixtures })
    }

    /// [`Package::read`] on a thread that may block.
    ///
    /// # Errors
    /// See [`PackageError`].
    pub async fn load(bytes: Vec<u8>) -> Result<Self, PackageError> {
        let read = tokio::task::spawn_blocking(|| Self::read(bytes)).await;
        read.unwrap_or_else(|error| Err(PackageError::Unfit(error.to_string())))
    }

    /// The component: the file itself, or what is made of the core module in it; validated, and a driver by its exports.
    ///
    /// How long this takes is up to the file.
    ///
    /// # Errors
    /// See [`PackageError`].
    pub(super) fn component(&self) -> Result<Cow<'_, [u8]>, PackageError> {
        let component = match self.form {
            Form::Component => Cow::Borrowed(&*self.bytes),
            Form::Module { .. } => Cow::Owned(component::of_module(&self.bytes)?),
        };
        component::check(&component, Walk::through(&component)?, self.metadata.is_some())?;
        Ok(component)
    }

    /// Whether the bytes are a file cut short, as one is that is still being copied. Costs less than [`Package::read`].
    #[must_use]
    pub fn is_cut_short(bytes: &[u8]) -> bool {
        match looks_like_wasm(bytes) {
            Ok(()) => walk::ends_early(bytes),
            Err(error) => matches!(error, PackageError::Empty | PackageError::Truncated { .. }),
        }
    }

    /// What identifies the package.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The file as it came.
    #[must_use]
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// What the package says of itself, if it does.
    #[must_use]
    pub fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_ref()
    }

    /// The calls that the driver must translate as written.
    #[must_use]
    pub fn fixtures(&self) -> &[Fixture] {
        &self.fixtures
    }
}

/// The commonest mistakes are not to be told in terms of sections.
fn looks_like_wasm(bytes: &[u8]) -> Result<(), PackageError> {
    const MAGIC: &[u8; 4] = b"\0asm";
    if bytes.is_empty() {
        return Err(PackageError::Empty);
    }
    if bytes.starts_with(MAGIC) {
        return Ok(());
    }
    if MAGIC.starts_with(bytes) {
        return Err(PackageError::Truncated { size: bytes.len() });
    }
    let text = bytes.trim_ascii_start();
    let hint = if text.starts_with(b"(") {
        "it looks like WebAssembly text, which must be assembled first"
    } else if bytes.starts_with(&[0x1f, 0x8b]) {
        "it looks like a gzip archive, which must be unpacked first"
    } else if bytes.starts_with(b"PK") {
        "it looks like a zip archive, which must be unpacked first"
    } else if bytes.starts_with(b"\x7fELF") {
        "it looks like native code; build for wasm32-unknown-unknown"
    } else if bytes.iter().take(512).all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) {
        "it looks like text"
    } else {
        "it does not begin with `\\0asm`"
    };
    Err(PackageError::NotWasm { hint })
}

fn metadata(section: &[u8]) -> Result<Metadata, PackageError> {
    let wrong = |problem| PackageError::Section { section: METADATA_SECTION, problem };
    if section.len() > METADATA_SIZE {
        return Err(wrong(format!("has {} bytes; at most {METADATA_SIZE} are accepted", section.len())));
    }
    let metadata: Metadata =
        serde_json::from_slice(section).map_err(|error| wrong(format!("is not the JSON it should be: {error}")))?;
    if metadata.contract != CONTRACT {
        return Err(PackageError::Contract { found: metadata.contract });
    }
    Ok(metadata)
}

fn fixtures(section: &[u8]) -> Result<Vec<Fixture>, PackageError> {
    let wrong = |problem| PackageError::Section { section: FIXTURES_SECTION, problem };
    if section.len() > FIXTURES_SIZE {
        return Err(wrong(format!("has {} bytes; at most {FIXTURES_SIZE} are accepted", section.len())));
    }
    let fixtures = Fixture::parse_all(section).map_err(|error| wrong(format!("holds no fixtures: {error}")))?;
    if fixtures.len() > FIXTURES {
        return Err(wrong(format!("holds {} fixtures; at most {FIXTURES} are accepted", fixtures.len())));
    }
    Ok(fixtures)
}

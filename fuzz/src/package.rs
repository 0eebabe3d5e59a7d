//! Any file as a package: it is refused with words, when it is read or when it is validated, or it can be compiled, linked
//! and asked what it is. Any image as what a driver says of itself.

use crosspoint::driver::{BuildError, CompileError, Package};

use crate::guest;
use crate::lift::{DRIVER, MESSAGE};

/// Any bytes as a driver's file.
pub fn target(bytes: &[u8]) {
    let cut_short = Package::is_cut_short(bytes);
    let package = match Package::read(bytes.to_vec()) {
        Ok(package) => package,
        Err(error) => {
            assert!((1..=MESSAGE + bytes.len()).contains(&error.to_string().len()), "{error}");
            return;
        }
    };
    assert!(!cut_short, "a file that ends early was read");
    assert_eq!(&**package.bytes(), bytes, "a package is kept as it came");
    load(&package);
}

/// Any bytes as the memory that `describe` points at.
pub fn describe(image: &[u8]) {
    let package = Package::read(guest::package(image)).expect("the guest is a driver, whatever it says of itself");
    load(&package);
}

fn load(package: &Package) {
    match DRIVER.with(|driver| driver.load(package)) {
        Ok(generation) => {
            let description = generation.description();
            assert_eq!(generation.label(), format!("{}@{}", description.name, description.version));
            for kind in &description.kinds {
                assert!(generation.kind(&kind.name).is_some(), "kind {} is described, and not there", kind.name);
            }
        }
        Err(BuildError::Compile(CompileError::Compiler(error))) => {
            panic!("the package was found valid, and cannot be compiled: {error}")
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

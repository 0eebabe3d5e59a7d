use crosspoint_contract::{CONTRACT, FIXTURES_SECTION, METADATA_SECTION};

use super::super::{PACKAGE_SIZE, Package, PackageError};
use super::{built, forge};
use crate::driver::v1::INTERFACE;

fn judge(bytes: Vec<u8>) -> Result<Package, PackageError> {
    let package = Package::read(bytes)?;
    package.component()?;
    Ok(package)
}

fn refusal(bytes: Vec<u8>) -> PackageError {
    judge(bytes).expect_err("it should have been refused")
}

#[test]
fn a_core_module_with_its_component_type_is_accepted_as_it_is() {
    let Some(bytes) = built("hostile") else { return };
    let package = Package::read(bytes.clone()).unwrap();
    assert_eq!(package.metadata().unwrap().name, "hostile");
    assert_eq!(&package.bytes()[..], bytes);
    let made = package.component().unwrap().into_owned();
    assert_ne!(made, bytes);

    // The component made of it is a package of its own.
    let component = judge(made).unwrap();
    assert_eq!(component.metadata(), package.metadata());
    assert_ne!(component.digest(), package.digest());
}

#[test]
fn a_file_that_is_no_wasm_is_told_what_it_looks_like() {
    assert_eq!(refusal(Vec::new()), PackageError::Empty);
    for (bytes, hint) in [
        (&b"  (module)"[..], "WebAssembly text"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"PK\x03\x04", "zip"),
        (b"\x7fELF\x02", "native code"),
        (b"fn main() {}", "like text"),
        (b"\x89PNG\r\n", "begin with"),
    ] {
        let message = refusal(bytes.to_vec()).to_string();
        assert!(message.contains(hint), "{message}");
    }
}

#[test]
fn a_file_that_is_too_large_is_not_even_parsed() {
    assert_eq!(refusal(vec![0; PACKAGE_SIZE + 1]), PackageError::TooLarge { size: PACKAGE_SIZE + 1 });
}

#[test]
fn a_file_cut_anywhere_is_called_truncated_or_broken_and_never_accepted() {
    let whole = forge::module(&[("a", "b")]).finish();
    assert!(!Package::is_cut_short(&whole));
    for length in 1..whole.len() {
        let cut = whole[..length].to_vec();
        let cut_short = Package::is_cut_short(&cut);
        match refusal(cut) {
            PackageError::Truncated { .. } => assert!(cut_short, "cut at {length}"),
            // Between two sections a file that was cut is a shorter file.
            PackageError::NoComponentType => assert!(!cut_short, "cut at {length}"),
            other => panic!("cut at {length}: {other}"),
        }
    }
}

#[test]
fn a_damaged_file_says_where_it_is_damaged() {
    let mut bytes = forge::module(&[("a", "b")]).finish();
    // The last byte, an index, claims that more of it follows: the section ends early, but the file does not.
    *bytes.last_mut().unwrap() = 0x80;
    assert!(!Package::is_cut_short(&bytes));
    assert!(matches!(refusal(bytes), PackageError::Invalid { offset: 8.., .. }));
}

#[test]
fn any_bytes_after_the_magic_are_refused_without_a_panic() {
    use proptest::prelude::*;
    proptest!(ProptestConfig::with_cases(500), |(tail in proptest::collection::vec(any::<u8>(), 0..200), component: bool)| {
        let header: &[u8] = if component { b"\0asm\x0d\0\x01\0" } else { b"\0asm\x01\0\0\0" };
        prop_assert!(judge([header, &tail].concat()).is_err());
    });
}

#[test]
fn a_driver_with_one_byte_changed_is_refused_or_read_and_never_a_panic() {
    let Some(bytes) = built("hostile") else { return };
    for step in 0..40 {
        let mut changed = bytes.clone();
        let at = step * bytes.len() / 40;
        changed[at] ^= 0xff;
        drop(judge(changed));
    }
}

#[test]
fn a_core_module_that_imports_something_is_told_what() {
    let wants = [("wasi_snapshot_preview1", "fd_write"), ("env", "time")];
    let error = refusal(forge::module(&wants).finish());
    let names = vec!["wasi_snapshot_preview1::fd_write".to_owned(), "env::time".to_owned()];
    assert_eq!(error, PackageError::Imports(names));
    assert!(error.to_string().contains("`wasi_snapshot_preview1::fd_write`, `env::time`"), "{error}");
}

#[test]
fn a_core_module_without_a_component_type_is_told_how_to_be_built() {
    assert_eq!(refusal(forge::module(&[]).finish()), PackageError::NoComponentType);
}

#[test]
fn a_core_module_with_a_nonsensical_component_type_is_unfit() {
    let mut module = forge::module(&[]);
    module.section(&forge::custom("component-type:x", b"nonsense"));
    assert!(matches!(refusal(module.finish()), PackageError::Unfit(_)));
}

#[test]
fn a_component_that_imports_a_function_is_refused_and_one_that_imports_types_is_not() {
    let wants = "wasi:clocks/monotonic-clock@0.2.0";
    assert_eq!(refusal(forge::importing(wants, true).finish()), PackageError::Imports(vec![wants.to_owned()]));
    assert_eq!(refusal(forge::importing(wants, false).finish()), PackageError::NoDriver(Vec::new()));
}

#[test]
fn a_driver_for_another_contract_is_told_both_contracts() {
    let other = "crosspoint:driver@2.0.0";
    let mut declared = forge::exporting("crosspoint:driver/translator@2.0.0");
    declared.section(&forge::custom(METADATA_SECTION, &forge::metadata(other)));
    let exported = forge::exporting("crosspoint:driver/translator@2.0.0");
    for component in [declared, exported] {
        let error = refusal(component.finish());
        assert_eq!(error, PackageError::Contract { found: other.to_owned() });
        assert!(error.to_string().starts_with(&format!("built for {other}; this host speaks {CONTRACT}")), "{error}");
    }
}

#[test]
fn a_component_that_is_no_driver_is_told_what_it_exports() {
    let error = refusal(forge::exporting("wasi:cli/run@0.2.0").finish());
    assert_eq!(error, PackageError::NoDriver(vec!["wasi:cli/run@0.2.0".to_owned()]));
}

#[test]
fn a_component_without_metadata_is_accepted_for_its_export() {
    let package = judge(forge::exporting(INTERFACE).finish()).unwrap();
    assert_eq!(package.metadata(), None);
    assert!(package.fixtures().is_empty());
}

#[test]
fn metadata_and_fixtures_are_bounded_and_stand_there_once() {
    let sections = |sections: &[(&str, Vec<u8>)]| {
        let mut component = forge::exporting(INTERFACE);
        for (name, data) in sections {
            component.section(&forge::custom(name, data));
        }
        component.finish()
    };
    let good = forge::metadata(CONTRACT);
    assert!(judge(sections(&[(METADATA_SECTION, good.clone())])).is_ok());
    for (bad, problem) in [
        (vec![(METADATA_SECTION, good.clone()), (METADATA_SECTION, good.clone())], "twice"),
        (vec![(METADATA_SECTION, b"{".to_vec())], "JSON"),
        (vec![(METADATA_SECTION, vec![b' '; 100 << 10])], "at most"),
        (vec![(FIXTURES_SECTION, b"{}".to_vec())], "no fixtures"),
        (vec![(FIXTURES_SECTION, vec![b' '; 5 << 20])], "at most"),
    ] {
        let message = refusal(sections(&bad)).to_string();
        assert!(message.contains(problem), "{message}");
    }
}

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use super::super::{Digest, Package, PackageStore, StoreError};
use super::forge;
use crate::driver::v1::INTERFACE;

fn package() -> Package {
    Package::read(forge::exporting(INTERFACE).finish()).unwrap()
}

#[tokio::test]
async fn a_package_that_was_kept_is_had_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = PackageStore::open(folder.path().join("packages")).unwrap();
    let package = package();
    store.put(&package).await.unwrap();
    store.put(&package).await.unwrap();
    assert_eq!(store.list().await.unwrap(), [package.digest()]);
    assert_eq!(store.get(package.digest()).await.unwrap(), &package.bytes()[..]);

    let file = folder.path().join("packages").join(format!("{}.wasm", package.digest().hex()));
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    store.remove(package.digest()).await.unwrap();
    store.remove(package.digest()).await.unwrap();
    assert!(matches!(store.get(package.digest()).await, Err(StoreError::Absent(_))));
}

#[tokio::test]
async fn a_damaged_package_is_not_given_out_and_can_be_kept_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = PackageStore::open(folder.path()).unwrap();
    let package = package();
    store.put(&package).await.unwrap();
    fs::write(folder.path().join(format!("{}.wasm", package.digest().hex())), b"other").unwrap();
    assert!(matches!(store.get(package.digest()).await, Err(StoreError::Damaged(_))));
    store.put(&package).await.unwrap();
    assert!(store.get(package.digest()).await.is_ok());
}

#[tokio::test]
async fn what_nobody_wants_is_forgotten_when_it_is_old() {
    const DAY: Duration = Duration::from_hours(24);
    let folder = tempfile::tempdir().unwrap();
    let store = PackageStore::open(folder.path()).unwrap();
    let package = package();
    let age = || {
        let file = fs::File::open(folder.path().join(format!("{}.wasm", package.digest().hex()))).unwrap();
        file.set_modified(SystemTime::now() - 2 * DAY).unwrap();
    };
    store.put(&package).await.unwrap();
    assert_eq!(store.forget(&HashSet::new(), DAY).await.unwrap(), [], "it is young");
    age();
    assert_eq!(store.forget(&HashSet::from([package.digest()]), DAY).await.unwrap(), [], "it is wanted");
    store.put(&package).await.unwrap();
    assert_eq!(store.forget(&HashSet::new(), DAY).await.unwrap(), [], "it was put once more");
    age();
    assert_eq!(store.forget(&HashSet::new(), DAY).await.unwrap(), [package.digest()]);
    assert_eq!(store.list().await.unwrap(), []);
}

#[test]
fn a_digest_reads_back_as_it_is_written() {
    let digest = Digest::of(b"x");
    assert_eq!(digest.to_string().parse(), Ok(digest));
    for bad in ["", "sha256:", "sha256:00", &digest.hex(), &digest.to_string().to_uppercase()] {
        assert!(bad.parse::<Digest>().is_err(), "{bad}");
    }
}

//! A driver has no imports: no clock, no network, no files, no randomness.

use std::fs;

use crosspoint_tests::host::{Host, Options, Scene, Who, driver, until};
use wasmparser::{Parser, Payload};

use crate::packages;

/// The functions that a package imports, whether it is a module or a component.
fn imported_functions(package: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(package) {
        if let Payload::ImportSection(imports) = payload.unwrap() {
            found.extend(imports.into_imports().map(|import| format!("{:?}", import.unwrap())));
        }
    }
    found
}

#[tokio::test]
async fn the_shipped_drivers_import_nothing_and_every_check_passes_them() {
    let host = Host::start(Options::default()).await;
    for name in ["firewall", "firewall-next", "neutron"] {
        let package = driver(name);
        assert_eq!(imported_functions(&package), [""; 0], "{name}");
        let path = host.drivers_folder().join(format!("{name}.wasm"));
        fs::write(&path, package).unwrap();
        let inspected = host.cli(Who::Nobody, &["driver", "inspect", path.to_str().unwrap(), "-o", "json"]).await;
        let inspected = inspected.expect(0).json();
        assert!(inspected["fixtures"].as_u64().is_some_and(|fixtures| fixtures > 0), "{name}: {inspected:#}");
    }
}

#[tokio::test]
async fn a_package_that_imports_a_function_is_refused_by_name() {
    let scene = Scene::start().await;
    for (what, package, named) in packages::bad().into_iter().filter(|(what, ..)| what.contains("impure")) {
        let refused = scene.operator().post("/v1/drivers").bytes("application/wasm", package.clone()).await;
        let refused = refused.problem(422, "driver_rejected");
        assert!(refused.string("/detail").contains(named), "{what}: {refused:#?}");
        let path = scene.host.drivers_folder().join("impure.wasm");
        fs::write(&path, package).unwrap();
        let inspected = scene.host.cli(Who::Nobody, &["driver", "inspect", path.to_str().unwrap()]).await.expect(1);
        assert!(inspected.stderr.contains(named), "{what}: {inspected:#?}");
    }
    let drivers = scene.operator().get("/v1/drivers").await.expect(200);
    assert_eq!(drivers.items().len(), 1, "{drivers:#?}");
}

#[tokio::test]
async fn the_same_package_is_refused_when_it_comes_through_the_folder() {
    let scene = Scene::with(Options { watch: true, ..Options::default() }, serde_json::json!({})).await;
    let (_, package, named) = packages::bad().into_iter().find(|(what, ..)| *what == "an impure component").unwrap();
    fs::write(scene.host.drivers_folder().join("impure.wasm"), package).unwrap();
    let rejected = until("the package to be refused", async || {
        let drivers = scene.operator().get("/v1/drivers").await.expect(200);
        drivers["/rejected/0/reason"].as_str().map(str::to_owned)
    });
    let rejected = rejected.await;
    assert!(rejected.contains(named), "{rejected}");
    scene.host.logs(&["driver rejected", "impure.wasm", named]).await;
}

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crosspoint_tests::host::settings;
use serde_json::json;

use super::{SECRET, scene};

/// Every file below a folder, with what it holds.
pub fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if let Ok(bytes) = fs::read(&path) {
            found.push((path, bytes));
        }
    }
    found
}

pub fn holds(bytes: &[u8], part: &[u8]) -> bool {
    position(bytes, part).is_some()
}

fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// A sealed secret, as it lies in the store.
fn sealed(folder: &Path) -> String {
    let found = files(folder).into_iter().find_map(|(_, bytes)| {
        let from = position(&bytes, b"xps1.")?;
        let rest = &bytes[from..];
        let end = rest.iter().position(|byte| !(byte.is_ascii_alphanumeric() || b"._-".contains(byte)))?;
        Some(String::from_utf8(rest[..end].to_vec()).unwrap())
    });
    found.expect("a sealed secret in the store")
}

#[tokio::test]
async fn a_sealed_secret_opens_again_after_a_crash() {
    let mut scene = scene().await;
    scene.created("a").await;
    scene.host.restart().await;
    scene.created("b").await;
    super::assert_untold(&scene.host, &[SECRET]).await;
}

#[tokio::test]
async fn a_sealed_secret_cannot_be_carried_to_another_backend() {
    let scene = scene().await;
    let sealed = sealed(&scene.host.data());
    for backend in ["fw", "other"] {
        let mut stolen = settings(&scene.appliance.url());
        stolen["authentication"]["secrets"]["key"] = json!({"sealed": sealed});
        let refused = scene.operator().put(&format!("/v1/backends/{backend}")).json(&stolen).await;
        let refused = refused.problem(422, "invalid_spec");
        assert_eq!(refused["/errors/0/pointer"], "/authentication/secrets/key", "{refused:#?}");
    }
    // As text it is nothing but a wrong key.
    let mut stolen = settings(&scene.appliance.url());
    stolen["authentication"]["secrets"]["key"] = json!(sealed);
    scene.host.put_backend("other", &stolen).await;
    scene.operator().post("/v1/backends/other:probe").await.problem(502, "backend_unauthenticated");
}

#[tokio::test]
async fn only_its_owner_can_read_the_key() {
    let scene = scene().await;
    let mode = fs::metadata(scene.host.data().join("secret.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Without the key the secrets stay closed, and the backend says so; the server serves everything else.
#[tokio::test]
async fn with_another_key_the_backend_is_unusable_and_says_why() {
    let mut scene = scene().await;
    scene.created("a").await;
    scene.host.kill().await;
    fs::remove_file(scene.host.data().join("secret.key")).unwrap();
    scene.host.restart().await;
    let failed = scene.acme().get(&crosspoint_tests::host::rule("a")).await.problem(503, "driver_unavailable");
    assert!(failed.string("/detail").contains("sealed with key"), "{failed:#?}");
    assert_eq!(scene.mapping("a").await["state"], "active");
    let mut settings = settings(&scene.appliance.url());
    settings["authentication"]["secrets"]["key"] = json!(SECRET);
    scene.host.put_backend("fw", &settings).await;
    scene.acme().get(&crosspoint_tests::host::rule("a")).await.expect(200);
}

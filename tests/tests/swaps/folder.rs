//! What can happen to a watched folder: only whole drivers that somebody put there take over, and calls go on.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crosspoint_tests::host::{Options, Scene, VERSIONS, Way, driver};
use serde_json::json;

use super::caller::Callers;

async fn watched() -> Scene {
    Scene::with(Options { watch: true, ..Options::default() }, json!({"mutation_concurrency": 4})).await
}

/// Puts a package into a folder in one step.
fn put(folder: &Path, file: &str, package: &str) {
    let half = folder.join(format!(".{file}.half"));
    fs::write(&half, driver(package)).unwrap();
    fs::rename(half, folder.join(file)).unwrap();
}

/// Waits until the watcher has looked at everything that was there before: what comes last is taken last.
async fn looked_through(scene: &Scene) {
    let folder = scene.host.drivers_folder();
    put(&folder, "zz-last.wasm", "hostile");
    crosspoint_tests::host::until("the last driver", async || {
        (scene.operator().get("/v1/drivers/hostile").await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_file_is_passed_over_and_holds_nobody_up() {
    let scene = watched().await;
    let callers = Callers::start(&scene, 2);
    let folder = scene.host.drivers_folder();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("next.wasm"), driver("firewall-next")).unwrap();
    let pipe = folder.join("pipe.wasm");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let _socket = UnixListener::bind(folder.join("socket.wasm")).unwrap();
    fs::create_dir(folder.join("folder.wasm")).unwrap();
    symlink("/dev/zero", folder.join("device.wasm")).unwrap();
    symlink(&pipe, folder.join("to-a-pipe.wasm")).unwrap();
    symlink("folder.wasm", folder.join("to-a-folder.wasm")).unwrap();
    symlink("nothing", folder.join("dangling.wasm")).unwrap();
    symlink("loop.wasm", folder.join("loop.wasm")).unwrap();
    symlink(outside.path().join("next.wasm"), folder.join("out.wasm")).unwrap();
    symlink(outside.path(), folder.join("beyond")).unwrap();
    symlink("beyond/next.wasm", folder.join("out-twice.wasm")).unwrap();
    fs::write(folder.join("empty.wasm"), b"").unwrap();
    fs::File::create(folder.join("sparse.wasm")).unwrap().set_len(1 << 40).unwrap();
    looked_through(&scene).await;
    assert_eq!(scene.host.active().await, "0.1.0");
    // The same file is now a driver, now a pipe.
    for _ in 0..20 {
        put(&folder, "now-and-then.wasm", "hostile");
        fs::remove_file(folder.join("now-and-then.wasm")).unwrap();
        assert!(Command::new("mkfifo").arg(folder.join("now-and-then.wasm")).status().unwrap().success());
        fs::remove_file(folder.join("now-and-then.wasm")).unwrap();
    }
    put(&folder, "firewall.wasm", "firewall-next");
    scene.host.until_active("0.2.0").await;
    callers.stop().await;
    let said = scene.host.log();
    assert!(!said.contains("out.wasm") && !said.contains("out-twice.wasm"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_written_slowly_takes_over_when_it_is_whole() {
    let scene = watched().await;
    let whole = driver("firewall-next");
    let mut file = fs::File::create(scene.host.drivers_folder().join("firewall.wasm")).unwrap();
    for (number, part) in whole.chunks(whole.len() / 8 + 1).enumerate() {
        file.write_all(part).unwrap();
        // Now slower than the watcher settles, now faster.
        tokio::time::sleep(Duration::from_millis(if number % 2 == 0 { 500 } else { 50 })).await;
    }
    drop(file);
    scene.host.until_active("0.2.0").await;
    let rejected = scene.operator().get("/v1/drivers/firewall").await.expect(200);
    assert_eq!(rejected["/last_failure"], json!(null));
    assert!(!scene.host.log().contains("driver rejected"), "{}", scene.host.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_many_renames_over_each_other_the_last_one_serves() {
    let scene = watched().await;
    let callers = Callers::start(&scene, 2);
    let folder = scene.host.drivers_folder();
    for number in 0..101 {
        put(&folder, "firewall.wasm", VERSIONS[(number + 1) % 2].0);
        tokio::time::sleep(Duration::from_millis(number as u64 % 7 * 3)).await;
    }
    scene.host.until_active("0.2.0").await;
    callers.stop().await;
}

/// As a mounted Kubernetes volume changes: a link to a folder is put in the place of a link to another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_that_are_swapped_count_while_they_lead_inside() {
    let scene = watched().await;
    let (folder, outside) = (scene.host.drivers_folder(), tempfile::tempdir().unwrap());
    let point = |to: &Path| {
        symlink(to, folder.join("..new")).unwrap();
        fs::rename(folder.join("..new"), folder.join("..data")).unwrap();
    };
    for (name, _) in VERSIONS {
        fs::create_dir(folder.join(format!("..{name}"))).unwrap();
        put(&folder.join(format!("..{name}")), "firewall.wasm", name);
    }
    put(outside.path(), "firewall.wasm", "firewall");
    point(Path::new("..firewall-next"));
    symlink("..data/firewall.wasm", folder.join("firewall.wasm")).unwrap();
    scene.host.until_active("0.2.0").await;
    point(Path::new("..firewall"));
    scene.host.until_active("0.1.0").await;
    point(Path::new("..firewall-next"));
    scene.host.until_active("0.2.0").await;
    point(outside.path());
    looked_through(&scene).await;
    assert_eq!(scene.host.active().await, "0.2.0", "what lies outside is not read");
}

/// A volume that is taken away and brought back brings nothing new, so it does not undo what was decided meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_goes_and_comes_back_does_not_undo_a_roll_back() {
    let scene = watched().await;
    let callers = Callers::start(&scene, 2);
    Way::Folder.swap(&scene.host, VERSIONS[1]).await;
    Way::RollBack.swap(&scene.host, VERSIONS[0]).await;
    let (folder, away) = (scene.host.drivers_folder(), scene.host.drivers_folder().with_extension("away"));
    fs::rename(&folder, &away).unwrap();
    scene.host.logs(&["the drivers folder cannot be read"]).await;
    fs::rename(&away, &folder).unwrap();
    looked_through(&scene).await;
    assert_eq!(scene.host.active().await, "0.1.0");
    // One that is made anew is looked at as any other, and what is put there now is meant.
    fs::remove_dir_all(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    put(&folder, "other.wasm", "firewall-next");
    scene.host.until_active("0.2.0").await;
    callers.stop().await;
}

/// Tools that keep folders in order write what is there already; that must not undo a roll-back, and is said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_bytes_written_again_change_nothing_and_it_is_said() {
    let scene = watched().await;
    Way::Folder.swap(&scene.host, VERSIONS[1]).await;
    Way::RollBack.swap(&scene.host, VERSIONS[0]).await;
    put(&scene.host.drivers_folder(), "firewall.wasm", "firewall-next");
    scene.host.logs(&["firewall.wasm", "the same bytes"]).await;
    looked_through(&scene).await;
    assert_eq!(scene.host.active().await, "0.1.0");
    Way::Activate.swap(&scene.host, VERSIONS[1]).await;
}

/// Root reads everything, so as root this shows that the rights do not matter, and no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_becomes_readable_takes_over() {
    let scene = watched().await;
    let folder = scene.host.drivers_folder();
    let hidden = folder.join("firewall.wasm");
    let set_mode = |mode| fs::set_permissions(&hidden, fs::Permissions::from_mode(mode)).unwrap();
    put(&folder, ".hidden", "firewall-next");
    fs::set_permissions(folder.join(".hidden"), fs::Permissions::from_mode(0o000)).unwrap();
    fs::rename(folder.join(".hidden"), &hidden).unwrap();
    looked_through(&scene).await;
    set_mode(0o644);
    scene.host.until_active("0.2.0").await;
}

//! The disk is full, at the start or under load: no change is made that is not recorded, reads go on, and nothing that
//! was acknowledged is lost. With room again, a restart mends it.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crosspoint_tests::host::{Client, Host, Options, Scene, Who, create, rule, until};
use crosspoint_tests::skip;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Room for a store and two packages, and for not much more.
const ROOM: &str = "16m";

/// A file system of its own below a test's folder, in memory.
pub struct Mount(PathBuf);

impl Mount {
    /// None, with a word about it, where this user may not mount.
    pub fn new(at: PathBuf) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let options = format!("size={ROOM},mode=0700");
        let made = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&at).output();
        if made.is_ok_and(|made| made.status.success()) {
            return Some(Self(at));
        }
        skip::skipped("a file system of its own needs the right to mount: run as root");
        None
    }

    /// Makes it readable only, or writable again.
    pub fn remount(&self, mode: &str) {
        let done = Command::new("mount").args(["-o", &format!("remount,{mode}")]).arg(&self.0).status().unwrap();
        assert!(done.success(), "remount,{mode}");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: whoever still has files open keeps them.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Takes all room that is left.
fn fill(folder: &Path) -> PathBuf {
    let path = folder.join("ballast");
    let mut ballast = File::create(&path).unwrap();
    for size in [1 << 16, 1 << 12, 1] {
        let error = loop {
            if let Err(error) = ballast.write_all(&vec![7; size]) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
    }
    path
}

/// What a caller was told of its creations.
#[derive(Default)]
struct Told {
    made: Vec<String>,
    in_doubt: Vec<String>,
}

/// Creates one object after the other until one is refused before anything was sent; gives what was told before.
async fn create_until_refused(client: Client, prefix: String) -> Told {
    let mut told = Told::default();
    for number in 0..100_000 {
        let name = format!("{prefix}-{number}");
        let reply = client.put(&rule(&name)).json(&create(&name)).await;
        match reply.status {
            201 => told.made.push(name),
            _ => {
                let reply = reply.problem(503, "store_unavailable");
                if reply["/sent"] == "no" {
                    return told;
                }
                told.in_doubt.push(name);
            }
        }
    }
    panic!("the disk never was full");
}

/// The store does not take changes any more: they are refused before anything is sent, reads go on, and it is said.
async fn stands_still(scene: &Scene, made: &str) {
    let requests = scene.appliance.requests().len();
    for _ in 0..3 {
        let refused = scene.acme().put(&rule("late")).json(&create("late")).await.problem(503, "store_unavailable");
        assert_eq!((&refused["/sent"], &refused["/retryable"]), (&json!("no"), &json!(true)), "{refused:#?}");
    }
    assert_eq!(scene.appliance.requests().len(), requests, "nothing was sent");
    assert_eq!(scene.mapping(made).await["state"], "active");
    assert_eq!(scene.acme().get(&rule(made)).await.expect(200)["/result/name"], made);
    let ready = scene.acme().get("/readyz").await.expect(503);
    assert_eq!(ready["/status"], "store failed");
    scene.acme().get("/leaderz").await.expect(503);
    scene.acme().get("/livez").await.expect(200);
    scene.host.logs(&["ERROR", "the store stops", "restart"]).await;
}

/// After a restart everything acknowledged is there, and every rule of the appliance is mapped or in doubt.
async fn nothing_is_lost(scene: &Scene, told: &[Told]) {
    for told in told {
        for name in &told.made {
            assert_eq!(scene.mapping(name).await["state"], "active", "{name} was acknowledged");
        }
        for name in &told.in_doubt {
            let mapping = scene.mapping(name).await;
            assert!(["unknown", "active"].iter().any(|state| mapping["state"] == *state), "{name}: {mapping:#}");
        }
    }
    for doubt in scene.operations("unknown").await {
        scene.resolve_after_deadline(&doubt).await;
    }
    for rule in scene.appliance.rules() {
        assert_eq!(scene.mapping(&rule.spec.name).await["backend_id"], rule.id, "{} is forgotten", rule.spec.name);
    }
    scene.created("afterwards").await;
    scene.acme().get("/readyz").await.expect(200);
}

/// Soon enough over, and several at once.
fn limits() -> Value {
    json!({"mutation_concurrency": 4, "connect_timeout_ms": 500, "reply_timeout_ms": 500})
}

async fn load(scene: &Scene, meanwhile: impl AsyncFnOnce()) -> Vec<Told> {
    let callers: Vec<_> =
        (0..4).map(|caller| tokio::spawn(create_until_refused(scene.acme(), format!("r{caller}")))).collect();
    meanwhile().await;
    let mut told = Vec::new();
    for caller in callers {
        told.push(caller.await.unwrap());
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fills_up_under_load_loses_nothing_and_is_mended_by_room_and_a_restart() {
    let folder = TempDir::with_prefix("crosspoint-").unwrap();
    let data = folder.path().join("data");
    let Some(mount) = Mount::new(data.clone()) else { return };
    let mut scene = Scene::on(Host::start_in(folder, Options::default()).await, limits()).await;
    scene.created("before").await;
    let mut ballast = None;
    let told = load(&scene, async || {
        let some = async || (scene.appliance.rules().len() > 20).then_some(());
        until("some load", some).await;
        ballast = Some(fill(&data));
    })
    .await;
    stands_still(&scene, "before").await;

    // On a disk that is still full the process starts and refuses, or says what it wants; it forgets nothing.
    match scene.host.try_restart().await {
        Ok(()) => assert_eq!(scene.mapping("before").await["state"], "active"),
        Err(log) => assert!(log.contains("free some space"), "{log}"),
    }
    fs::remove_file(ballast.unwrap()).unwrap();
    scene.host.restart().await;
    nothing_is_lost(&scene, &told).await;
    drop(mount);
}

/// The same without the rights that a file system of its own takes: no file may grow beyond a size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_may_not_grow_lose_nothing() {
    let under: &[&str] = &["prlimit", "--fsize=2500000", "env", "--ignore-signal=XFSZ"];
    let mut scene = Scene::on(Host::start(Options { under, ..Options::default() }).await, limits()).await;
    scene.created("before").await;
    let told = load(&scene, async || ()).await;
    stands_still(&scene, "before").await;
    scene.host.run_freely();
    scene.host.restart().await;
    nothing_is_lost(&scene, &told).await;
}

#[tokio::test]
async fn a_start_on_a_full_disk_says_what_is_wanted() {
    let folder = TempDir::with_prefix("crosspoint-").unwrap();
    let data = folder.path().join("data");
    let Some(mount) = Mount::new(data.clone()) else { return };
    fill(&data);
    let log = Host::try_start_in(folder, Options::default()).await.err().expect("it cannot start");
    assert!(log.contains("No space left"), "{log}");
    drop(mount);
}

/// A package that cannot be kept is not made active.
#[tokio::test]
async fn a_driver_is_not_swapped_for_one_that_cannot_be_kept() {
    let folder = TempDir::with_prefix("crosspoint-").unwrap();
    let data = folder.path().join("data");
    let Some(mount) = Mount::new(data.clone()) else { return };
    let mut scene = Scene::on(Host::start_in(folder, Options::default()).await, limits()).await;
    scene.created("a").await;
    // Nothing is left to be written: the disk is met by the package first.
    scene.host.stop().await;
    scene.host.restart().await;
    let ballast = fill(&data);
    let next = crosspoint_tests::host::driver("firewall-next");
    let operator = scene.host.client(Who::Operator);
    let refused = operator.post("/v1/drivers").bytes("application/wasm", next.clone()).await;
    assert!(refused.status >= 400, "{refused:#?}");
    assert!(refused.string("/detail").contains("No space left"), "{refused:#?}");
    assert_eq!(
        scene.acme().get(&rule("a")).await.expect(200)["/result/shadowed"],
        Value::Null,
        "the one before serves"
    );
    fs::remove_file(ballast).unwrap();
    scene.host.load_driver(next).await;
    assert_eq!(scene.acme().get(&rule("a")).await.expect(200)["/result/shadowed"], false);
    drop(mount);
}

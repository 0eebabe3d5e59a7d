use std::io::Read as _;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use http::Method;
use serde_json::{Value, json};

use super::rest::{Answer, send};
use super::{Options, SERVICE_PASSWORD, filled};
use crate::server::{Server, run};

const ADMIN_PASSWORD: &str = "admin-password";

/// A private Keystone with an administrator and with a service user for Neutron.
#[derive(Debug)]
pub struct Keystone {
    url: String,
    admin: Project,
    member_role: String,
    _server: Server,
}

/// A project and one user in it, both in the domain `Default`.
#[derive(Clone, Debug)]
pub struct Project {
    /// Keystone's id of the project.
    pub id: String,
    /// The project's name.
    pub name: String,
    /// The user's name.
    pub username: String,
    /// The user's password.
    pub password: String,
}

impl Keystone {
    pub(super) async fn start(folder: &Path, address: SocketAddr, database: &str, options: &Options) -> Result<Self> {
        std::fs::DirBuilder::new().mode(0o700).create(folder.join("fernet"))?;
        for key in ["0", "1"] {
            write_key(&folder.join("fernet").join(key))?;
        }
        let settings = [
            ("database", database),
            ("folder", &folder.display().to_string()),
            ("token_lifetime", &options.token_lifetime.as_secs().to_string()),
        ];
        let configuration = folder.join("keystone.conf");
        std::fs::write(&configuration, filled(include_str!("keystone.conf"), &settings))?;
        let manage = |arguments: &[&str]| {
            let mut command = Command::new("/usr/bin/keystone-manage");
            command.arg("--config-file").arg(&configuration).args(arguments);
            command
        };
        run(&mut manage(&["db_sync"]), &folder.join("keystone-schema.log")).await?;
        let url = format!("http://{address}");
        let versions = format!("{url}/v3");
        // Without an entry for Keystone itself in the catalogue, Neutron's middleware does not find it.
        let bootstrap = ["bootstrap", "--bootstrap-password", ADMIN_PASSWORD, "--bootstrap-internal-url", &versions];
        run(&mut manage(&bootstrap), &folder.join("keystone-bootstrap.log")).await?;

        let mut command = Command::new("/usr/bin/uwsgi_python3");
        command
            .args(["--http-socket", &address.to_string(), "--wsgi-file", "/usr/bin/keystone-wsgi-public"])
            .args(["--master", "--processes", "2", "--enable-threads", "--lazy-apps", "--need-app"])
            // Without an empty argument Keystone would take uwsgi's for its own.
            .args(["--buffer-size", "65535", "--pyargv", ""])
            .env("OS_KEYSTONE_CONFIG_DIR", folder)
            .env("OS_KEYSTONE_CONFIG_FILES", "keystone.conf");
        let mut server = Server::spawn("keystone", &command, folder.join("keystone.log"))?;
        server
            .ready(|| async { send(Method::GET, &versions, &[], None).await.is_ok_and(|a| a.status.is_success()) })
            .await?;

        let admin = Project {
            id: String::new(),
            name: "admin".to_owned(),
            username: "admin".to_owned(),
            password: ADMIN_PASSWORD.to_owned(),
        };
        let mut keystone = Self { url, admin, member_role: String::new(), _server: server };
        keystone.set_up().await.context("cannot set up Keystone")?;
        Ok(keystone)
    }

    /// Makes Neutron's service user, and learns the ids of what `bootstrap` made.
    async fn set_up(&mut self) -> Result<()> {
        let token = self.token(&self.admin).await?;
        let roles = self.ask(&token, Method::GET, "/roles", None).await?;
        let role = |name: &str| {
            let all = roles.body.pointer("/roles").and_then(Value::as_array);
            let role = all.and_then(|all| all.iter().find(|role| role["name"] == name));
            let id = role.and_then(|role| role["id"].as_str());
            id.map(str::to_owned).with_context(|| format!("no role {name}"))
        };
        self.member_role = role("member")?;
        self.make_project(&token, "service", "neutron", SERVICE_PASSWORD, &role("admin")?).await?;
        Ok(())
    }

    /// Keystone's root, without `/v3`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes a project of this name with a user of the same name, who may do what ordinary users may. A test takes a
    /// name of its own, and so sees no other test's objects.
    ///
    /// # Errors
    /// Where there is one already, or Keystone is not there.
    pub async fn project(&self, name: &str) -> Result<Project> {
        let token = self.token(&self.admin).await?;
        self.make_project(&token, name, name, "correct horse", &self.member_role).await
    }

    /// A token of the project's user. It is another one each time.
    ///
    /// # Errors
    /// Where Keystone refuses or is not there.
    pub async fn token(&self, project: &Project) -> Result<String> {
        let answer = send(
            Method::POST,
            &format!("{}/v3/auth/tokens", self.url),
            &[],
            Some(&json!({"auth": {
                "identity": {"methods": ["password"], "password": {"user": {
                    "name": project.username, "domain": {"id": "default"}, "password": project.password,
                }}},
                "scope": {"project": {"name": project.name, "domain": {"id": "default"}}},
            }})),
        )
        .await?
        .success()?;
        let token = answer.headers.get("X-Subject-Token").context("a login without a token")?;
        Ok(token.to_str()?.to_owned())
    }

    /// A token of the administrator.
    ///
    /// # Errors
    /// Where Keystone refuses or is not there.
    pub async fn admin_token(&self) -> Result<String> {
        self.token(&self.admin).await
    }

    /// Revokes one token; other tokens of the same user stay good.
    ///
    /// # Errors
    /// Where Keystone refuses or is not there.
    pub async fn revoke(&self, token: &str) -> Result<()> {
        let admin = self.admin_token().await?;
        let url = format!("{}/v3/auth/tokens", self.url);
        send(Method::DELETE, &url, &[("X-Auth-Token", &admin), ("X-Subject-Token", token)], None).await?.success()?;
        Ok(())
    }

    async fn make_project(&self, token: &str, name: &str, user: &str, password: &str, role: &str) -> Result<Project> {
        let body = json!({"project": {"name": name, "domain_id": "default"}});
        let project = self.ask(token, Method::POST, "/projects", Some(&body)).await?;
        let project_id = project.text("/project/id")?;
        let body = json!({"user": {"name": user, "domain_id": "default", "password": password}});
        let made = self.ask(token, Method::POST, "/users", Some(&body)).await?;
        let user_id = made.text("/user/id")?;
        self.ask(token, Method::PUT, &format!("/projects/{project_id}/users/{user_id}/roles/{role}"), None).await?;
        Ok(Project {
            id: project_id.to_owned(),
            name: name.to_owned(),
            username: user.to_owned(),
            password: password.to_owned(),
        })
    }

    async fn ask(&self, token: &str, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        let url = format!("{}/v3{path}", self.url);
        let answer = send(method.clone(), &url, &[("X-Auth-Token", token)], body).await?;
        answer.success().with_context(|| format!("{method} {path}"))
    }
}

/// Writes a fernet key as `keystone-manage fernet_setup` does, without the two seconds that starting it takes.
fn write_key(path: &Path) -> Result<()> {
    let mut key = [0; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut key)?;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    std::io::Write::write_all(&mut file, base64::engine::general_purpose::URL_SAFE.encode(key).as_bytes())?;
    Ok(())
}

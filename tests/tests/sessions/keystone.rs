//! A token endpoint that nobody wrote for this: the one of a real Keystone, whose clients are application credentials.

use anyhow::{Context as _, Result};
use crosspoint_tests::host::{Recorded, Recorder};
use crosspoint_tests::openstack::{self, Keystone, Project, send};
use http::Method;
use serde_json::json;

use super::{ask, assert_unlogged, host, lines, settings};

/// An application credential of the project's user: its id and its secret.
async fn client(keystone: &Keystone, project: &Project) -> Result<(String, String)> {
    let token = keystone.token(project).await?;
    let headers = [("X-Auth-Token", token.as_str()), ("X-Subject-Token", token.as_str())];
    let who = send(Method::GET, &format!("{}/v3/auth/tokens", keystone.url()), &headers, None).await?.success()?;
    let user = who.text("/token/user/id")?;
    let url = format!("{}/v3/users/{user}/application_credentials", keystone.url());
    let body = json!({"application_credential": {"name": "crosspoint"}});
    let made = send(Method::POST, &url, &headers[..1], Some(&body)).await?.success()?;
    Ok((made.text("/application_credential/id")?.to_owned(), made.text("/application_credential/secret")?.to_owned()))
}

#[tokio::test]
async fn a_real_token_endpoint_gives_a_token_that_its_own_server_knows() -> Result<()> {
    let Some(openstack) = openstack::shared().await? else { return Ok(()) };
    let keystone = openstack.keystone();
    let (id, secret) = client(keystone, &keystone.project("oauth2").await?).await?;
    let backend = Recorder::start(|_: &Recorded| (201, Vec::new(), json!({"id": "t-1"}))).await;
    let host = host().await;
    let configure = async |secret: &str| {
        let secrets = json!({"client_id": id, "client_secret": secret});
        let mut settings =
            settings(&backend.url(), &json!({"scheme": "oauth2-client-credentials", "secrets": secrets}));
        settings["endpoints"]["token"] = format!("{}/v3/OS-OAUTH2/token", keystone.url()).into();
        host.put_backend("lab", &settings).await;
    };
    configure("another-s3cret").await;
    let refused = ask(&host, "a").await.problem(502, "backend_unauthenticated");
    assert!(refused["/sent"] == "no" && refused.string("/detail").contains("invalid_client"), "{refused:#?}");

    configure(&secret).await;
    ask(&host, "a").await.expect(201);
    assert_eq!(lines(&backend), ["GET /x"]);
    let shown = backend.requests()[0].headers["authorization"].to_str()?.to_owned();
    let token = shown.strip_prefix("Bearer ").context("no bearer token")?;
    let admin = keystone.admin_token().await?;
    let headers = [("X-Auth-Token", admin.as_str()), ("X-Subject-Token", token)];
    let known = send(Method::GET, &format!("{}/v3/auth/tokens", keystone.url()), &headers, None).await?.success()?;
    assert_eq!(known.text("/token/user/name")?, "oauth2");
    assert_unlogged(&host, &[&secret, token]);
    Ok(())
}

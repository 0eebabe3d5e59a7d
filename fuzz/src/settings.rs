//! Any JSON as a backend's settings: refused with pointers, or a way to just the scheme, host, port and prefix that the
//! operator wrote. No secret is in what is printed of them.

use std::cell::LazyCell;

use crosspoint::relay::BackendSettings;
use crosspoint::transport::{Authorization, Settings, Tls, Transport};
use crosspoint_contract::{EndpointRole, Exchange, HttpRequest, Request};
use tokio::runtime::Runtime;

use crate::description;

thread_local! {
    static RUNTIME: LazyCell<Runtime> =
        LazyCell::new(|| tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
}

/// Any bytes as what an operator sends.
pub fn target(bytes: &[u8]) {
    let Ok(settings) = serde_json::from_slice::<BackendSettings>(bytes) else { return };
    let written = serde_json::to_vec(&settings).expect("settings can be recorded");
    assert_eq!(serde_json::from_slice::<BackendSettings>(&written).expect("and read again"), settings);
    for secret in settings.authentication.secrets.values() {
        assert_eq!(format!("{secret:?}"), "***", "a secret is shown");
    }
    RUNTIME.with(|runtime| runtime.block_on(async { reach(settings) }));
}

/// Every address that is accepted leads where it says.
fn reach(settings: BackendSettings) {
    let mut description = description::minimal();
    let role = |name: &String| EndpointRole { name: name.clone(), summary: String::new(), required: false };
    description.endpoints = settings.endpoints.keys().map(role).collect();
    let way = Settings {
        endpoints: settings.endpoints.clone(),
        tls: Tls { ca_pem: settings.tls.ca, server_name: settings.tls.server_name, ..Tls::default() },
        reply_size: settings.limits.reply_size,
        ..Settings::default()
    };
    let transport = match Transport::new(&description, &way) {
        Ok(transport) => transport,
        Err(error) => {
            assert!(!error.violations.is_empty());
            let pointers = error.violations.iter().map(|violation| violation.pointer.as_str());
            assert!({ pointers }.all(|pointer| pointer.is_empty() || pointer.starts_with('/')), "{error}");
            return;
        }
    };
    for (role, address) in &settings.endpoints {
        let request = HttpRequest {
            method: "GET".to_owned(),
            target: "/probe".to_owned(),
            headers: Vec::new(),
            body: Vec::new().into(),
        };
        let exchange = Exchange {
            context: Vec::new().into(),
            endpoint: role.clone(),
            request: Request::Http(request),
            extensions: Vec::new(),
        };
        let rendered = transport.render(&exchange, &Authorization::none()).expect("a plain request can be made");
        let (scheme, rest) = address.split_once("://").unwrap();
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let expected = format!("{scheme}://{authority}").to_ascii_lowercase() + path.trim_end_matches('/') + "/probe";
        assert_eq!(rendered.url, expected, "{address}");
        assert!(!authority.contains(['@', '\\', '?', '#', ' ', '%']) && !authority.is_empty(), "{address}");
    }
}

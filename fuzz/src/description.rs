//! The least that a driver may say of itself.

use crosspoint_contract::{AuthScheme, Description, EndpointRole, HttpProtocol, Json, Limits, Protocol};

/// A driver without kinds, for HTTP.
pub fn minimal() -> Description {
    Description {
        name: "fuzzed".to_owned(),
        version: "1.0.0".to_owned(),
        summary: String::new(),
        protocol: Protocol::Http(HttpProtocol::default()),
        endpoints: vec![EndpointRole { name: "default".to_owned(), summary: String::new(), required: true }],
        authentication: vec![AuthScheme::None],
        configuration_schema: Json::trusted("{}".to_owned()),
        kinds: Vec::new(),
        actions: Vec::new(),
        probe: false,
        limits: Limits::default(),
        extensions: Vec::new(),
    }
}

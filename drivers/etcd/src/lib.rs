//! The driver for etcd, version 3 of its API, over gRPC.
//!
//! | file | noun |
//! |---|---|
//! | `proto` | etcd's messages |
//! | `key` | keys: each is one transaction with its marker |
//! | `lease` | leases, whose ids are made of markers |
//! | `faults` | what a status means |

mod faults;
mod key;
mod lease;
mod proto;

use crosspoint_sdk::prelude::*;

use crate::proto::{AuthenticateRequest, AuthenticateResponse, Empty, StatusResponse, ask, method, read};

const NAME: &str = "etcd";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The driver.
#[derive(Clone, Copy, Debug)]
pub struct Etcd;

/// What a backend's configuration says besides addresses and secrets.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Configuration {
    /// The keys of this backend are those that start with this; no others are shown, made or changed.
    #[serde(default)]
    #[schemars(length(max = 256))]
    prefix: String,
    /// The keys that start with this hold the markers of others, and are nobody's own.
    #[serde(default = "default_marker_prefix")]
    #[schemars(length(min = 1, max = 256))]
    marker_prefix: String,
}

fn default_marker_prefix() -> String {
    "crosspoint/marker/".to_owned()
}

impl Driver for Etcd {
    fn describe() -> Description {
        let secrets = ["username", "password"].map(str::to_owned).into();
        driver(NAME, VERSION, "etcd v3 keys and leases")
            // A token is looked up before a request is proposed to the cluster.
            .protocol(grpc_protocol(true))
            .auth(AuthScheme::None)
            .auth(AuthScheme::Login(Login { secrets, ..Login::default() }))
            .auth(AuthScheme::MutualTls)
            .configuration::<Configuration>()
            .probe()
            .limits(Limits { mutation_concurrency: 16, read_concurrency: 32, ..Limits::default() })
            .kind(key::kind())
            .kind(lease::kind())
            .build()
    }

    fn encode(call: &Call) -> Result<Exchange, Fault> {
        match (&call.verb, call.kind.as_str()) {
            (Verb::Login, _) => Ok(ask(
                method::AUTHENTICATE,
                AuthenticateRequest {
                    name: call.secret("username")?.to_owned(),
                    password: call.secret("password")?.to_owned(),
                },
            )),
            (Verb::Probe, _) => Ok(ask(method::STATUS, Empty {})),
            (_, key::NAME) => key::encode(call),
            (_, lease::NAME) => lease::encode(call),
            _ => Err(call.unsupported()),
        }
    }

    fn decode(call: &Call, _context: &[u8], reply: &Reply) -> Result<Outcome, Fault> {
        let reply = reply.http()?;
        let status = reply.grpc_status()?;
        if status.code != 0 {
            return Err(faults::fault(call, &status));
        }
        match (&call.verb, call.kind.as_str()) {
            (Verb::Login, _) => logged_in(reply),
            (Verb::Probe, _) => probed(reply),
            (_, key::NAME) => key::decode(call, reply),
            (_, lease::NAME) => lease::decode(call, reply),
            _ => Err(call.unsupported()),
        }
    }
}

/// etcd does not say how long a token is good: by default for five minutes after its last use.
fn logged_in(reply: &HttpReply) -> Result<Outcome, Fault> {
    let AuthenticateResponse { token } = read(reply)?;
    if token.is_empty() {
        return Err(Fault::MalformedReply("the reply holds no token".to_owned()));
    }
    outcome(&())?.session(session().header("token", token).build()).into()
}

fn probed(reply: &HttpReply) -> Result<Outcome, Fault> {
    let StatusResponse { version, leader } = read(reply)?;
    if leader == 0 {
        return Err(Fault::Unavailable("the member has no leader: its cluster has no majority".to_owned()));
    }
    outcome(&serde_json::json!({"version": version}))?.into()
}

crosspoint_sdk::export!(Etcd, name = NAME, version = VERSION, fixtures = "../fixtures.json");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_keeps_the_contract() {
        crosspoint_sdk::harness::check::<Etcd>();
    }

    fn verb() -> impl Strategy<Value = Verb> {
        use Verb::{Create, Delete, Find, List, Login, Poll, Probe, Read, Replace, Update};
        let action = Verb::Action("keep_alive".to_owned());
        prop::sample::select(vec![Create, Read, Replace, Update, Delete, Find, List, Poll, Probe, Login, action])
    }

    fn kind() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![key::NAME, lease::NAME, ""])
    }

    /// Bytes that have something of protobuf: fields with lengths that fit, within each other.
    fn message() -> impl Strategy<Value = Vec<u8>> {
        let number = (0..10_u8, any::<u64>()).prop_map(|(tag, mut value)| {
            let mut bytes = vec![tag << 3];
            while value >= 0x80 {
                bytes.push((value as u8) | 0x80);
                value >>= 7;
            }
            bytes.push(value as u8);
            bytes
        });
        let leaf = prop_oneof![number, prop::collection::vec(any::<u8>(), 0..6)];
        leaf.prop_recursive(4, 24, 4, |inner| {
            (0..10_u8, prop::collection::vec(inner, 0..4)).prop_map(|(tag, parts)| {
                let inside = parts.concat();
                [&[tag << 3 | 2, (inside.len() % 128) as u8][..], &inside].concat()
            })
        })
    }

    proptest! {
        #[test]
        fn no_reply_makes_it_panic(
            verb in verb(),
            kind in kind(),
            headers in prop::collection::vec(("grpc-status|grpc-message", "[0-9]{0,3}|[a-z :%]{0,12}"), 0..3),
            fine in any::<bool>(),
            body in message(),
        ) {
            let spec = Json::trusted(r#"{"key": "a", "value": "b", "ttl": 5}"#.to_owned());
            let id = Some("7".to_owned());
            let configuration = Json::trusted("{}".to_owned());
            let marker = "xp-1".to_owned();
            let call = Call { marker, backend_id: id, spec, configuration, ..Call::new(verb, kind) };
            let headers = headers.into_iter().map(|(name, value)| Header { name, value: value.into_bytes() });
            let fine = fine.then(|| Header { name: "grpc-status".to_owned(), value: b"0".to_vec() });
            let headers = fine.into_iter().chain(headers).collect();
            let reply = Reply::Http(HttpReply { status: 200, headers, body: Bytes(body) });
            let _ = Etcd::decode(&call, &[], &reply);
        }

        #[test]
        fn no_call_makes_it_panic(
            verb in verb(),
            kind in kind(),
            id in any::<String>(),
            marker in any::<String>(),
            spec in r#"(\{("(key|value|base64|lease|ttl)":("[ -~]{0,9}"|-?[0-9]{1,20}),?){0,3}\}?)?"#,
        ) {
            let call = Call {
                backend_id: Some(id.clone()),
                marker,
                page_token: Some(id.clone()),
                precondition: Some(id),
                spec: Json::trusted(spec.clone()),
                configuration: Json::trusted(spec),
                ..Call::new(verb, kind)
            };
            let _ = Etcd::encode(&call);
        }
    }
}

//! The relay that one would write by hand for this one backend: no sandbox, no schema, no queue, no history; the driver
//! is linked in. It checks the token, looks the mapping up, translates both ways, and has intent and outcome of a change
//! on disk when it must. Run as a process of its own: `crosspoint-bench native`.

mod ledger;

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bench_driver::{Bench, KIND};
use bytes::Bytes;
use clap::Args;
use crosspoint_contract::{Call, Fault, Header, HttpReply, Json, Outcome, Reply, Request, Verb};
use crosspoint_sdk::Driver as _;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use uuid::Uuid;

use super::workload::BACKEND;
use crate::host::CALLER;
use ledger::{Ledger, Mapping, Operation, State};

/// The longest body, of a caller or of the backend.
const BODY: usize = 1 << 20;
/// The longest that the backend may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// The hand-written relay that others are compared with
#[derive(Args, Debug)]
pub struct Native {
    #[arg(long)]
    listen: SocketAddr,
    #[arg(long)]
    origin: SocketAddr,
    #[arg(long)]
    data: PathBuf,
}

struct Relay {
    /// Tenants by the digests of their tokens.
    tokens: HashMap<[u8; 32], String>,
    ledger: Ledger,
    client: Client<HttpConnector, Full<Bytes>>,
    origin: SocketAddr,
}

/// What a caller asks for.
struct Asked {
    tenant: String,
    cmp_id: String,
    /// None for a read.
    spec: Option<Json>,
}

#[derive(Deserialize)]
struct Input {
    spec: Json,
}

#[derive(Serialize)]
struct Answer {
    mapping: Mapping,
    result: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<Operation>,
}

/// A refusal: status, and why.
type Refused = (StatusCode, String);

impl Native {
    pub fn run(&self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.serve())
    }

    async fn serve(&self) -> Result<()> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let relay = Arc::new(Relay {
            tokens: HashMap::from([(Sha256::digest(CALLER).into(), "acme".to_owned())]),
            ledger: Ledger::open(&self.data)?,
            client: Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector),
            origin: self.origin,
        });
        let listener = TcpListener::bind(self.listen).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let relay = Arc::clone(&relay);
            let service = service_fn(move |request| {
                let relay = Arc::clone(&relay);
                async move { Ok::<_, Infallible>(relay.answer(request).await) }
            });
            let connection =
                http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
            // How a caller leaves is the caller's business.
            tokio::spawn(async move { drop(connection.await) });
        }
    }
}

impl Relay {
    async fn answer(self: Arc<Self>, request: hyper::Request<Incoming>) -> hyper::Response<Full<Bytes>> {
        let answered = match self.asked(request).await {
            Ok(Asked { spec: None, tenant, cmp_id }) => self.read(tenant, cmp_id).await,
            // A caller who hangs up does not cut a change short.
            Ok(Asked { spec: Some(spec), tenant, cmp_id }) => {
                let change = tokio::spawn(async move { self.put(tenant, cmp_id, spec).await });
                change.await.unwrap_or_else(|error| Err(internal(&error)))
            }
            Err(refused) => Err(refused),
        };
        let answered = answered.and_then(|(status, answer)| {
            serde_json::to_vec(&answer).map(|body| (status, body)).map_err(|error| internal(&error))
        });
        let (status, body) = answered.unwrap_or_else(|(status, why)| {
            (status, serde_json::json!({"status": status.as_u16(), "detail": why}).to_string().into_bytes())
        });
        let mut response = hyper::Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
        response
    }

    /// Who asks for what.
    async fn asked(&self, request: hyper::Request<Incoming>) -> Result<Asked, Refused> {
        let token = request.headers().get(AUTHORIZATION).and_then(|it| it.as_bytes().strip_prefix(b"Bearer "));
        let tenant = token.and_then(|token| self.tokens.get(&<[u8; 32]>::from(Sha256::digest(token))));
        let tenant = tenant.ok_or((StatusCode::UNAUTHORIZED, "an unknown token".to_owned()))?.clone();
        let path = request.uri().path().strip_prefix("/v1/backends/").unwrap_or_default();
        let cmp_id = match path.split('/').collect::<Vec<_>>().as_slice() {
            [BACKEND, "objects", KIND, cmp_id] => (*cmp_id).to_owned(),
            _ => return Err((StatusCode::NOT_FOUND, "there is nothing here".to_owned())),
        };
        let spec = match *request.method() {
            Method::GET => None,
            Method::PUT => {
                let body = bytes_of(request.into_body()).await.map_err(|why| (StatusCode::BAD_REQUEST, why))?;
                let input: Input =
                    serde_json::from_slice(&body).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
                Some(input.spec)
            }
            _ => return Err((StatusCode::METHOD_NOT_ALLOWED, "use GET or PUT".to_owned())),
        };
        Ok(Asked { tenant, cmp_id, spec })
    }

    async fn read(&self, tenant: String, cmp_id: String) -> Result<(StatusCode, Answer), Refused> {
        let key = format!("{tenant}/{BACKEND}/{KIND}/{cmp_id}");
        let mapping = self.ledger.mapping(&key).map_err(|error| internal(&error))?;
        let mapping = mapping.ok_or((StatusCode::NOT_FOUND, "there is no such object".to_owned()))?;
        let call = call(Verb::Read, &key, tenant, cmp_id, &mapping);
        let outcome = self.exchange(&call).await.map_err(|doubt| (StatusCode::BAD_GATEWAY, doubt))?;
        let outcome = outcome.map_err(|fault| of_fault(&fault))?;
        Ok((StatusCode::OK, Answer { mapping, result: outcome.result, operation: None }))
    }

    async fn put(&self, tenant: String, cmp_id: String, spec: Json) -> Result<(StatusCode, Answer), Refused> {
        let key = format!("{tenant}/{BACKEND}/{KIND}/{cmp_id}");
        let mut mapping = self.ledger.mapping(&key).map_err(|error| internal(&error))?.unwrap_or_default();
        let verb = if mapping.backend_id.is_some() { Verb::Replace } else { Verb::Create };
        let mut call = call(verb.clone(), &key, tenant, cmp_id, &mapping);
        call.spec = spec.clone();
        let operation = Operation::new(call.operation_id.clone(), key, verb, spec);
        // What cannot be written leaves no trace.
        Bench::encode(&call).map_err(|fault| of_fault(&fault))?;
        let busy = || (StatusCode::CONFLICT, "another call on the object is under way".to_owned());
        let begun = self.ledger.begin(operation.clone()).await.map_err(|error| internal(&error))?;
        let mut operation = begun.then_some(operation).ok_or_else(busy)?;
        let reached = self.exchange(&call).await;
        // What was asked is kept until it is known what came of it.
        operation.spec = Json::null();
        let answered = match reached {
            Ok(Ok(outcome)) => {
                mapping.backend_id = outcome.backend_id.or(mapping.backend_id);
                mapping.revision = outcome.revision;
                operation.result = outcome.result.clone();
                operation.state = State::Succeeded;
                Ok(outcome.result)
            }
            Ok(Err(fault)) => {
                operation.state = if fault.leaves_doubt() { State::Unknown } else { State::Failed };
                Err(of_fault(&fault))
            }
            Err(doubt) => {
                operation.state = State::Unknown;
                Err((StatusCode::BAD_GATEWAY, doubt))
            }
        };
        self.ledger.settle(operation.clone(), mapping.clone()).await.map_err(|error| internal(&error))?;
        let status = if operation.verb == Verb::Create { StatusCode::CREATED } else { StatusCode::OK };
        answered.map(|result| (status, Answer { mapping, result, operation: Some(operation) }))
    }

    /// The one exchange: what the backend's reply means, or why there was none.
    async fn exchange(&self, call: &Call) -> Result<Result<Outcome, Fault>, String> {
        let exchange = match Bench::encode(call) {
            Ok(exchange) => exchange,
            Err(fault) => return Ok(Err(fault)),
        };
        let Request::Http(request) = exchange.request else { return Err("the driver speaks no HTTP".to_owned()) };
        let mut outgoing = hyper::Request::builder()
            .method(request.method.as_str())
            .uri(format!("http://{}{}", self.origin, request.target));
        for Header { name, value } in request.headers {
            outgoing = outgoing.header(name, value);
        }
        let outgoing = outgoing.body(Full::new(Bytes::from(request.body.0))).map_err(|error| error.to_string())?;
        let exchanged = async {
            let (head, body) = self.client.request(outgoing).await.map_err(|error| error.to_string())?.into_parts();
            let body = bytes_of(body).await?;
            let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| Header {
                name: name.to_string(),
                value: value.as_bytes().to_vec(),
            };
            let headers = head.headers.iter().map(header).collect();
            Ok(Reply::Http(HttpReply { status: head.status.as_u16(), headers, body: body.to_vec().into() }))
        };
        let reply = tokio::time::timeout(PATIENCE, exchanged).await;
        let reply: Reply = reply.unwrap_or_else(|_| Err("no reply in time".to_owned()))?;
        Ok(Bench::decode(call, exchange.context.as_ref(), &reply))
    }
}

fn call(verb: Verb, key: &str, tenant: String, cmp_id: String, mapping: &Mapping) -> Call {
    let mut call = Call::new(verb, KIND);
    call.operation_id = Uuid::now_v7().to_string();
    // A short mark that tells a stranger nothing.
    let digest = Sha256::digest(key);
    call.marker = format!("xp-{}", Uuid::from_slice(digest.get(..16).unwrap_or_default()).unwrap_or_default().simple());
    (call.tenant, call.cmp_id) = (tenant, Some(cmp_id));
    call.backend_id.clone_from(&mapping.backend_id);
    BACKEND.clone_into(&mut call.backend_name);
    call
}

async fn bytes_of<B: Body<Error = hyper::Error>>(body: B) -> Result<Bytes, String>
where
    B::Data: Into<Bytes>,
{
    Ok(Limited::new(body, BODY).collect().await.map_err(|error| error.to_string())?.to_bytes())
}

fn of_fault(fault: &Fault) -> Refused {
    let status = match fault {
        Fault::Invalid(_) | Fault::Unsupported(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Fault::NotFound(_) => StatusCode::NOT_FOUND,
        Fault::AlreadyExists(_) | Fault::Conflict(_) => StatusCode::CONFLICT,
        _ => StatusCode::BAD_GATEWAY,
    };
    (status, format!("{fault:?}"))
}

fn internal(error: &dyn std::fmt::Display) -> Refused {
    (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}"))
}

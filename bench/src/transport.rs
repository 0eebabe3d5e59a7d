mod framed;
mod grpc;
mod http;
mod load;
mod ssh;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use crosspoint::transport::{Authorization, Secrets, Settings, Transport as Way};
use crosspoint_contract::{AuthScheme, Description, EndpointRole, Exchange, Json, Limits, Protocol, Reply};
use tokio::runtime::Builder;

use crate::clock::us;
use crate::inflight::percentile;
use crate::report::Report;
use load::Samples;

const CROSSPOINT: &str = "crosspoint";
/// The client that is written by hand for this one wire, and does nothing else.
const RAW: &str = "raw";

/// What the host's transports cost: exchanges a second and their latency, beside a raw client on the same wire
///
/// Both speak to the same server in the same process, in turns. The raw client of a protocol that numbers its messages
/// keeps as many on one connection as there are callers; of any other it has a connection for each caller. No driver
/// takes part, and no record is written: `relay` measures whole calls.
#[derive(Args, Debug)]
pub struct Transport {
    /// Only wires whose names contain this
    #[arg(long)]
    wire: Option<String>,
    /// How long each round of each contestant lasts, in milliseconds [default: 1000; with --quick 250]
    #[arg(long)]
    millis: Option<u64>,
}

/// One protocol, a server that speaks it, and a raw client.
pub struct Wire {
    pub name: &'static str,
    pub protocol: Protocol,
    pub scheme: AuthScheme,
    pub secrets: Secrets,
    pub settings: Settings,
    /// The exchange of this number, which no other in flight has.
    pub exchange: fn(u64) -> Exchange,
    /// Whether a reply is the one to that exchange.
    pub is_reply: fn(u64, &Reply) -> bool,
    pub raw: Raw,
}

/// A raw client: so many callers, for so long.
pub type Raw = Box<dyn Fn(usize, Duration) -> Pin<Box<dyn Future<Output = Result<Samples>> + Send>>>;

impl Transport {
    pub fn run(&self, report: &mut Report, quick: bool) -> Result<()> {
        let round = Duration::from_millis(self.millis.unwrap_or(if quick { 250 } else { 1000 }));
        let rounds = if quick { 3 } else { 5 };
        Builder::new_multi_thread().enable_all().build()?.block_on(async {
            let mut wires = framed::wires().await?;
            wires.extend([http::wire().await?, grpc::wire().await?]);
            wires.extend(ssh::wires().await?);
            let wanted = |wire: &Wire| self.wire.as_ref().is_none_or(|part| wire.name.contains(part.as_str()));
            for wire in wires.iter().filter(|wire| wanted(wire)) {
                for callers in [1, 64] {
                    measure(wire, callers, rounds, round, report).await.with_context(|| wire.name)?;
                }
            }
            Ok(())
        })
    }
}

async fn measure(wire: &Wire, callers: usize, rounds: usize, round: Duration, report: &mut Report) -> Result<()> {
    let workload = format!("{}-{callers}", wire.name);
    eprintln!("{workload}");
    let description = description(wire);
    let way = Arc::new(Way::new(&description, &wire.settings).context("the wire's settings do not fit")?);
    let authorization = match wire.scheme {
        AuthScheme::Basic => Authorization::for_ssh(&wire.scheme, &wire.secrets),
        _ => Ok(Authorization::none()),
    };
    let authorization = Arc::new(authorization.context("the wire's secrets do not fit")?);
    let (mut ours, mut theirs) = (Samples::default(), Samples::default());
    // The first round of each is to warm up.
    for number in 0..=rounds {
        let done = load::through(&way, &authorization, wire.exchange, wire.is_reply, callers, round).await?;
        // On a worker thread, as our callers are.
        let raw = tokio::spawn((wire.raw)(callers, round)).await.context("the raw client failed")??;
        if number > 0 {
            ours.add(done);
            theirs.add(raw);
        }
    }
    for (contestant, samples) in [(CROSSPOINT, &mut ours), (RAW, &mut theirs)] {
        samples.latencies.sort_unstable();
        report.figure(&workload, contestant, "throughput", samples.throughput(), "exchange/s")?;
        report.figure(&workload, contestant, "p50", us(percentile(&samples.latencies, 50)), "us")?;
        report.figure(&workload, contestant, "p99", us(percentile(&samples.latencies, 99)), "us")?;
    }
    report.ratio(&workload, CROSSPOINT, "throughput", RAW, ours.throughput() / theirs.throughput())?;
    let p99 = |samples: &Samples| percentile(&samples.latencies, 99).as_secs_f64();
    report.ratio(&workload, CROSSPOINT, "p99", RAW, p99(&ours) / p99(&theirs))?;
    Ok(())
}

fn description(wire: &Wire) -> Description {
    Description {
        name: "bench".to_owned(),
        version: "0.0.0".to_owned(),
        summary: String::new(),
        protocol: wire.protocol.clone(),
        endpoints: vec![EndpointRole { name: "default".to_owned(), summary: String::new(), required: true }],
        authentication: vec![wire.scheme.clone()],
        configuration_schema: Json::from(serde_json::json!({})),
        kinds: Vec::new(),
        actions: Vec::new(),
        probe: false,
        limits: Limits::default(),
        extensions: Vec::new(),
    }
}

/// The settings of a backend at this address.
fn settings(url: String) -> Settings {
    Settings { endpoints: BTreeMap::from([("default".to_owned(), url)]), ..Settings::default() }
}

//! Generation 1 of the driver contract, `wit/v1`: how its types become the contract crate's, and its functions calls.
//!
//! What is sent to a driver is borrowed and written straight into its memory; what comes back is moved, never cloned.

mod bindings;
mod describe;
mod lift;
mod lower;

use crosspoint_contract::{Call, Description, Exchange, Fault, Outcome, Reply};
use tokio::sync::Semaphore;
use wasmtime::component::{Component, ComponentExportIndex, ComponentNamedList, InstancePre, Lift, Linker, Lower};

use super::engine::{Engine, Guest, metered};
use super::error::CallErrorKind;
use bindings::exports::crosspoint::driver::translator as wit;

/// The interface that a driver of this generation exports.
pub const INTERFACE: &str = "crosspoint:driver/translator@1.0.0";

/// A compiled driver of generation 1, ready to be instantiated.
pub struct Translator {
    engine: Engine,
    component: InstancePre<Guest>,
    describe: ComponentExportIndex,
    encode: ComponentExportIndex,
    decode: ComponentExportIndex,
    /// This driver's share of the engine's places.
    share: Semaphore,
}

impl Translator {
    /// Links the component against nothing at all and finds its three functions.
    ///
    /// # Errors
    /// Where the component imports something or lacks one of the functions.
    pub fn new(engine: &Engine, component: &Component) -> wasmtime::Result<Self> {
        let function = |name: &str| {
            let interface = component.get_export_index(None, INTERFACE);
            interface
                .and_then(|interface| component.get_export_index(Some(&interface), name))
                .ok_or_else(|| wasmtime::format_err!("it does not export `{name}` in `{INTERFACE}`"))
        };
        Ok(Self {
            engine: engine.clone(),
            // An empty linker is the policy: whatever a driver imports, it does not get.
            component: Linker::new(component.engine()).instantiate_pre(component)?,
            describe: function("describe")?,
            encode: function("encode")?,
            decode: function("decode")?,
            share: Semaphore::new(engine.share()),
        })
    }

    /// What the driver is.
    pub async fn describe(&self) -> Result<Description, CallErrorKind> {
        describe::description(self.run::<(), wit::Description>(&self.describe, ()).await?)
    }

    /// The one request that a call becomes.
    pub async fn encode(&self, call: &Call) -> Result<Result<Exchange, Fault>, CallErrorKind> {
        let extensions = lower::pairs(&call.extensions);
        let secrets = lower::secrets(call);
        let call = lower::call(call, &extensions, secrets.as_ref());
        match self.run::<_, Result<wit::Exchange, wit::Fault>>(&self.encode, (call,)).await? {
            Ok(exchange) => Ok(Ok(lift::exchange(exchange))),
            Err(fault) => Ok(Err(lift::fault(fault))),
        }
    }

    /// What a reply means.
    pub async fn decode(
        &self,
        call: &Call,
        context: &[u8],
        reply: &Reply,
    ) -> Result<Result<Outcome, Fault>, CallErrorKind> {
        let extensions = lower::pairs(&call.extensions);
        let secrets = lower::secrets(call);
        let call = lower::call(call, &extensions, secrets.as_ref());
        let headers = lower::headers(reply);
        let reply = lower::reply(reply, &headers);
        match self.run::<_, Result<wit::Outcome, wit::Fault>>(&self.decode, (call, context, reply)).await? {
            Ok(outcome) => lift::outcome(outcome).map(Ok),
            Err(fault) => Ok(Err(lift::fault(fault))),
        }
    }

    /// One function in a fresh instance.
    async fn run<P, R>(&self, function: &ComponentExportIndex, parameters: P) -> Result<R, CallErrorKind>
    where
        P: ComponentNamedList + Lower + Send + Sync,
        R: Lift + Send + Sync + 'static,
        (R,): ComponentNamedList + Lift,
    {
        // Closing is the only error of a semaphore, and nobody closes this one.
        let _share = self.share.acquire().await.ok();
        let mut cell = self.engine.cell().await;
        let deadline = self.engine.limits().deadline;
        let store = cell.store();
        let result = metered(deadline, self.engine.lanes(), async {
            let instance = self.component.instantiate_async(&mut *store).await?;
            store.data_mut().instantiated();
            let function = instance.get_typed_func::<P, (R,)>(&mut *store, function)?;
            function.call_async(&mut *store, parameters).await
        });
        match result.await {
            Ok(Ok((result,))) => Ok(result),
            Ok(Err(error)) => Err(cell.explain(&error)),
            Err(spent) => Err(CallErrorKind::Deadline { limit: deadline, spent }),
        }
    }
}

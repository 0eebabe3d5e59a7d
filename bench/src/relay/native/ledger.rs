//! Which object is which, and what became of each change: a redb file, whose one writer commits together whatever has
//! come in meanwhile.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use anyhow::{Context as _, Result, anyhow};
use crosspoint_contract::{Json, Verb};
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

const MAPPINGS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("mappings");
const OPERATIONS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("operations");

/// One object.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Mapping {
    pub backend_id: Option<String>,
    pub revision: Option<String>,
    /// The change that is under way.
    pub operation: Option<String>,
}

/// One change.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Operation {
    pub id: String,
    /// The object's.
    pub key: String,
    pub verb: Verb,
    pub state: State,
    pub spec: Json,
    pub result: Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Open,
    Succeeded,
    Failed,
    Unknown,
}

impl Operation {
    pub fn new(id: String, key: String, verb: Verb, spec: Json) -> Self {
        Self { id, key, verb, state: State::Open, spec, result: Json::null() }
    }
}

enum Change {
    Begin(Operation),
    Settle(Operation, Mapping),
}

struct Proposal {
    change: Change,
    /// Whether it was made, once that is durable.
    done: oneshot::Sender<Result<bool, String>>,
}

pub struct Ledger {
    database: Arc<Database>,
    proposals: Sender<Proposal>,
}

impl Ledger {
    pub fn open(path: &Path) -> Result<Self> {
        let database = Arc::new(Database::create(path)?);
        let tables = database.begin_write()?;
        tables.open_table(MAPPINGS)?;
        tables.open_table(OPERATIONS)?;
        tables.commit()?;
        let (proposals, proposed) = channel();
        let writer = Arc::clone(&database);
        thread::Builder::new().name("writer".to_owned()).spawn(move || write(&writer, &proposed))?;
        Ok(Self { database, proposals })
    }

    pub fn mapping(&self, key: &str) -> Result<Option<Mapping>> {
        let mappings = self.database.begin_read()?.open_table(MAPPINGS)?;
        mappings.get(key)?.map(|row| Ok(serde_json::from_slice(row.value())?)).transpose()
    }

    /// Records what is about to happen; false if something else is happening to the object.
    pub async fn begin(&self, operation: Operation) -> Result<bool> {
        self.propose(Change::Begin(operation)).await
    }

    /// Records what came of it, and what is known of the object now.
    pub async fn settle(&self, operation: Operation, mapping: Mapping) -> Result<()> {
        self.propose(Change::Settle(operation, mapping)).await.map(|_| ())
    }

    async fn propose(&self, change: Change) -> Result<bool> {
        let (done, outcome) = oneshot::channel();
        self.proposals.send(Proposal { change, done }).map_err(|_| anyhow!("the writer has ended"))?;
        outcome.await.context("the writer has ended")?.map_err(|error| anyhow!(error))
    }
}

fn write(database: &Database, proposed: &Receiver<Proposal>) {
    while let Ok(first) = proposed.recv() {
        let batch: Vec<_> = std::iter::once(first).chain(proposed.try_iter()).collect();
        let written = commit(database, &batch).map_err(|error| format!("{error:#}"));
        for (index, proposal) in batch.into_iter().enumerate() {
            let made = written.as_ref().map(|made| made.get(index).copied().unwrap_or(false)).map_err(String::clone);
            // Whoever asked may be gone.
            let _ = proposal.done.send(made);
        }
    }
}

fn commit(database: &Database, batch: &[Proposal]) -> Result<Vec<bool>> {
    let transaction = database.begin_write()?;
    let made = batch.iter().map(|proposal| apply(&transaction, &proposal.change)).collect::<Result<_>>()?;
    transaction.commit()?;
    Ok(made)
}

fn apply(transaction: &WriteTransaction, change: &Change) -> Result<bool> {
    let mut mappings = transaction.open_table(MAPPINGS)?;
    let mut operations = transaction.open_table(OPERATIONS)?;
    let (operation, mapping) = match change {
        Change::Begin(operation) => {
            let row = mappings.get(operation.key.as_str())?;
            let mapping =
                row.map(|row| serde_json::from_slice::<Mapping>(row.value())).transpose()?.unwrap_or_default();
            if mapping.operation.is_some() {
                return Ok(false);
            }
            (operation, Mapping { operation: Some(operation.id.clone()), ..mapping })
        }
        Change::Settle(operation, mapping) => {
            let open = (operation.state == State::Unknown).then(|| operation.id.clone());
            (operation, Mapping { operation: open, ..mapping.clone() })
        }
    };
    mappings.insert(operation.key.as_str(), serde_json::to_vec(&mapping)?.as_slice())?;
    operations.insert(operation.id.as_str(), serde_json::to_vec(operation)?.as_slice())?;
    Ok(true)
}

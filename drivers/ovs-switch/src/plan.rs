//! One `transact` in the making.

use crosspoint_sdk::json_rpc::Version;
use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use crate::column::uuid;

const DATABASE: &str = "Open_vSwitch";
/// The table of one row that stands for the switch.
pub const SWITCH: &str = "Open_vSwitch";

/// What an operation is there for, and with that, how its answer is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It does something, and its answer says no more than that.
    Effect,
    /// Something must be so, and this is what it means if it is not.
    Demand(Fault),
    /// Rows that would be in the way of a new one.
    Existing,
    /// The objects that are asked for.
    Objects,
    /// Interfaces, each by its own name.
    Interfaces,
    /// Bridges, each with what belongs to it.
    Bridges,
    /// The row of the switch.
    Switch,
}

/// A list of operations that happen together or not at all.
#[derive(Debug, Default)]
pub struct Plan {
    operations: Vec<Value>,
    roles: Vec<Role>,
}

impl Plan {
    pub fn push(&mut self, role: Role, operation: Value) {
        self.operations.push(operation);
        self.roles.push(role);
    }

    /// Rows for which all conditions hold, with these columns.
    pub fn select(&mut self, role: Role, table: &str, conditions: &[Value], columns: &[&str]) {
        self.push(role, json!({"op": "select", "table": table, "where": conditions, "columns": columns}));
    }

    /// There must be such a row; else nothing happens, and the call ends with this fault.
    pub fn demand(&mut self, table: &str, conditions: &[Value], fault: Fault) {
        self.push(Role::Demand(fault), wait(table, conditions, "!=", &json!([]), &[]));
    }

    /// There must be no such row.
    pub fn forbid(&mut self, table: &str, conditions: &[Value], fault: Fault) {
        self.push(Role::Demand(fault), wait(table, conditions, "==", &json!([]), &[]));
    }

    /// The row must hold exactly this in these columns. What `row` leaves out stands for the columns' defaults.
    pub fn demand_row(&mut self, table: &str, condition: Value, columns: &[&str], row: &Value, fault: Fault) {
        self.push(Role::Demand(fault), wait(table, &[condition], "==", &json!([row]), columns));
    }

    pub fn insert(&mut self, table: &str, name: &str, row: &Value) {
        self.push(Role::Effect, json!({"op": "insert", "table": table, "uuid-name": name, "row": row}));
    }

    pub fn update(&mut self, table: &str, condition: &Value, row: &Value) {
        self.push(Role::Effect, json!({"op": "update", "table": table, "where": [condition], "row": row}));
    }

    pub fn mutate(&mut self, table: &str, conditions: &[Value], mutations: &[Value]) {
        self.push(Role::Effect, json!({"op": "mutate", "table": table, "where": conditions, "mutations": mutations}));
    }

    pub fn delete(&mut self, table: &str, condition: &Value) {
        self.push(Role::Effect, json!({"op": "delete", "table": table, "where": [condition]}));
    }

    /// What ends every change: the daemon is told to look (it sets `cur_cfg` to the `next_cfg` that it has put into
    /// effect), and the database writes to its disk before it answers.
    pub fn commit(&mut self) {
        self.mutate(SWITCH, &[], &[json!(["next_cfg", "+=", 1])]);
        self.select(Role::Switch, SWITCH, &[], &["next_cfg"]);
        self.push(Role::Effect, json!({"op": "commit", "durable": true}));
    }

    /// The exchange, with the roles as its context.
    pub fn into_exchange(self, call: &Call) -> Result<Exchange, Fault> {
        let params: Vec<Value> = [json!(DATABASE)].into_iter().chain(self.operations).collect();
        let context = Json::of(&self.roles).map_err(|error| Fault::Other(error.to_string()))?;
        let exchange = message(Version::V1.request(call, "transact", &params)?);
        Ok(Exchange { context: Bytes::from(context.into_string()), ..exchange })
    }
}

/// The condition of the row with this id.
pub fn is(id: &str) -> Value {
    json!(["_uuid", "==", uuid(id)])
}

/// The condition of rows with this name.
pub fn named(name: &str) -> Value {
    json!(["name", "==", name])
}

/// A condition that ends the transaction at once where it does not hold: a timeout of 0 is no wait at all.
fn wait(table: &str, conditions: &[Value], until: &str, rows: &Value, columns: &[&str]) -> Value {
    json!({
        "op": "wait", "table": table, "where": conditions, "columns": columns, "until": until, "rows": rows,
        "timeout": 0,
    })
}

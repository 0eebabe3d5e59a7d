//! The tables of a virtual domain.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use serde_json::{Map, Value, json};

use super::answer::{Answer, Asked};
use super::check::{Refused, Takes, check, references};
use super::query::Query;

pub const NAMES: [&str; 4] = ["address", "addrgrp", "policy", "vip"];

type Entry = Map<String, Value>;
type Member = (&'static str, Takes, Option<&'static str>);

const SWITCH: Takes = Takes::Word(&["enable", "disable"]);

/// A virtual domain.
pub struct Domain {
    tables: [Table; 4],
}

/// A table: its entries in order, and how often it was changed.
pub struct Table {
    name: &'static str,
    key: &'static str,
    /// Names, what they take, and the default as JSON; without one the member is needed.
    members: &'static [Member],
    entries: Vec<Entry>,
    changes: u64,
}

const ADDRESS: &[Member] = &[
    ("name", Takes::Text(79), None),
    ("type", Takes::Word(&["ipmask", "iprange", "fqdn", "geography", "wildcard", "dynamic"]), Some("\"ipmask\"")),
    ("subnet", Takes::Subnet, Some("\"0.0.0.0 0.0.0.0\"")),
    ("start-ip", Takes::Address, Some("\"0.0.0.0\"")),
    ("end-ip", Takes::Address, Some("\"0.0.0.0\"")),
    ("fqdn", Takes::Text(255), Some("\"\"")),
    ("associated-interface", Takes::Name(&["interface"]), Some("\"\"")),
    ("allow-routing", SWITCH, Some("\"disable\"")),
    ("comment", Takes::Text(255), Some("\"\"")),
    ("color", Takes::Number(0, 32), Some("0")),
];

const ADDRGRP: &[Member] = &[
    ("name", Takes::Text(79), None),
    ("member", Takes::Names(&["address", "addrgrp"]), None),
    ("allow-routing", SWITCH, Some("\"disable\"")),
    ("comment", Takes::Text(255), Some("\"\"")),
    ("color", Takes::Number(0, 32), Some("0")),
];

const POLICY: &[Member] = &[
    ("policyid", Takes::Number(0, 4_294_967_294), Some("0")),
    ("name", Takes::Text(35), None),
    ("srcintf", Takes::Names(&["interface"]), None),
    ("dstintf", Takes::Names(&["interface"]), None),
    ("srcaddr", Takes::Names(&["address", "addrgrp"]), None),
    ("dstaddr", Takes::Names(&["address", "addrgrp", "vip"]), None),
    ("service", Takes::Names(&["service"]), None),
    ("action", Takes::Word(&["accept", "deny", "ipsec"]), Some("\"deny\"")),
    ("schedule", Takes::Name(&["schedule"]), None),
    ("status", SWITCH, Some("\"enable\"")),
    ("nat", SWITCH, Some("\"disable\"")),
    ("logtraffic", Takes::Word(&["all", "utm", "disable"]), Some("\"utm\"")),
    ("comments", Takes::Text(1023), Some("\"\"")),
];

const VIP: &[Member] = &[
    ("name", Takes::Text(79), None),
    ("type", Takes::Word(&["static-nat", "load-balance", "fqdn"]), Some("\"static-nat\"")),
    ("extip", Takes::Addresses, Some("\"0.0.0.0\"")),
    ("mappedip", Takes::Ranges, None),
    ("extintf", Takes::Name(&["interface"]), Some("\"any\"")),
    ("portforward", SWITCH, Some("\"disable\"")),
    ("protocol", Takes::Word(&["tcp", "udp", "sctp", "icmp"]), Some("\"tcp\"")),
    ("extport", Takes::Ports, Some("\"0-65535\"")),
    ("mappedport", Takes::Ports, Some("\"0-65535\"")),
    ("comment", Takes::Text(255), Some("\"\"")),
    ("color", Takes::Number(0, 32), Some("0")),
];

impl Domain {
    /// With an address for everything, one more, and a policy.
    pub fn new() -> Self {
        let table = |name, key, members| Table { name, key, members, entries: Vec::new(), changes: 0 };
        let mut domain = Self {
            tables: [
                table("address", "name", ADDRESS),
                table("addrgrp", "name", ADDRGRP),
                table("policy", "policyid", POLICY),
                table("vip", "name", VIP),
            ],
        };
        let policy = json!({
            "name": "first", "srcintf": [{"name": "any"}], "dstintf": [{"name": "any"}], "srcaddr": [{"name": "all"}],
            "dstaddr": [{"name": "all"}], "service": [{"name": "ALL"}], "schedule": "always", "action": "deny",
        });
        for (name, entry) in [
            ("address", json!({"name": "all"})),
            ("address", json!({"name": "server", "subnet": "192.0.2.80 255.255.255.255"})),
            ("policy", policy),
        ] {
            assert!(domain.insert(name, entry.as_object().unwrap()).is_ok());
        }
        domain
    }

    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    fn table_mut(&mut self, name: &str) -> &mut Table {
        self.tables.iter_mut().find(|table| table.name == name).unwrap()
    }

    pub fn answer(&mut self, asked: &Asked, query: &Query, headers: &HeaderMap, body: &Bytes) -> Answer {
        let body = || {
            let is_json = headers.get("content-type").is_some_and(|value| value == "application/json");
            serde_json::from_slice::<Entry>(body).ok().filter(|_| is_json)
        };
        let table = asked.table.as_str();
        match (&asked.method, asked.key.as_deref(), query.action.as_deref()) {
            (&Method::GET, key, None) => self.get(table, key, query),
            (&Method::POST, None, None) => match body() {
                Some(entry) => self.insert(table, &entry).unwrap_or_else(refusal),
                None => Answer::status(400),
            },
            (&Method::PUT, Some(key), None) => match body() {
                Some(entry) => self.change(table, key, entry),
                None => Answer::status(400),
            },
            (&Method::PUT, Some(key), Some("move")) if table == "policy" => self.table_mut(table).place(key, query),
            (&Method::DELETE, Some(key), None) => self.remove(table, key),
            _ => Answer::status(405),
        }
    }

    fn get(&self, table: &str, key: Option<&str>, query: &Query) -> Answer {
        let table = self.table(table).unwrap();
        let found: Vec<Value> = match key {
            Some(key) => table.get(key).map(|entry| query.shown(entry)).into_iter().collect(),
            None => {
                let fits = |entry: &&Entry| query.filter.as_ref().is_none_or(|filter| filter.fits(entry));
                let all = table.entries.iter().filter(fits).skip(query.start);
                all.take(query.count.unwrap_or(usize::MAX)).map(|entry| query.shown(entry)).collect()
            }
        };
        if key.is_some() && found.is_empty() {
            return Answer::status(404);
        }
        Answer::success(&json!({"results": found, "revision": table.revision()}))
    }

    fn insert(&mut self, name: &str, given: &Entry) -> Result<Answer, Refused> {
        let table = self.table(name).unwrap();
        let mut entry = table.defaults();
        entry.extend(given.clone());
        self.check(name, given)?;
        if let Some((needed, ..)) = table.members.iter().find(|(name, ..)| !entry.contains_key(*name)) {
            // A policy is always on schedule unless it says otherwise.
            match *needed {
                "schedule" => drop(entry.insert("schedule".to_owned(), "always".into())),
                needed => return Err((-20, format!("attribute '{needed}' must be set"))),
            }
        }
        let named = entry["name"].as_str().unwrap_or_default();
        // Addresses and their groups share their names.
        let shared: &[&str] = if name.starts_with("addr") { &["address", "addrgrp"] } else { &[name] };
        let taken = |entry: &Entry| entry["name"] == named;
        if named.is_empty() || shared.iter().any(|name| self.table(name).unwrap().entries.iter().any(taken)) {
            return Err((if named.is_empty() { -20 } else { -5 }, "object already exists".to_owned()));
        }
        let table = self.table_mut(name);
        let mkey = table.append(entry);
        Ok(table.changed(&mkey))
    }

    fn change(&mut self, name: &str, key: &str, given: Entry) -> Answer {
        if self.table(name).unwrap().get(key).is_none() {
            return Answer::error(404, -3, None);
        }
        if let Err(refused) = self.check(name, &given) {
            return refusal(refused);
        }
        let table = self.table_mut(name);
        let place = table.place_of(key).unwrap();
        let renames = given.get(table.key).is_some_and(|new| key_of(new) != key);
        // It can be done on an appliance, but no test is about that.
        assert!(!renames, "an entry of {name} was to be renamed");
        table.entries[place].extend(given);
        let mkey = table.entries[place][table.key].clone();
        table.changed(&mkey)
    }

    fn remove(&mut self, name: &str, key: &str) -> Answer {
        let Some(place) = self.table(name).unwrap().place_of(key) else { return Answer::error(404, -3, None) };
        if self.is_used(name, key) {
            return Answer::error(500, -23, None);
        }
        let table = self.table_mut(name);
        table.entries.remove(place);
        table.changed(&json!(key))
    }

    fn is_used(&self, name: &str, key: &str) -> bool {
        let refers = |(tables, named): (&[&str], String)| tables.contains(&name) && named == key;
        let uses = |table: &Table, entry: &Entry| {
            table.members.iter().any(|(member, takes, _)| references(*takes, &entry[*member]).into_iter().any(refers))
        };
        self.tables.iter().any(|table| table.entries.iter().any(|entry| uses(table, entry)))
    }

    fn check(&self, name: &str, given: &Entry) -> Result<(), Refused> {
        for (member, value) in given {
            let known = self.table(name).unwrap().members.iter().find(|(name, ..)| name == member);
            let Some((_, takes, _)) = known else {
                return Err((-651, format!("command parse error before '{member}'")));
            };
            check(member, *takes, value)?;
            for (tables, named) in references(*takes, value) {
                if !tables.iter().any(|table| self.has(table, &named)) {
                    let complaint = format!("entry not found in datasource\n\nvalue parse error before '{named}'");
                    return Err((-3, complaint));
                }
            }
        }
        Ok(())
    }

    fn has(&self, table: &str, key: &str) -> bool {
        match table {
            "interface" => ["any", "wan1", "internal"].contains(&key),
            "service" => ["ALL", "HTTP", "HTTPS"].contains(&key),
            "schedule" => ["always", "none"].contains(&key),
            table => self.table(table).unwrap().get(key).is_some(),
        }
    }
}

impl Table {
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.place_of(key).map(|place| &self.entries[place])
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn place_of(&self, key: &str) -> Option<usize> {
        self.entries.iter().position(|entry| key_of(&entry[self.key]) == key)
    }

    fn defaults(&self) -> Entry {
        let default =
            |(name, _, default): &Member| Some(((*name).to_owned(), serde_json::from_str(default.as_ref()?).unwrap()));
        self.members.iter().filter_map(default).collect()
    }

    /// Gives its key; a policy without a number gets one.
    fn append(&mut self, mut entry: Entry) -> Value {
        if entry[self.key] == 0 {
            let last = self.entries.iter().filter_map(|entry| entry[self.key].as_u64()).max();
            entry.insert(self.key.to_owned(), (last.unwrap_or(0) + 1).into());
        }
        let key = entry[self.key].clone();
        entry.insert("q_origin_key".to_owned(), key.clone());
        entry.insert("uuid".to_owned(), format!("5e1a0000-0000-51ee-0000-{:012x}", self.changes).into());
        self.entries.push(entry);
        key
    }

    /// Moves a policy before or after another.
    fn place(&mut self, key: &str, query: &Query) -> Answer {
        let Some(from) = self.place_of(key) else { return Answer::error(404, -3, None) };
        let (other, after) = match (&query.before, &query.after) {
            (Some(other), None) => (other, 0),
            (None, Some(other)) => (other, 1),
            _ => return Answer::status(400),
        };
        if self.place_of(other).is_none() {
            return refusal((-3, format!("entry not found\n\nvalue parse error before '{other}'")));
        }
        let entry = self.entries.remove(from);
        // Before or after itself it stays where it is.
        let to = self.place_of(other).map_or(from, |place| place + after);
        self.entries.insert(to, entry);
        let mut answer = self.changed(&json!(key));
        answer.with("action", "move".into());
        answer
    }

    fn revision(&self) -> String {
        format!("{:032x}", self.changes)
    }

    fn changed(&mut self, mkey: &Value) -> Answer {
        let before = self.revision();
        self.changes += 1;
        Answer::success(&json!({
            "mkey": mkey, "revision": self.revision(), "old_revision": before, "revision_changed": true,
        }))
    }
}

fn key_of(key: &Value) -> String {
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}

fn refusal((code, complaint): Refused) -> Answer {
    Answer::error(500, code, Some(complaint))
}

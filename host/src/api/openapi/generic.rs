//! The operations that do not depend on what is loaded.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::api::health::HealthBody;
use crate::api::problem::ProblemBody;
use crate::api::render::{AnswerBody, List, MappingBody, OperationBody};
use crate::api::{backends, drivers, events, mappings, objects, operations as ops};
use crate::relay::BackendSettings;

type Schema = fn(&mut SchemaGenerator) -> Value;

/// One operation of the API.
pub struct Operation {
    /// The route in the router's table.
    pub route: &'static str,
    /// The HTTP method, lower case.
    pub method: &'static str,
    /// What follows the route: `:adopt` and the like.
    pub suffix: &'static str,
    id: &'static str,
    summary: &'static str,
    /// How many backend exchanges it makes.
    exchanges: u8,
    query: Option<Schema>,
    body: Option<(&'static str, Schema)>,
    /// The statuses that are answered with the content below.
    statuses: &'static [u16],
    content: Option<(&'static str, Schema)>,
    conditional: bool,
    public: bool,
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

/// A schema that is not shared, for queries, whose members become parameters.
fn inline<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    T::json_schema(generator).to_value()
}

const JSON: &str = "application/json";

impl Operation {
    fn new(route: &'static str, method: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self {
            route,
            method,
            suffix: "",
            id,
            summary,
            exchanges: 0,
            query: None,
            body: None,
            statuses: &[200],
            content: None,
            conditional: false,
            public: false,
        }
    }

    fn suffix(self, suffix: &'static str) -> Self {
        Self { suffix, ..self }
    }

    fn exchange(self) -> Self {
        Self { exchanges: 1, ..self }
    }

    fn conditional(self) -> Self {
        Self { conditional: true, ..self }
    }

    fn public(self) -> Self {
        Self { public: true, ..self }
    }

    fn query<T: JsonSchema>(self) -> Self {
        Self { query: Some(inline::<T>), ..self }
    }

    fn takes<T: JsonSchema>(self) -> Self {
        Self { body: Some((JSON, schema::<T>)), ..self }
    }

    fn gives<T: JsonSchema>(self, statuses: &'static [u16]) -> Self {
        self.gives_as(JSON, statuses, schema::<T>)
    }

    fn gives_as(self, media: &'static str, statuses: &'static [u16], schema: Schema) -> Self {
        Self { statuses, content: Some((media, schema)), ..self }
    }

    fn gives_nothing(self) -> Self {
        Self { statuses: &[204], content: None, ..self }
    }

    /// The answer about an object, or with `dry_run` what would be sent.
    fn answers(self, statuses: &'static [u16]) -> Self {
        fn either(generator: &mut SchemaGenerator) -> Value {
            json!({ "anyOf": [schema::<AnswerBody>(generator), schema::<objects::DryRunBody>(generator)] })
        }
        self.gives_as(JSON, statuses, either)
    }

    /// The address and the method under which the document shows it.
    pub fn addresses(&self) -> Vec<(String, &'static str)> {
        vec![(format!("{}{}", self.route, self.suffix), self.method)]
    }

    /// The OpenAPI operation object.
    pub fn render(&self, generator: &mut SchemaGenerator) -> Value {
        let mut parameters: Vec<Value> = path_parameters(self.route);
        if let Some(query) = self.query {
            parameters.extend(query_parameters(&query(generator)));
        }
        if self.conditional {
            parameters.extend(condition_headers());
        }
        let mut responses = Map::new();
        let content = self.content.map(|(media, schema)| json!({ media: { "schema": schema(generator) } }));
        for status in self.statuses {
            let description = if *status < 400 { "Done." } else { "Not now." };
            responses.insert(status.to_string(), response(description, content.clone()));
        }
        let problem = json!({ "application/problem+json": { "schema": schema::<ProblemBody>(generator) } });
        responses.insert(
            "default".to_owned(),
            response("Why it was not done, and whether the backend was reached.", Some(problem)),
        );
        let mut operation = json!({
            "operationId": self.id,
            "summary": self.summary,
            "x-crosspoint-exchanges": self.exchanges,
            "parameters": parameters,
            "responses": responses,
        });
        let Some(members) = operation.as_object_mut() else { return operation };
        if let Some((media, schema)) = self.body {
            members.insert("requestBody".to_owned(), json!({ "content": { media: { "schema": schema(generator) } } }));
        }
        if self.public {
            members.insert("security".to_owned(), json!([]));
        }
        operation
    }
}

fn response(description: &str, content: Option<Value>) -> Value {
    match content {
        Some(content) => json!({ "description": description, "content": content }),
        None => json!({ "description": description }),
    }
}

fn path_parameters(route: &str) -> Vec<Value> {
    let names = route.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(path_parameter).collect()
}

/// A parameter of a path, with what it may be.
pub fn path_parameter(name: &str) -> Value {
    let schema = match name {
        // 512 bytes, which may be fewer characters.
        "cmp_id" => {
            json!({ "type": "string", "minLength": 1, "maxLength": 512, "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$" })
        }
        "id" => json!({ "type": "string", "format": "uuid" }),
        _ => json!({ "type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[A-Za-z0-9_][A-Za-z0-9._-]*$" }),
    };
    json!({ "name": name, "in": "path", "required": true, "schema": schema })
}

/// The query of a route, parameter by parameter.
pub fn query_parameters_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Vec<Value> {
    query_parameters(&inline::<T>(generator))
}

fn query_parameters(schema: &Value) -> Vec<Value> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Vec::new() };
    let parameter = |(name, schema): (&String, &Value)| {
        json!({
            "name": name,
            "in": "query",
            "description": schema.get("description").cloned().unwrap_or_default(),
            "schema": present(schema),
        })
    };
    properties.iter().map(parameter).collect()
}

/// The schema of a parameter that is there: none is written `null`, it is left out.
fn present(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(members) = schema.as_object_mut() {
        members.remove("description");
        members.remove("default");
        if let Some(Value::Array(types)) = members.get_mut("type") {
            types.retain(|kind| kind != "null");
        }
        if let Some(Value::Array(choices)) = members.get_mut("anyOf") {
            choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
        }
    }
    schema
}

/// The headers that routes with one exchange honour.
pub fn condition_headers() -> Vec<Value> {
    let header = |name: &str, pattern: &str, description: &str| json!({ "name": name, "in": "header", "description": description, "schema": { "type": "string", "pattern": pattern } });
    vec![
        header(
            "Idempotency-Key",
            "^[!-~]{1,255}$",
            "Calls with the same key are one call: the second gets the first one's answer. Required on actions.",
        ),
        header(
            "If-Match",
            r#"^(\*|"[!#-~]*")$"#,
            "`*`: only if mapped. `\"TAG\"`: only if the object still has this entity tag.",
        ),
        header("If-None-Match", r"^\*$", "`*`: only if not mapped."),
    ]
}

/// Every operation.
#[allow(clippy::too_many_lines, reason = "one table, an entry an operation")]
pub fn operations() -> Vec<Operation> {
    const OBJECTS: &str = "/v1/backends/{backend}/objects/{kind}";
    const OBJECT: &str = "/v1/backends/{backend}/objects/{kind}/{cmp_id}";
    const ACTION: &str = "/v1/backends/{backend}/objects/{kind}/{cmp_id}/actions/{action}";
    const BACKEND: &str = "/v1/backends/{backend}";
    const OPERATION: &str = "/v1/operations/{id}";
    const DRIVER: &str = "/v1/drivers/{driver}";
    let op = Operation::new;
    let object = |method, id, summary| {
        op(OBJECT, method, id, summary).exchange().query::<objects::ObjectQuery>().answers(&[200])
    };
    vec![
        op(OBJECTS, "get", "listObjects", "List what the backend has of a kind")
            .exchange()
            .query::<objects::ListQuery>()
            .gives::<objects::ListingBody>(&[200]),
        object("get", "readObject", "Read an object at its backend"),
        object(
            "put",
            "putObject",
            "Create an object, or replace it if it is mapped (201 when created, 202 while the backend works on it)",
        )
        .conditional()
        .takes::<objects::ObjectInput>()
        .answers(&[200, 201, 202]),
        object("patch", "updateObject", "Change what the spec names")
            .conditional()
            .takes::<objects::ObjectInput>()
            .answers(&[200, 202]),
        object("delete", "deleteObject", "Delete an object at its backend").conditional().answers(&[200, 202]),
        object("post", "adoptObject", "Bind an object that exists at the backend")
            .suffix(":adopt")
            .takes::<objects::AdoptInput>(),
        Operation {
            exchanges: 0,
            ..object("post", "releaseObject", "Forget an object and leave its backend alone").suffix(":release")
        },
        op(ACTION, "post", "actOnObject", "Perform a named action on an object")
            .exchange()
            .conditional()
            .query::<objects::ObjectQuery>()
            .takes::<objects::ObjectInput>()
            .answers(&[200, 202]),
        op("/v1/backends/{backend}/actions/{action}", "post", "actOnBackend", "Perform a named action on a backend")
            .exchange()
            .conditional()
            .query::<objects::ObjectQuery>()
            .takes::<objects::ObjectInput>()
            .answers(&[200, 202]),
        op("/v1/mappings", "get", "listMappings", "List mappings")
            .query::<mappings::MappingQuery>()
            .gives::<List<MappingBody>>(&[200]),
        op("/v1/mappings:lookup", "post", "lookupMappings", "Look mappings up, by CMP id or by backend id")
            .takes::<mappings::LookupInput>()
            .gives::<mappings::LookupBody>(&[200]),
        op("/v1/operations", "get", "listOperations", "List operations, the latest first")
            .query::<ops::OperationQuery>()
            .gives::<List<OperationBody>>(&[200]),
        op(OPERATION, "get", "getOperation", "Show an operation").gives::<OperationBody>(&[200]),
        op(OPERATION, "post", "refreshOperation", "Ask the backend how a pending operation gets on")
            .suffix(":refresh")
            .exchange()
            .gives::<AnswerBody>(&[200, 202]),
        op(
            OPERATION,
            "post",
            "resolveOperation",
            "End doubt about an operation: by asking the backend (one exchange), or by decision (none)",
        )
        .suffix(":resolve")
        .exchange()
        .takes::<ops::ResolveInput>()
        .gives::<AnswerBody>(&[200, 202]),
        op(
            "/v1/events",
            "get",
            "followEvents",
            "Follow what happens, as server-sent events; resumes with Last-Event-ID",
        )
        .query::<events::EventQuery>()
        .with_stream(),
        op("/v1/backends", "get", "listBackends", "List backends").gives::<backends::BackendsBody>(&[200]),
        op(BACKEND, "get", "getBackend", "Show a backend").gives::<backends::BackendBody>(&[200]),
        op(BACKEND, "put", "putBackend", "Configure a backend (201 when new)")
            .takes::<BackendSettings>()
            .gives::<backends::BackendBody>(&[200, 201]),
        op(BACKEND, "delete", "removeBackend", "Remove a backend that has no mappings").gives_nothing(),
        op(BACKEND, "post", "probeBackend", "Ask a backend whether it answers")
            .suffix(":probe")
            .exchange()
            .gives::<backends::ProbeBody>(&[200]),
        op("/v1/drivers", "get", "listDrivers", "List drivers, and the packages that were not accepted")
            .gives::<drivers::DriversBody>(&[200]),
        op("/v1/drivers", "post", "loadDriver", "Load a driver package")
            .query::<drivers::LoadQuery>()
            .with_package()
            .gives::<drivers::LoadedBody>(&[201]),
        op(DRIVER, "get", "getDriver", "Show a driver and its description").gives::<drivers::DriverBody>(&[200]),
        op(DRIVER, "delete", "removeDriver", "Remove a driver that no backend uses").gives_nothing(),
        op(DRIVER, "post", "activateDriver", "Make another package the active one")
            .suffix(":activate")
            .takes::<drivers::ActivateInput>()
            .gives::<drivers::DriverBody>(&[200]),
        op(DRIVER, "post", "rollBackDriver", "Go back to the package that was active before")
            .suffix(":rollback")
            .gives::<drivers::DriverBody>(&[200]),
        op("/livez", "get", "live", "The process serves HTTP").public().gives::<HealthBody>(&[200]),
        op("/readyz", "get", "ready", "Calls can be served").public().gives::<HealthBody>(&[200, 503]),
        op("/leaderz", "get", "leader", "This node acts on mutating calls").public().gives::<HealthBody>(&[200, 503]),
        op("/metrics", "get", "metrics", "Metrics, OpenMetrics text").gives_as(
            "application/openmetrics-text",
            &[200],
            schema::<String>,
        ),
        op("/openapi.json", "get", "openapi", "This document").gives_as(super::MEDIA_TYPE, &[200], schema::<Value>),
    ]
}

impl Operation {
    fn with_stream(self) -> Self {
        self.gives_as("text/event-stream", &[200], schema::<events::EventBody>)
    }

    fn with_package(self) -> Self {
        fn package(_: &mut SchemaGenerator) -> Value {
            json!({ "type": "string", "contentMediaType": "application/wasm", "description": "The package." })
        }
        Self { body: Some(("application/wasm", package)), ..self }
    }
}

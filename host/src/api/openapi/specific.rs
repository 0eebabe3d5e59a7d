//! The operations that the loaded drivers bring: for each backend, its kinds with their schemas.

use crosspoint_contract::{Action, Description, Kind, Verb};
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use super::generic::{condition_headers, path_parameter, query_parameters_of};
use crate::api::objects::{ListQuery, ObjectQuery};
use crate::driver::Digest;

/// The parameters of each sort of route.
struct Parameters {
    list: Vec<Value>,
    object: Vec<Value>,
}

impl Parameters {
    fn new(generator: &mut SchemaGenerator) -> Self {
        Self {
            list: query_parameters_of::<ListQuery>(generator),
            object: query_parameters_of::<ObjectQuery>(generator),
        }
    }

    /// Those of a route about one object, or about the backend as a whole.
    fn of(&self, id: Option<&str>, changes: bool) -> Vec<Value> {
        let path = id.map(path_parameter);
        let headers = if changes { condition_headers() } else { Vec::new() };
        path.into_iter().chain(self.object.iter().cloned()).chain(headers).collect()
    }
}

/// Adds the paths of one backend.
pub fn add(paths: &mut Map<String, Value>, generator: &mut SchemaGenerator, backend: &str, description: &Description) {
    let parameters = Parameters::new(generator);
    for kind in &description.kinds {
        let base = format!("/v1/backends/{backend}/objects/{}", kind.name);
        if kind.supports(&Verb::List).is_some() {
            let mut operation = operation(backend, kind, "list", &format!("List {}", kind.summary), &parameters.list);
            answers(
                &mut operation,
                &json!({ "type": "object", "properties": { "items": { "type": "array", "items": { "type": "object", "properties": { "backend_id": { "type": "string" }, "cmp_id": { "type": ["string", "null"] }, "result": kind.result_schema.value() } } }, "next_page": { "type": ["string", "null"] } } }),
            );
            paths.insert(base.clone(), json!({ "get": operation }));
        }
        paths.insert(format!("{base}/{{cmp_id}}"), Value::Object(object_methods(backend, kind, &parameters)));
        for action in &kind.actions {
            let operation = action_operation(backend, &kind.name, action, &parameters.of(Some("cmp_id"), true));
            paths.insert(format!("{base}/{{cmp_id}}/actions/{}", action.name), json!({ "post": operation }));
        }
    }
    for action in &description.actions {
        let operation = action_operation(backend, "", action, &parameters.of(None, true));
        paths.insert(format!("/v1/backends/{backend}/actions/{}", action.name), json!({ "post": operation }));
    }
}

fn object_methods(backend: &str, kind: &Kind, parameters: &Parameters) -> Map<String, Value> {
    let mut methods = Map::new();
    let spec = kind.spec_schema.value();
    let can = |verb: &Verb| kind.supports(verb).is_some();
    let mut method = |name: &str, verb: &str, summary: &str, spec: Option<Value>| {
        let changes = name != "get";
        let summary = format!("{summary} {}", kind.summary);
        let mut operation = operation(backend, kind, verb, &summary, &parameters.of(Some("cmp_id"), changes));
        if let Some(members) = operation.as_object_mut().filter(|_| changes) {
            let judge = if kind.conditional { "backend" } else { "mapping" };
            members.insert("x-crosspoint-preconditions".to_owned(), Value::from(judge));
        }
        if let Some(spec) = spec {
            takes(&mut operation, &spec);
        }
        answers(&mut operation, &answer(&kind.result_schema.value()));
        methods.insert(name.to_owned(), operation);
    };
    if can(&Verb::Read) {
        method("get", "read", "Read:", None);
    }
    if can(&Verb::Create) || can(&Verb::Replace) {
        method("put", "put", "Create or replace:", Some(spec));
    }
    if can(&Verb::Update) {
        method("patch", "update", "Change:", kind.patch_schema.as_ref().map(crosspoint_contract::Json::value));
    }
    if can(&Verb::Delete) {
        method("delete", "delete", "Delete:", None);
    }
    methods
}

fn action_operation(backend: &str, kind: &str, action: &Action, parameters: &[Value]) -> Value {
    let id = [backend, kind, "action", &action.name]
        .iter()
        .filter(|part| !part.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join(".");
    let mut operation = json!({
        "operationId": id,
        "summary": action.summary,
        "tags": [backend],
        "x-crosspoint-exchanges": 1,
        "parameters": parameters,
        "responses": {},
    });
    takes(&mut operation, &action.spec_schema.value());
    answers(&mut operation, &answer(&action.result_schema.value()));
    operation
}

fn operation(backend: &str, kind: &Kind, verb: &str, summary: &str, parameters: &[Value]) -> Value {
    json!({
        "operationId": format!("{backend}.{}.{verb}", kind.name),
        "summary": summary,
        "tags": [backend],
        "x-crosspoint-exchanges": 1,
        "parameters": parameters,
        "responses": {},
    })
}

fn takes(operation: &mut Value, spec: &Value) {
    if let Some(members) = operation.as_object_mut() {
        let labels = json!({ "type": "object", "additionalProperties": { "type": "string" } });
        let schema = json!({ "type": "object", "required": ["spec"], "additionalProperties": false, "properties": { "spec": embedded(spec), "labels": labels } });
        members.insert("requestBody".to_owned(), json!({ "content": { "application/json": { "schema": schema } } }));
    }
}

fn answers(operation: &mut Value, schema: &Value) {
    if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
        responses.insert(
            "2XX".to_owned(),
            json!({ "description": "Done.", "content": { "application/json": { "schema": schema } } }),
        );
        let problem = json!({ "$ref": "#/components/schemas/ProblemBody" });
        responses.insert(
            "default".to_owned(),
            json!({ "description": "Why it was not done, and whether the backend was reached.", "content": { "application/problem+json": { "schema": problem } } }),
        );
    }
}

fn answer(result: &Value) -> Value {
    json!({
        "type": "object",
        "properties": {
            "mapping": { "anyOf": [{ "$ref": "#/components/schemas/MappingBody" }, { "type": "null" }] },
            "result": embedded(result),
            "operation": { "anyOf": [{ "$ref": "#/components/schemas/OperationBody" }, { "type": "null" }] },
        },
    })
}

/// A driver's schema inside the document. One that refers to its own parts needs an identity of its own, so that its
/// references do not lead into the document around it.
fn embedded(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(members) = schema.as_object_mut()
        && members.contains_key("$defs")
        && !members.contains_key("$id")
    {
        let digest = Digest::of(Value::Object(members.clone()).to_string().as_bytes());
        members.insert("$id".to_owned(), Value::from(format!("urn:crosspoint:schema:{}", digest.hex())));
    }
    schema
}

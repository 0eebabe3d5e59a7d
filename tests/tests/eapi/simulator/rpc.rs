use serde_json::{Map, Value, json};

use super::cli::Switch;

/// Answers a request of JSON-RPC 2.0.
pub fn answer(switch: &mut Switch, body: &[u8]) -> Value {
    let request: Value = match serde_json::from_slice(body) {
        Ok(request) => request,
        Err(error) => return failed(&Value::Null, -32700, &format!("parse error: {error}"), &Value::Null),
    };
    let id = request.get("id").cloned().unwrap_or_default();
    let lines = match lines(&request) {
        Ok(lines) => lines,
        Err((code, why)) => return failed(&id, code, &why, &Value::Null),
    };
    match switch.run(&lines) {
        Ok(results) => json!({"jsonrpc": "2.0", "id": id, "result": results}),
        Err(failure) => {
            let number = failure.results.len() + 1;
            let line = lines.get(number - 1).map(String::as_str).unwrap_or_default();
            let message = format!("CLI command {number} of {} '{line}' failed: {}", lines.len(), failure.kind.words());
            let mut data = failure.results;
            data.push(json!({"errors": [failure.why]}));
            failed(&id, failure.kind.code(), &message, &data.into())
        }
    }
}

fn failed(id: &Value, code: i64, message: &str, data: &Value) -> Value {
    let mut error = json!({"code": code, "message": message});
    if !data.is_null() {
        error["data"] = data.clone();
    }
    json!({"jsonrpc": "2.0", "id": id, "error": error})
}

/// The command lines of `runCmds`; anything else is refused.
fn lines(request: &Value) -> Result<Vec<String>, (i64, String)> {
    let whole = request.as_object().ok_or((-32600, "the request is no object".to_owned()))?;
    known(whole, &["jsonrpc", "method", "params", "id"]).map_err(|why| (-32600, why))?;
    let id = request.get("id").is_some_and(|id| id.is_u64() || id.is_string());
    if request["jsonrpc"] != "2.0" || !id {
        return Err((-32600, "the request is not of JSON-RPC 2.0, or has no id".to_owned()));
    }
    if request["method"] != "runCmds" {
        return Err((-32601, format!("there is no method {}", request["method"])));
    }
    let parameters = request["params"].as_object().ok_or((-32602, "the parameters are no object".to_owned()))?;
    known(parameters, &["version", "cmds", "format", "timestamps", "autoComplete", "expandAliases"])
        .map_err(|why| (-32602, why))?;
    if parameters.get("version") != Some(&json!(1)) || parameters.get("format").is_some_and(|format| format != "json") {
        return Err((-32602, "the version has to be 1, and the format json".to_owned()));
    }
    let lines = parameters.get("cmds").and_then(Value::as_array).ok_or((-32602, "there are no commands".to_owned()))?;
    let line = |line: &Value| {
        // A switch would run two lines as two commands. Nobody should send such a thing.
        let text = line.as_str().filter(|line| !line.is_empty() && !line.chars().any(char::is_control));
        text.map(str::to_owned).ok_or_else(|| (-32602, format!("{line} is no command line")))
    };
    lines.iter().map(line).collect()
}

fn known(object: &Map<String, Value>, names: &[&str]) -> Result<(), String> {
    match object.keys().find(|name| !names.contains(&name.as_str())) {
        Some(name) => Err(format!("there is no member {name}")),
        None => Ok(()),
    }
}

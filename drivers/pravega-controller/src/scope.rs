use crosspoint_sdk::KindBuilder;
use crosspoint_sdk::prelude::*;

pub const NAME: &str = "scope";

/// A name space for streams.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(title = "scope")]
struct Scope {
    /// Its name, which is its id and never changes.
    #[schemars(length(min = 1, max = 255), pattern("^[A-Za-z0-9.-]+$"))]
    scope_name: String,
}

/// A scope as the controller shows it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Shown {
    /// Its name.
    scope_name: String,
}

#[derive(Deserialize)]
struct Page {
    scopes: Vec<Shown>,
}

pub fn kind() -> KindBuilder {
    crosspoint_sdk::kind(NAME, "A name space for streams")
        .spec::<Scope>()
        .result::<Shown>()
        .verbs([Verb::Create, Verb::Read, Verb::Delete, Verb::List])
        .reissuable([Verb::Delete])
        .creation(Creation::Conditional)
}

pub fn id(call: &Call) -> Result<String, Fault> {
    Ok(call.spec::<Scope>()?.scope_name)
}

pub fn encode(call: &Call) -> Result<Http, Fault> {
    let scope = || path("/v1/scopes/{scope}", &[("scope", call.backend_id()?)]);
    Ok(match call.verb {
        Verb::Create => Http::post(path("/v1/scopes", &[])?).json(&call.spec::<Scope>()?),
        Verb::Read => Http::get(scope()?),
        Verb::Delete => Http::delete(scope()?),
        Verb::List => Http::get(path("/v1/scopes", &[])?),
        _ => return Err(call.unsupported()),
    })
}

pub fn decode(call: &Call, reply: &HttpReply) -> Result<Outcome, Fault> {
    if call.verb == Verb::List {
        let page: Page = reply.json()?;
        let found = page.scopes.iter().map(|scope| found(&scope.scope_name, scope)).collect::<Result<_, _>>()?;
        return crate::paged(call, found);
    }
    let shown: Shown = reply.json()?;
    outcome(&shown)?.id(&shown.scope_name).into()
}

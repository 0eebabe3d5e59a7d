//! What the far side has to know of JSON-RPC on a connection.

use crosspoint_tests::suite::{FramedFarSide, Messages, Stage, Told, Trouble};
use serde_json::{Deserializer, Value, json};

use super::database::Database;

/// JSON values, one after the other.
pub struct JsonRpc;

impl Messages for JsonRpc {
    fn first(&self, bytes: &[u8]) -> Option<usize> {
        let mut values = Deserializer::from_slice(bytes).into_iter::<Value>();
        match values.next()? {
            Ok(_) => Some(values.byte_offset()),
            Err(error) if error.is_eof() => None,
            Err(error) => panic!("{error} in {}", String::from_utf8_lossy(bytes)),
        }
    }

    /// The host asks for transactions alone; the server asks for nothing but an `echo`.
    fn is_of_a_call(&self, message: &[u8]) -> bool {
        let message: Value = serde_json::from_slice(message).unwrap();
        match (message.get("method"), message.get("id")) {
            (Some(method), _) => method == "transact",
            (None, id) => id.is_some_and(Value::is_number),
        }
    }

    fn says(&self, trouble: Trouble, request: &[u8]) -> Option<Vec<u8>> {
        let request: Value = serde_json::from_slice(request).ok()?;
        let nonsense = json!({"id": request["id"], "result": [{"rows": 7}], "error": null});
        (trouble == Trouble::Malformed).then(|| nonsense.to_string().into_bytes())
    }

    fn told(&self, trouble: Trouble) -> Option<Told> {
        match trouble {
            // There is no login, and the server takes what comes.
            Trouble::Unauthenticated | Trouble::Throttled => None,
            // All share a connection: of a reply that is not whole nobody knows whose it was.
            Trouble::Truncated => Some(Told { sent: "maybe", ..trouble.usually() }),
            trouble => Some(trouble.usually()),
        }
    }
}

/// A database, and a Crosspoint before it; none where this machine cannot have it.
pub async fn stage() -> anyhow::Result<Option<(Database, Stage<FramedFarSide>)>> {
    let Some(database) = Database::start().await? else { return Ok(None) };
    let far = FramedFarSide::before(database.address(), JsonRpc).await?;
    let settings = json!({"endpoints": {"default": far.url()}, "authentication": {"scheme": "none"}});
    Ok(Some((database, Stage::set("ovs-switch", settings, far).await)))
}

//! NETCONF's messages on their way through, told apart by eye: what is here knows nothing of the host's own framing.

/// The end of a hello.
const END_OF_HELLO: &str = "]]>]]>";

/// The end of a message in chunks.
const END_OF_CHUNKS: &str = "\n##\n";

/// Cuts what passes in one direction into messages, each with its framing.
#[derive(Debug, Default)]
pub struct Cutter {
    greeted: bool,
    text: String,
}

impl Cutter {
    pub fn push(&mut self, bytes: &[u8]) {
        self.text.push_str(std::str::from_utf8(bytes).expect("these tests speak ASCII"));
    }

    /// The next message; the first is a hello. The end of chunks never stands in one of these tests' messages.
    pub fn next(&mut self) -> Option<Message> {
        let end = if self.greeted { END_OF_CHUNKS } else { END_OF_HELLO };
        let place = self.text.find(end)? + end.len();
        let rest = self.text.split_off(place);
        let text = std::mem::replace(&mut self.text, rest);
        let hello = !self.greeted;
        self.greeted = true;
        Some(Message { text, hello })
    }
}

/// A message, framed as it came.
#[derive(Debug)]
pub struct Message {
    pub text: String,
    pub hello: bool,
}

impl Message {
    /// Whether it is a call's exchange: neither a hello nor a goodbye.
    pub fn is_exchange(&self) -> bool {
        !self.hello && !self.text.contains("<close-session")
    }

    pub fn id(&self) -> &str {
        let (_, rest) = self.text.split_once("message-id=\"").expect("a request has an id");
        rest.split('"').next().expect("and the id an end")
    }
}

/// A reply to the request of this id, in one chunk.
pub fn reply(id: &str, inner: &str) -> String {
    let message =
        format!("<rpc-reply xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\" message-id=\"{id}\">{inner}</rpc-reply>");
    format!("\n#{}\n{message}\n##\n", message.len())
}

/// The error of this tag.
pub fn error(tag: &str) -> String {
    format!(
        "<rpc-error><error-type>application</error-type><error-tag>{tag}</error-tag><error-severity>error\
         </error-severity></rpc-error>"
    )
}

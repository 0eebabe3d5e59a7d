//! Single commands, and commands at a prompt.

use crosspoint_contract::CommandReply;

use super::connection::{Event, Line, Start};
use crate::sent::Sent;
use crate::transport::{ErrorKind, Stats, TransportError};

/// The most that a backend may say before its first prompt, in bytes.
const GREETING: usize = 64 * 1024;

/// What may be asked of the backend, as the driver made it.
///
/// # Errors
/// Why it is refused.
pub(super) fn check(command: &[u8], at_prompt: bool) -> Result<(), String> {
    if command.iter().all(u8::is_ascii_whitespace) {
        return Err("the command is empty".to_owned());
    }
    // A line feed would make it two commands, a tab completes words, and others end the shell or its command.
    if at_prompt && command.iter().any(u8::is_ascii_control) {
        return Err("the command holds a control character, which means something else at a prompt".to_owned());
    }
    if command.contains(&0) {
        return Err("the command holds a NUL".to_owned());
    }
    Ok(())
}

/// Runs one command (RFC 4254, section 6.5) and collects what it says until its channel is closed.
///
/// # Errors
/// There is no whole reply; `sent` is kept true at every moment.
pub(super) async fn run(
    line: &mut Line,
    command: &[u8],
    limit: usize,
    sent: &mut Sent,
    stats: &Stats,
) -> Result<CommandReply, TransportError> {
    stats.body_sent(command.len());
    line.execute(command, sent).await?;
    let mut reply = Collected { limit, ..Collected::default() };
    let (mut exit, mut ended) = (None, false);
    loop {
        match line.read().await {
            Event::Output(bytes) => reply.take(&bytes, false, stats)?,
            Event::Errors(bytes) => reply.take(&bytes, true, stats)?,
            Event::Status(code) => exit = Some(code),
            Event::End => ended = true,
            Event::Closed => break,
            // All was said, and only the goodbye is missing.
            Event::Lost if ended && exit.is_some() => break,
            Event::Lost => return Err(lost(*sent)),
        }
    }
    // Some devices never say how a command ended.
    let code = exit.flatten().map(u32::cast_signed);
    Ok(CommandReply { status: code, output: reply.output.into(), errors: reply.errors.into() })
}

/// Starts a shell and waits for its first prompt.
///
/// # Errors
/// Always with `sent: no`.
pub(super) async fn shell(line: &mut Line, prompt: &[u8], stats: &Stats) -> Result<(), TransportError> {
    line.start(Start::Shell).await?;
    let greeted = until_prompt(line, prompt, GREETING, &mut Sent::No, stats).await;
    greeted.map(drop).map_err(|error| TransportError {
        sent: Sent::No,
        message: format!("before the first prompt: {}", error.message),
        ..error
    })
}

/// Makes one exchange at the prompt; the reply ends where the prompt stands at the end of what came.
///
/// # Errors
/// There is no whole reply; `sent` is kept true at every moment.
pub(super) async fn at_prompt(
    line: &mut Line,
    command: &[u8],
    prompt: &[u8],
    limit: usize,
    sent: &mut Sent,
    stats: &Stats,
) -> Result<CommandReply, TransportError> {
    stats.body_sent(command.len());
    line.write([command, b"\n"].concat(), sent).await?;
    let mut reply = until_prompt(line, prompt, limit, sent, stats).await?;
    reply.output.truncate(reply.output.len().saturating_sub(prompt.len()));
    Ok(CommandReply { status: None, output: reply.output.into(), errors: reply.errors.into() })
}

async fn until_prompt(
    line: &mut Line,
    prompt: &[u8],
    limit: usize,
    sent: &mut Sent,
    stats: &Stats,
) -> Result<Collected, TransportError> {
    // The prompt does not count: it is not part of the reply.
    let mut reply = Collected { limit: limit.saturating_add(prompt.len()), ..Collected::default() };
    while !reply.output.ends_with(prompt) {
        match line.read().await {
            Event::Output(bytes) => {
                *sent = Sent::Yes;
                reply.take(&bytes, false, stats)?;
            }
            Event::Errors(bytes) => {
                *sent = Sent::Yes;
                reply.take(&bytes, true, stats)?;
            }
            Event::Status(_) => {}
            Event::End | Event::Closed => {
                let message = "the backend ended the shell before its prompt had come";
                return Err(TransportError::new(ErrorKind::Reset, *sent, message));
            }
            Event::Lost => return Err(lost(*sent)),
        }
    }
    Ok(reply)
}

#[derive(Default)]
struct Collected {
    output: Vec<u8>,
    errors: Vec<u8>,
    limit: usize,
}

impl Collected {
    fn take(&mut self, bytes: &[u8], errors: bool, stats: &Stats) -> Result<(), TransportError> {
        stats.body_received(bytes.len());
        if self.output.len() + self.errors.len() + bytes.len() > self.limit {
            let message = format!("the reply exceeds {} bytes", self.limit);
            return Err(TransportError::new(ErrorKind::TooLarge, Sent::Yes, message));
        }
        if errors { &mut self.errors } else { &mut self.output }.extend_from_slice(bytes);
        Ok(())
    }
}

fn lost(sent: Sent) -> TransportError {
    TransportError::new(ErrorKind::Reset, sent, "the connection was lost before the whole reply had arrived")
}

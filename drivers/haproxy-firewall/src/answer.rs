//! What HAProxy answers: to each command some lines, or none, and then an empty one. Nothing but their text tells an error
//! from a success.

use crosspoint_sdk::prelude::*;

/// The answers to the commands of a line, each the text of its lines.
///
/// # Errors
/// [`Fault::MalformedReply`] where there are not exactly so many: a reply that was cut ends as a whole one does, by the end
/// of the connection, so only the last empty line tells that it is whole.
pub fn answers<const N: usize>(reply: &[u8]) -> Result<[&str; N], Fault> {
    let answers = parse(reply, N)?;
    answers.try_into().map_err(|_| malformed(reply))
}

/// The same where the number is known only now.
pub fn parse(reply: &[u8], count: usize) -> Result<Vec<&str>, Fault> {
    let mut rest = std::str::from_utf8(reply).map_err(|_| malformed(reply))?;
    let mut answers = Vec::with_capacity(count);
    while !rest.is_empty() {
        let (answer, after) = match rest.strip_prefix('\n') {
            Some(after) => ("", after),
            None => rest.split_once("\n\n").ok_or_else(|| malformed(reply))?,
        };
        answers.push(answer);
        rest = after;
    }
    if answers.len() == count { Ok(answers) } else { Err(malformed(reply)) }
}

fn malformed(reply: &[u8]) -> Fault {
    let start = String::from_utf8_lossy(reply.get(..120).unwrap_or(reply));
    Fault::MalformedReply(format!("this is not, or not all of, what HAProxy answers: {start:?}"))
}

/// Passes over an answer without text, which is how a command says that it was done.
///
/// # Errors
/// What the text means; where it is no known one, that what stands at `pointer` in the spec was refused.
pub fn done(answer: &str, pointer: &str) -> Result<(), Fault> {
    if answer.is_empty() {
        return Ok(());
    }
    Err(match known(answer) {
        Some(fault) => fault,
        // One line that HAProxy has written for people: why it does not take a pattern or a value.
        None if !answer.contains('\n') => Fault::invalid(pointer, answer),
        None => Fault::Other(format!("HAProxy says something that is not known: {answer}")),
    })
}

/// What a text means that does not depend on the command. HAProxy has done nothing then.
pub fn known(answer: &str) -> Option<Fault> {
    let starts = |start: &str| answer.starts_with(start);
    let message = || answer.lines().next().unwrap_or_default().to_owned();
    if starts("Key not found.") || starts("entry not found.") {
        return Some(Fault::NotFound("HAProxy has no such entry".to_owned()));
    }
    if starts("Unknown ACL identifier") || starts("Unknown map identifier") {
        let message = "HAProxy's own configuration does not use this file; correct one configuration or the other";
        let code = "unknown-file".to_owned();
        return Some(Fault::Rejected(Rejection { code, message: message.to_owned(), retryable: false }));
    }
    if starts("Permission denied") {
        return Some(Fault::Denied("HAProxy does not permit this on this `stats socket`".to_owned()));
    }
    starts("Unknown command").then(|| Fault::Unsupported(message()))
}

/// An entry as `show acl` and `show map` have it: a number, which is where it lies in memory, and its text.
///
/// # Errors
/// What the answer says instead of entries.
pub fn entries(answer: &str) -> Result<Vec<&str>, Fault> {
    let entry = |line: &'_ str| line.starts_with("0x").then(|| line.split_once(' ')).flatten().is_some();
    if let Some(strange) = answer.lines().find(|line| !entry(line)) {
        return Err(known(answer)
            .unwrap_or_else(|| Fault::MalformedReply(format!("HAProxy lists what is no entry: {strange}"))));
    }
    Ok(answer.lines().filter_map(|line| Some(line.split_once(' ')?.1)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_that_was_cut_anywhere_is_not_taken_for_a_whole_one() {
        let whole = "\n0x55f9f8d4a1d0 /adm one\n0x7fb5d0046a30 /adm two\n\n";
        assert!(answers::<2>(whole.as_bytes()).is_ok());
        for end in 0..whole.len() {
            let cut = whole.get(..end).unwrap_or_default();
            assert!(answers::<2>(cut.as_bytes()).is_err(), "{cut:?}");
        }
    }

    #[test]
    fn what_nobody_knows_leaves_doubt_and_a_line_for_people_does_not() {
        assert_eq!(done("", "/x"), Ok(()));
        assert_eq!(done("'x' is not a number.", "/x"), Err(Fault::invalid("/x", "'x' is not a number.")));
        assert!(done("one\ntwo", "/x").is_err_and(|fault| fault.leaves_doubt()));
    }
}

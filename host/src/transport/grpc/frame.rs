//! How gRPC wraps a message: a flag, its length in network byte order, and its bytes.

/// The bytes before each message.
pub(super) const PREFIX: usize = 5;

/// Why a reply's body is not the one message that a unary call is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrpcFrameError {
    /// No compression was offered, so none may be used.
    #[error("the message is compressed, which was not offered")]
    Compressed,
    /// The flag is neither 0 nor 1.
    #[error("the message begins with flag {0}, which does not exist")]
    Flag(u8),
    /// There is less than the prefix says, or less than a prefix.
    #[error("the message has {got} bytes where {wanted} belong")]
    Short {
        /// How many there should be, prefix included.
        wanted: usize,
        /// How many there are.
        got: usize,
    },
    /// Something follows the message.
    #[error("{0} bytes follow the one message: this is no unary call")]
    More(usize),
}

/// Puts the prefix before a message; `None` for one that is too long to have one.
#[must_use]
pub fn grpc_frame(message: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(message.len()).ok()?;
    let mut framed = Vec::with_capacity(PREFIX + message.len());
    framed.push(0);
    framed.extend(length.to_be_bytes());
    framed.extend(message);
    Some(framed)
}

/// Takes the prefix from the one message of a body; `None` where there is no message.
///
/// # Errors
/// Whatever else the body is.
pub fn grpc_unframe(body: &[u8]) -> Result<Option<&[u8]>, GrpcFrameError> {
    let (flag, length, rest) = match body {
        [] => return Ok(None),
        [flag, a, b, c, d, rest @ ..] => (*flag, u32::from_be_bytes([*a, *b, *c, *d]), rest),
        short => return Err(GrpcFrameError::Short { wanted: PREFIX, got: short.len() }),
    };
    match flag {
        0 => {}
        1 => return Err(GrpcFrameError::Compressed),
        other => return Err(GrpcFrameError::Flag(other)),
    }
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    match rest.split_at_checked(length) {
        Some((message, [])) => Ok(Some(message)),
        Some((_, more)) => Err(GrpcFrameError::More(more.len())),
        None => Err(GrpcFrameError::Short { wanted: length.saturating_add(PREFIX), got: body.len() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_out_as_it_went_in() {
        let long = vec![7; 70_000];
        for message in [&b""[..], b"x", &long] {
            let framed = grpc_frame(message).unwrap_or_default();
            assert_eq!(grpc_unframe(&framed), Ok(Some(message)));
        }
        assert_eq!(grpc_unframe(b""), Ok(None));
    }

    #[test]
    fn what_is_not_one_whole_plain_message_is_named() {
        assert_eq!(grpc_unframe(b"\0\0\0"), Err(GrpcFrameError::Short { wanted: 5, got: 3 }));
        assert_eq!(grpc_unframe(b"\0\0\0\0\x02a"), Err(GrpcFrameError::Short { wanted: 7, got: 6 }));
        assert_eq!(grpc_unframe(b"\0\0\0\0\x01ab"), Err(GrpcFrameError::More(1)));
        assert_eq!(grpc_unframe(b"\x01\0\0\0\x01a"), Err(GrpcFrameError::Compressed));
        assert_eq!(grpc_unframe(b"\x80\0\0\0\x01a"), Err(GrpcFrameError::Flag(0x80)));
    }
}

//! What hyper's errors mean for the one question that counts: was the backend reached?

use std::error::Error;
use std::io;

use hyper_util::client::legacy;
use rustls::AlertDescription;

use super::connector::ConnectError;
use crate::sent::Sent;
use crate::transport::{ErrorKind, TransportError};

/// The exchange failed before the head of a reply had arrived.
pub(super) fn before_head(error: &legacy::Error) -> TransportError {
    if let Some(failure) = find::<ConnectError>(error) {
        let kind = match failure {
            ConnectError::Tcp(_) => ErrorKind::Connect,
            ConnectError::Barred(_) => ErrorKind::Barred,
            ConnectError::Tls(_) => ErrorKind::Tls,
            ConnectError::Timeout => ErrorKind::ConnectTimeout,
            ConnectError::NotHttp2 => ErrorKind::Protocol,
        };
        return TransportError::new(kind, Sent::No, failure.to_string());
    }
    let what = describe(error);
    if let Some(rustls::Error::AlertReceived(alert)) = find(error) {
        return TransportError::new(ErrorKind::Tls, after_alert(*alert), format!("the backend broke off TLS: {what}"));
    }
    let Some(failure) = find::<hyper::Error>(error).filter(|_| error.connect_info().is_some()) else {
        // No connection had been assigned to the exchange.
        return TransportError::new(ErrorKind::Connect, Sent::No, format!("cannot connect: {what}"));
    };
    if failure.is_canceled() {
        // hyper says this where it could hand the request back, and nowhere else: it had not begun to write it.
        let message = format!("the connection was lost before the request could be sent: {what}");
        return TransportError::new(ErrorKind::Reset, Sent::No, message);
    }
    if find::<h2::Error>(error).is_some_and(refused) {
        let message = format!("the backend refused the request before it did anything: {what}");
        return TransportError::new(ErrorKind::Reset, Sent::No, message);
    }
    // A head that could not be read is no proof that this exchange was: it may be the tail of something else.
    broken(failure, Sent::Maybe, &what)
}

/// A stream reset so has not been worked on in any way (RFC 9113, section 8.7).
///
/// The same is promised of streams beyond the last one that a GOAWAY names. But hyper reports a GOAWAY also for a request
/// that had just been written when it came, whatever it names, so from here it proves nothing.
fn refused(error: &h2::Error) -> bool {
    error.is_reset() && error.is_remote() && error.reason() == Some(h2::Reason::REFUSED_STREAM)
}

/// The exchange failed after the head of the reply had arrived.
pub(super) fn after_head(error: &hyper::Error) -> TransportError {
    broken(error, Sent::Yes, &describe(error))
}

fn broken(error: &hyper::Error, sent: Sent, what: &str) -> TransportError {
    let (kind, message) = if error.is_parse_too_large() {
        (ErrorKind::TooLarge, "the reply's head is too large")
    } else if error.is_parse() || is_nonsense(error) {
        (ErrorKind::Protocol, "the reply is not HTTP")
    } else if sent == Sent::Yes {
        (ErrorKind::Reset, "the connection was lost in mid-reply")
    } else {
        (ErrorKind::Reset, "the connection was lost before the reply")
    };
    TransportError::new(kind, sent, format!("{message}: {what}"))
}

/// hyper says of chunks and trailers that make no sense that the input is invalid, and of nothing else; rustls says so of
/// records.
fn is_nonsense(error: &hyper::Error) -> bool {
    let invalid = |error: &io::Error| matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput);
    find::<io::Error>(error).is_some_and(invalid) && find::<rustls::Error>(error).is_none()
}

/// In TLS 1.3 a client may write its request before it learns what the server thinks of its certificate. These alerts
/// answer that certificate, and a server that sends them has not passed any of the request on (RFC 8446, sections
/// 4.4.2.4 and 6.2). Others, such as a certificate found revoked or expired, may come at any time.
pub(in crate::transport) fn after_alert(alert: AlertDescription) -> Sent {
    match alert {
        AlertDescription::CertificateRequired
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::UnknownCA
        | AlertDescription::DecryptError => Sent::No,
        _ => Sent::Maybe,
    }
}

/// The error and its causes in one line. An I/O error shows the error that it wraps as its own, so repetitions go.
pub(in crate::transport) fn describe(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for cause in causes(error).map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

pub(in crate::transport) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The error and its causes. `io::Error::source` skips the error that it wraps, so that one is asked for by name.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| error.source())
    })
}

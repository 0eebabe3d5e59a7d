//! No driver reaches another host, path prefix or header, however it writes its exchange. What is asserted is what the
//! backend's end of the wire received, byte by byte.

mod exchanges;
mod http1;
mod http2;
mod sessions;

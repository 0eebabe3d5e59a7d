use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::run;

#[test]
fn a_private_authority_is_trusted_when_it_is_named_and_not_otherwise() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let ca = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(ca.path(), key.cert.pem()).unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], private)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let tls = rustls::ServerConnection::new(Arc::new(config.clone())).unwrap();
            let mut stream = rustls::StreamOwned::new(tls, connection.unwrap());
            let mut piece = [0; 4096];
            // A client without trust hangs up instead.
            if stream.read(&mut piece).is_ok() {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{\"items\":[]}";
                stream.write_all(answer).and_then(|()| stream.flush()).unwrap();
            }
        }
    });
    let ca = ca.path().display().to_string();
    run(&["backend", "list", "--url", &url, "--ca", &ca], &[], "").expect_err(0, &[]);
    run(&["backend", "list", "--url", &url, "--ca", "/nowhere.pem"], &[], "").expect_err(1, &["/nowhere.pem"]);

    let stranger = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(other.path(), stranger.cert.pem()).unwrap();
    let other = other.path().display().to_string();
    run(&["object", "delete", "b", "k", "n", "--url", &url, "--ca", &other], &[], "").expect_err(4, &["certificate"]);
}

//! Single commands.

use super::server::{Manners, Server};
use super::*;
use crate::sent::Sent;
use crate::transport::ErrorKind;

fn exec() -> Description {
    command(CommandTransport::SshExec, None)
}

#[tokio::test]
async fn a_command_gives_its_output_its_errors_and_its_status() {
    let server = Server::start(Manners::default(), |served| async move {
        assert_eq!(served.asked, "exec:show vlan\nshow version");
        served.drip("vlan 7\n").await;
        served.complain("deprecated\n").await;
        served.write("vlan 8\n").await;
        served.exit(3).await;
    })
    .await;
    let transport = transport(&exec(), &server);
    for _ in 0..3 {
        let reply = run(&transport, "show vlan\nshow version").await.unwrap();
        assert_eq!(reply.status, Some(3));
        assert_eq!(reply.output.as_ref(), b"vlan 7\nvlan 8\n");
        assert_eq!(reply.errors.as_ref(), b"deprecated\n");
    }
    assert_eq!((server.seen().connections, server.seen().channels), (1, 3));
}

#[tokio::test]
async fn a_command_that_ends_without_a_word_has_no_status() {
    let server = Server::start(Manners::default(), |served| async move {
        served.write("done").await;
        served.end().await;
    })
    .await;
    let reply = run(&transport(&exec(), &server), "reload").await.unwrap();
    assert_eq!((reply.status, reply.output.as_ref()), (None, b"done".as_slice()));
}

#[tokio::test]
async fn a_backend_that_runs_no_commands_was_reached() {
    let server = Server::start(Manners::default(), |served| async move { served.hold().await }).await;
    let error = run(&transport(&exec(), &server), "forbidden").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Protocol, Sent::Yes), "{error}");
    server.until(|seen| seen.closed == 1).await;
}

#[tokio::test]
async fn half_an_output_is_no_reply() {
    let server = Server::start(Manners::default(), |served| async move {
        served.write("vlan").await;
        served.cut();
    })
    .await;
    let error = run(&transport(&exec(), &server), "show vlan").await.unwrap_err();
    // The cut may overtake the backend's word that it took the command.
    assert_eq!(error.kind, ErrorKind::Reset, "{error}");
    assert_ne!(error.sent, Sent::No, "{error}");
}

#[tokio::test]
async fn a_command_that_does_not_end_or_says_too_much_is_given_up_and_its_channel_closed() {
    let server = Server::start(Manners::default(), |served| async move {
        if served.asked == "exec:yes" {
            for _ in 0..100 {
                served.write(vec![b'y'; 1000]).await;
            }
        }
        served.hold().await;
    })
    .await;
    let settings = Settings { reply_timeout: Some(Duration::from_millis(200)), ..settings(&server) };
    let transport = SshTransport::new(&exec(), &settings).unwrap();
    let error = run(&transport, "sleep").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::ReplyTimeout, Sent::Yes), "{error}");
    server.until(|seen| seen.closed == 1).await;
    let settings = Settings { reply_size: Some(5000), reply_timeout: Some(PATIENCE), ..settings };
    let transport = SshTransport::new(&exec(), &settings).unwrap();
    let error = run(&transport, "yes").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::TooLarge, Sent::Yes), "{error}");
    server.until(|seen| seen.closed == 2).await;
}

#[tokio::test]
async fn an_empty_command_is_refused() {
    let server = Server::start(Manners::default(), |served| async move { served.exit(0).await }).await;
    let transport = transport(&exec(), &server);
    for line in ["", " \n", "a\0b"] {
        let error = run(&transport, line).await.unwrap_err();
        assert_eq!((error.kind, error.sent), (ErrorKind::Refused, Sent::No), "{error}");
    }
    let error = transport.exchange(&rpc("7", "<get/>"), &authorization(), None).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Refused, Sent::No), "{error}");
    assert_eq!(server.seen().connections, 0);
}

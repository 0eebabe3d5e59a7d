//! Commands at a prompt.

use super::server::{Manners, Served, Server};
use super::*;
use crate::sent::Sent;
use crate::transport::ErrorKind;

fn shell() -> Description {
    command(CommandTransport::SshShell, Some("\nsw1# "))
}

async fn device(mut served: Served) {
    assert_eq!(served.asked, "shell");
    served.drip("Last login: never\r\n\nsw1# ").await;
    let mut mode = "exec".to_owned();
    loop {
        match served.read("\n").await.trim() {
            "" => return,
            "configure" => mode = "config".to_owned(),
            "show mode" => served.drip(&mode).await,
            "show prompt" => served.write("the prompt is sw1# here").await,
            "exit" => return served.exit(0).await,
            "die" => return served.cut(),
            "hang" => return served.hold().await,
            _ => served.complain("% invalid\n").await,
        }
        served.drip("\nsw1# ").await;
    }
}

#[tokio::test]
async fn a_reply_ends_where_the_prompt_stands_at_the_end() {
    let server = Server::start(Manners::default(), device).await;
    let transport = transport(&shell(), &server);
    let reply = run(&transport, "show prompt").await.unwrap();
    assert_eq!((reply.status, reply.output.as_ref()), (None, b"the prompt is sw1# here".as_slice()));
    let reply = run(&transport, "shwo").await.unwrap();
    assert_eq!((reply.output.as_ref(), reply.errors.as_ref()), (b"".as_slice(), b"% invalid\n".as_slice()));
    assert_eq!(server.seen().connections, 1);
}

#[tokio::test]
async fn what_one_call_sets_up_in_a_shell_is_not_there_for_the_next() {
    let server = Server::start(Manners::default(), device).await;
    let transport = transport(&shell(), &server);
    run(&transport, "configure").await.unwrap();
    assert_eq!(run(&transport, "show mode").await.unwrap().output.as_ref(), b"exec");
    server.until(|seen| seen.closed == 2).await;
    assert_eq!(server.seen().connections, 1);
}

#[tokio::test]
async fn a_shell_that_ends_or_hangs_gives_no_reply() {
    let server = Server::start(Manners::default(), device).await;
    let settings = Settings { reply_timeout: Some(Duration::from_millis(200)), ..settings(&server) };
    let transport = SshTransport::new(&shell(), &settings).unwrap();
    for (line, kind) in [("exit", ErrorKind::Reset), ("die", ErrorKind::Reset), ("hang", ErrorKind::ReplyTimeout)] {
        let error = run(&transport, line).await.unwrap_err();
        assert_eq!((error.kind, error.sent), (kind, Sent::Maybe), "{line}: {error}");
    }
}

#[tokio::test]
async fn a_shell_without_its_prompt_is_sent_nothing() {
    let server = Server::start(Manners::default(), |served| async move {
        served.write("sw2# ").await;
        served.hold().await;
    })
    .await;
    let settings = Settings { connect_timeout: Duration::from_millis(500), ..settings(&server) };
    let transport = SshTransport::new(&shell(), &settings).unwrap();
    let error = run(&transport, "show mode").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::ConnectTimeout, Sent::No), "{error}");
    server.until(|seen| seen.closed == 1).await;
    assert_eq!(server.seen().bytes, "");
}

#[tokio::test]
async fn one_command_is_one_line() {
    let server = Server::start(Manners::default(), device).await;
    let transport = transport(&shell(), &server);
    for line in ["show mode\nconfigure", "show mode\r", "sh\t", "\u{3}"] {
        let error = run(&transport, line).await.unwrap_err();
        assert_eq!((error.kind, error.sent), (ErrorKind::Refused, Sent::No), "{error}");
    }
    assert!(SshTransport::new(&command(CommandTransport::SshShell, None), &settings(&server)).is_err());
}

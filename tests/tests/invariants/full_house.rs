use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

/// A listener with no room for another connection: who comes now waits for the door.
pub struct FullHouse {
    listener: TcpListener,
    _guests: Vec<TcpStream>,
}

impl FullHouse {
    pub async fn open() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let listener = socket.listen(1).unwrap();
        let mut guests = Vec::new();
        while let Ok(guest) =
            timeout(Duration::from_millis(300), TcpStream::connect(listener.local_addr().unwrap())).await
        {
            guests.push(guest.unwrap());
            assert!(guests.len() < 64, "this system lets everybody in");
        }
        Self { listener, _guests: guests }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }
}

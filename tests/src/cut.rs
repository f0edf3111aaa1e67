//! A line to a server that can be cut.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};

/// What becomes of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It arrives.
    Open,
    /// Nothing arrives any more, neither way, and nobody is told: connections stand, and new ones are taken. What was
    /// underway arrives when the way is open again, as late as that.
    Silent,
    /// Connections are broken, and new ones are refused.
    Refused,
}

/// Where a line leads.
#[derive(Clone, Debug)]
pub enum End {
    /// A Unix socket.
    Socket(PathBuf),
    /// A TCP port.
    Port(SocketAddr),
}

type Ends = (Box<dyn AsyncRead + Send + Unpin>, Box<dyn AsyncWrite + Send + Unpin>);

impl End {
    async fn connect(&self) -> io::Result<Ends> {
        Ok(match self {
            Self::Socket(path) => {
                let (from, to) = UnixStream::connect(path).await?.into_split();
                (Box::new(from), Box::new(to))
            }
            Self::Port(address) => {
                let (from, to) = TcpStream::connect(address).await?.into_split();
                (Box::new(from), Box::new(to))
            }
        })
    }
}

/// A TCP port of the loopback that leads to a server; it lives as long as the test's runtime.
#[derive(Debug)]
pub struct Line {
    address: SocketAddr,
    way: Arc<watch::Sender<Way>>,
}

impl Line {
    /// Lays a line.
    pub async fn to(end: End) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let way = Arc::new(watch::Sender::new(Way::Open));
        tokio::spawn(take(listener, way.clone(), end));
        Self { address, way }
    }

    /// Its beginning.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes what becomes of what is sent.
    pub fn turn(&self, way: Way) {
        self.way.send_replace(way);
    }
}

async fn take(listener: TcpListener, way: Arc<watch::Sender<Way>>, end: End) {
    let address = listener.local_addr().unwrap();
    let mut listener = Some(listener);
    let mut turned = way.subscribe();
    loop {
        let now = *turned.borrow_and_update();
        let Some(open) = listener.as_ref().filter(|_| now != Way::Refused) else {
            // Nobody listens: whoever comes is refused by the system.
            drop(listener.take());
            turned.wait_for(|way| *way != Way::Refused).await.unwrap();
            listener = Some(listen_again(address).await);
            continue;
        };
        tokio::select! {
            stream = open.accept() => {
                if let Ok((stream, _)) = stream {
                    tokio::spawn(carry(stream, way.subscribe(), end.clone()));
                }
            }
            _ = turned.changed() => {}
        }
    }
}

/// Connections that are being taken down may hold the port for a moment.
async fn listen_again(address: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Carries bytes both ways until one end closes or the line is refused.
async fn carry(client: TcpStream, mut way: watch::Receiver<Way>, end: End) {
    if way.wait_for(|way| *way != Way::Silent).await.is_err() {
        return;
    }
    let Ok((from_server, to_server)) = end.connect().await else { return };
    let _ = client.set_nodelay(true);
    let (from_client, to_client) = client.into_split();
    let (there, back) =
        (pump(from_client, to_server, way.clone()), pump(from_server, to_client, way.clone()));
    tokio::select! {
        _ = there => {}
        _ = back => {}
        _ = way.wait_for(|way| *way == Way::Refused) => {}
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut way: watch::Receiver<Way>,
) -> io::Result<()> {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let count = from.read(&mut bytes).await?;
        // What has been read on a line that is silent waits here, the end of it too.
        if way.wait_for(|way| *way == Way::Open).await.is_err() {
            return Ok(());
        }
        if count == 0 {
            return to.shutdown().await;
        }
        to.write_all(&bytes[..count]).await?;
    }
}

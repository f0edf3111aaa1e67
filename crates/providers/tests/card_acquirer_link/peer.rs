//! An acquirer of a few lines: it cuts requests at known places and glues answers together from the pieces. It knows
//! nothing of the crate's codec.

use ferropay_providers::card_acquirer::link::{Config, Link};
use ferropay_providers::card_acquirer::message::{
    Answer, Attempt, Class, Debit, DebitKind, Expiry, Processing, Request, ReversalAdvice, ShopName,
};
use ferropay_providers::card_acquirer::reference::Reference;
use ferropay_providers::card_acquirer::secret::Pan;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Nothing in these tests takes longer unless it is broken.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Peer {
    listener: TcpListener,
}

impl Peer {
    pub(crate) async fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    pub(crate) fn config(&self, connections: usize) -> Config {
        let clock = Arc::new(|| "2026-03-03T13:42:05Z".parse().unwrap());
        let address = self.listener.local_addr().unwrap().to_string();
        Config {
            connections: connections.try_into().unwrap(),
            timeout: Duration::from_millis(400),
            ready_timeout: Duration::from_secs(3),
            back_off: (Duration::from_millis(10), Duration::from_millis(40)),
            ..Config::new(&address, "400000", "TERM0001", "57123", clock)
        }
    }

    /// A link of one connection, that connection signed on, and what the link hands up unasked.
    pub(crate) async fn link(
        &self,
        change: impl FnOnce(&mut Config),
    ) -> (Arc<Link>, Wire, mpsc::UnboundedReceiver<Answer>) {
        let mut config = self.config(1);
        change(&mut config);
        let (sender, unsolicited) = mpsc::unbounded_channel();
        let link = Link::start(config, move |answer| sender.send(answer).unwrap_or_default()).unwrap();
        (Arc::new(link), self.signed_on().await, unsolicited)
    }

    pub(crate) async fn accept(&self) -> Wire {
        let (stream, _) = timeout(PATIENCE, self.listener.accept()).await.expect("a connection").unwrap();
        stream.set_nodelay(true).unwrap();
        Wire { stream }
    }

    pub(crate) async fn signed_on(&self) -> Wire {
        let mut wire = self.accept().await;
        let request = wire.frame().await.unwrap();
        assert_eq!(&request[..36], "080082200001000000000400000000000000");
        assert_eq!(&request[60..], "001");
        wire.send(&management_answer(&request, "00")).await;
        wire
    }
}

pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
}

impl Wire {
    /// The next frame, or nothing when the connection is closed.
    pub(crate) async fn frame(&mut self) -> Option<String> {
        timeout(PATIENCE, async {
            let length = self.stream.read_u16().await.ok()?;
            let mut frame = vec![0; length.into()];
            self.stream.read_exact(&mut frame).await.ok()?;
            Some(String::from_utf8(frame).unwrap())
        })
        .await
        .expect("a frame or the end")
    }

    pub(crate) async fn send(&mut self, message: &str) {
        self.raw(&framed(message)).await;
    }

    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }
}

pub(crate) fn framed(message: &str) -> Vec<u8> {
    let mut bytes = u16::try_from(message.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend_from_slice(message.as_bytes());
    bytes
}

pub(crate) fn management_answer(request: &str, code: &str) -> String {
    format!("081082200001020000000400000000000000{}{code}{}", &request[36..60], &request[60..])
}

/// The pieces of a purchase, or of an advice, whose card number has 16 digits.
pub(crate) struct Pieces {
    pub(crate) mti: String,
    pub(crate) processing: String,
    pub(crate) amount: String,
    pub(crate) sent: String,
    pub(crate) trace: String,
    pub(crate) time: String,
    pub(crate) reference: String,
}

pub(crate) fn pieces(request: &str) -> Pieces {
    // Behind message type and bitmap; an advice has a second bitmap, and no expiry before the last pieces.
    let start = if &request[4..5] >= "8" { 36 } else { 20 };
    let at = |from: usize, to: usize| request[start + from..start + to].to_owned();
    let expiry = if request.starts_with("02") && at(18, 24) == "000000" { 4 } else { 0 };
    Pieces {
        mti: request[..4].to_owned(),
        processing: at(18, 24),
        amount: at(24, 36),
        sent: at(36, 46),
        trace: at(46, 52),
        time: at(52, 62),
        reference: at(79 + expiry, 91 + expiry),
    }
}

impl Pieces {
    pub(crate) fn approved(&self) -> String {
        self.financial("323800010EC08000", "A1B2C300")
    }

    pub(crate) fn declined(&self, code: &str) -> String {
        self.financial("323800010AC08000", code)
    }

    fn financial(&self, bitmap: &str, result: &str) -> String {
        let Self { processing, amount, sent, trace, time, reference, .. } = self;
        format!(
            "0210{bitmap}{processing}{amount}{sent}{trace}{time}06400000{reference}{result}TERM000157123          978"
        )
    }

    pub(crate) fn acknowledged(&self) -> String {
        let Self { processing, amount, sent, trace, reference, .. } = self;
        format!(
            "0430322000010AC08000{processing}{amount}{sent}{trace}06400000{reference}00TERM000157123          978"
        )
    }
}

pub(crate) fn attempt(operation: u64) -> Attempt {
    Attempt {
        reference: Reference::new(operation, 1).unwrap(),
        pan: Pan::new("4314220000000056").unwrap(),
        amount: 2000,
        currency: 978,
        category: 5999,
        made_at: "2026-03-03T13:42:05Z".parse().unwrap(),
        shop: ShopName::new("SHOP", "RIGA", "LV"),
        remote_order: None,
        fault_plan: None,
        repeat: false,
    }
}

pub(crate) fn purchase(operation: u64) -> Request {
    Request::Debit(Debit::plain(DebitKind::Purchase, attempt(operation), Expiry { year: 2030, month: 12 }))
}

pub(crate) fn advice(operation: u64) -> Request {
    Request::ReversalAdvice(ReversalAdvice {
        attempt: attempt(operation),
        class: Class::Financial,
        processing: Processing::Purchase,
        original: None,
    })
}

pub(crate) fn reference(operation: u64) -> Reference {
    Reference::new(operation, 1).unwrap()
}

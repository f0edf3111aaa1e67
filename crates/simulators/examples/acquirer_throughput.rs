//! How many purchases the acquirer simulator answers per second over loopback.
//!
//! `cargo run --release -p ferropay-simulators --example acquirer_throughput [CONNECTIONS] [IN_FLIGHT] [PURCHASES]`
//! runs the acquirer on one thread of its own and clients on another; every client keeps `IN_FLIGHT` purchases in flight
//! on its connection. At the end the book is compared with what was sent. Prints messages per second and, on Linux, the
//! acquirer thread's processor time per message, which is what a benchmark of the platform pays for its counterpart.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use ferropay_simulators::acquirer::{Acquirer, Config, Handle, Reference};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn purchase(out: &mut Vec<u8>, number: u64) -> Result<(), Failure> {
    let reference = Reference::from_number(number * 512 + 1).ok_or("number too large")?;
    let text = format!(
        "0200723C448108E18000164000000000000077000000000000002000\
         0303134205{:06}1342050303301259998125906400000{reference}TERM000157123          \
         FERROPAY TEST SHOP       RIGA         LV0240700312309011ANNA OZOLIN978",
        number % 999_999 + 1
    );
    out.extend_from_slice(&u16::try_from(text.len())?.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

async fn client(address: SocketAddr, first: u64, count: u64, in_flight: u64) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let sign_on = b"\x00\x3f080082200001000000000400000000000000030313420500000106400000001";
    stream.write_all(sign_on).await?;
    let mut answers = Vec::with_capacity(64 * 1_024);
    let (mut sent, mut answered, mut signed_on) = (0, 0, false);
    while answered < count {
        if signed_on && sent < count && sent - answered < in_flight {
            let mut batch = Vec::new();
            while sent < count && sent - answered < in_flight {
                purchase(&mut batch, first + sent)?;
                sent += 1;
            }
            stream.write_all(&batch).await?;
        }
        if stream.read_buf(&mut answers).await? == 0 {
            return Err("the acquirer closed the connection".into());
        }
        let mut rest = answers.as_slice();
        while let Some((prefix, tail)) = rest.split_first_chunk::<2>() {
            let Some((answer, tail)) = tail.split_at_checked(usize::from(u16::from_be_bytes(*prefix))) else {
                break;
            };
            rest = tail;
            if !signed_on {
                signed_on = answer.starts_with(b"0810");
            } else if answer.starts_with(b"0210323800010EC18000") {
                answered += 1;
            } else {
                return Err(format!("not an approval: {}", String::from_utf8_lossy(answer)).into());
            }
        }
        let used = answers.len() - rest.len();
        answers.drain(..used);
    }
    Ok(())
}

/// Processor time of the calling thread in microseconds, where /proc tells.
fn thread_micros() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse::<u64>().ok().map(|nanos| nanos / 1_000)
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let connections = arguments.next().transpose()?.unwrap_or(2).max(1);
    let in_flight = arguments.next().transpose()?.unwrap_or(128).max(1);
    let purchases = arguments.next().transpose()?.unwrap_or(1_000_000) / connections * connections;

    let (announce, announced) = std::sync::mpsc::channel::<Handle>();
    let server = std::thread::spawn(move || -> Result<Option<u64>, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut config = Config::new(SocketAddr::from(([127, 0, 0, 1], 0)), Arc::new(|| 1_741_009_325));
            config.idle_timeout = std::time::Duration::from_mins(1);
            let handle = Acquirer::start(config).await?;
            announce.send(handle.clone())?;
            drop(announce);
            handle.stopped().await;
            Ok(thread_micros())
        })
    });
    let handle = announced.recv()?;
    let address = handle.local_addr();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let started = Instant::now();
    runtime.block_on(async {
        let share = purchases / connections;
        let clients: Vec<_> = (0..connections)
            .map(|index| tokio::spawn(client(address, 1 + index * share, share, in_flight)))
            .collect();
        for client in clients {
            client.await??;
        }
        Ok::<_, Failure>(())
    })?;
    let elapsed = started.elapsed();
    let book = handle.book();
    if book.counters.purchases_executed != purchases || !book.moved_twice.is_empty() {
        return Err(format!("the book shows {:?}", book.counters).into());
    }
    runtime.block_on(handle.shutdown());
    let busy = server.join().map_err(|_| "the acquirer's thread panicked")??;
    let micros = elapsed.as_micros().max(1);
    println!(
        "{purchases} purchases on {connections} connections, {in_flight} in flight on each: {} per second",
        u128::from(purchases) * 1_000_000 / micros
    );
    if let Some(busy) = busy {
        println!("acquirer: {} ns of processor time per purchase", busy * 1_000 / purchases.max(1));
    }
    println!("book: {} lines, {} dropped by the cap", book.entries, book.counters.forgotten);
    Ok(())
}

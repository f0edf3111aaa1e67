//! Directory server and demo bank alone, at `127.0.0.1:8081` or the address given: `cargo run --example three_ds -- ADDRESS`.

use std::sync::Arc;

use ferropay_simulators::three_ds::{Config, Handle, router};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8081".to_owned());
    let listener = tokio::net::TcpListener::bind(&address).await?;
    let started = std::time::Instant::now();
    // Time begins with the program: only spans matter here.
    let clock = Arc::new(move || i64::try_from(started.elapsed().as_secs()).unwrap_or(i64::MAX));
    let handle = Handle::new(Config::new(format!("http://{}", listener.local_addr()?), clock))?;
    println!("directory server: http://{}/3ds/ds", listener.local_addr()?);
    axum::serve(listener, router(handle)).await?;
    Ok(())
}

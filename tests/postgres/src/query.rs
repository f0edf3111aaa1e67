//! Statements, each on a connection of its own.

use std::thread::JoinHandle;
use tokio_postgres::{Error, NoTls, SimpleQueryMessage};

/// The names of the columns of a query in the database at an address, and its rows as text.
pub fn rows(url: &str, sql: &str) -> (Vec<String>, Vec<Vec<Option<String>>>) {
    let (mut columns, mut rows) = (Vec::new(), Vec::new());
    for message in query(url, sql) {
        match message {
            SimpleQueryMessage::RowDescription(described) => {
                columns = described.iter().map(|column| column.name().to_owned()).collect();
            }
            SimpleQueryMessage::Row(row) => {
                rows.push((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect());
            }
            _ => {}
        }
    }
    (columns, rows)
}

/// How many rows a statement changes.
pub fn change(url: &str, sql: &str) -> u64 {
    let told = |message| match message {
        SimpleQueryMessage::CommandComplete(rows) => Some(rows),
        _ => None,
    };
    query(url, sql).into_iter().filter_map(told).sum()
}

pub(crate) fn query(url: &str, sql: &str) -> Vec<SimpleQueryMessage> {
    try_query(url, sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

pub(crate) fn try_query(url: &str, sql: &str) -> Result<Vec<SimpleQueryMessage>, Error> {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    let thread = on_a_thread(async move {
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        let connection = tokio::spawn(connection);
        let answer = client.simple_query(&sql).await;
        drop(client);
        connection.await.unwrap()?;
        answer
    });
    thread.join().unwrap()
}

/// On a thread of its own, so that it can be waited for wherever this is called.
pub(crate) fn on_a_thread<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    std::thread::spawn(|| {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    })
}

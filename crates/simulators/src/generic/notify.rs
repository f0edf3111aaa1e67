//! Telling the platform what became of a transaction, until it acknowledges.

use super::{book::Status, crediting, server::Handle, sign};
use serde_json::json;
use uuid::Uuid;

/// Tells of a transaction that has been decided, in the background.
pub(super) fn tell(handle: &Handle, reference: &str) {
    crediting::begin(handle, reference);
    let (handle, reference) = (handle.clone(), reference.to_owned());
    tokio::spawn(async move { deliver(&handle, &reference).await });
}

async fn deliver(handle: &Handle, reference: &str) {
    let notice = {
        let mut book = handle.0.book.lock();
        let Some(transaction) = book.get(reference) else { return };
        let is_told = !matches!(transaction.status, Status::Pending | Status::Cancelled);
        if transaction.faults.silent || !is_told {
            return;
        }
        let body = json!({
            "notification": Uuid::new_v4(),
            "transaction": transaction.told(&handle.0.config.base_url),
        });
        let again = transaction.faults.twice;
        (transaction.asked.notification_url.clone(), body.to_string(), again)
    };
    let (url, body, again) = notice;
    let mut pauses = handle.0.config.notice_pauses.iter();
    loop {
        let arrived = post(handle, reference, &url, &body).await;
        if arrived {
            break;
        }
        let Some(pause) = pauses.next() else {
            tracing::warn!(reference, "a notice was not acknowledged and is given up");
            return;
        };
        tokio::time::sleep(*pause).await;
    }
    if again {
        post(handle, reference, &url, &body).await;
    }
}

/// One try; whether it was acknowledged.
async fn post(handle: &Handle, reference: &str, url: &str, body: &str) -> bool {
    if let Some(transaction) = handle.0.book.lock().get(reference) {
        transaction.notices += 1;
    }
    let signature = sign::notice(&handle.0.config.secret, body, handle.now());
    let request = handle.0.client.post(url).header("content-type", "application/json");
    let sent = request.header("x-signature", signature).body(body.to_owned()).send().await;
    match sent {
        Ok(response) if response.status() == 200 => true,
        Ok(response) => {
            tracing::debug!(reference, status = response.status().as_u16(), "a notice was not acknowledged");
            false
        }
        Err(error) => {
            tracing::debug!(reference, error = %error.without_url(), "a notice did not arrive");
            false
        }
    }
}

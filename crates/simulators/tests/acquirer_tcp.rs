//! The acquirer over real sockets, with messages written by hand from the profile.

#![allow(missing_docs, reason = "a test binary has no interface")]

#[cfg(test)]
mod support;

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferropay_simulators::acquirer::AttemptState;
use support::*;
use tokio::io::AsyncWriteExt as _;

#[tokio::test]
async fn nothing_is_done_before_sign_on_and_after_sign_off() {
    let acquirer = start().await;
    let mut client = Client::connect(&acquirer).await;
    assert_eq!(client.ask(&purchase(1, 500, "")).await, "58");
    client.send(&network("301", 7)).await;
    assert_eq!(
        client.receive().await,
        "081082200001020000000400000000000000030313420500000706400000".to_owned() + "58301"
    );
    client.send(&network("001", 8)).await;
    assert!(client.receive().await.ends_with("00001"));
    assert_eq!(client.ask(&purchase(1, 500, "")).await, "00", "the 58 is not remembered");
    client.send(&network("301", 9)).await;
    assert!(client.receive().await.ends_with("00301"));
    client.send(&network("555", 10)).await;
    assert!(client.receive().await.ends_with("12555"));
    client.send(&network("002", 11)).await;
    assert!(client.receive().await.ends_with("00002"));
    assert_eq!(client.ask(&purchase(2, 500, "")).await, "58");
    let traffic = acquirer.traffic();
    assert_eq!((traffic.sign_ons, traffic.echoes, traffic.not_signed_on), (1, 1, 3));
}

#[tokio::test]
async fn a_sign_off_is_answered_after_what_is_in_flight() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    client.send(&purchase(1, 500, &plan("late=150"))).await;
    client.send(&network("002", 2)).await;
    assert_eq!(client.answer().await.mti, "0210");
    assert!(client.receive().await.starts_with("0810"));
}

// D-486, D-498
#[tokio::test]
async fn a_purchase_is_refunded_voided_and_undone_over_the_wire() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    client.send(&purchase(1, 2_000, "07003123")).await;
    let approved = client.answer().await;
    assert_eq!((approved.mti.as_str(), approved.code.as_str()), ("0210", "00"));
    assert_eq!(approved.de37, de37(1));
    assert!(approved.approval.is_some() && approved.text.contains("02601001M08015"));
    assert!(!approved.text.contains(GOOD));

    client.send(&refund(2, 500, &original(1))).await;
    let refunded = client.answer().await;
    assert_eq!((refunded.mti.as_str(), refunded.code.as_str()), ("0210", "00"));
    assert!(refunded.approval.is_some());

    let tags = original(1) + "11012000000000700";
    client.send(&void(3, 2_000, &tags, Some(800))).await;
    let voided = client.answer().await;
    assert_eq!((voided.mti.as_str(), voided.code.as_str()), ("0410", "00"));
    assert_eq!(client.ask(&void(4, 2_000, &original(1), None)).await, "13");
    assert_eq!(client.ask(&void(5, 2_000, &original(1), Some(800))).await, "30", "DE95 without tag 11");

    client.send(&advice(1, 2_000)).await;
    let undone = client.answer().await;
    assert_eq!((undone.mti.as_str(), undone.code.as_str(), undone.approval), ("0430", "00", None));
    assert_eq!(client.ask(&purchase(1, 2_000, "07003123")).await, "94");

    let book = acquirer.book();
    assert_eq!(book.totals[0].1.taken(), book.totals[0].1.returned());
    assert_eq!(book.counters.advices_executed, 1);
    assert!(book.moved_twice.is_empty() && book.doubled_operations.is_empty());
    let operation = acquirer.operation(reference(1)).unwrap();
    assert_eq!(operation.card, "400000******0077");
    assert_eq!(
        (operation.state, operation.left, operation.moved, operation.undone),
        (AttemptState::Reversed, 0, 1, 1)
    );
}

#[tokio::test]
async fn a_0201_gets_the_stored_answer_with_its_own_trace_number() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    client.send(&purchase(1, 500, "")).await;
    let first = client.answer().await;
    let repeat =
        purchase(1, 500, "").replacen("0200", "0201", 1).replacen("0303134205000123", "0303134305000777", 1);
    client.send(&repeat).await;
    let second = client.answer().await;
    assert_eq!((&second.code, &second.approval, &second.mti), (&first.code, &first.approval, &first.mti));
    assert!(second.text.contains("0303134305000777"));
    assert_eq!(client.ask(&purchase_of("5413330000000019", 1, 500, "")).await, "94");
    assert_eq!(acquirer.book().totals[0].1.taken(), 500);
}

#[tokio::test]
async fn a_repeat_may_change_nothing_that_matters_and_anything_else() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    for number in [1, 2] {
        assert_eq!(client.ask(&purchase(number, 500, "")).await, "00");
    }
    let dollars = |message: String| message.replacen("978", "840", 1);
    assert_eq!(client.ask(&dollars(purchase(1, 500, ""))).await, "94", "DE49");
    assert_eq!(client.ask(&purchase(1, 501, "")).await, "94", "DE4");
    assert_eq!(client.ask(&purchase_of("5413330000000019", 1, 500, "")).await, "94", "DE2");
    assert_eq!(client.ask(&refund(1, 500, &original(2))).await, "94", "DE3");
    assert_eq!(client.ask(&purchase(1, 500, "07003123")).await, "00", "the CVV2 is not compared");

    assert_eq!(client.ask(&refund(3, 100, &original(1))).await, "00");
    assert_eq!(client.ask(&refund(3, 100, &original(2))).await, "94", "tag 05");
    assert_eq!(client.ask(&refund(3, 100, &original(1)).replacen("0200", "0201", 1)).await, "00");

    let part = |amount: u64| format!("{}11012{amount:012}", original(2));
    assert_eq!(client.ask(&void(4, 500, &part(100), Some(400))).await, "00");
    assert_eq!(client.ask(&void(4, 500, &part(100), Some(300))).await, "94", "DE95");
    assert_eq!(client.ask(&void(4, 500, &part(101), Some(400))).await, "94", "tag 11");
    assert_eq!(client.ask(&void(4, 501, &part(100), Some(400))).await, "94", "DE4");
    assert_eq!(client.ask(&dollars(void(4, 500, &part(100), Some(400)))).await, "94", "DE49");
    assert_eq!(client.ask(&void(4, 500, &original(2), None)).await, "94", "neither DE95 nor tag 11");
    assert_eq!(client.ask(&void(4, 500, &part(100), Some(400)).replacen("0400", "0401", 1)).await, "00");
    let (_, totals) = acquirer.book().totals[0];
    assert_eq!((totals.purchases, totals.refunds, totals.voids), (1_000, 100, 100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_race_with_the_same_references_never_move_money_twice() {
    const REFERENCES: u64 = 200;
    let acquirer = start().await;
    let mut clients = tokio::task::JoinSet::new();
    for index in 0..6_u64 {
        let acquirer = acquirer.clone();
        clients.spawn(async move {
            let mut client = Client::signed_on(&acquirer).await;
            let mut batch = Vec::new();
            for number in 0..REFERENCES {
                // Four clients buy; the other two undo every third purchase.
                match index {
                    0..4 => batch.extend(frame(&purchase(number, 100, ""))),
                    _ => batch.extend(frame(&advice(number / 3 * 3, 100))),
                }
            }
            client.0.write_all(&batch).await.unwrap();
            for _ in 0..REFERENCES {
                let answer = client.answer().await;
                assert!(["00", "94"].contains(&answer.code.as_str()), "{answer:?}");
            }
        });
    }
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
    let book = acquirer.book();
    assert!(book.moved_twice.is_empty());
    let (_, totals) = book.totals[0];
    let open: u64 = book.open.iter().map(|effect| effect.left).sum();
    assert_eq!(totals.taken() - totals.returned(), u128::from(open));
    // 200 purchases, of which 0, 3, 6 … 198 are undone in the end.
    assert_eq!(open, 100 * (REFERENCES - REFERENCES.div_ceil(3)));
}

#[tokio::test]
async fn answers_do_not_wait_for_slower_ones() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    for (number, faults) in [(1, "delay=300"), (2, "late=150"), (3, "duplicate")] {
        client.send(&purchase(number, 500, &plan(faults))).await;
    }
    let mut order = Vec::new();
    for _ in 0..4 {
        order.push(client.answer().await.de37);
    }
    assert_eq!(order, [de37(3), de37(3), de37(2), de37(1)]);
}

// D-488
#[tokio::test]
async fn a_silent_issuer_is_declined_after_its_time_out_for_all_who_asked() {
    let acquirer = start_with(|config| config.issuer_timeout = Duration::from_millis(300)).await;
    let mut client = Client::signed_on(&acquirer).await;
    let started = Instant::now();
    client.send(&purchase_of(SILENT_ISSUER, 1, 500, "")).await;
    client.send(&purchase_of(SILENT_ISSUER, 2, 500, "")).await;
    client.send(&purchase_of(SILENT_ISSUER, 1, 500, "").replacen("0200", "0201", 1)).await;
    // The advice needs no card of its own: DE37 alone counts.
    assert_eq!(client.ask(&advice(2, 500)).await, "00");
    let mut answers: Vec<_> = Vec::new();
    for _ in 0..3 {
        let answer = client.answer().await;
        answers.push((answer.de37, answer.code));
    }
    assert!(started.elapsed() >= Duration::from_millis(300));
    answers.sort();
    assert_eq!(answers, [(de37(1), "68".to_owned()), (de37(1), "68".to_owned()), (de37(2), "94".to_owned())]);
    assert!(acquirer.book().open.is_empty());
}

#[tokio::test]
async fn frames_may_be_split_at_any_byte_and_merged() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    client.0.set_nodelay(true).unwrap();
    for byte in frame(&purchase(1, 500, "")) {
        client.0.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(client.answer().await.code, "00");
    // Keep-alives between, and the last frame cut in its length prefix.
    let mut bytes = vec![0, 0];
    for number in 2..40 {
        bytes.extend(frame(&purchase(number, 500, "")));
        bytes.extend([0, 0]);
    }
    let last = frame(&purchase(40, 500, ""));
    bytes.extend(&last[..1]);
    client.0.write_all(&bytes).await.unwrap();
    for number in 2..40 {
        assert_eq!(client.answer().await.de37, de37(number));
    }
    client.0.write_all(&last[1..]).await.unwrap();
    assert_eq!(client.answer().await.de37, de37(40));
}

#[tokio::test]
async fn work_is_done_or_left_undone_as_the_fault_says() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    client.send(&purchase(1, 100, &plan("drop"))).await;
    client.send(&purchase(2, 100, &plan("drop-before"))).await;
    client.expect_silence(150).await;
    assert!(acquirer.operation(reference(1)).is_some_and(|operation| operation.left == 100));
    assert_eq!(acquirer.operation(reference(2)), None);

    client.send(&purchase(3, 100, &plan("reset"))).await;
    client.expect_close().await;
    assert!(acquirer.operation(reference(3)).is_some());
    let mut client = Client::signed_on(&acquirer).await;
    client.send(&purchase(4, 100, &plan("reset-before"))).await;
    client.expect_close().await;
    assert_eq!(acquirer.operation(reference(4)), None);

    let mut client = Client::signed_on(&acquirer).await;
    client.send(&purchase(5, 100, &plan("garbage"))).await;
    assert!(!client.receive().await.starts_with("02"));
    assert!(acquirer.operation(reference(5)).is_some());
    client.send(&purchase(6, 100, &plan("decline=51"))).await;
    assert_eq!(client.answer().await.code, "51");
    assert_eq!(client.ask(&purchase(6, 100, "")).await, "51", "the decline is remembered");
    client.send(&purchase(7, 100, &plan("late=200"))).await;
    client.expect_silence(100).await;
    assert!(acquirer.operation(reference(7)).is_some(), "late: the work is done at once");
    assert_eq!(client.answer().await.de37, de37(7));
    client.send(&purchase(8, 100, &plan("delay=200"))).await;
    client.expect_silence(100).await;
    assert_eq!(acquirer.operation(reference(8)), None, "delay: the work waits");
    assert_eq!(client.answer().await.de37, de37(8));
    assert_eq!(client.ask(&purchase(9, 100, &plan("nonsense"))).await, "30");
    assert_eq!(acquirer.operation(reference(9)), None);
}

#[tokio::test]
async fn a_delayed_original_is_still_worked_on_after_its_connection_is_gone() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    client.send(&purchase(1, 100, &plan("delay=200"))).await;
    client.send(&purchase(2, 100, &plan("delay=200"))).await;
    client.expect_silence(50).await;
    drop(client);
    let mut other = Client::signed_on(&acquirer).await;
    assert_eq!(other.ask(&advice(2, 100)).await, "00");
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(acquirer.operation(reference(1)).unwrap().left, 100);
    assert_eq!(acquirer.operation(reference(2)).unwrap().moved, 0, "the reversal came first");
}

#[tokio::test]
async fn a_merchants_plan_hits_the_named_kind_until_its_count_is_used_up() {
    let acquirer = start().await;
    acquirer.set_faults("57123", "drop*2@advice,decline=96*1@refund").unwrap();
    let mut client = Client::signed_on(&acquirer).await;
    assert_eq!(client.ask(&purchase(1, 100, "")).await, "00");
    assert_eq!(client.ask(&refund(2, 10, &original(1))).await, "96");
    assert_eq!(client.ask(&refund(3, 10, &original(1))).await, "00");
    client.send(&advice(1, 100)).await;
    client.send(&advice(1, 100)).await;
    client.expect_silence(100).await;
    assert_eq!(client.ask(&advice(1, 100)).await, "00");
    assert!(acquirer.clear_faults("57123"));
}

#[tokio::test]
async fn hostile_bytes_close_only_the_connection_they_came_on() {
    let acquirer = start().await;
    let mut good = Client::signed_on(&acquirer).await;
    let mut attacks: Vec<Vec<u8>> = vec![
        vec![0xff; 64],
        vec![0x08, 0x01], // 2,049 bytes announced
        frame("GET / HTTP/1.1"),
        frame("0200"),
        frame("99998000000000000000"),
        frame(&purchase(1, 100, "").replacen("0200", "0120", 1)),
        frame(&(purchase(1, 100, "") + "x")),
        frame(&purchase(1, 100, "").replacen("TERM", "T\u{7f}RM", 1)),
        frame("02000000000000000000"), // nothing to answer to
    ];
    attacks.push([frame(&network("001", 1)), vec![0xff, 0xff]].concat());
    let count = attacks.len() as u64;
    for attack in attacks {
        let mut client = Client::connect(&acquirer).await;
        client.0.write_all(&attack).await.unwrap();
        let closed = async { while client.next().await.is_some() {} };
        tokio::time::timeout(Duration::from_secs(5), closed).await.expect("still open");
    }
    assert_eq!(acquirer.traffic().connections_broken, count);
    assert_eq!(good.ask(&purchase(1, 100, "")).await, "00");
}

/// Collects what would be logged.
#[derive(Clone, Default)]
struct Log(Arc<parking_lot::Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_log_line_holds_a_card_number_or_cvv() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // The test's runtime has one thread, so the acquirer's tasks log here too.
    let _guard = tracing::subscriber::set_default(subscriber);
    let acquirer = start().await;
    let good = purchase(1, 100, "07004735809004ANNA");
    for message in [
        good.clone(),
        good.clone() + "x",
        good.replacen("TERM", "T\u{7f}RM", 1),
        good.replacen("164000", "174000", 1),
        good.replacen("000000000100", "00000000010A", 1),
        purchase(2, 100, &format!("{}07004735809004ANNA", plan("garbage"))),
        purchase(3, 100, &format!("{}07004735809004ANNA", plan("nonsense"))),
        purchase(4, 100, &format!("{}07004735809004ANNA", plan("reset"))),
    ] {
        let mut client = Client::signed_on(&acquirer).await;
        client.send(&message).await;
        let _ = tokio::time::timeout(Duration::from_millis(100), client.next()).await;
    }
    acquirer.shutdown().await;
    let text = String::from_utf8(log.0.lock().clone()).unwrap();
    assert!(text.contains("protocol error: bytes are left over"), "{text}");
    assert!(text.contains("a fault plan asked for it"), "{text}");
    for secret in [GOOD, &GOOD[..12], "7358", "ANNA"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn malformed_content_is_answered_30_and_the_connection_lives_on() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    let good = purchase(1, 100, "");
    assert_eq!(client.ask(&good.replacen("000000000100", "00000000010A", 1)).await, "30");
    // Without DE49 the answer has what the request had, and nothing more.
    let without = good.strip_suffix("978").unwrap().replacen("E18000", "E10000", 1);
    client.send(&without).await;
    let answer = client.answer().await;
    assert_eq!(answer.code, "30");
    assert!(answer.text.ends_with("57123          "));
    assert_eq!(client.ask(&good).await, "00", "a 30 is not remembered");
    assert_eq!(client.ask(&purchase(2, 100, "").replacen("077000000", "077280000", 1)).await, "12");
    assert_eq!(acquirer.traffic().malformed, 2);
}

#[tokio::test]
async fn a_client_that_sends_a_message_byte_by_byte_forever_is_cut_off() {
    let acquirer = start_with(|config| config.frame_timeout = Duration::from_millis(200)).await;
    let mut client = Client::signed_on(&acquirer).await;
    let started = Instant::now();
    let mut written = 0;
    for byte in frame(&purchase(1, 100, "")) {
        if client.0.write_all(&[byte]).await.is_err() || started.elapsed() > Duration::from_secs(3) {
            break;
        }
        written += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(written < 100, "cut off after {written} bytes");
    assert_eq!(acquirer.operation(reference(1)), None);
    assert_eq!(acquirer.traffic().connections_broken, 1);
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let acquirer = start_with(|config| config.idle_timeout = Duration::from_millis(150)).await;
    let mut client = Client::signed_on(&acquirer).await;
    client.expect_close().await;
}

#[tokio::test]
async fn a_full_queue_slows_the_client_down_and_loses_nothing() {
    let acquirer = start_with(|config| config.most_deferred = 4).await;
    let mut client = Client::signed_on(&acquirer).await;
    let started = Instant::now();
    for number in 0..20 {
        client.send(&purchase(number, 100, &plan("late=60"))).await;
    }
    for number in 0..20 {
        assert_eq!(client.answer().await.de37, de37(number));
    }
    assert!(started.elapsed() >= Duration::from_millis(5 * 60), "never more than four at a time");
}

#[tokio::test]
async fn a_client_that_takes_no_answers_is_cut_off() {
    let acquirer = start_with(|config| config.write_timeout = Duration::from_millis(200)).await;
    let mut client = Client::signed_on(&acquirer).await;
    let batch = frame(&network("301", 3)).repeat(2_000);
    let flood = async { while client.0.write_all(&batch).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(20), flood).await.expect("the acquirer reads on without end");
    assert_eq!(acquirer.traffic().connections_broken, 1);
}

#[tokio::test]
async fn connections_beyond_the_limit_are_refused_and_a_place_becomes_free_again() {
    let acquirer = start_with(|config| config.most_connections = 1).await;
    let first = Client::signed_on(&acquirer).await;
    let mut second = Client::connect(&acquirer).await;
    second.expect_close().await;
    drop(first);
    tokio::time::sleep(Duration::from_millis(100)).await;
    // Work that is put off does not keep the place of the connection it came on.
    let mut third = Client::signed_on(&acquirer).await;
    third.send(&purchase(1, 100, &plan("delay=9999999"))).await;
    drop(third);
    tokio::time::sleep(Duration::from_millis(100)).await;
    Client::signed_on(&acquirer).await;
    tokio::time::timeout(Duration::from_secs(3), acquirer.shutdown())
        .await
        .expect("put-off work keeps it running");
}

#[tokio::test]
async fn shutdown_closes_everything_and_so_does_dropping_the_last_handle() {
    let acquirer = start().await;
    let address = acquirer.local_addr();
    let mut client = Client::signed_on(&acquirer).await;
    acquirer.shutdown().await;
    client.expect_close().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    acquirer.shutdown().await;

    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    drop(acquirer);
    client.expect_close().await;
}

#[tokio::test]
async fn the_clock_only_goes_forward_and_ages_the_book() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    assert_eq!(client.ask(&purchase_of("4111111111111111", 1, 100, "")).await, "99");
    assert_eq!(acquirer.set_clock_offset(90_000), Ok(TIME + 90_000));
    assert!(acquirer.set_clock_offset(89_999).is_err());
    assert_eq!(client.ask(&purchase(2, 100, "")).await, "00");
    assert_eq!(acquirer.operation(reference(1)), None, "older than a day");
    assert_eq!(acquirer.operation(reference(2)).unwrap().received_at, TIME + 90_000);
}

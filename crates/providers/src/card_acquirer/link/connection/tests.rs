use super::*;
use crate::card_acquirer::message::{Attempt, Debit, DebitKind, Expiry, ShopName};
use crate::card_acquirer::reference::Reference;
use crate::card_acquirer::secret::Pan;
use proptest::prelude::*;

fn connection(limit: usize) -> Connection {
    let connection = Connection::new(Identity::new("400000", "TERM0001", "57123").unwrap(), limit);
    connection.open();
    connection
}

fn stamp() -> Stamp {
    Stamp { trace: 1, sent_at: jiff::Timestamp::UNIX_EPOCH }
}

/// A purchase whose length differs with its operation.
fn purchase(operation: u64) -> Request {
    let plan = "x".repeat(usize::try_from(operation % 7).unwrap());
    let attempt = Attempt {
        reference: Reference::new(operation, 0).unwrap(),
        pan: Pan::new("4314220000000056").unwrap(),
        amount: 2000,
        currency: 978,
        category: 5999,
        made_at: jiff::Timestamp::UNIX_EPOCH,
        shop: ShopName::new("SHOP", "RIGA", "LV"),
        remote_order: None,
        fault_plan: (!plan.is_empty()).then(|| plan.into()),
        repeat: false,
    };
    Request::Debit(Debit::plain(DebitKind::Purchase, attempt, Expiry { year: 2030, month: 12 }))
}

fn enqueue(connection: &Connection, operation: u64) -> Ticket {
    connection.enqueue(&purchase(operation), stamp()).unwrap_or_else(|reason| panic!("{reason}"))
}

/// The operations of the frames that would be written now, in order.
fn written(connection: &Connection) -> Vec<u64> {
    let mut batch = Vec::new();
    connection.take_batch(&mut batch);
    let mut rest = batch.as_slice();
    let mut operations = Vec::new();
    while let Some((head, after)) = rest.split_first_chunk::<2>() {
        let (frame, after) = after.split_at(u16::from_be_bytes(*head).into());
        let message = crate::card_acquirer::iso8583::decode(frame).unwrap();
        operations.push(Reference::decode(message.require(37).unwrap()).unwrap().operation_id());
        rest = after;
    }
    operations
}

#[test]
fn a_loss_before_the_write_is_not_sent_and_after_it_unknown() {
    let connection = connection(10);
    let mut before = enqueue(&connection, 1);
    assert_eq!(written(&connection), [1]);
    let mut after = enqueue(&connection, 2);
    connection.fail(Unknown::ConnectionLost);
    assert_eq!(before.answer.try_recv().unwrap(), Err(Lost::Unknown(Unknown::ConnectionLost)));
    assert_eq!(after.answer.try_recv().unwrap(), Err(Lost::NotSent(NotSent::ConnectionLost)));
    // Nothing of the lost connection may appear on the next one.
    connection.open();
    assert!(written(&connection).is_empty());
    assert!(connection.is_idle());
}

#[test]
fn a_connection_that_is_down_or_closing_takes_nothing() {
    let connection = connection(10);
    connection.fail(Unknown::ConnectionLost);
    assert_eq!(connection.enqueue(&purchase(1), stamp()).err(), Some(NotSent::NoConnection));
    connection.refuse();
    connection.fail(Unknown::ConnectionLost);
    assert_eq!(connection.enqueue(&purchase(1), stamp()).err(), Some(NotSent::Closing));
}

#[test]
fn withdrawing_tells_whether_the_request_was_written() {
    let connection = connection(10);
    let (one, two) = (enqueue(&connection, 1), enqueue(&connection, 2));
    assert_eq!(connection.withdraw(one.key, one.serial), Withdrawn::Unwritten);
    assert_eq!(written(&connection), [2]);
    assert_eq!(connection.withdraw(two.key, two.serial), Withdrawn::Written);
    assert_eq!(connection.withdraw(two.key, two.serial), Withdrawn::Ended);
}

#[test]
fn withdrawing_an_ended_request_leaves_its_successor_under_the_same_reference() {
    let connection = connection(10);
    let old = enqueue(&connection, 1);
    assert_eq!(connection.withdraw(old.key, old.serial), Withdrawn::Unwritten);
    let _new = enqueue(&connection, 1);
    assert_eq!(connection.withdraw(old.key, old.serial), Withdrawn::Ended);
    assert_eq!(written(&connection), [1]);
}

#[test]
fn what_is_cut_out_of_the_buffer_leaves_no_copy_behind() {
    let mut out = b"aaaSECRETbbb".to_vec();
    cut(&mut out, 3, 6);
    assert_eq!(out, b"aaabbb");
    let spare = out.capacity();
    out.resize(spare.min(12), 1);
    assert!(!out.windows(3).any(|window| window == b"RET"));
}

#[test]
fn an_acquirer_that_sends_echoes_without_reading_cannot_fill_the_memory() {
    let connection = connection(10);
    let mut flood = vec![Incoming::Echo { trace: 1, sent: *b"0303134205" }; 30_000];
    connection.settle(&mut flood, &mut Vec::new(), &|_| {});
    let mut batch = Vec::new();
    assert!(connection.take_batch(&mut batch));
    assert!(batch.len() <= UNREAD_LIMIT + 100, "{}", batch.len());
}

#[derive(Clone, Debug)]
enum Step {
    Enqueue,
    Withdraw(prop::sample::Index),
    Write,
}

proptest! {
    /// Whatever is queued and withdrawn in whatever order: exactly the frames that were not withdrawn unwritten are
    /// written, each whole, in order.
    #[test]
    fn withdrawing_never_damages_another_request(
        steps in proptest::collection::vec(
            prop_oneof![3 => Just(Step::Enqueue), 2 => any::<prop::sample::Index>().prop_map(Step::Withdraw), 1 => Just(Step::Write)],
            0..80,
        ),
    ) {
        let connection = connection(1000);
        let mut open: Vec<Ticket> = Vec::new();
        let mut expected: Vec<u64> = Vec::new();
        let mut next = 0;
        for step in steps {
            match step {
                Step::Enqueue => {
                    next += 1;
                    open.push(enqueue(&connection, next));
                    expected.push(next);
                }
                Step::Withdraw(index) if !open.is_empty() => {
                    let ticket = open.remove(index.index(open.len()));
                    let operation = ticket.key.reference.operation_id();
                    let unwritten = expected.contains(&operation);
                    let withdrawn = connection.withdraw(ticket.key, ticket.serial);
                    prop_assert_eq!(withdrawn, if unwritten { Withdrawn::Unwritten } else { Withdrawn::Written });
                    expected.retain(|waiting| *waiting != operation);
                }
                Step::Withdraw(_) => {}
                Step::Write => {
                    prop_assert_eq!(written(&connection), std::mem::take(&mut expected));
                }
            }
        }
        prop_assert_eq!(written(&connection), expected);
    }
}

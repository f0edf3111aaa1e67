//! What is remembered, for how long, and whose a script is.

use super::*;

fn transaction(server_id: Uuid) -> Transaction {
    Transaction {
        server_id,
        server_id_text: server_id.to_string(),
        directory_id: Uuid::new_v4(),
        issuer_id: Uuid::new_v4(),
        version: "2.2.0".to_owned(),
        category: "01".to_owned(),
        channel: "02".to_owned(),
        server_url: "http://127.0.0.1/".to_owned(),
        notification_url: "http://127.0.0.1/".to_owned(),
        merchant: "Cosmoshop".to_owned(),
        amount: None,
        card: "431422 •• •••• 0056".to_owned(),
        network: "Visa",
        created_at: 0,
        status: Word::C,
        challenge_status: Word::Y,
        reason: None,
        delivery: Delivery::Once,
        late_ms: 0,
        device_data: false,
        phase: Phase::Asking,
        tries: 0,
        cancelled: false,
        final_status: None,
        session: None,
        window: None,
        forged: false,
        released: watch::Sender::new(false),
        attempts: Vec::new(),
        result: None,
    }
}

fn book(most: usize) -> Book {
    Book::new(Cards::from_catalogue().unwrap(), most)
}

fn script(status: Word) -> Script {
    Script { status: Some(status), ..Script::default() }
}

#[test]
fn the_oldest_transactions_go_first() {
    let mut book = book(3);
    let ids: Vec<Uuid> = (0..5).map(|_| Uuid::new_v4()).collect();
    for id in &ids {
        book.insert(transaction(*id));
    }
    let newest: Vec<Uuid> = book.newest().map(|known| known.server_id).collect();
    assert_eq!(newest, [ids[4], ids[3], ids[2]]);
    assert!(book.of_server(ids[1]).is_none() && book.of_server(ids[2]).is_some());
    assert_eq!(book.by_server.len(), 3);
}

#[test]
fn visits_to_the_method_page_are_bounded_too() {
    let mut book = book(3);
    for _ in 0..10 {
        book.visit(Uuid::new_v4(), None);
    }
    assert_eq!((book.visits.len(), book.visit_order.len()), (3, 3));
}

#[test]
fn a_script_goes_to_the_transaction_whose_method_page_came_first() {
    let mut book = book(10);
    let (first, second) = (Uuid::new_v4(), Uuid::new_v4());
    book.script_next(Script { method: MethodPage::Silent, ..script(Word::R) }).unwrap();
    book.script_next(script(Word::A)).unwrap();
    assert_eq!(book.visit(first, None), MethodPage::Silent);
    assert_eq!(book.visit(first, None), MethodPage::Silent, "a second visit takes no second script");
    let (seen, taken) = book.begin(second, "4314220000000056");
    assert_eq!((seen, taken.unwrap().status), (false, Some(Word::A)));
    let (seen, taken) = book.begin(first, "4314220000000056");
    assert_eq!((seen, taken.unwrap().status), (true, Some(Word::R)));
    assert!(book.begin(Uuid::new_v4(), "4314220000000056").1.is_none());
}

#[test]
fn a_cards_script_stays_and_its_method_page_knows_it_by_number() {
    let mut book = book(10);
    let card = "4477000000000006";
    let silent = Script { method: MethodPage::Silent, ..script(Word::U) };
    book.script_card(card, Some(silent)).unwrap();
    let number = book.cards.get(card).unwrap().number;
    assert_eq!(book.visit(Uuid::new_v4(), Some(number)), MethodPage::Silent);
    assert_eq!(book.visit(Uuid::new_v4(), Some(number + 1)), MethodPage::Normal);
    for _ in 0..2 {
        assert_eq!(book.begin(Uuid::new_v4(), card).1.unwrap().status, Some(Word::U));
    }
    book.script_card(card, None).unwrap();
    assert!(book.begin(Uuid::new_v4(), card).1.is_none());
}

#[test]
fn scripts_are_bounded() {
    let mut book = book(10);
    for _ in 0..MOST_SCRIPTS {
        book.script_next(Script::default()).unwrap();
    }
    assert_eq!(book.script_next(Script::default()), Err(ScriptError::TooMany));
    book.clear_next();
    assert_eq!(book.script_next(Script::default()), Ok(1));
}

//! Approvals that save the same card.

use crate::world::{PROJECT, PROMPT, Provider, World, count, pay_with, until};
use ferropay_domain::{
    instrument::InstrumentKey,
    payment::{CardRequest, OperationKind, PaymentStatus},
};
use ferropay_store::Store as _;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_many_approvals_that_save_one_card_cost_grows_with_their_number_and_no_faster() {
    const MANY: usize = 200;
    let world = World::new().await;
    let provider = Provider::new(0, false);
    let engine = world.engine(&provider, PROMPT).await;
    for number in 0..MANY {
        let request = CardRequest { moto: Some(1), save: true, ..CardRequest::default() };
        pay_with(&engine, &format!("sale {number}"), OperationKind::Sale, request).await;
    }
    until("every sale is sent", async || usize::try_from(count(&provider.calls)).unwrap() == MANY).await;
    let before = world.store.effort().statements;
    provider.may_answer.add_permits(MANY);
    until("every sale is done", async || {
        engine.in_hand() == 0 && world.payment("sale 0").await.status == PaymentStatus::Success
    })
    .await;
    let statements = world.store.effort().statements - before;
    for number in 0..MANY {
        assert_eq!(world.payment(&format!("sale {number}")).await.status, PaymentStatus::Success);
    }
    let saved = world.store.saved_instruments(PROJECT, "customer-1", 10).await.unwrap();
    assert_eq!(saved.len(), 1);
    let by = InstrumentKey::Id(saved[0].id);
    let known = world.store.instrument(PROJECT, by).await.unwrap().unwrap();
    assert!(usize::try_from(known.version).unwrap() >= MANY, "each was noted: {:?}", known.version);
    let each = statements / MANY as u64;
    assert!(each < 100, "{statements} statements for {MANY} approvals");
}

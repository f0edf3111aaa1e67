//! Books: entries balance, holds are guarded, and settling ends them.

use crate::scenario::{self, World, eur};
use ferropay_domain::{
    change::{ChangeSet, Write},
    ids::OperationId,
    ledger::{AccountKey, Owner},
};
use ferropay_store::{Commit, CommitError, Loss};

fn is_defect(result: &Result<(), CommitError>) -> bool {
    matches!(result, Err(CommitError::Defect(_)))
}

pub(crate) async fn an_unbalanced_entry_is_refused(world: World) {
    let mut wrong = world.opening(1_000);
    wrong.changes.entries[0].legs[0].minor += 1;
    let result = world.store.commit(wrong).await;
    assert!(is_defect(&result), "{result:?}");
    let sale = world.sale("sale", eur(100));
    let scene = World::scene_of(&sale);
    world.store.commit(sale).await.unwrap();
    let mut wrong = world.approved(&scene);
    wrong.changes.entries[0].legs.pop();
    let result = world.store.commit(wrong.clone()).await;
    assert!(is_defect(&result), "{result:?}");
    world.assert_absent(&wrong).await;
    assert_eq!(world.balance(world.merchant()).await.posted, 0);
    world.assert_sound().await;
}

pub(crate) async fn an_entry_is_posted_once(world: World) {
    let opening = world.opening(1_000);
    world.store.commit(opening.clone()).await.unwrap();
    let result = world.store.commit(opening).await;
    assert!(is_defect(&result), "{result:?}");
    assert_eq!(world.balance(world.merchant()).await.posted, 1_000);
    world.assert_sound().await;
}

pub(crate) async fn settled_legs_add_up_to_what_is_paid(world: World) {
    let paid = world.paid("paid", eur(1_000)).await;
    let refund = world.refund(&paid, 400, None);
    let scene = World::scene_of(&refund);
    world.store.commit(refund).await.unwrap();
    for change in 0..4 {
        let mut wrong = world.approved(&scene);
        match change {
            0 => wrong.changes.settled[0].paid += 1,
            1 => wrong.changes.settled.clear(),
            2 => wrong.changes.entries[0].legs[0].settled = false,
            _ => wrong.changes.settled[0].held += 1,
        }
        let result = world.store.commit(wrong.clone()).await;
        assert!(is_defect(&result), "{change}: {result:?}");
        world.assert_absent(&wrong).await;
    }
    assert_eq!(world.balance(world.merchant()).await.held, 403);
    world.store.commit(world.approved(&scene)).await.unwrap();
    world.assert_sound().await;
}

// G-284
pub(crate) async fn a_hold_takes_what_the_balance_covers_and_no_more(world: World) {
    let merchant = world.merchant();
    let first = world.paid("first", eur(1_000)).await;
    let second = world.paid("second", eur(1_000)).await;
    assert_eq!(world.balance(merchant).await.posted, 1_990, "two sales less two fees");

    // 1,990 are there: 1,003 can be held once, not twice.
    world.store.commit(world.refund(&first, 1_000, None)).await.unwrap();
    let short = world.refund(&second, 1_000, None);
    let result = world.store.commit(short.clone()).await;
    assert!(matches!(result, Err(CommitError::Lost(Loss::BalanceShort))), "{result:?}");
    world.assert_absent(&short).await;
    assert_eq!(world.payment(second.key).await, second, "status and sum stay");
    let balance = world.balance(merchant).await;
    assert_eq!((balance.posted, balance.held), (1_990, 1_003));

    // To the last unit, and with credit beyond it.
    let mut all = world.refund(&second, 984, None);
    assert_eq!(scenario::hold(&mut all).minor, 987);
    world.store.commit(all).await.unwrap();
    let third = world.paid("third", eur(100)).await;
    let mut on_credit = world.refund(&third, 100, None);
    assert_eq!(scenario::hold(&mut on_credit).minor, 103);
    scenario::hold(&mut on_credit).floor = -7;
    let result = world.store.commit(on_credit.clone()).await;
    assert!(matches!(result, Err(CommitError::Lost(Loss::BalanceShort))), "95 and 7 do not cover 103");
    scenario::hold(&mut on_credit).floor = -8;
    world.store.commit(on_credit).await.unwrap();
    world.assert_sound().await;
}

// G-284
pub(crate) async fn a_merchant_without_an_account_has_nothing_to_hold(world: World) {
    let paid = world.paid("paid", eur(1_000)).await;
    let usd = ferropay_domain::money::Currency::parse("USD").unwrap();
    let account = AccountKey { currency: usd, ..world.merchant() };
    let before = world.store.balances(None).await.unwrap().len();
    let mut short = world.lawless_refund(&paid, 100);
    scenario::hold(&mut short).account = account;
    let result = world.store.commit(short).await;
    assert!(matches!(result, Err(CommitError::Lost(Loss::BalanceShort))), "{result:?}");
    assert_eq!(world.store.balances(None).await.unwrap().len(), before);
    world.assert_sound().await;
}

pub(crate) async fn many_holds_at_once_never_pass_the_floor(world: World) {
    world.store.commit(world.opening(1_000)).await.unwrap();
    let mut payments = Vec::new();
    for number in 0..64 {
        payments.push(world.paid(&format!("p{number}"), eur(100)).await);
    }
    // 1,000 and 64 sales of 95 net: each hold needs 103 and the balance may not fall below 5,000.
    let covered = (1_000 + 64 * 95 - 5_000) / 103;
    let tasks: Vec<_> = payments
        .into_iter()
        .map(|payment| {
            let world = world.clone();
            tokio::spawn(async move {
                let mut refund = world.refund(&payment, 100, None);
                scenario::hold(&mut refund).floor = 5_000;
                match world.store.commit(refund).await {
                    Ok(()) => 1,
                    Err(CommitError::Lost(Loss::BalanceShort)) => 0,
                    Err(other) => panic!("{other:?}"),
                }
            })
        })
        .collect();
    let mut held = 0;
    for task in tasks {
        held += task.await.unwrap();
    }
    assert_eq!(held, covered);
    let balance = world.balance(world.merchant()).await;
    assert_eq!((balance.posted, balance.held), (1_000 + 64 * 95, covered * 103));
    world.assert_sound().await;
}

pub(crate) async fn of_several_holds_all_are_taken_or_none(world: World) {
    world.store.commit(world.opening(1_000)).await.unwrap();
    let paid = world.paid("paid", eur(1_000)).await;
    let mut commit = world.lawless_refund(&paid, 100);
    let first = *scenario::hold(&mut commit);
    let fees = AccountKey { owner: Owner::Fees(world.project.id), ..first.account };
    let second = ferropay_domain::change::Hold {
        operation: OperationId::new(world.number()),
        account: fees,
        minor: 6,
        floor: 0,
    };
    commit.changes.holds.push(second);
    let result = world.store.commit(commit.clone()).await;
    assert!(matches!(result, Err(CommitError::Lost(Loss::BalanceShort))), "{result:?}");
    world.assert_absent(&commit).await;
    for account in [first.account, fees] {
        assert_eq!(world.balance(account).await.held, 0, "{account:?}");
    }
    world.assert_sound().await;
}

pub(crate) async fn settling_pays_or_gives_back_what_was_held(world: World) {
    let merchant = world.merchant();
    let paid = world.paid("paid", eur(1_000)).await;
    let refund = world.refund(&paid, 300, None);
    let scene = World::scene_of(&refund);
    world.store.commit(refund).await.unwrap();
    world.store.commit(world.declined(&scene)).await.unwrap();
    let balance = world.balance(merchant).await;
    assert_eq!((balance.posted, balance.held), (995, 0), "a declined refund gives everything back");

    let refund = world.refund(&world.payment(paid.key).await, 300, None);
    let scene = World::scene_of(&refund);
    world.store.commit(refund).await.unwrap();
    world.store.commit(world.approved(&scene)).await.unwrap();
    let balance = world.balance(merchant).await;
    assert_eq!((balance.posted, balance.held), (995 - 303, 0));
    let fees = AccountKey { owner: Owner::Fees(world.project.id), ..merchant };
    let provider = AccountKey { owner: Owner::Provider(world.project.card_account), ..merchant };
    assert_eq!(world.balance(fees).await.posted, 8);
    assert_eq!(world.balance(provider).await.posted, -700);
    let payment = world.payment(paid.key).await;
    assert_eq!((payment.returned, payment.returning, payment.open), (300, 0, None));
    world.assert_sound().await;
}

pub(crate) async fn money_credited_a_moment_ago_can_be_held(world: World) {
    // More sales than are folded at once, all unfolded or folded in part when the hold asks.
    for number in 0..20 {
        let paid = world.paid(&format!("p{number}"), eur(100)).await;
        let mut refund = world.refund(&paid, 92, None);
        assert_eq!(scenario::hold(&mut refund).minor, 95, "exactly what this sale brought");
        world.store.commit(refund).await.unwrap();
    }
    let balance = world.balance(world.merchant()).await;
    assert_eq!((balance.posted, balance.held), (20 * 95, 20 * 95));
    world.assert_sound().await;
}

pub(crate) async fn balances_are_told_by_project(world: World) {
    world.paid("paid", eur(1_000)).await;
    let own = world.store.balances(Some(world.project.id)).await.unwrap();
    assert_eq!(own.len(), 3, "merchant, customers, fees: {own:?}");
    let all = world.store.balances(None).await.unwrap();
    assert_eq!(all.iter().map(|it| it.posted).sum::<i64>(), 0, "what is owed and what is had are equal");
    assert_eq!(all.len(), 4);
    let other = ferropay_domain::ids::ProjectId::new(5);
    assert!(world.store.balances(Some(other)).await.unwrap().is_empty());
}

pub(crate) async fn money_taken_for_a_declined_payment_waits_in_suspense(world: World) {
    use ferropay_domain::{decide, payment::ProviderAnswer};
    let sale = world.sale("sale", eur(100));
    let scene = World::scene_of(&sale);
    world.store.commit(sale).await.unwrap();
    let lost = world.outcome(&scene, decide::Outcome::Lost { repeatable: false });
    world.store.commit(lost).await.unwrap();
    let scene = world.store.scene(scene.attempt.id).await.unwrap().unwrap();
    let parts = (&scene.payment, &scene.operation, &scene.attempt);
    let (ids, now) = (world.ids(), scenario::NOW);
    let answer = ProviderAnswer::default();
    let late = decide::late_approval(&world.project, parts, eur(100), answer, ids, now).unwrap();
    let decide::Lateness::Booked(changes) = late else { panic!("{late:?}") };
    world.store.commit(world.rendered(*changes)).await.unwrap();
    let suspense = AccountKey { owner: Owner::Suspense(world.project.card_account), ..world.merchant() };
    assert_eq!(world.balance(suspense).await.posted, 100);
    world.assert_sound().await;

    let scene = world.store.scene(scene.attempt.id).await.unwrap().unwrap();
    let parts = (&scene.payment, &scene.operation, &scene.attempt);
    let changes = decide::reversal_acknowledged(&world.project, parts, world.ids(), scenario::NOW).unwrap();
    world.store.commit(world.rendered(changes)).await.unwrap();
    assert_eq!(world.balance(suspense).await.posted, 0);
    world.assert_sound().await;
}

pub(crate) async fn a_hold_belongs_to_one_operation(world: World) {
    world.store.commit(world.opening(100_000)).await.unwrap();
    let paid = world.paid("paid", eur(1_000)).await;
    let refund = world.refund(&paid, 100, None);
    let hold = refund.changes.holds[0];
    world.store.commit(refund).await.unwrap();
    let again =
        Commit { changes: ChangeSet { holds: vec![hold], ..ChangeSet::default() }, ..Commit::default() };
    let result = world.store.commit(again).await;
    assert!(is_defect(&result), "{result:?}");
    assert_eq!(world.balance(world.merchant()).await.held, hold.minor);
    let rows = world.store.operations(world.project.id, paid.key, 10).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.attempt.is_some()));
    let first: Write<_> = Write::Update(rows[0].operation.clone());
    assert!(first.record().id < rows[1].operation.id, "oldest first");
    let latest = world.store.operations(world.project.id, paid.key, 1).await.unwrap();
    assert_eq!(latest[0].operation.id, rows[1].operation.id, "the latest where not all are asked for");
    world.assert_sound().await;
}

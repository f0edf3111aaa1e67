//! Risk control: lists, and limits that are counted in the commit.

use crate::scenario::{START, World, eur};
use ferropay_domain::{
    change::{ChangeSet, PaymentWrite},
    codes::Code,
    ids::ProjectId,
    money::{Currency, Money},
    risk::{Direction, Feature, Hit, List, Measure, Rule},
    time::Timestamp,
};
use ferropay_store::{Commit, CommitError, Loss, RiskEntry};
use std::time::Duration;

fn entry(list: List, feature: Feature, value: &str) -> RiskEntry {
    RiskEntry { list, feature, value: value.to_owned(), note: "seen before".to_owned(), added_at: START }
}

// G-520
pub(crate) async fn what_stands_on_lists_is_found_by_project_and_value(world: World) {
    let (store, project, other) = (&world.store, world.project.id, ProjectId::new(77));
    let black = entry(List::Black, Feature::Email, "judy@example.com");
    let white = entry(List::White, Feature::Email, "judy@example.com");
    for it in [&black, &white] {
        assert!(store.add_risk_entry(project, it.clone()).await.unwrap());
        assert!(!store.add_risk_entry(project, it.clone()).await.unwrap(), "it stands there already");
    }
    let asked = vec![
        (Feature::Email, "judy@example.com".to_owned()),
        (Feature::Customer, "judy@example.com".to_owned()),
        (Feature::Email, "joe@example.com".to_owned()),
    ];
    let hit = |list| Hit { list, feature: Feature::Email };
    let found = store.risk_hits(project, asked.clone()).await.unwrap();
    assert_eq!(found, [hit(List::Black), hit(List::White)]);
    assert_eq!(store.risk_hits(other, asked.clone()).await.unwrap(), []);
    assert_eq!(store.risk_entries(project, 10).await.unwrap(), [black, white.clone()]);
    let value = || "judy@example.com".to_owned();
    assert!(store.remove_risk_entry(project, List::Black, Feature::Email, value()).await.unwrap());
    assert!(!store.remove_risk_entry(project, List::Black, Feature::Email, value()).await.unwrap());
    assert_eq!(store.risk_entries(project, 10).await.unwrap(), [white]);
}

fn limit(measure: Measure, seconds: u32, most: i64) -> Rule {
    let (direction, by) = (Direction::In, Feature::Customer);
    Rule { direction, by, measure, seconds, most, currency: None, crossing: None, code: None }
}

async fn lost(world: &World, commit: Commit) -> Option<Loss> {
    match world.store.commit(commit).await {
        Ok(()) => None,
        Err(CommitError::Lost(loss)) => Some(loss),
        Err(error) => panic!("{error}"),
    }
}

// G-521
pub(crate) async fn of_many_uses_at_once_only_as_many_as_allowed_are_recorded(mut world: World) {
    world.project.settings.risk_limits = vec![limit(Measure::Count, 3600, 5)];
    let commits: Vec<Commit> = (0..40).map(|it| world.sale(&format!("order {it}"), eur(100))).collect();
    let running = commits.into_iter().map(|commit| world.store.commit(commit)).collect::<Vec<_>>();
    let mut accepted = 0;
    for result in running {
        match result.await {
            Ok(()) => accepted += 1,
            Err(CommitError::Lost(Loss::TooMuch(code))) => assert_eq!(code, Code::new(1433)),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(accepted, 5);
    world.assert_sound().await;
}

/// A sale with other features, counted at another moment.
fn at(mut commit: Commit, after: Duration, amount: Option<Money>) -> Commit {
    let counted = commit.changes.counted.as_mut().unwrap();
    counted.at = counted.at.plus(after);
    for count in &mut counted.counts {
        count.since = count.since.plus(after);
    }
    if let Some(amount) = amount {
        counted.amount = amount;
    }
    commit
}

fn payment_of(changes: &ChangeSet) -> bool {
    matches!(changes.payment, Some(PaymentWrite::Insert(_)))
}

// G-521, G-325
pub(crate) async fn what_is_counted_is_what_the_measure_says(mut world: World) {
    let mut names = 0;
    let mut sale = |world: &World| {
        names += 1;
        let commit = world.sale(&format!("order {names}"), eur(100));
        assert!(payment_of(&commit.changes));
        commit
    };
    let hour = Duration::from_hours(1);
    let too_much = |code| Some(Loss::TooMuch(Code::new(code)));

    // Each sale has a card of its own.
    world.project.settings.risk_limits = vec![limit(Measure::Cards, 3600, 2)];
    for expected in [None, None, too_much(1431)] {
        assert_eq!(lost(&world, sale(&world)).await, expected);
    }
    assert_eq!(lost(&world, at(sale(&world), hour * 2, None)).await, None, "the first two are long ago");

    // Only amounts of the same currency are added.
    world.project.settings.risk_limits = vec![limit(Measure::Amount, 60, 250)];
    let later = |it| at(it, hour * 10, None);
    for expected in [None, None, too_much(1422)] {
        assert_eq!(lost(&world, later(sale(&world))).await, expected);
    }
    let dollars = Money::new(250, Currency::parse("USD").unwrap());
    assert_eq!(lost(&world, at(sale(&world), hour * 10, Some(dollars))).await, None);

    world.project.settings.risk_limits = vec![limit(Measure::Interval, 60, 0)];
    let seconds = Duration::from_secs;
    assert_eq!(lost(&world, at(sale(&world), hour * 20, None)).await, None);
    assert_eq!(lost(&world, at(sale(&world), hour * 20 + seconds(59), None)).await, too_much(1409));
    assert_eq!(lost(&world, at(sale(&world), hour * 20 + seconds(60), None)).await, None);

    world.project.settings.risk_limits = vec![limit(Measure::Single, 60, 99)];
    assert_eq!(lost(&world, at(sale(&world), hour * 25, None)).await, too_much(1421));

    // A code of the project's own, as payouts have several for their periods.
    let own = Rule { code: Some(Code::new(3112)), ..limit(Measure::Names, 60, 0) };
    world.project.settings.risk_limits = vec![own];
    assert_eq!(lost(&world, at(sale(&world), hour * 30, None)).await, too_much(3112));
    world.assert_sound().await;
}

// G-521
pub(crate) async fn a_loser_is_not_counted(mut world: World) {
    world.project.settings.risk_limits = vec![limit(Measure::Count, 3600, 1)];
    let first = world.sale("order", eur(100));
    let again = world.sale("ORDER", eur(100));
    let next = world.sale("next", eur(100));
    let mut early = world.sale("early", eur(100));
    early.changes.counted.as_mut().unwrap().at = Timestamp::from_micros(START.micros() - 7_200_000_000);
    assert_eq!(lost(&world, early).await, None);
    assert_eq!(lost(&world, first).await, None);
    assert!(matches!(lost(&world, again).await, Some(Loss::NameTaken(..))));
    assert_eq!(lost(&world, next.clone()).await, Some(Loss::TooMuch(Code::new(1433))));
    world.assert_absent(&next).await;
}

// G-521
pub(crate) async fn uses_that_no_limit_counts_any_more_are_forgotten(mut world: World) {
    world.project.settings.risk_limits = vec![limit(Measure::Count, 3600, 3)];
    for it in 0..3 {
        let hour = Duration::from_hours(it);
        assert_eq!(lost(&world, at(world.sale(&format!("order {it}"), eur(100)), hour, None)).await, None);
    }
    let (store, most) = (&world.store, 10);
    let start = |hours| START.plus(Duration::from_hours(hours));
    assert_eq!(store.forget_uses(start(0), most).await.unwrap(), 0);
    assert_eq!(store.forget_uses(start(2), 1).await.unwrap(), 1, "no more at a time than asked for");
    assert_eq!(store.forget_uses(start(2), most).await.unwrap(), 1);
    assert_eq!(store.forget_uses(start(2), most).await.unwrap(), 0);
    // The use of the last hour counts still, those before do not.
    world.project.settings.risk_limits = vec![limit(Measure::Count, 12 * 3600, 2)];
    let next = |world: &World, name| at(world.sale(name, eur(100)), Duration::from_hours(3), None);
    assert_eq!(lost(&world, next(&world, "next")).await, None);
    assert_eq!(lost(&world, next(&world, "last")).await, Some(Loss::TooMuch(Code::new(1433))));
    world.assert_sound().await;
}

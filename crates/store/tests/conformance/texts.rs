//! Texts that cannot be stored.

use crate::scenario::{self, START, World, eur};
use ferropay_domain::{
    change::{Name, NameKind},
    ids::ProviderAccountId,
    payment::{DisplayItem, ProviderAnswer, Shown},
};
use ferropay_store::{Commit, CommitError, Notification};

/// U+0000 is no text to `PostgreSQL`, neither in a column nor in JSON it looks into.
pub(crate) async fn a_text_with_a_character_that_cannot_be_stored_is_refused_and_hinders_nobody(
    world: World,
) {
    let zero = "a\0b";
    let waiting = world.sale("waiting", eur(100));
    let scene = World::scene_of(&waiting);
    world.store.commit(waiting).await.unwrap();
    let answer = |it: ProviderAnswer| {
        let mut commit = world.approved(&scene);
        scenario::attempt(&mut commit).answer = Some(it);
        commit
    };
    let notification = |id: &str, body: &str| {
        let (id, body) = (id.to_owned(), body.to_owned());
        let notification = Notification { account: ProviderAccountId::new(7), id, body, at: START };
        Commit { notification: Some(notification), ..Commit::default() }
    };
    let sale = |change: &dyn Fn(&mut Commit)| {
        let mut commit = world.sale("sale", eur(100));
        change(&mut commit);
        commit
    };
    let shown = Shown::Display(vec![DisplayItem { qr: false, title: zero.into(), data: String::new() }]);
    let commits = vec![
        answer(ProviderAnswer { result_code: zero.into(), at: START, ..ProviderAnswer::default() }),
        answer(ProviderAnswer { payment_id: zero.into(), at: START, ..ProviderAnswer::default() }),
        sale(&|it| scenario::operation(it).detail.shown = Some(Box::new(shown.clone()))),
        notification(zero, "{}"),
        notification("n", zero),
        sale(&|it| scenario::payment(it).detail.description = zero.into()),
        sale(&|it| scenario::payment(it).detail.customer.id = Some(zero.into())),
        sale(&|it| it.changes.request.as_mut().unwrap().payment_id = zero.into()),
        sale(&|it| {
            let (project, payment) = (world.project.id, scene.payment.key);
            let folded = zero.to_owned();
            it.changes.names.push(Name { kind: NameKind::TransferDebit, project, folded, payment });
        }),
    ];
    let neighbours: Vec<Commit> =
        (0..commits.len()).map(|number| world.sale(&format!("beside {number}"), eur(100))).collect();
    let mut running = Vec::new();
    for (commit, neighbour) in commits.iter().zip(&neighbours) {
        running.push((world.store.commit(commit.clone()), world.store.commit(neighbour.clone())));
    }
    for (number, (refused, neighbour)) in running.into_iter().enumerate() {
        let refused = refused.await;
        assert!(matches!(refused, Err(CommitError::Defect(_))), "{number}: {refused:?}");
        neighbour.await.unwrap();
    }
    // What looks like it in JSON is only text.
    let mut innocent = world.sale("innocent", eur(100));
    scenario::payment(&mut innocent).detail.description = r"a\u0000b".into();
    world.store.commit(innocent).await.unwrap();
    // Nothing of them is there, and every question is answered.
    assert_eq!(world.store.scene(scene.attempt.id).await.unwrap().unwrap().attempt, scene.attempt);
    world.store.unsettled(100).await.unwrap();
    world.store.debit_with(scene.payment.key, None, 1).await.unwrap();
    world.assert_sound().await;
}

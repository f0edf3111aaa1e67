//! What is written is what is read; projects, clocks, keys, cards and verification values.

use crate::scenario::{START, World, eur};
use ferropay_domain::{
    card::{Cvv, DeviceWallet, Pan},
    ids::{CardKey, PaymentKey, ProjectId},
};
use ferropay_store::{
    NODES_PASSED_OVER, ProjectRecord, Recovery, Secret, Unavailable, change_project,
    vault::{Master, Sealed, Vault, VaultError},
};
use std::time::Duration;

/// A documented test card.
const PAN: &str = "4314220000000056";

pub(crate) async fn a_payment_is_read_as_it_was_written(world: World) {
    let store = &world.store;
    let mut sale = world.sale("Zażółć 1", eur(100));
    {
        let payment = crate::scenario::payment(&mut sale);
        payment.detail.description = "two\nlines, \"quoted\"".into();
        payment.detail.merchant_data = Some("{}".into());
        payment.detail.callback_url = Some("http://127.0.0.1/x".into());
    }
    let scene = World::scene_of(&sale);
    store.commit(sale).await.unwrap();
    let found = store.scene(scene.attempt.id).await.unwrap().unwrap();
    assert_eq!(found.payment, scene.payment);
    assert_eq!(found.operation, scene.operation);
    assert_eq!(found.attempt, scene.attempt);
    let approved = world.approved(&scene);
    let after = World::scene_of(&approved);
    store.commit(approved).await.unwrap();
    let found = store.scene(scene.attempt.id).await.unwrap().unwrap();
    assert_eq!(found.payment, after.payment);
    assert_eq!(found.operation, after.operation);
    assert_eq!(found.attempt, after.attempt);
    let rows = store.operations(world.project.id, scene.payment.key, 10).await.unwrap();
    assert_eq!((&rows[0].operation, rows[0].attempt.as_ref()), (&after.operation, Some(&after.attempt)));
    assert!(store.payment(ProjectId::new(5), scene.payment.key).await.unwrap().is_none());
    assert!(store.operations(ProjectId::new(5), scene.payment.key, 10).await.unwrap().is_empty());
    assert!(store.payment(world.project.id, PaymentKey::new(world.uuid())).await.unwrap().is_none());
}

pub(crate) async fn projects_are_kept_and_their_clocks_never_go_back(world: World) {
    let store = &world.store;
    for number in 1..=3 {
        store.add_data_key(number, vec![7; 60], START).await.unwrap();
    }
    let secret = |key, valid_until| Secret { sealed: Sealed { key, bytes: vec![1, 2, 3] }, valid_until };
    let record = ProjectRecord {
        project: world.project.clone(),
        name: "Shop".into(),
        secrets: vec![secret(2, None), secret(1, Some(START))],
        clock_offset: 5,
        revision: 0,
    };
    assert!(store.save_project(record.clone()).await.unwrap());
    let read = store.projects().await.unwrap();
    assert_eq!((read.len(), &read[0].project, read[0].name.as_str()), (1, &record.project, "Shop"));
    assert_eq!(read[0].secrets.len(), 2);
    assert_eq!((read[0].secrets[0].sealed.key, read[0].secrets[0].valid_until), (2, None));
    assert_eq!((read[0].secrets[1].sealed.key, read[0].secrets[1].valid_until), (1, Some(START)));

    assert_eq!(store.advance_clock(world.project.id, 100).await.unwrap(), 100);
    assert_eq!(store.advance_clock(world.project.id, 99).await.unwrap(), 100);
    let saved = ProjectRecord { secrets: vec![secret(3, None)], clock_offset: 7, revision: 1, ..record };
    assert!(store.save_project(saved).await.unwrap());
    let read = store.projects().await.unwrap();
    assert_eq!((read[0].clock_offset, read[0].secrets.len()), (100, 1));
    assert!(store.advance_clock(ProjectId::new(5), 1).await.is_err(), "no such project");
}

pub(crate) async fn a_project_changed_by_two_keeps_the_changes_of_both(world: World) {
    let store = &world.store;
    for number in 1..=3 {
        store.add_data_key(number, vec![7; 60], START).await.unwrap();
    }
    let secret = |key| Secret { sealed: Sealed { key, bytes: vec![1] }, valid_until: None };
    let project = world.project.clone();
    let id = project.id;
    let (name, secrets) = ("Shop".to_owned(), vec![secret(1)]);
    let new = ProjectRecord { project, name, secrets, clock_offset: 0, revision: 0 };
    assert!(store.save_project(new.clone()).await.unwrap());
    assert!(!store.save_project(new).await.unwrap(), "it is there already");

    let [first] = <[ProjectRecord; 1]>::try_from(store.projects().await.unwrap()).unwrap();
    let mut second = first.clone();
    second.secrets = vec![secret(2)];
    second.project.settings.two_step_allowed = false;
    assert!(store.save_project(second).await.unwrap());
    let stale = ProjectRecord { name: "Another".into(), ..first };
    assert!(!store.save_project(stale.clone()).await.unwrap(), "it was changed since it was read");
    let [kept] = <[ProjectRecord; 1]>::try_from(store.projects().await.unwrap()).unwrap();
    assert_eq!((kept.name.as_str(), kept.secrets[0].sealed.key, kept.revision), ("Shop", 2, 2));

    // Whoever reads it again keeps what the other did.
    let mut read_before = Some(stale);
    let changed = change_project(store.as_ref(), id, |record| {
        if let Some(stale) = read_before.take() {
            *record = stale;
        }
        record.name = "Another".into();
        Ok::<_, Unavailable>(record.revision)
    });
    assert_eq!(changed.await.unwrap(), Some(2), "the second time it was made on what is there");
    let [kept] = <[ProjectRecord; 1]>::try_from(store.projects().await.unwrap()).unwrap();
    assert_eq!((kept.name.as_str(), kept.secrets[0].sealed.key, kept.revision), ("Another", 2, 3));
    assert!(!kept.project.settings.two_step_allowed);
    let nobody = change_project(store.as_ref(), ProjectId::new(5), |_| Ok::<_, Unavailable>(()));
    assert_eq!(nobody.await.unwrap(), None);
}

pub(crate) async fn nodes_get_numbers_that_may_all_run_at_once(world: World) {
    let mut numbers = std::collections::HashSet::new();
    for _ in 0..256 {
        assert!(numbers.insert(world.store.enrol(START).await.unwrap().number));
    }
    let epochs = world.store.enrol(START).await.unwrap().epochs;
    assert!(epochs.iter().all(|epoch| *epoch == epochs[0] && *epoch > 256));
}

pub(crate) async fn a_hold_stays_until_it_is_released_and_passes_over_numbers_of_nodes(world: World) {
    let store = &world.store;
    let later = |seconds| START.plus(std::time::Duration::from_secs(seconds));
    assert_eq!(store.recovery().await.unwrap(), None);
    assert!(!store.release(7, START).await.unwrap(), "there is nothing to release");
    let number = store.enrol(START).await.unwrap().number;

    assert!(store.hold(Some(START), later(1)).await.unwrap());
    let held = Recovery { copied_at: Some(START), held_since: later(1), released_at: None, highest_known: 0 };
    assert!(held.is_held());
    assert_eq!(store.recovery().await.unwrap(), Some(held));
    assert!(!store.hold(None, later(2)).await.unwrap(), "the first hold stays");
    assert_eq!(store.recovery().await.unwrap(), Some(held));
    let passed = store.enrol(later(3)).await.unwrap().number;
    assert_eq!(passed, number.wrapping_add(NODES_PASSED_OVER).wrapping_add(1));

    assert!(store.release(900, later(4)).await.unwrap());
    assert!(!store.release(901, later(5)).await.unwrap());
    let released = Recovery { released_at: Some(later(4)), highest_known: 900, ..held };
    assert!(!released.is_held());
    assert_eq!(store.recovery().await.unwrap(), Some(released));

    // What was known once stays known.
    assert!(store.hold(None, later(6)).await.unwrap());
    assert!(store.release(800, later(7)).await.unwrap());
    let again =
        Recovery { copied_at: None, held_since: later(6), released_at: Some(later(7)), highest_known: 900 };
    assert_eq!(store.recovery().await.unwrap(), Some(again));
}

// G-057
pub(crate) async fn a_node_learns_the_greatest_number_that_is_known(world: World) {
    let store = &world.store;
    assert_eq!(store.enrol(START).await.unwrap().highest, 0);
    let sale = world.sale("sale", eur(100));
    let scene = World::scene_of(&sale);
    store.commit(sale).await.unwrap();
    assert_eq!(store.enrol(START).await.unwrap().highest, scene.operation.id.get());
    let outcome = world.approved(&scene);
    let told = outcome.callbacks[0].id.get();
    assert!(told > scene.operation.id.get());
    store.commit(outcome).await.unwrap();
    assert_eq!(store.enrol(START).await.unwrap().highest, told);
    // Found out at a provider.
    let known = told + 1_000_000;
    assert!(store.hold(None, START).await.unwrap());
    assert!(store.release(known, START).await.unwrap());
    assert_eq!(store.enrol(START).await.unwrap().highest, known);
}

pub(crate) async fn a_verification_value_is_gone_when_its_operation_ends(world: World) {
    let store = &world.store;
    let sealed = Sealed { key: 4, bytes: vec![9; 31] };
    let sale = |name: &str| {
        let mut sale = world.sale(name, eur(100));
        sale.cvv = Some((sale.changes.operations[0].record().id, sealed.clone()));
        sale
    };
    let (first, second, third) = (sale("first"), sale("second"), sale("third"));
    let scenes = [&first, &second, &third].map(World::scene_of);
    for commit in [first, second, third] {
        store.commit(commit).await.unwrap();
    }
    assert_eq!(store.cvv(scenes[0].operation.id).await.unwrap(), Some(sealed.clone()));
    assert_eq!(store.cvv_in_use().await.unwrap(), (3, Some(4)));
    store.commit(world.approved(&scenes[0])).await.unwrap();
    // Also when the decision forgot to say so.
    let mut declined = world.declined(&scenes[1]);
    declined.changes.forget_cvv.clear();
    store.commit(declined).await.unwrap();
    // Given up: no message needs it any more although the operation is open.
    let lost = ferropay_domain::decide::Outcome::Lost { repeatable: false };
    store.commit(world.outcome(&scenes[2], lost)).await.unwrap();
    for scene in &scenes {
        assert!(store.cvv(scene.operation.id).await.unwrap().is_none());
    }
    assert_eq!(store.cvv_in_use().await.unwrap(), (0, None));
    world.assert_sound().await;
}

pub(crate) async fn a_card_is_kept_once_per_project(world: World) {
    let directory = tempfile::tempdir().unwrap();
    let store = &world.store;
    let keys = directory.path().join("keys");
    let vault = Vault::open(&keys, Master::MakeWhenMissing, &**store, START).await.unwrap();
    let pan = Pan::parse(PAN).unwrap();
    let (key, sealed) = vault.seal_card(world.project.id, &pan).unwrap();
    let (equal, again) = vault.seal_card(world.project.id, &pan).unwrap();
    let (elsewhere, _) = vault.seal_card(ProjectId::new(5), &pan).unwrap();
    assert_eq!(key, equal);
    assert!(sealed != again && key != elsewhere);
    for (name, sealed) in [("first", &sealed), ("second", &again)] {
        let mut sale = world.sale(name, eur(100));
        sale.card = Some((world.project.id, key, sealed.clone()));
        store.commit(sale).await.unwrap();
    }
    let kept = store.card(world.project.id, key).await.unwrap().unwrap();
    assert_eq!(kept, sealed);
    assert_eq!(vault.open_card(world.project.id, key, &kept).unwrap(), pan);
    assert!(matches!(vault.open_card(ProjectId::new(5), key, &kept), Err(VaultError::Broken)));
    let other = CardKey::new(world.uuid());
    assert!(matches!(vault.open_card(world.project.id, other, &kept), Err(VaultError::Broken)));
    assert!(store.card(ProjectId::new(5), key).await.unwrap().is_none());
}

pub(crate) async fn a_vault_opens_again_with_its_own_master_key_only(world: World) {
    let directory = tempfile::tempdir().unwrap();
    let store = &*world.store;
    let keys = directory.path().join("keys");
    let missing = Vault::open(&keys, Master::MustExist, store, START).await;
    assert!(matches!(missing, Err(VaultError::NoMaster(_))));
    let vault = Vault::open(&keys, Master::MakeWhenMissing, store, START).await.unwrap();
    let project = world.project.id;
    let secret = vault.seal_secret(project, b"shared secret").unwrap();
    let digest = vault.fingerprint(&[b"ab", b"c"]);
    assert_ne!(digest, vault.fingerprint(&[b"a", b"bc"]), "where a part ends counts");
    let second = vault.rotate_data_key(store, START).await.unwrap();
    let newer = vault.seal_secret(project, b"shared secret").unwrap();
    assert_eq!((secret.key, newer.key), (1, second));
    assert!(second > 10_000_000, "a number tells the second in which it was made: {second}");
    assert_eq!(vault.rotate_data_key(store, START).await.unwrap(), second + 1, "and is never drawn twice");

    let reopened = Vault::open(&keys, Master::MustExist, store, START).await.unwrap();
    for sealed in [&secret, &newer] {
        assert_eq!(*reopened.open_secret(project, sealed).unwrap(), b"shared secret");
    }
    assert_eq!(reopened.fingerprint(&[b"ab", b"c"]), digest);
    let pan = Pan::parse(PAN).unwrap();
    assert_eq!(reopened.card_key(project, &pan), vault.card_key(project, &pan));

    // A database that has keys never gets a new master key.
    let elsewhere = directory.path().join("elsewhere");
    let other = Vault::open(&elsewhere, Master::MakeWhenMissing, store, START).await;
    assert!(matches!(other, Err(VaultError::NoMaster(_))));
    std::fs::write(elsewhere.join("master.key"), [3; 32]).unwrap();
    set_mode(&elsewhere.join("master.key"), 0o600);
    let other = Vault::open(&elsewhere, Master::MustExist, store, START).await;
    assert!(matches!(other, Err(VaultError::WrongMaster)));
    set_mode(&keys.join("master.key"), 0o644);
    let exposed = Vault::open(&keys, Master::MustExist, store, START).await;
    assert!(matches!(exposed, Err(VaultError::Exposed(_))));
}

fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

pub(crate) async fn keys_of_verification_values_live_an_hour_and_as_long_as_needed(world: World) {
    let directory = tempfile::tempdir().unwrap();
    let store = &*world.store;
    let keys = directory.path();
    let vault = Vault::open(keys, Master::MakeWhenMissing, store, START).await.unwrap();
    let cvv = Cvv::parse("739").unwrap();
    let mut sale = world.sale("sale", eur(100));
    let scene = World::scene_of(&sale);
    let sealed = vault.seal_cvv(scene.operation.id, &cvv).unwrap();
    sale.cvv = Some((scene.operation.id, sealed.clone()));
    world.store.commit(sale).await.unwrap();
    let wrong = ferropay_domain::ids::OperationId::new(1);
    assert!(matches!(vault.open_cvv(wrong, &sealed), Err(VaultError::Broken)));

    let file = |number: u32| keys.join(format!("cvv-{number}.key"));
    let minutes = |minutes| START.plus(Duration::from_mins(minutes));
    vault.maintain(store, minutes(59)).await.unwrap();
    assert!(!file(2).exists());
    vault.maintain(store, minutes(60)).await.unwrap();
    assert!(file(2).exists());
    assert_eq!(vault.seal_cvv(scene.operation.id, &cvv).unwrap().key, 2);
    // Another node, or the same after a restart, opens what the first key sealed.
    let reopened = Vault::open(keys, Master::MustExist, store, minutes(61)).await.unwrap();
    assert_eq!(reopened.open_cvv(scene.operation.id, &sealed).unwrap(), cvv);
    vault.maintain(store, minutes(100)).await.unwrap();
    assert!(file(1).exists(), "a stored value needs it");
    world.store.commit(world.approved(&scene)).await.unwrap();
    // A copy that is held beside the original destroys nothing that the original may need.
    assert!(store.hold(None, START).await.unwrap());
    vault.maintain(store, minutes(100)).await.unwrap();
    assert!(file(1).exists());
    assert!(store.release(0, START).await.unwrap());
    vault.maintain(store, minutes(100)).await.unwrap();
    assert!(!file(1).exists() && file(2).exists());
    assert!(matches!(vault.open_cvv(scene.operation.id, &sealed), Err(VaultError::NoKey(1))));
}

pub(crate) async fn keys_are_made_by_many_at_once_without_one_overwriting_another(world: World) {
    let directory = tempfile::tempdir().unwrap();
    let opened: Vec<_> = (0..8)
        .map(|_| {
            let (store, keys) = (world.store.clone(), directory.path().to_owned());
            tokio::spawn(async move { Vault::open(&keys, Master::MakeWhenMissing, &*store, START).await })
        })
        .collect();
    let mut vaults = Vec::new();
    for vault in opened {
        // One that starts while another has just made the first data key is told so and starts again.
        match vault.await.unwrap() {
            Ok(vault) => vaults.push(vault),
            Err(error) => assert!(matches!(error, VaultError::NoMaster(_)), "{error}"),
        }
    }
    let project = world.project.id;
    for one in &vaults {
        one.maintain(&*world.store, START).await.unwrap();
    }
    for one in &vaults {
        let sealed = one.seal_secret(project, b"s").unwrap();
        let operation = ferropay_domain::ids::OperationId::new(1);
        let value = one.seal_cvv(operation, &Cvv::parse("1234").unwrap()).unwrap();
        for other in &vaults {
            assert_eq!(*other.open_secret(project, &sealed).unwrap(), b"s");
            assert!(other.open_cvv(operation, &value).is_ok());
        }
    }
    assert!(!vaults.is_empty());
    assert_eq!(format!("{:?}", vaults[0]), "Vault");
}

// G-465
pub(crate) async fn keys_of_a_wallet_are_kept_by_project_and_wallet(world: World) {
    use DeviceWallet::{ApplePay, GooglePay};
    let (store, project, other) = (&world.store, world.project.id, ProjectId::new(77));
    store.add_data_key(1, vec![7; 60], START).await.unwrap();
    let sealed = |number: u8| Sealed { key: 1, bytes: vec![number; 20] };
    let save = async |project, wallet, number: Option<u8>| {
        store.save_wallet_keys(project, wallet, number.map(sealed)).await.unwrap();
    };
    save(project, ApplePay, Some(1)).await;
    save(project, GooglePay, Some(2)).await;
    save(other, ApplePay, Some(3)).await;
    save(project, ApplePay, Some(4)).await;
    save(other, GooglePay, None).await;
    let kept = async |project, wallet| store.wallet_keys(project, wallet).await.unwrap();
    assert_eq!(kept(project, ApplePay).await, Some(sealed(4)), "the newer ones");
    assert_eq!(kept(project, GooglePay).await, Some(sealed(2)));
    assert_eq!(kept(other, ApplePay).await, Some(sealed(3)));
    assert_eq!(kept(other, GooglePay).await, None);
    save(project, ApplePay, None).await;
    assert_eq!((kept(project, ApplePay).await, kept(project, GooglePay).await), (None, Some(sealed(2))));
}

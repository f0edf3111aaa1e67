//! Replacing the keys that rows are sealed with.

use crate::scenario::{START, World, eur};
use ferropay_domain::{
    card::{Cvv, DeviceWallet, Pan},
    ids::{OperationId, ProjectId},
};
use ferropay_store::{
    CommitError, ProjectRecord, Secret, Store,
    vault::{Master, Pace, Vault, VaultError},
};
use std::{collections::BTreeSet, time::Duration};
use tempfile::TempDir;

const AT_ONCE: Pace = Pace { patience: Duration::ZERO, pause: Duration::ZERO };

struct Kept {
    world: World,
    directory: TempDir,
    vault: Vault,
}

impl Kept {
    /// A vault with a project's secret and a wallet's keys.
    async fn new(world: World) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let vault = open(&directory, &*world.store).await;
        let (store, project) = (&world.store, world.project.id);
        let sealed = vault.seal_secret(project, b"secret").unwrap();
        let record = ProjectRecord {
            project: world.project.clone(),
            name: "Shop".into(),
            secrets: vec![Secret { sealed, valid_until: None }],
            clock_offset: 0,
            revision: 0,
        };
        assert!(store.save_project(record).await.unwrap());
        let wallet = vault.seal_wallet_keys(project, DeviceWallet::ApplePay, b"keys").unwrap();
        store.save_wallet_keys(project, DeviceWallet::ApplePay, Some(wallet)).await.unwrap();
        Self { world, directory, vault }
    }

    /// A sale with this card, sealed by this vault.
    async fn sale(&self, vault: &Vault, card: u64) -> Result<(), CommitError> {
        let mut sale = self.world.sale(&format!("{card} {}", self.world.number()), eur(100));
        let (key, sealed) = vault.seal_card(self.world.project.id, &pan(card)).unwrap();
        sale.card = Some((self.world.project.id, key, sealed));
        self.world.store.commit(sale).await
    }

    /// Fails unless all these cards, the secret and the wallet's keys open.
    async fn assert_whole(&self, vault: &Vault, cards: u64) {
        let (store, project) = (&self.world.store, self.world.project.id);
        for card in 0..cards {
            let key = vault.card_key(project, &pan(card));
            let sealed = store.card(project, key).await.unwrap().unwrap();
            assert_eq!(vault.open_card(project, key, &sealed).unwrap(), pan(card));
        }
        let record = store.projects().await.unwrap().remove(0);
        assert_eq!(*vault.open_secret(project, &record.secrets[0].sealed).unwrap(), b"secret");
        let wallet = store.wallet_keys(project, DeviceWallet::ApplePay).await.unwrap().unwrap();
        assert_eq!(*vault.open_wallet_keys(project, DeviceWallet::ApplePay, &wallet).unwrap(), b"keys");
    }
}

async fn open(directory: &TempDir, store: &dyn Store) -> Vault {
    Vault::open(&directory.path().join("keys"), Master::MakeWhenMissing, store, START).await.unwrap()
}

/// The card with this number; its last digit is the right one.
fn pan(number: u64) -> Pan {
    let digits = format!("431422{number:09}");
    let text = (0..10).map(|last| format!("{digits}{last}")).find_map(|text| Pan::parse(&text).ok());
    text.unwrap()
}

pub(crate) async fn what_older_keys_seal_is_sealed_again_and_the_keys_are_destroyed(world: World) {
    let kept = Kept::new(world).await;
    let (store, vault) = (&*kept.world.store, &kept.vault);
    for card in 0..450 {
        kept.sale(vault, card).await.unwrap();
    }
    let second = vault.rotate_data_key(store, START).await.unwrap();
    kept.sale(vault, 450).await.unwrap();
    let uses = store.key_uses().await.unwrap();
    let counts: Vec<_> = uses.iter().map(|it| (it.number, it.cards, it.secrets, it.wallets)).collect();
    assert_eq!(counts, [(1, 450, 1, 1), (second, 1, 0, 0)]);
    assert!(!store.destroy_data_key(1).await.unwrap(), "it is in use, and not retired");
    let mut told = Vec::new();
    let resealed = vault.reseal(store, AT_ONCE, START, |cards| told.push(cards)).await.unwrap();
    assert_eq!((resealed.cards, resealed.others, &*resealed.destroyed), (450, 2, &[1][..]));
    assert!(told[0] <= 200 && told.is_sorted(), "in portions: {told:?}");
    let left: Vec<_> = resealed.left.iter().map(|it| (it.number, it.cards, it.secrets, it.wallets)).collect();
    assert_eq!(left, [(second, 451, 1, 1)]);
    kept.assert_whole(vault, 451).await;
    kept.assert_whole(&open(&kept.directory, store).await, 451).await;
    // Nothing is left to do.
    let again = vault.reseal(store, AT_ONCE, START, |_| ()).await.unwrap();
    assert_eq!((again.cards, again.others, again.destroyed.len()), (0, 0, 0));
    kept.world.assert_sound().await;
}

pub(crate) async fn nothing_is_kept_that_a_retired_key_seals(world: World) {
    let kept = Kept::new(world).await;
    let (store, project) = (&*kept.world.store, kept.world.project.id);
    // A node that has not heard of the new key.
    let late = open(&kept.directory, store).await;
    kept.sale(&late, 0).await.unwrap();
    let second = kept.vault.rotate_data_key(store, START).await.unwrap();
    kept.sale(&late, 1).await.unwrap();
    assert_eq!(store.retire_data_keys(second, START).await.unwrap(), 1);
    assert_eq!(store.retire_data_keys(second, START).await.unwrap(), 0);
    for card in [0, 2] {
        let refused = kept.sale(&late, card).await.unwrap_err();
        assert!(
            matches!(&refused, CommitError::Unavailable(it) if it.reason.contains("replaced")),
            "{refused:?}"
        );
    }
    assert!(store.card(project, late.card_key(project, &pan(2))).await.unwrap().is_none());
    let secret = late.seal_secret(project, b"another").unwrap();
    let mut record = store.projects().await.unwrap().remove(0);
    record.secrets = vec![Secret { sealed: secret, valid_until: None }];
    store.save_project(record).await.unwrap_err();
    let wallet = late.seal_wallet_keys(project, DeviceWallet::ApplePay, b"others").unwrap();
    store.save_wallet_keys(project, DeviceWallet::ApplePay, Some(wallet)).await.unwrap_err();
    // Others in the same batch are not kept from what they do, and it goes on itself once it has looked.
    kept.sale(&kept.vault, 2).await.unwrap();
    assert!(!store.destroy_data_key(1).await.unwrap(), "it seals something still");
    kept.vault.reseal(store, AT_ONCE, START, |_| ()).await.unwrap();
    let known: BTreeSet<u32> = store.data_keys().await.unwrap().iter().map(|(number, _)| *number).collect();
    assert_eq!(known, BTreeSet::from([second]));
    let key = late.card_key(project, &pan(0));
    let sealed = store.card(project, key).await.unwrap().unwrap();
    assert!(
        matches!(late.open_card(project, key, &sealed), Err(VaultError::NoKey(number)) if number == second)
    );
    late.ask_for_keys(store).await.unwrap().forget_others();
    kept.sale(&late, 3).await.unwrap();
    kept.assert_whole(&late, 4).await;
    kept.world.assert_sound().await;
}

pub(crate) async fn keys_may_be_replaced_by_several_at_once_while_cards_are_added(world: World) {
    const CARDS: u64 = 300;
    let kept = std::sync::Arc::new(Kept::new(world).await);
    for card in 0..CARDS / 2 {
        kept.sale(&kept.vault, card).await.unwrap();
    }
    let serving = {
        let kept = kept.clone();
        tokio::spawn(async move {
            let node = open(&kept.directory, &*kept.world.store).await;
            for card in CARDS / 2..CARDS {
                // As a merchant whose request was refused does it, and a node that looks from time to time.
                while kept.sale(&node, card).await.is_err() {
                    node.refresh(&*kept.world.store).await.unwrap();
                }
            }
        })
    };
    let rotating: Vec<_> = (0..2)
        .map(|_| {
            let kept = kept.clone();
            tokio::spawn(async move {
                let (store, vault) = (&*kept.world.store, open(&kept.directory, &*kept.world.store).await);
                for _ in 0..3 {
                    vault.rotate_data_key(store, START).await.unwrap();
                    // Whoever meets a key that the other has just destroyed begins again.
                    while vault.reseal(store, AT_ONCE, START, |_| ()).await.is_err() {}
                }
            })
        })
        .collect();
    for rotating in rotating {
        rotating.await.unwrap();
    }
    serving.await.unwrap();
    let store = &*kept.world.store;
    let resealed = kept.vault.reseal(store, AT_ONCE, START, |_| ()).await.unwrap();
    assert_eq!((resealed.left.len(), resealed.left[0].cards), (1, CARDS));
    kept.assert_whole(&kept.vault, CARDS).await;
    kept.world.assert_sound().await;
}

pub(crate) async fn a_proof_keeps_its_key_until_its_operation_ends(world: World) {
    let kept = Kept::new(world).await;
    let (store, vault) = (&*kept.world.store, &kept.vault);
    let mut sale = kept.world.sale("wallet", eur(100));
    let operation = World::scene_of(&sale).operation.id;
    let proof = vault.seal_proof(operation, "AgAAAAAABk4DWZ4C28yUQAAAAAA=").unwrap();
    World::carry_proof(&mut sale, &proof);
    let scene = World::scene_of(&sale);
    store.commit(sale).await.unwrap();
    let second = vault.rotate_data_key(store, START).await.unwrap();
    let resealed = vault.reseal(store, AT_ONCE, START, |_| ()).await.unwrap();
    let left: Vec<_> = resealed.left.iter().map(|it| (it.number, it.retired_at, it.proofs)).collect();
    assert_eq!(left, [(1, Some(START), 1), (second, None, 0)], "the proof needs it");
    assert_eq!(vault.open_proof(operation, &proof).unwrap(), "AgAAAAAABk4DWZ4C28yUQAAAAAA=");
    store.commit(kept.world.approved(&scene)).await.unwrap();
    let resealed = vault.reseal(store, AT_ONCE, START, |_| ()).await.unwrap();
    assert_eq!((&*resealed.destroyed, resealed.left.len()), (&[1][..], 1));
    kept.world.assert_sound().await;
}

pub(crate) async fn nodes_that_share_a_directory_replace_keys_of_verification_values_once(world: World) {
    let directory = tempfile::tempdir().unwrap();
    let store = &*world.store;
    let (one, two) = (open(&directory, store).await, open(&directory, store).await);
    let minutes = |minutes| START.plus(Duration::from_mins(minutes));
    let file = |number: u32| directory.path().join(format!("keys/cvv-{number}.key"));
    let (operation, cvv) = (OperationId::new(1), Cvv::parse("739").unwrap());
    let early = two.seal_cvv(operation, &cvv).unwrap();
    one.maintain(store, minutes(60)).await.unwrap();
    // The other has not looked yet: what it seals opens at either.
    assert_eq!(two.seal_cvv(operation, &cvv).unwrap().key, 1);
    assert_eq!(one.open_cvv(operation, &early).unwrap(), cvv);
    two.maintain(store, minutes(64)).await.unwrap();
    assert!(file(2).exists() && !file(3).exists(), "the second is not made again");
    let late = two.seal_cvv(operation, &cvv).unwrap();
    assert_eq!((late.key, one.open_cvv(operation, &late).unwrap()), (2, cvv));
    one.maintain(store, minutes(69)).await.unwrap();
    assert!(file(1).exists(), "another node might not have looked");
    one.maintain(store, minutes(70)).await.unwrap();
    assert!(!file(1).exists());
    two.maintain(store, minutes(74)).await.unwrap();
    assert!(matches!(two.open_cvv(operation, &early), Err(VaultError::NoKey(1))), "nobody has it any more");
}

// A command is often run by somebody else than the service's user, who could not read a file that it made.
pub(crate) async fn a_command_that_opens_the_vault_leaves_the_key_directory_as_it_is(world: World) {
    let directory = tempfile::tempdir().unwrap();
    let store = &*world.store;
    let serving = open(&directory, store).await;
    let sealed = serving.seal_secret(world.project.id, b"secret").unwrap();
    let keys = directory.path().join("keys");
    let files = || {
        let mut names: Vec<_> =
            std::fs::read_dir(&keys).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = files();
    let later = START.plus(Duration::from_mins(61));
    let beside = Vault::open_beside(&keys, store, later).await.unwrap();
    assert_eq!(beside.open_secret(world.project.id, &sealed).unwrap().as_slice(), b"secret");
    beside.rotate_data_key(store, later).await.unwrap();
    beside.reseal(store, AT_ONCE, later, |_| ()).await.unwrap();
    assert_eq!(files(), before);
    serving.maintain(store, later).await.unwrap();
    assert_eq!(files().len(), before.len() + 1, "whoever serves makes the next one");
}

/// A database goes back to a moment before the newest data key was made, while processes run that know it and wrote nothing
/// since, so that nobody tells them. Then keys are rotated by a clock that was set back by just as much.
pub(crate) async fn a_key_that_the_database_has_lost_seals_nothing_although_its_number_comes_back(
    world: World,
) {
    let kept = Kept::new(world).await;
    let (store, project) = (&*kept.world.store, kept.world.project.id);
    let (looks, looks_late) = (open(&kept.directory, store).await, open(&kept.directory, store).await);
    let number = kept.vault.rotate_data_key(store, START).await.unwrap();
    for node in [&looks, &looks_late] {
        node.ask_for_keys(store).await.unwrap().forget_others();
        assert_eq!(node.seal_secret(project, b"secret").unwrap().key, number);
    }
    store.retire_data_keys(number + 1, START).await.unwrap();
    assert!(store.destroy_data_key(number).await.unwrap(), "nothing was sealed with it");
    looks.ask_for_keys(store).await.unwrap().forget_others();
    assert_eq!(looks.seal_secret(project, b"secret").unwrap().key, 1, "what was lost is forgotten");
    let another = open(&kept.directory, store).await;
    assert_eq!(another.rotate_data_key(store, START).await.unwrap(), number);
    for (node, card) in [(&looks_late, 0), (&looks, 1)] {
        node.ask_for_keys(store).await.unwrap().forget_others();
        kept.sale(node, card).await.unwrap();
    }
    kept.assert_whole(&open(&kept.directory, store).await, 2).await;
    kept.world.assert_sound().await;
}

pub(crate) async fn sealed_cards_are_told_in_order_and_all_of_them(world: World) {
    let kept = Kept::new(world).await;
    for card in 0..25 {
        kept.sale(&kept.vault, card).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let found = kept.world.store.cards_after(after, 10).await.unwrap();
        let Some(last) = found.last() else { break };
        after = Some((last.project, last.key));
        seen.extend(found.iter().map(|it| (it.project, it.key.get())));
    }
    assert!(seen.len() == 25 && seen.is_sorted() && seen[0].0 == ProjectId::new(1001), "{seen:?}");
}

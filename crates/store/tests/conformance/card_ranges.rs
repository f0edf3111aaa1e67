//! The operator's table of card ranges: replaced whole, and read again only when it has changed.

use crate::scenario::World;
use ferropay_domain::card::{CardRange, CardRanges};
use ferropay_store::CardTable;

pub(crate) async fn a_table_of_card_ranges_is_read_again_when_it_was_replaced(world: World) {
    assert_eq!(world.store.card_ranges(0).await.unwrap(), None);
    let all: Vec<CardRange> = CardRanges::built_in().ranges().collect();
    world.store.set_card_ranges(Some(all.clone())).await.unwrap();
    let first = world.store.card_ranges(0).await.unwrap().unwrap();
    assert_eq!(first, CardTable { revision: 1, ranges: Some(all.clone()) });
    assert_eq!(world.store.card_ranges(1).await.unwrap(), None, "it is known already");
    world.store.set_card_ranges(Some(all[..1].to_vec())).await.unwrap();
    let second = CardTable { revision: 2, ranges: Some(all[..1].to_vec()) };
    assert_eq!(world.store.card_ranges(1).await.unwrap(), Some(second));
    world.store.set_card_ranges(None).await.unwrap();
    assert_eq!(world.store.card_ranges(2).await.unwrap(), Some(CardTable { revision: 3, ranges: None }));
}

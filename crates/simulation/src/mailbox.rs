//! The mail server: it loses mails, takes them twice, and refuses some; what it took is there for customers to read.

use crate::world::{Mood, World};
use ferropay_engine::mail::{Mail, Mailer, Posted};
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

/// Characters of a code (G-332).
const CODE_LENGTH: usize = 6;

/// The way to the mail server.
pub(crate) struct Mailbox(pub(crate) Arc<World>);

/// What becomes of a mail.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Taken,
    /// It is there, and nobody hears of it.
    TakenSilently,
    Lost,
    Refused,
}

impl Mailbox {
    async fn post_once(&self, mail: &Mail) -> Posted {
        let world = &self.0;
        world.crash.step_or_wait().await;
        let fates: &[(u64, Fate)] = match world.mood(|moods| moods.merchants) {
            Mood::Well if world.is_calm() => &[(1, Fate::Taken)],
            Mood::Well => &[(94, Fate::Taken), (2, Fate::TakenSilently), (3, Fate::Lost), (1, Fate::Refused)],
            Mood::Shaky => {
                &[(50, Fate::Taken), (20, Fate::TakenSilently), (25, Fate::Lost), (5, Fate::Refused)]
            }
            Mood::Away => &[(1, Fate::Lost)],
        };
        let fate = world.merchant_dice.weighted(fates, Fate::Taken);
        world.note(format_args!("a mail to {} ({fate:?})", mail.to));
        let millis = world.merchant_dice.between(0, 300);
        tokio::time::sleep(Duration::from_millis(millis)).await;
        if matches!(fate, Fate::Taken | Fate::TakenSilently) {
            world.mails.lock().insert(mail.to.clone(), mail.text.clone());
        }
        world.crash.step_or_wait().await;
        match fate {
            Fate::Taken => Posted::Taken,
            Fate::TakenSilently | Fate::Lost => Posted::Later("the simulation says so".to_owned()),
            Fate::Refused => Posted::Refused("the simulation says so".to_owned()),
        }
    }
}

impl Mailer for Mailbox {
    fn post<'a>(&'a self, mail: &'a Mail) -> Pin<Box<dyn Future<Output = Posted> + Send + 'a>> {
        Box::pin(self.post_once(mail))
    }
}

/// The code in the last mail to an address, when one has come. It follows from keys that differ from run to run, and must
/// not get into the trace.
pub(crate) fn code_for(world: &World, address: &str) -> Option<String> {
    let mails = world.mails.lock();
    let is_code = |word: &&str| {
        word.len() == CODE_LENGTH && word.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit())
    };
    mails.get(address)?.split_whitespace().find(is_code).map(str::to_owned)
}

//! The merchants' endpoints: they remember every message, and answer as they please.

use crate::world::{Mood, World};
use ferropay_domain::{
    callback::{ORDERED_ATTEMPTS, ORDERED_FOR, Subject},
    ids::CallbackId,
};
use ferropay_engine::courier::{Courier, Undelivered};
use ferropay_store::DeliveryState;
use std::{pin::Pin, sync::Arc, time::Duration};

/// How long the platform waits for an answer.
const TIME_OUT: Duration = Duration::from_secs(15);

/// The way to the merchants.
pub(crate) struct Post(pub(crate) Arc<World>);

/// What a merchant does with a message.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Answered(u16),
    /// It never arrives.
    Lost,
    /// It arrives, the answer does not.
    Unanswered,
}

impl Post {
    fn fate(&self) -> Fate {
        let world = &self.0;
        let fates: &[(u64, Fate)] = match world.mood(|moods| moods.merchants) {
            Mood::Well if world.is_calm() => &[(1, Fate::Answered(200))],
            Mood::Well => &[(95, Fate::Answered(200)), (3, Fate::Answered(500)), (2, Fate::Unanswered)],
            Mood::Shaky => &[
                (40, Fate::Answered(200)),
                (20, Fate::Answered(500)),
                (10, Fate::Answered(204)),
                (10, Fate::Answered(302)),
                (10, Fate::Lost),
                (10, Fate::Unanswered),
            ],
            Mood::Away => &[(3, Fate::Lost), (1, Fate::Answered(503))],
        };
        world.merchant_dice.weighted(fates, Fate::Answered(200))
    }

    async fn post_once(&self, url: &str, body: Arc<str>) -> Result<u16, Undelivered> {
        let world = &self.0;
        world.crash.step_or_wait().await;
        let fate = self.fate();
        let about = self.posted(url, &body);
        world.note(format_args!("post {about:?} to {url} ({fate:?})"));
        let millis = world.merchant_dice.between(0, 300);
        tokio::time::sleep(Duration::from_millis(millis)).await;
        world.crash.step_or_wait().await;
        let no_answer = || Err(Undelivered::NoAnswer("the simulation says so".to_owned()));
        match fate {
            Fate::Answered(status) => {
                if status == 200 {
                    self.answered(url, &about);
                }
                world.crash.step_or_wait().await;
                Ok(status)
            }
            Fate::Lost => no_answer(),
            Fate::Unanswered => {
                tokio::time::sleep(TIME_OUT).await;
                world.crash.step_or_wait().await;
                no_answer()
            }
        }
    }

    /// Counts a try, and looks whether it comes in its turn. Answers which callbacks it may be of.
    fn posted(&self, url: &str, body: &str) -> Vec<CallbackId> {
        let world = &self.0;
        let mut wrong = Vec::new();
        let about = {
            let mut seen = world.seen.lock();
            let about = seen.by_body.get(body).cloned().unwrap_or_default();
            if about.is_empty() {
                wrong.push(format!("a message to {url} was never made durable"));
            }
            // Callbacks about two requests of equal content may be equal: then this may be any of them.
            let here = |id: &&CallbackId| {
                seen.callbacks.get(id).is_some_and(|told| position(&told.addresses, url).is_some())
            };
            let about: Vec<CallbackId> = about.iter().filter(here).copied().collect();
            let due = |id: &CallbackId| {
                let told = seen.callbacks.get(id);
                told.is_some_and(|told| world.business(told.project) >= told.due)
            };
            if !about.iter().any(due) {
                wrong.push(format!("callbacks {about:?} are sent to {url} too early, or should never be"));
            }
            for id in &about {
                let Some(told) = seen.callbacks.get_mut(id) else { continue };
                let Some(address) = position(&told.addresses, url) else { continue };
                let (posts, _) = told.posts.entry(address).or_default();
                *posts += 1;
                let first = *posts == 1;
                let (project, subject, number) = (told.project, told.subject, told.number);
                // Which of several that say the same it is nobody can tell.
                let only = about.len() == 1;
                if let (true, true, Subject::Payment(key)) = (first, only, subject) {
                    let now = world.business(project);
                    for earlier in seen.of_payment.get(&key).into_iter().flatten() {
                        let Some(it) = seen.callbacks.get(earlier) else { continue };
                        let Some(address) = position(&it.addresses, url) else { continue };
                        let (posts, answered) = it.posts.get(&address).copied().unwrap_or_default();
                        let state = it.recorded.get(&address).map(|(_, state)| *state);
                        let may_overtake = answered > 0
                            || posts >= ORDERED_ATTEMPTS
                            || now.since(it.due) >= ORDERED_FOR
                            || state == Some(DeliveryState::Parked);
                        if it.number < number && !may_overtake {
                            wrong.push(format!("callback {id} overtakes {earlier}"));
                        }
                    }
                }
            }
            about
        };
        for wrong in wrong {
            world.finding(wrong);
        }
        about
    }

    fn answered(&self, url: &str, about: &[CallbackId]) {
        let mut seen = self.0.seen.lock();
        for id in about {
            let Some(told) = seen.callbacks.get_mut(id) else { continue };
            let Some(address) = position(&told.addresses, url) else { continue };
            told.posts.entry(address).or_default().1 += 1;
        }
    }
}

fn position(addresses: &[String], url: &str) -> Option<u8> {
    addresses.iter().position(|address| address == url).and_then(|position| u8::try_from(position).ok())
}

impl Courier for Post {
    fn post<'a>(
        &'a self,
        url: &'a str,
        body: Arc<str>,
    ) -> Pin<Box<dyn Future<Output = Result<u16, Undelivered>> + Send + 'a>> {
        Box::pin(self.post_once(url, body))
    }
}

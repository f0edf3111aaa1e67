//! Directory servers and issuers: they decide about customers at once, ask them, or do not answer; and they remember
//! what they decided, so that nobody else's word counts.

use crate::{
    random::Dice,
    world::{Mood, World},
};
use ferropay_domain::{
    card::Pan,
    ids::AuthenticationId,
    payment::{AuthenticationResult, Form, TransStatus},
    project::Environment,
    time::Timestamp,
};
use ferropay_engine::{
    authentication::{
        AuthenticationOrder, AuthenticationOutcome, Authenticator, CardRange, ChallengeReturn, NoticeRefused,
        ResultNotice,
    },
    connector::Eventually,
    entropy::Entropy as _,
};
use parking_lot::Mutex;
use std::{collections::BTreeMap, sync::Weak, time::Duration};
use uuid::Uuid;

/// How long the platform waits for a directory server.
const TIME_OUT: Duration = Duration::from_secs(10);

/// Cards whose issuers want to see the browser first, and cards whose issuers do not; others take no part.
const SEEING: [&str; 2] = ["4314220000000056", "5413330000000019"];
const NOT_SEEING: [&str; 1] = ["5544330000000045"];

/// What an issuer has decided.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    ds: String,
    acs: String,
    /// None: the customer is asked, and the issuer never says what came of it.
    pub(crate) result: Option<AuthenticationResult>,
    /// When the result of a challenge is sent; none when it needs no notice.
    notice_at: Option<Timestamp>,
    /// The platform has taken the result, or refused it for good.
    pub(crate) settled: bool,
}

/// All issuers of an environment.
pub(crate) struct Issuers {
    environment: Environment,
    dice: Dice,
    book: Mutex<BTreeMap<AuthenticationId, Option<Decision>>>,
    world: Weak<World>,
}

impl Issuers {
    pub(crate) fn new(environment: Environment, seed: u64, world: Weak<World>) -> Self {
        let dice = Dice::new(seed, &format!("issuers {environment:?}"));
        Self { environment, dice, book: Mutex::default(), world }
    }

    /// What was decided about a customer.
    pub(crate) fn decision(&self, id: AuthenticationId) -> Option<Decision> {
        self.book.lock().get(&id).cloned().flatten()
    }

    /// Results of challenges that are to be told now, as message bodies.
    pub(crate) fn notices(&self, now: Timestamp) -> Vec<(AuthenticationId, Vec<u8>)> {
        let book = self.book.lock();
        let due = book.iter().filter_map(|(id, decision)| {
            let decision = decision.as_ref().filter(|it| !it.settled)?;
            let result = decision.result.as_ref()?;
            decision.notice_at.filter(|at| *at <= now)?;
            let result = serde_json::to_string(result).ok()?;
            let body = format!("{id} {} {} {result}", decision.ds, decision.acs);
            Some((*id, body.into_bytes()))
        });
        due.collect()
    }

    /// When the next result is to be told.
    pub(crate) fn next_notice(&self) -> Option<Timestamp> {
        let book = self.book.lock();
        book.values().flatten().filter(|it| !it.settled).filter_map(|it| it.notice_at).min()
    }

    /// A notice was answered.
    pub(crate) fn answered(&self, id: AuthenticationId, answer: &str) {
        if let Some(Some(decision)) = self.book.lock().get_mut(&id)
            && (answer == TAKEN || answer == UNKNOWN || answer == CONTRADICTED)
        {
            decision.settled = true;
        }
    }

    /// What the customer's browser brings back from a challenge.
    pub(crate) fn proof(id: AuthenticationId, acs: &str) -> String {
        format!("return {id} {acs}")
    }

    async fn asked(&self, order: AuthenticationOrder) -> AuthenticationOutcome {
        let unavailable =
            || AuthenticationOutcome::Unavailable { reason: "the simulation says so".to_owned() };
        let Some(world) = self.world.upgrade() else { return unavailable() };
        world.crash.step_or_wait().await;
        if self.book.lock().insert(order.id, None).is_some() {
            world.finding(format!("the directory server is asked twice about {}", order.id));
        }
        let mood = world.mood(|moods| moods.provider);
        let lost = mood == Mood::Away || self.dice.chance(if mood == Mood::Well { 4 } else { 25 });
        world.note(format_args!("directory: {} lost {lost}", order.id));
        tokio::time::sleep(Duration::from_millis(self.dice.between(0, 1_500))).await;
        if lost {
            tokio::time::sleep(TIME_OUT).await;
            world.crash.step_or_wait().await;
            return unavailable();
        }
        let answer = self.decide(&world, order.id);
        world.note(format_args!("directory: {} {:?}", order.id, self.decision(order.id)));
        tokio::time::sleep(Duration::from_millis(self.dice.between(0, 500))).await;
        world.crash.step_or_wait().await;
        answer
    }

    fn decide(&self, world: &World, id: AuthenticationId) -> AuthenticationOutcome {
        use TransStatus::{A, I, N, R, U, Y};
        let [ds, acs] = [(); 2].map(|()| Uuid::from_bytes(self.dice.bytes()).hyphenated().to_string());
        let result = |status, cancelled: Option<&str>| AuthenticationResult {
            status,
            eci: matches!(status, Y | A).then(|| "05".to_owned()),
            value: matches!(status, Y | A).then(|| "AAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned()),
            reason: None,
            cancelled: cancelled.map(str::to_owned),
        };
        if self.dice.chance(45) {
            let statuses = [(50, Y), (10, A), (15, N), (10, U), (10, R), (5, I)];
            let result = result(self.dice.weighted(&statuses, Y), None);
            let decision = Decision {
                ds: ds.clone(),
                acs: acs.clone(),
                result: Some(result.clone()),
                notice_at: None,
                settled: true,
            };
            self.book.lock().insert(id, Some(decision));
            return AuthenticationOutcome::Decided {
                result,
                ds_transaction: ds,
                acs_transaction: acs,
                cardholder_info: None,
            };
        }
        let result = match self.dice.between(1, 20) {
            1..=13 => Some(result(Y, None)),
            14..=15 => Some(result(N, None)),
            16 => Some(result(N, Some("01"))),
            17 => Some(result(U, None)),
            18 => Some(result(A, None)),
            _ => None,
        };
        let seconds =
            if self.dice.chance(85) { self.dice.between(0, 120) } else { self.dice.between(120, 4_000) };
        let notice_at = result.as_ref().map(|_| world.now().plus(Duration::from_secs(seconds)));
        let settled = result.is_none();
        let decision = Decision { ds: ds.clone(), acs: acs.clone(), result, notice_at, settled };
        self.book.lock().insert(id, Some(decision));
        let form = Form { url: "http://issuer.example/ask".to_owned(), fields: Vec::new() };
        AuthenticationOutcome::Challenge {
            ds_transaction: ds,
            acs_transaction: acs,
            cardholder_info: None,
            form,
        }
    }
}

const TAKEN: &str = "taken";
const UNKNOWN: &str = "refused Unknown";
const CONTRADICTED: &str = "refused Contradicts";

impl Authenticator for Issuers {
    fn environment(&self) -> Environment {
        self.environment
    }

    fn range(&self, pan: &Pan) -> Option<CardRange> {
        let seeing = SEEING.contains(&pan.digits());
        let takes_part = seeing || NOT_SEEING.contains(&pan.digits());
        let method_url = seeing.then(|| "http://issuer.example/see".into());
        takes_part.then(|| CardRange { version: "2.2.0".into(), method_url })
    }

    fn device_form(&self, id: AuthenticationId, method_url: &str, notification_url: &str) -> Form {
        let fields = vec![("id".to_owned(), id.to_string()), ("to".to_owned(), notification_url.to_owned())];
        Form { url: method_url.to_owned(), fields }
    }

    fn authenticate(&self, order: AuthenticationOrder) -> Eventually<'_, AuthenticationOutcome> {
        Box::pin(self.asked(order))
    }

    fn read_seen(&self, data: &str) -> Option<AuthenticationId> {
        data.strip_prefix("seen ").and_then(AuthenticationId::parse)
    }

    fn read_return(&self, cres: &str) -> Option<ChallengeReturn> {
        let mut words = cres.strip_prefix("return ")?.split(' ');
        let id = AuthenticationId::parse(words.next()?)?;
        Some(ChallengeReturn { id, acs_transaction: words.next()?.to_owned() })
    }

    fn read_result(&self, body: &[u8]) -> Result<ResultNotice, String> {
        let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
        let words: Vec<&str> = text.splitn(4, ' ').collect();
        let [id, ds, acs, result] = words.as_slice() else { return Err("no notice".to_owned()) };
        Ok(ResultNotice {
            id: AuthenticationId::parse(id).ok_or("no identifier")?,
            ds_transaction: (*ds).to_owned(),
            acs_transaction: (*acs).to_owned(),
            version: "2.2.0".to_owned(),
            result: serde_json::from_str(result).map_err(|error| error.to_string())?,
        })
    }

    fn acknowledge(&self, _: &ResultNotice) -> String {
        TAKEN.to_owned()
    }

    fn refuse(&self, _: &ResultNotice, why: NoticeRefused) -> String {
        format!("refused {why:?}")
    }
}

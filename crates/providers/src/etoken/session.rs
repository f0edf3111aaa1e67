//! The wallets as the engine knows them, and payment sessions of Apple Pay.
//!
//! Before a page may show the customer the payment sheet, the merchant's server opens a session at an address that the
//! page was given. That address comes from outside, and the request carries the merchant's identity: it goes to Apple's
//! own gateways only, whatever the page says.

use super::{AppleKeys, GoogleKeys, InvalidKeys, apple, google, has_form};
use ferropay_domain::{card::DeviceWallet, project::Environment, time::Timestamp};
use ferropay_engine::{
    connector::Eventually,
    wallet_tokens::{OpenedToken, SessionFault, SessionOrder, TokenFault, WalletTokens},
};
use serde_json::{Value, json};
use std::time::Duration;

/// How long the gateway may take. The customer waits.
const TIME_OUT: Duration = Duration::from_secs(20);

/// The longest answer of the gateway, bytes. Real ones have five thousand.
const LONGEST_ANSWER: usize = 64 * 1024;

/// The wallets.
#[derive(Clone, Debug, Default)]
pub struct Wallets {
    /// Where the simulator answers, for sessions of test projects: `http://127.0.0.1:8081`.
    simulator: Option<String>,
}

impl Wallets {
    /// Wallets whose sessions are opened at Apple, and at the simulator for test projects where there is one.
    pub fn new(simulator: Option<String>) -> Self {
        Self { simulator }
    }

    /// Whether a session may be opened at this address: a gateway of Apple's by https (G-464), or for a test project the
    /// simulator.
    fn may_open_at(&self, environment: Environment, url: &reqwest::Url) -> bool {
        let at_simulator = || {
            let simulator = self.simulator.as_deref().and_then(|url| reqwest::Url::parse(url).ok());
            simulator.is_some_and(|simulator| {
                environment == Environment::Test && simulator.origin() == url.origin()
            })
        };
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        plain && (is_apples(url) || at_simulator())
    }

    async fn open_session(&self, keys: &[u8], order: SessionOrder) -> Result<String, SessionFault> {
        let url = reqwest::Url::parse(&order.validation_url).map_err(|_| SessionFault::Address)?;
        if !self.may_open_at(order.environment, &url) {
            return Err(SessionFault::Address);
        }
        let unusable = |InvalidKeys(reason): InvalidKeys| SessionFault::Keys(reason.to_owned());
        let keys = AppleKeys::read(keys).map_err(unusable)?;
        let client = client(&keys)?;
        let request = json!({
            "merchantIdentifier": keys.merchant_id,
            "displayName": order.display_name,
            "initiative": "web",
            "initiativeContext": order.domain_name,
        });
        let no_answer = |error: reqwest::Error| SessionFault::NoAnswer(error.without_url().to_string());
        let request = client.post(url).header("content-type", "application/json").body(request.to_string());
        let mut answer = request.send().await.map_err(no_answer)?;
        if !answer.status().is_success() {
            return Err(SessionFault::Refused(answer.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(no_answer)? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST_ANSWER {
                return Err(SessionFault::NoAnswer("the answer is too long".to_owned()));
            }
        }
        match serde_json::from_slice(&body) {
            Ok(session @ Value::Object(_)) => Ok(session.to_string()),
            _ => Err(SessionFault::NoAnswer("the answer is no session".to_owned())),
        }
    }
}

/// Apple's gateways: `apple-pay-gateway.apple.com`, those of China, and the numbered ones behind both.
fn is_apples(url: &reqwest::Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let Some(name) = host.strip_suffix(".apple.com") else { return false };
    let name = name.strip_prefix("cn-").unwrap_or(name);
    let rest = name.strip_prefix("apple-pay-gateway");
    let is_gateway = rest.is_some_and(|rest| {
        rest.is_empty()
            || (rest.starts_with('-')
                && rest.bytes().all(|it| it == b'-' || it.is_ascii_lowercase() || it.is_ascii_digit()))
    });
    is_gateway && url.scheme() == "https" && url.port().is_none()
}

/// A client that shows the merchant's identity, follows nobody elsewhere and uses no proxy of the machine.
fn client(keys: &AppleKeys) -> Result<reqwest::Client, SessionFault> {
    let unusable = |error: reqwest::Error| SessionFault::Keys(error.to_string());
    let identity =
        keys.identity.as_deref().ok_or_else(|| SessionFault::Keys("there is no identity".to_owned()))?;
    let identity = reqwest::Identity::from_pem(identity.as_bytes()).map_err(unusable)?;
    let mut builder = reqwest::Client::builder()
        .identity(identity)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIME_OUT)
        .no_proxy();
    if let Some(authorities) = &keys.gateway_authorities {
        let known = reqwest::Certificate::from_pem_bundle(authorities.as_bytes()).map_err(unusable)?;
        builder = builder.tls_certs_only(known);
    }
    builder.build().map_err(unusable)
}

impl WalletTokens for Wallets {
    fn is_token(&self, token: &str) -> bool {
        has_form(token)
    }

    fn open(
        &self,
        wallet: DeviceWallet,
        keys: &[u8],
        token: &str,
        now: Timestamp,
    ) -> Result<OpenedToken, TokenFault> {
        let unusable = |InvalidKeys(reason): InvalidKeys| TokenFault::Keys(reason.to_owned());
        match wallet {
            DeviceWallet::ApplePay => apple::open(&AppleKeys::read(keys).map_err(unusable)?, token, now),
            DeviceWallet::GooglePay => google::open(&GoogleKeys::read(keys).map_err(unusable)?, token, now),
        }
    }

    fn is_gateway(&self, environment: Environment, url: &str) -> bool {
        reqwest::Url::parse(url).is_ok_and(|url| self.may_open_at(environment, &url))
    }

    fn session<'a>(
        &'a self,
        keys: &'a [u8],
        order: SessionOrder,
    ) -> Eventually<'a, Result<String, SessionFault>> {
        Box::pin(self.open_session(keys, order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // G-464
    #[test]
    fn sessions_are_opened_at_gateways_of_apple_and_nowhere_else() {
        let wallets = Wallets::new(Some("http://127.0.0.1:8081".to_owned()));
        let may = |environment, url: &str| {
            reqwest::Url::parse(url).is_ok_and(|url| wallets.may_open_at(environment, &url))
        };
        for right in [
            "https://apple-pay-gateway.apple.com/paymentservices/startSession",
            "https://cn-apple-pay-gateway.apple.com/paymentservices/startSession",
            "https://apple-pay-gateway-nc-pod5.apple.com/paymentservices/startSession",
            "https://apple-pay-gateway-cert.apple.com/paymentservices/startSession",
            "https://cn-apple-pay-gateway-sh-pod1.apple.com:443/paymentservices/startSession",
        ] {
            assert!(may(Environment::Production, right) && may(Environment::Test, right), "{right}");
        }
        for wrong in [
            "http://apple-pay-gateway.apple.com/paymentservices/startSession",
            "https://apple-pay-gateway.apple.com:8443/paymentservices/startSession",
            "https://apple-pay-gateway.apple.com.example.org/paymentservices/startSession",
            "https://apple-pay-gateway.apple.com@example.org/paymentservices/startSession",
            "https://user@apple-pay-gateway.apple.com/paymentservices/startSession",
            "https://apple-pay-gatewayx.apple.com/",
            "https://a.apple-pay-gateway.apple.com/",
            "https://www.apple.com/",
            "https://127.0.0.1/",
            "https://example.org/apple-pay-gateway.apple.com",
        ] {
            assert!(!may(Environment::Test, wrong), "{wrong}");
        }
        let simulator = "http://127.0.0.1:8081/apple-pay/paymentservices/startSession";
        assert!(may(Environment::Test, simulator));
        assert!(
            !may(Environment::Production, simulator) && !may(Environment::Test, "http://127.0.0.1:8082/")
        );
    }
}

//! Requests for what a project can use: methods and banks.

use super::{Part, Refusal};
use crate::json::Value;
use ferropay_domain::{
    codes,
    method::{Direction, Wanted, country_of_three},
    money::Currency,
};

/// `/v2/info/available-methods/{payment_direction}/list` (G-453).
#[derive(Debug, PartialEq, Eq)]
pub struct AvailableMethods {
    /// Which way the money goes.
    pub direction: Direction,
    /// Codes of the methods that are asked about; all when none are.
    pub methods: Option<Vec<String>>,
}

impl AvailableMethods {
    /// Reads a body that keeps the contract; `direction` is the step of the address.
    ///
    /// # Errors
    /// There is no such direction.
    pub fn read(direction: &str, body: &Value<'_>) -> Result<Self, Refusal> {
        let known = Direction::of_path(direction);
        let direction =
            known.ok_or_else(|| Refusal::bad_request(codes::VALIDATION).at("payment_direction"))?;
        let code = |item: &Value<'_>| item.get("payment_method").and_then(Value::as_str).map(str::to_owned);
        let listed = body.get("payment_method_list").and_then(Value::items);
        Ok(Self { direction, methods: listed.map(|items| items.iter().filter_map(code).collect()) })
    }
}

/// Which banks a request at `address`, without `/v2/info/banks/`, is about (G-457).
///
/// # Errors
/// A country, a currency or a kind of operation that there is not.
pub fn wanted_banks<'a>(address: &'a str, body: &Value<'_>) -> Result<Wanted<'a>, Refusal> {
    let invalid = |code, field: &str| Refusal::bad_request(code).at(field);
    let currency_of = |part: Part<'_, '_>| match part.filled("currency") {
        None => Ok(None),
        Some(code) => {
            let parsed = Currency::parse(code);
            parsed.map(Some).map_err(|_| invalid(codes::INVALID_CURRENCY, &part.path("currency")))
        }
    };
    let direction_of = |name: &str, field| {
        Direction::of_operation(name).map(Some).ok_or_else(|| invalid(codes::VALIDATION, field))
    };
    let whole = Part::whole(body);
    let direction = || match whole.filled("type") {
        None => Ok(None),
        Some(name) => direction_of(name, "type"),
    };
    Ok(match address {
        "bycountry" => {
            let known = whole.filled("country").and_then(country_of_three);
            let country = known.ok_or_else(|| invalid(codes::COUNTRY_NOT_FOUND, "country"))?;
            Wanted { country: Some(country), ..Wanted::default() }
        }
        "byaggregator" => Wanted { aggregator: whole.integer("aggregator_id"), ..Wanted::default() },
        "bypaymentmethod" => Wanted {
            number: whole.integer("payment_method_id"),
            currency: currency_of(whole)?,
            direction: direction()?,
            ..Wanted::default()
        },
        "byprovider" => Wanted {
            provider: whole.integer("provider_id"),
            currency: currency_of(whole)?,
            direction: direction()?,
            ..Wanted::default()
        },
        _ => {
            let listed = address.strip_suffix("/list").and_then(|steps| steps.rsplit_once('/'));
            let (steps, operation) = listed.ok_or_else(|| Refusal::bad_request(codes::NOT_ALLOWED))?;
            Wanted {
                steps: Some(steps),
                currency: currency_of(Part::of(body, "payment"))?,
                direction: direction_of(operation, "operationType")?,
                ..Wanted::default()
            }
        }
    })
}

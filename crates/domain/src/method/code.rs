//! A method as payments remember it: by its code.

use super::{Demands, Method};
use crate::payment::OperationKind;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{borrow::Cow, collections::HashMap, fmt, ops::Deref, sync::LazyLock};

static BY_CODE: LazyLock<HashMap<&'static str, &'static Method>> =
    LazyLock::new(|| Method::all().iter().map(|method| (method.code.as_str(), method)).collect());

static BY_PATH: LazyLock<HashMap<&'static str, &'static Method>> = LazyLock::new(|| {
    Method::all().iter().flat_map(|method| method.paths().map(move |path| (path, method))).collect()
});

/// The endpoints of all methods, by name: `payment/wallet/alipay/sale`.
static ENDPOINTS: LazyLock<HashMap<String, (MethodRef, MethodAsk)>> = LazyLock::new(|| {
    let of = |(steps, method): (&&str, &&'static Method)| {
        let (steps, method) = (*steps, MethodRef(method));
        MethodAsk::STEPS.map(|(step, ask)| (format!("payment/{steps}/{step}"), (method, ask)))
    };
    BY_PATH.iter().flat_map(of).collect()
});

/// What an endpoint of a method asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodAsk {
    /// An operation.
    Operation(OperationKind),
    /// A purchase from an account the customer has saved (G-378).
    OneClick,
    /// New terms of a series, or its end.
    ChangeSeries,
}

impl MethodAsk {
    /// The ends of endpoints' names, and what they ask for.
    pub const STEPS: [(&str, Self); 12] = [
        ("sale", Self::Operation(OperationKind::Sale)),
        ("sale/1click", Self::OneClick),
        ("auth", Self::Operation(OperationKind::Auth)),
        ("capture", Self::Operation(OperationKind::Capture)),
        ("cancel", Self::Operation(OperationKind::Cancel)),
        ("refund", Self::Operation(OperationKind::Refund)),
        ("payout", Self::Operation(OperationKind::Payout)),
        ("contract/registration", Self::Operation(OperationKind::ContractRegistration)),
        ("recurring", Self::Operation(OperationKind::Recurring)),
        ("1-tap", Self::Operation(OperationKind::Recurring)),
        ("recurring/update", Self::ChangeSeries),
        ("recurring/cancel", Self::ChangeSeries),
    ];
}

/// One of the methods that are compiled in; written and read as its code.
#[derive(Clone, Copy)]
pub struct MethodRef(&'static Method);

impl MethodRef {
    /// The method with this code.
    pub fn of_code(code: &str) -> Option<Self> {
        BY_CODE.get(code).copied().map(Self)
    }

    /// The method itself.
    pub const fn get(self) -> &'static Method {
        self.0
    }

    /// The method whose Gate paths have these steps between `/v2/payment/` and the operation.
    pub fn of_path(steps: &str) -> Option<Self> {
        BY_PATH.get(steps).copied().map(Self)
    }

    /// What a request to the endpoint `name`, without the version, asks of which method. The name comes back as one that
    /// lasts.
    pub fn endpoint(name: &str) -> Option<(&'static str, Self, MethodAsk)> {
        ENDPOINTS.get_key_value(name).map(|(name, (method, ask))| (name.as_str(), *method, *ask))
    }

    /// What an operation of `kind` demands; none when the method does not have it.
    pub fn demands_of(self, kind: OperationKind) -> Option<&'static Demands> {
        self.0.demands(kind)
    }

    /// All methods.
    pub fn all() -> impl Iterator<Item = Self> {
        Method::all().iter().map(Self)
    }
}

impl Deref for MethodRef {
    type Target = Method;

    fn deref(&self) -> &Method {
        self.0
    }
}

impl PartialEq for MethodRef {
    fn eq(&self, other: &Self) -> bool {
        self.0.code == other.0.code
    }
}

impl Eq for MethodRef {}

impl fmt::Debug for MethodRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.code)
    }
}

impl Serialize for MethodRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.code)
    }
}

impl<'de> Deserialize<'de> for MethodRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = Cow::<'_, str>::deserialize(deserializer)?;
        Self::of_code(&code)
            .ok_or_else(|| D::Error::custom(format_args!("no payment method has the code {code}")))
    }
}

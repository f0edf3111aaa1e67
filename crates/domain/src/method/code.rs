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

/// What Gate paths ask of which method, by the endpoint's name: `payment/wallet/alipay/sale`.
static REQUESTS: LazyLock<HashMap<String, (MethodRef, OperationKind)>> = LazyLock::new(|| {
    const OPERATIONS: [(&str, OperationKind); 6] = [
        ("sale", OperationKind::Sale),
        ("auth", OperationKind::Auth),
        ("capture", OperationKind::Capture),
        ("cancel", OperationKind::Cancel),
        ("refund", OperationKind::Refund),
        ("payout", OperationKind::Payout),
    ];
    let of = |(steps, method): (&&str, &&'static Method)| {
        let (steps, method) = (*steps, MethodRef(method));
        OPERATIONS.map(|(name, kind)| (format!("payment/{steps}/{name}"), (method, kind)))
    };
    BY_PATH.iter().flat_map(of).collect()
});

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
    pub fn request_of(name: &str) -> Option<(&'static str, Self, OperationKind)> {
        REQUESTS.get_key_value(name).map(|(name, (method, kind))| (name.as_str(), *method, *kind))
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

//! How the customer of a card operation is to be authenticated, decided when it is asked for.

use super::{CardFacts, Ids, RangeFacts, ThreeDsRequest, data};
use crate::{
    codes::{self, Code},
    ids::AuthenticationId,
    payment::{Authentication, AuthenticationFlow, AuthenticationStep, CardRequest, Exemption},
    project::Project,
};

/// How the customer is to be authenticated, if at all. Not for orders by mail or telephone, whose customer is not
/// there (G-256), nor where the device has proved who they are, and not again when the merchant has done it and may (G-207, G-210). Error: the code of a decline.
pub(super) fn of(
    project: &Project,
    request: &CardRequest,
    three_ds: ThreeDsRequest,
    (facts, exemption): (CardFacts, Option<Exemption>),
    ids: Ids,
) -> Result<Option<Authentication>, Code> {
    let settings = &project.settings;
    if request.moto.is_some() || request.is_by_merchant() || request.network_token.is_some() {
        return Ok(None);
    }
    if let Some(supplied) = three_ds.supplied.filter(|_| settings.merchant_three_ds_allowed) {
        return Ok(Some(Authentication {
            id: AuthenticationId::of(ids.operation, *ids.payment.as_bytes()),
            flow: AuthenticationFlow::Merchant,
            step: AuthenticationStep::Done,
            version: supplied.version,
            md: String::new(),
            return_url: String::new(),
            notification_url: None,
            device_data: None,
            data: data::Members::new(),
            form: None,
            issuer_form: None,
            ds_transaction: supplied.ds_transaction,
            acs_transaction: None,
            result: Some(supplied.result),
            returned: false,
            xid: Some(supplied.xid),
            again: None,
            challenged: false,
            decided_at: None,
            cardholder_info: None,
        }));
    }
    if !settings.three_ds {
        return Ok(None);
    }
    let Some(range) = facts.range else {
        return if settings.three_ds_required { Err(codes::NOT_ENROLLED) } else { Ok(None) };
    };
    let channel = three_ds.data.get(DEVICE_CHANNEL).map(String::as_str);
    if matches!(channel, Some("01" | "1")) && !settings.three_ds_app {
        return Err(codes::THREE_DS_APP);
    }
    if is_without_customer(channel) && !settings.three_ds_requestor_initiated {
        return Err(codes::THREE_DS_WITHOUT_CUSTOMER);
    }
    let extended = three_ds.return_url.is_some() && three_ds.notification_url.is_some();
    let mut planned = Authentication {
        id: range.id,
        flow: if extended { AuthenticationFlow::Extended } else { AuthenticationFlow::Basic },
        step: if exemption.is_some() { AuthenticationStep::Exempt } else { AuthenticationStep::Planned },
        version: String::new(),
        md: String::new(),
        return_url: three_ds.return_url.unwrap_or_default(),
        notification_url: three_ds.notification_url,
        device_data: None,
        data: three_ds.data,
        form: None,
        issuer_form: None,
        ds_transaction: None,
        acs_transaction: None,
        result: None,
        returned: false,
        xid: None,
        again: None,
        challenged: false,
        decided_at: None,
        cardholder_info: None,
    };
    planned.begin_with(range);
    Ok(Some(planned))
}

/// The member that says where the customer is.
const DEVICE_CHANNEL: &str = "payment.device_channel";

/// Whether the merchant asks the issuer without the customer (G-192).
fn is_without_customer(channel: Option<&str>) -> bool {
    matches!(channel, Some("03" | "3"))
}

impl Authentication {
    /// Takes over what it would begin with (G-196, G-200).
    pub(super) fn begin_with(&mut self, range: RangeFacts) {
        self.id = range.id;
        self.version = range.version;
        self.md = range.md;
        // Where nobody is there, there is no browser to be shown to the issuer.
        let alone = is_without_customer(self.data.get(DEVICE_CHANNEL).map(String::as_str));
        let device_form = range.device_form.filter(|_| !alone);
        (self.form, self.issuer_form) = match self.flow {
            AuthenticationFlow::Basic => (Some(range.page), device_form),
            AuthenticationFlow::Extended | AuthenticationFlow::Merchant => (device_form, None),
        };
    }
}

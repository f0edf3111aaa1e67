//! The numbers of provider accounts: each stands for one provider, or for one of a sandbox's.

use super::Config;
use crate::platform::{
    acquirers::{SANDBOX_ACCOUNT, SANDBOX_SECOND_ACCOUNT},
    methods::SANDBOX_METHODS,
};
use anyhow::{Result, bail};
use ferropay_domain::ids::ProviderAccountId;
use std::collections::HashSet;

/// What no provider of a configuration may have.
const OF_SANDBOXES: [ProviderAccountId; 3] = [SANDBOX_ACCOUNT, SANDBOX_METHODS, SANDBOX_SECOND_ACCOUNT];

/// The numbers of all accounts that a platform of this configuration has. Refuses one that stands for two providers.
pub(super) fn known(config: &Config) -> Result<HashSet<i64>> {
    let acquirers = config.acquirers.iter().map(|it| ("acquirers", it.account));
    let methods = config.method_providers.iter().map(|it| ("method_providers", it.account));
    let mut known = HashSet::new();
    for (list, account) in acquirers.chain(methods) {
        if account < 2 || OF_SANDBOXES.contains(&ProviderAccountId::new(account)) {
            bail!(
                "[[{list}]] account {account}: the numbers of real accounts start at 2; {SANDBOX_METHODS} and \
                 {SANDBOX_SECOND_ACCOUNT} are a sandbox's"
            );
        }
        if !known.insert(account) {
            bail!("[[{list}]] account {account}: another provider of this file has that number");
        }
    }
    if config.sandbox {
        known.extend(OF_SANDBOXES.map(ProviderAccountId::get));
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(more: &str) -> Config {
        use figment::{
            Figment,
            providers::{Format as _, Serialized, Toml},
        };
        let defaults = Figment::from(Serialized::defaults(Config::default()));
        defaults.merge(Toml::string(more)).extract().unwrap()
    }

    fn acquirer(account: i64) -> String {
        format!(
            "[[acquirers]]\naccount = {account}\naddress = \"a:1\"\nacquirer_id = \"6\"\nterminal_id = \"T\"\nmerchant_id = \
             \"M\"\ncategory = 5812\nstatement_name = \"A\"\nstatement_town = \"B\"\nstatement_country = \"GB\"\n"
        )
    }

    fn method(account: i64) -> String {
        format!(
            "[[method_providers]]\naccount = {account}\nbase_url = \"https://b\"\nmerchant = \"m\"\nsecret_file = \"s\"\n"
        )
    }

    #[test]
    fn an_account_stands_for_one_provider() {
        let both = [acquirer(2), acquirer(3), method(4)].concat();
        assert_eq!(known(&read(&both)).unwrap(), HashSet::from([2, 3, 4]));
        for wrong in [
            [acquirer(2), acquirer(2)],
            [acquirer(2), method(2)],
            [method(4), method(4)],
            [acquirer(1), method(4)],
            [acquirer(2), method(9_001)],
            [acquirer(9_002), method(4)],
            [acquirer(-2), method(4)],
        ] {
            assert!(known(&read(&wrong.concat())).is_err(), "{wrong:?}");
        }
        assert_eq!(known(&read("sandbox = true")).unwrap(), HashSet::from([1, 9_001, 9_002]));
    }
}

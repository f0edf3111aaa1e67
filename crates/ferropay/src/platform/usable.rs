//! Whether connections can be made of a configuration, as far as that can be told without connecting to anybody.

use super::{acquirers, mail, methods, three_ds};
use crate::config::Config;
use anyhow::Error;

/// Everything that `serve` would refuse when it connects, were it not held.
pub(crate) fn complaints(config: &Config) -> Vec<Error> {
    let public_url = match &config.public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{}", config.listen),
    };
    let acquirers = config.acquirers.iter().map(|it| acquirers::check(it, config));
    let methods = config.method_providers.iter().map(|it| methods::check(it, config));
    let three_ds = config.three_ds.iter().map(|it| three_ds::check(it, &public_url));
    let all = acquirers.chain(methods).chain(three_ds).chain([mail::check(config)]);
    all.filter_map(Result::err).collect()
}

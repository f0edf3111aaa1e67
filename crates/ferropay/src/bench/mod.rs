//! `ferropay bench`.
use crate::cli::Bench;
pub(crate) async fn run(_options: Bench) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("bench is being built")
}

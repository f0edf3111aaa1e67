//! `ferropay demo`.
use crate::cli::Demo;
pub(crate) async fn run(_options: Demo) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("demo is being built")
}

//! A project's own plan for trying declined debits again, kept with the project.

use crate::{engine::Engine, failure::Failure};
use ferropay_domain::{ids::ProjectId, project::DebitRetries};
use ferropay_store::change_project;

impl Engine {
    /// Stores a plan and takes it into use; attempts that are planned already keep their time (G-399).
    ///
    /// # Errors
    /// The store cannot record it.
    pub async fn save_debit_retries(&self, project: ProjectId, days: Vec<u8>) -> Result<(), Failure> {
        let plan = DebitRetries { days, active: true };
        self.change_debit_retries(project, |current| *current = Some(plan.clone())).await
    }

    /// Takes the project's plan out of use, if it has one.
    ///
    /// # Errors
    /// The store cannot record it.
    pub async fn disable_debit_retries(&self, project: ProjectId) -> Result<(), Failure> {
        let disable = |current: &mut Option<DebitRetries>| {
            if let Some(plan) = current {
                plan.active = false;
            }
        };
        self.change_debit_retries(project, disable).await
    }

    async fn change_debit_retries(
        &self,
        project: ProjectId,
        change: impl Fn(&mut Option<DebitRetries>) + Send,
    ) -> Result<(), Failure> {
        let changed = change_project(self.store.as_ref(), project, |record| {
            change(&mut record.project.settings.debit_retries);
            Ok::<_, Failure>(())
        });
        changed.await?.ok_or_else(|| Failure::Defect(format!("project {project} has vanished")))?;
        self.refresh_projects().await?;
        Ok(())
    }
}

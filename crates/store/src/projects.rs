//! Changing a project while others may, too.

use crate::{ProjectRecord, Store, Unavailable};
use ferropay_domain::ids::ProjectId;

/// Changes a project as it stands: when somebody else has changed it meanwhile it is read and changed again, so that
/// `change` may be called several times, and nobody's change is undone. Answers what the last call answered; `None`
/// when there is no such project.
///
/// # Errors
/// What `change` answers, and then nothing is changed; or the store cannot do it.
pub async fn change_project<T, E: From<Unavailable>>(
    store: &dyn Store,
    project: ProjectId,
    mut change: impl FnMut(&mut ProjectRecord) -> Result<T, E>,
) -> Result<Option<T>, E> {
    loop {
        let found = store.projects().await?.into_iter().find(|record| record.project.id == project);
        let Some(mut record) = found else { return Ok(None) };
        let answer = change(&mut record)?;
        if store.save_project(record).await? {
            return Ok(Some(answer));
        }
    }
}

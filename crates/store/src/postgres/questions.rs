//! How what the store can do becomes questions to the database.

/// A question to the database: `ask!(self, "find it", reads::it(project, &name))` runs `reads::it(live, project, &name)`, again
/// where a connection breaks.
macro_rules! ask {
    ($store:ident, $action:literal, $module:ident::$query:ident($($argument:expr),*)) => {
        Box::pin(async move {
            let mut question = $store.links.question($action);
            loop {
                let live = question.live().await?;
                let outcome = $module::$query(&live, $($argument),*).await;
                if let Some(answer) = question.heard(&live, outcome).await {
                    return answer;
                }
            }
        })
    };
}

/// The same of something that is written.
macro_rules! tell {
    ($store:ident, $action:literal, $module:ident::$query:ident($($argument:expr),*)) => {
        Box::pin(async move {
            $store.links.write($action, |live| async move { $module::$query(&live, $($argument),*).await }).await
        })
    };
}

/// The same of what looks at whole tables and may take minutes: it has a connection of its own, whose answers are waited for.
macro_rules! take_time {
    ($store:ident, $action:literal, $module:ident::$query:ident($($argument:expr),*)) => {
        Box::pin(async move {
            let outcome = async {
                let live = $crate::postgres::connection::Live::unhurried_to(&$store.setup).await?;
                $module::$query(&live, $($argument),*).await
            };
            outcome.await.map_err(|trouble| trouble.unavailable($action))
        })
    };
}

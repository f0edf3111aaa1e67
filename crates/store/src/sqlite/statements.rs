//! The statements of the writer, prepared once, and counted when they run. They go back to the connection's cache when
//! this is dropped, so that taking them again from the same connection costs little.

use rusqlite::{CachedStatement, Connection, Params, Row};
use std::{cell::Cell, rc::Rc};

/// A prepared statement that counts how often it runs.
pub(super) struct Counted<'c> {
    statement: CachedStatement<'c>,
    count: Rc<Cell<u64>>,
}

impl Counted<'_> {
    /// Runs it; answers how many rows it changed.
    pub(super) fn execute(&mut self, params: impl Params) -> rusqlite::Result<usize> {
        self.count.set(self.count.get().wrapping_add(1));
        self.statement.execute(params)
    }

    /// Runs it for one row after the other, for as long as `look` asks for more.
    pub(super) fn each(
        &mut self,
        params: impl Params,
        mut look: impl FnMut(&Row<'_>) -> rusqlite::Result<bool>,
    ) -> rusqlite::Result<()> {
        self.count.set(self.count.get().wrapping_add(1));
        let mut rows = self.statement.query(params)?;
        while let Some(row) = rows.next()? {
            if !look(row)? {
                break;
            }
        }
        Ok(())
    }

    /// Runs it for its first row, if there is one.
    pub(super) fn first<T>(
        &mut self,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        self.count.set(self.count.get().wrapping_add(1));
        let mut rows = self.statement.query(params)?;
        rows.next()?.map(read).transpose()
    }
}

macro_rules! statements {
    ($($name:ident: $sql:expr;)*) => {
        /// The text of a statement.
        #[cfg(test)]
        pub(super) fn text(name: &str) -> Option<&'static str> {
            match name {
                $(stringify!($name) => Some($sql),)*
                _ => None,
            }
        }

        /// Everything the writer runs for commits.
        pub(super) struct Statements<'c> {
            count: Rc<Cell<u64>>,
            $(pub(super) $name: Counted<'c>,)*
        }

        impl<'c> Statements<'c> {
            /// How many there are.
            pub(super) const NUMBER: usize = [$(stringify!($name)),*].len();

            pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
                let count = Rc::new(Cell::new(0));
                Ok(Self {
                    $($name: Counted { statement: connection.prepare_cached($sql)?, count: Rc::clone(&count) },)*
                    count,
                })
            }

            /// How many statements have run.
            pub(super) fn count(&self) -> u64 {
                self.count.get()
            }
        }
    };
}

statements! {
    begin: "BEGIN IMMEDIATE";
    commit: "COMMIT";

    epoch: "SELECT epoch FROM buckets WHERE bucket = ?1";
    clock: "SELECT clock_offset FROM projects WHERE id = ?1";
    notification: "SELECT 1 FROM inbox WHERE account = ?1 AND id = ?2";
    resent: "SELECT request FROM fingerprints WHERE project = ?1 AND digest = ?2 AND expires_at > ?3";
    name: "SELECT payment FROM names WHERE project = ?1 AND kind = ?2 AND folded = ?3";
    version: "SELECT version FROM payments WHERE key = ?1 AND project = ?2";
    series_version: "SELECT version FROM series WHERE id = ?1";
    delivery_attempts: "SELECT attempts FROM deliveries WHERE id = ?1 AND (state = 1 OR ?2)";
    uses: "SELECT minor, currency = ?6, currency = ?6 AND minor = ?7 AND card IS ?8,
        nullif(CASE ?9 WHEN 1 THEN card WHEN 2 THEN customer WHEN 3 THEN holder WHEN 6 THEN email
            WHEN 10 THEN country END, ?10)
        FROM risk_uses WHERE project = ?1 AND direction = ?2 AND feature = ?3 AND value = ?4 AND at > ?5
        ORDER BY at DESC";
    hold: "UPDATE accounts SET reserved = reserved + ?2 WHERE id = ?1 AND posted - reserved - ?2 >= ?3";
    unhold: "UPDATE accounts SET reserved = reserved - ?2 WHERE id = ?1";

    insert_payment: "INSERT INTO payments (key, project, id, kind, status, currency, requested, debited,
        returned, returning_now, refunded_any, open, last_return_at, callbacks, version, created_at, updated_at,
        detail, held)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";
    update_payment: "UPDATE payments SET status = ?3, requested = ?4, debited = ?5, returned = ?6,
        returning_now = ?7, refunded_any = ?8, open = ?9, last_return_at = ?10, callbacks = ?11, version = ?12,
        updated_at = ?13, detail = ?14, held = ?15 WHERE key = ?1 AND project = ?2 AND version = ?16";
    insert_operation: "INSERT INTO operations (id, payment, project, kind, status, minor, currency, request,
        code, created_at, updated_at, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    update_operation: "UPDATE operations SET status = ?3, minor = ?4, code = ?5, updated_at = ?6, detail = ?7
        WHERE id = ?1 AND payment = ?2";
    insert_attempt: "INSERT INTO attempts (reference, payment, account, status, minor, currency, created_at,
        updated_at, suspended, late_approvals, answer, ask)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    update_attempt: "UPDATE attempts SET status = ?3, minor = ?4, updated_at = ?5, suspended = ?6,
        late_approvals = ?7, answer = ?8 WHERE reference = ?1 AND payment = ?2";
    insert_name: "INSERT INTO names (project, kind, folded, payment) VALUES (?1, ?2, ?3, ?4)";
    keep_name: "INSERT OR IGNORE INTO names (project, kind, folded, payment) VALUES (?1, ?2, ?3, ?4)";
    release_name: "DELETE FROM names WHERE project = ?1 AND kind = ?2 AND folded = ?3 AND payment = ?4";
    insert_series: "INSERT INTO series (id, project, kind, status, currency, open, due, payment, callbacks, version,
        created_at, updated_at, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    update_series: "UPDATE series SET status = ?3, open = ?4, due = ?5, payment = ?6, callbacks = ?7, version = ?8,
        updated_at = ?9, detail = ?10 WHERE id = ?1 AND project = ?2 AND version = ?11";
    take_slot: "INSERT INTO series_slots (series, at, operation) VALUES (?1, ?2, ?3)";
    insert_request: "INSERT INTO requests (id, project, path, payment_id, payment, operation, problems, at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    take_fingerprint: "INSERT INTO fingerprints (project, digest, request, expires_at) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (project, digest) DO UPDATE SET request = ?3, expires_at = ?4 WHERE expires_at <= ?5";
    put_task: "INSERT INTO tasks (kind, number, bucket, clock, due, tries) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (kind, number) DO UPDATE SET bucket = ?3, clock = ?4, due = ?5, tries = ?6";
    end_task: "DELETE FROM tasks WHERE kind = ?1 AND number = ?2";
    insert_callback: "INSERT INTO callbacks (id, project, subject_kind, subject, number, created_at, due, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    insert_delivery: "INSERT INTO deliveries (id, state, attempts, status, tried_at, url)
        VALUES (?1, 1, 0, 0, ?2, ?3)";
    update_delivery: "UPDATE deliveries SET state = ?2, attempts = ?3, status = ?4, tried_at = ?5
        WHERE id = ?1 AND (state = 1 OR ?7) AND attempts = ?6";
    insert_posting: "INSERT INTO postings (operation, kind, leg, account, minor, settled, at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    find_account: "SELECT id FROM accounts WHERE owner_kind = ?1 AND owner = ?2 AND currency = ?3";
    insert_account: "INSERT INTO accounts (owner_kind, owner, currency) VALUES (?1, ?2, ?3) RETURNING id";
    insert_hold: "INSERT INTO holds (operation, account, minor) VALUES (?1, ?2, ?3)";
    end_hold: "DELETE FROM holds WHERE operation = ?1 AND account = ?2 AND minor = ?3";
    settle: "UPDATE accounts SET reserved = reserved - ?2, posted = posted - ?3 WHERE id = ?1";
    // Nothing where the key is retired: that fails, and the commit with it.
    keep_card: "INSERT INTO cards (project, key, sealed_key, sealed)
        VALUES (?1, ?2, (SELECT number FROM data_keys WHERE number = ?3 AND retired_at IS NULL), ?4)
        ON CONFLICT (project, key) DO NOTHING";
    keep_cvv: "INSERT INTO cvv (operation, sealed_key, sealed) VALUES (?1, ?2, ?3)";
    forget_cvv: "DELETE FROM cvv WHERE operation = ?1";
    insert_use: "INSERT INTO risk_uses (project, direction, feature, value, at, payment, minor, currency, card, email,
        customer, holder, country) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    instrument_version: "SELECT version FROM instruments WHERE project = ?1 AND customer = ?2
        AND method = ?3 AND means = ?4";
    saved_count: "SELECT count(*) FROM instruments WHERE project = ?1 AND customer = ?2 AND saved = 1";
    put_instrument: "INSERT INTO instruments (id, project, customer, method, means, saved, version, detail)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (id) DO UPDATE SET saved = ?6, version = ?7, detail = ?8";
    put_token: "INSERT INTO tokens (project, token, instrument) VALUES (?1, ?2, ?3)
        ON CONFLICT (project, token) DO NOTHING";
    put_payee_check: "INSERT INTO payee_checks (id, project, detail) VALUES (?1, ?2, ?3)";
    put_customer: "INSERT INTO customers (project, id, members, created_at) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (project, id) DO UPDATE SET members = json_patch(members, ?3)";
    insert_notification: "INSERT INTO inbox (account, id, body, at) VALUES (?1, ?2, ?3, ?4)";

    folded: "SELECT folded FROM ledger WHERE one = 1";
    last_posting: "SELECT coalesce(max(id), 0) FROM postings";
    fold: "UPDATE accounts SET posted = posted + due.minor
        FROM (SELECT account, sum(minor) AS minor FROM postings
              WHERE id > ?1 AND id <= ?2 AND settled = 0 GROUP BY account) AS due
        WHERE accounts.id = due.account";
    set_folded: "UPDATE ledger SET folded = ?1 WHERE one = 1";
}

//! The arrays of a batch: for each table the rows of all its commits, column by column, in the order in which the statement
//! of the batch names them.

use super::array::Array;
use tokio_postgres::types::ToSql;

/// A column's values, owned for as long as a statement runs.
pub(super) type Column<'a> = Box<dyn ToSql + Sync + Send + 'a>;

macro_rules! tables {
    ($($(#[$doc:meta])* $table:ident $(<$life:lifetime>)? { $($column:ident: $type:ty => $sql:literal),* $(,)? })*) => {
        $(
            $(#[$doc])*
            pub(super) mod $table {
                use super::{Array, Column};
                #[allow(unused_imports, reason = "not every table has one")]
                use uuid::Uuid;

                #[derive(Clone, Debug)]
                pub(in crate::postgres) struct Row $(<$life>)? {
                    /// The commit, counted from 1.
                    pub(in crate::postgres) n: i32,
                    $(pub(in crate::postgres) $column: $type,)*
                }

                pub(super) const COLUMNS: &[(&str, &str)] = &[("n", "int4"), $((stringify!($column), $sql)),*];

                #[allow(clippy::elidable_lifetime_names, reason = "the rows may borrow for it")]
                pub(super) fn columns<'a>(
                    rows: &[Row $(<$life>)?],
                    wanted: fn(&str, &str) -> bool,
                    into: &mut Vec<Column<'a>>,
                ) {
                    if wanted(stringify!($table), "n") {
                        into.push(Box::new(Array(rows.iter().map(|row| row.n).collect::<Vec<i32>>())));
                    }
                    $(if wanted(stringify!($table), stringify!($column)) {
                        into.push(Box::new(Array(rows.iter().map(|row| row.$column).collect::<Vec<$type>>())));
                    })*
                }
            }
        )*

        /// What the commits of a batch write by the statement that all batches have.
        #[derive(Debug, Default)]
        pub(super) struct Tables<'a> {
            $(pub(super) $table: Vec<$table::Row $(<$life>)?>,)*
        }

        impl<'a> Tables<'a> {
            /// The columns of the tables that are wanted, in the order of [`SHAPES`].
            pub(super) fn columns(&self, wanted: fn(&str, &str) -> bool) -> Vec<Column<'a>> {
                let mut all: Vec<Column<'a>> = Vec::new();
                $($table::columns(&self.$table, wanted, &mut all);)*
                all
            }
        }

        /// Tables in the order of their parameters: name, and columns with their types.
        pub(super) const SHAPES: &[(&str, &[(&str, &str)])] = &[$((stringify!($table), $table::COLUMNS)),*];
    };
}

tables! {
    fences { bucket: i16 => "int2", epoch: i64 => "int8" }
    clocks { project: i64 => "int8", ahead: i64 => "int8" }
    notifications<'a> { account: i64 => "int8", id: &'a str => "text", body: &'a str => "text", at: i64 => "int8" }
    fingerprints {
        project: i64 => "int8", digest: Uuid => "uuid", request: Uuid => "uuid", expires_at: i64 => "int8",
        at: i64 => "int8",
    }
    requests<'a> {
        id: Uuid => "uuid", project: i64 => "int8", path: &'a str => "text", payment_id: &'a str => "text",
        payment: Option<Uuid> => "uuid", operation: Option<i64> => "int8", problems: Option<&'a str> => "text",
        at: i64 => "int8",
    }
    /// `ord` is the name's position among those of its commit.
    names<'a> {
        ord: i32 => "int4", project: i64 => "int8", kind: i16 => "int2", folded: &'a str => "text",
        payment: Uuid => "uuid", exclusive: bool => "bool",
    }
    new_payments<'a> {
        key: Uuid => "uuid", project: i64 => "int8", id: &'a str => "text", kind: i16 => "int2", status: i16 => "int2",
        currency: i16 => "int2", requested: i64 => "int8", held: i64 => "int8", debited: i64 => "int8",
        returned: i64 => "int8", returning_now: i64 => "int8", refunded_any: bool => "bool",
        open: Option<i64> => "int8", last_return_at: Option<i64> => "int8", callbacks: i32 => "int4",
        version: i32 => "int4", created_at: i64 => "int8", updated_at: i64 => "int8", detail: &'a str => "text",
    }
    payments<'a> {
        key: Uuid => "uuid", project: i64 => "int8", expected: i32 => "int4", status: i16 => "int2",
        requested: i64 => "int8", held: i64 => "int8", debited: i64 => "int8", returned: i64 => "int8",
        returning_now: i64 => "int8", refunded_any: bool => "bool", open: Option<i64> => "int8",
        last_return_at: Option<i64> => "int8", callbacks: i32 => "int4", version: i32 => "int4",
        updated_at: i64 => "int8", detail: &'a str => "text",
    }
    new_operations<'a> {
        id: i64 => "int8", payment: Uuid => "uuid", project: i64 => "int8", kind: i16 => "int2", status: i16 => "int2",
        minor: i64 => "int8", currency: i16 => "int2", request: Uuid => "uuid", code: i32 => "int4",
        created_at: i64 => "int8", updated_at: i64 => "int8", detail: &'a str => "text",
    }
    operations<'a> {
        id: i64 => "int8", payment: Uuid => "uuid", status: i16 => "int2", minor: i64 => "int8", code: i32 => "int4",
        updated_at: i64 => "int8", detail: &'a str => "text",
    }
    new_attempts<'a> {
        reference: i64 => "int8", payment: Uuid => "uuid", account: i64 => "int8", ask: i16 => "int2",
        status: i16 => "int2", minor: i64 => "int8", currency: i16 => "int2", created_at: i64 => "int8",
        updated_at: i64 => "int8", suspended: i64 => "int8", late_approvals: i16 => "int2",
        answer: Option<&'a str> => "text",
    }
    attempts<'a> {
        reference: i64 => "int8", payment: Uuid => "uuid", status: i16 => "int2", minor: i64 => "int8",
        updated_at: i64 => "int8", suspended: i64 => "int8", late_approvals: i16 => "int2",
        answer: Option<&'a str> => "text",
    }
    postings {
        operation: i64 => "int8", kind: i32 => "int4", leg: i16 => "int2", settled: bool => "bool",
        account: i64 => "int8", minor: i64 => "int8", at: i64 => "int8",
    }
    tasks {
        kind: i16 => "int2", number: i64 => "int8", bucket: i16 => "int2", tries: i32 => "int4", clock: i64 => "int8",
        due: i64 => "int8",
    }
    done { kind: i16 => "int2", number: i64 => "int8" }
    callbacks<'a> {
        id: i64 => "int8", project: i64 => "int8", subject_kind: i16 => "int2", subject: Uuid => "uuid",
        number: i32 => "int4", created_at: i64 => "int8", due: i64 => "int8", body: &'a str => "text",
    }
    new_deliveries<'a> { id: i64 => "int8", tried_at: i64 => "int8", url: &'a str => "text" }
    deliveries {
        id: i64 => "int8", before: i32 => "int4", reopens: bool => "bool", state: i16 => "int2", attempts: i32 => "int4",
        status: i16 => "int2", tried_at: i64 => "int8",
    }
    cards<'a> { project: i64 => "int8", key: Uuid => "uuid", sealed_key: i32 => "int4", sealed: &'a [u8] => "bytea" }
    cvv<'a> { operation: i64 => "int8", sealed_key: i32 => "int4", sealed: &'a [u8] => "bytea" }
    forget { operation: i64 => "int8" }
}

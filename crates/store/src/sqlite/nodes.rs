//! Who does the work: one process that takes everything for good, or several that hold leases. The processes of one file
//! share the clock of the machine.

use super::{SqliteStore, rows};
use crate::{Answer, Node, NodeId, Nodes, Tenure, nodes::unknown};
use ferropay_domain::{
    change::{BUCKETS, Buckets},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Result, params};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// How many of the nodes that live no longer are remembered, so that their numbers are not used again soon.
const REMEMBERED: i64 = 256;

impl Nodes for SqliteStore {
    fn join(&self, term: Duration) -> Answer<'_, Node> {
        self.write("join the nodes", move |it| join(it, term))
    }

    fn renew(&self, node: NodeId, term: Duration, back: Buckets) -> Answer<'_, Tenure> {
        const ACTION: &str = "renew the leases";
        let asked = self.write(ACTION, move |it| {
            if is_known(it, node)? { renew(it, node.row, term, back).map(Some) } else { Ok(None) }
        });
        Box::pin(async move { asked.await?.ok_or_else(|| unknown(ACTION)) })
    }

    fn leave(&self, node: NodeId) -> Answer<'_, ()> {
        self.write("leave the nodes", move |it| {
            if is_known(it, node)? {
                it.execute("UPDATE nodes SET lives_until = 0 WHERE id = ?1", [node.row])?;
                it.execute("UPDATE buckets SET node = 0, held_until = 0 WHERE node = ?1", [node.row])?;
            }
            Ok(())
        })
    }
}

/// Takes every bucket for good.
pub(super) fn enrol(it: &Connection, now: Timestamp) -> Result<Node> {
    let (id, number) = register(it, now.micros(), 0)?;
    let mut epochs = [0_i64; BUCKETS as usize];
    let mut take = it.prepare_cached(
        "INSERT INTO buckets (bucket, node, epoch) VALUES (?1, ?2, 1)
         ON CONFLICT (bucket) DO UPDATE SET node = ?2, epoch = epoch + 1, held_until = 9223372036854775807
         RETURNING epoch",
    )?;
    for (epoch, bucket) in epochs.iter_mut().zip(0_u8..) {
        *epoch = take.query_row(params![bucket, id.row], |row| row.get(0))?;
    }
    if epochs.contains(&0) {
        return Err(rows::senseless(0, "epoch"));
    }
    Ok(Node { id, number, epochs, highest: highest(it)? })
}

/// The greatest number that is known to have been drawn.
fn highest(it: &Connection) -> Result<i64> {
    it.query_row(
        "SELECT max(
            coalesce((SELECT max(id) FROM operations), 0), coalesce((SELECT max(id) FROM callbacks), 0),
            coalesce((SELECT max(id) FROM instruments), 0), coalesce((SELECT max(highest) FROM archives), 0),
            coalesce((SELECT max(id) FROM payee_checks), 0), coalesce((SELECT highest_known FROM recovery), 0))",
        [],
        |row| row.get(0),
    )
}

fn join(it: &Connection, term: Duration) -> Result<Node> {
    let now = now();
    let (id, number) = register(it, now, after(now, term))?;
    let mut add = it.prepare_cached(
        "INSERT INTO buckets (bucket, node, epoch, held_until) VALUES (?1, 0, 0, 0) ON CONFLICT DO NOTHING",
    )?;
    for bucket in 0..BUCKETS {
        add.execute([bucket])?;
    }
    Ok(Node { id, number, epochs: [0; BUCKETS as usize], highest: highest(it)? })
}

/// A node's number follows that of the last one, leaving out those of nodes that live, so that a number comes back as late
/// as can be.
fn register(it: &Connection, now: i64, lives_until: i64) -> Result<(NodeId, u8)> {
    let last: Option<u8> =
        it.query_row("SELECT number FROM nodes ORDER BY id DESC LIMIT 1", [], |row| row.get(0)).optional()?;
    let mut taken =
        it.prepare_cached("SELECT EXISTS (SELECT 1 FROM nodes WHERE number = ?1 AND lives_until > ?2)")?;
    let mut number = last.map_or(0, |last| last.wrapping_add(1));
    while taken.query_row(params![number, now], |row| row.get(0))? {
        number = number.wrapping_add(1);
        if Some(number) == last {
            return Err(rows::senseless(0, "number: 256 nodes live"));
        }
    }
    let (row, drawn) = it.query_row(
        "INSERT INTO nodes (number, enrolled_at, lives_until, token) VALUES (?1, ?2, ?3, randomblob(16)) RETURNING id, token",
        params![number, now, lives_until],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let id = NodeId { row, token: Uuid::from_bytes(drawn) };
    it.execute("DELETE FROM nodes WHERE id <= ?1 AND lives_until <= ?2", params![row - REMEMBERED, now])?;
    Ok((id, number))
}

/// Whether there is a row of this very node.
fn is_known(it: &Connection, node: NodeId) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM nodes WHERE id = ?1 AND token = ?2)";
    it.query_row(sql, params![node.row, node.token.as_bytes()], |row| row.get(0))
}

fn renew(it: &Connection, node: i64, term: Duration, back: Buckets) -> Result<Tenure> {
    let now = now();
    let until = after(now, term);
    spare_others(it, node, (now, until, after(until, term)))?;
    it.execute("UPDATE nodes SET lives_until = ?2 WHERE id = ?1", params![node, until])?;
    let living: u32 =
        it.query_row("SELECT count(*) FROM nodes WHERE lives_until > ?1", [now], |row| row.get(0))?;
    let share = u32::from(BUCKETS).div_ceil(living.max(1));
    it.execute(
        "UPDATE buckets SET node = 0, held_until = 0 WHERE node = ?1 AND ?2 >> bucket & 1",
        params![node, back.bits()],
    )?;
    let held = it.execute("UPDATE buckets SET held_until = ?2 WHERE node = ?1", params![node, until])?;
    let room = share.saturating_sub(u32::try_from(held).unwrap_or(u32::MAX));
    let free: Vec<(u8, i64)> = it
        .prepare_cached(
            "SELECT bucket, node FROM buckets WHERE held_until <= ?1 AND node <> ?2 ORDER BY held_until, bucket LIMIT ?3",
        )?
        .query_map(params![now, node, room], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_>>()?;
    let mut take = it.prepare_cached(
        "UPDATE buckets SET node = ?2, epoch = epoch + 1, held_until = ?3 WHERE bucket = ?1",
    )?;
    let mut taken_over = 0;
    for (bucket, holder) in free {
        take.execute(params![bucket, node, until])?;
        taken_over += u32::from(holder != 0);
    }
    let mut epochs = [0_i64; BUCKETS as usize];
    let mut rows = it.prepare_cached("SELECT bucket, epoch FROM buckets WHERE node = ?1")?;
    for row in rows.query_map([node], |row| Ok((row.get::<_, u8>(0)?, row.get(1)?)))? {
        let (bucket, epoch) = row?;
        if let Some(slot) = epochs.get_mut(usize::from(bucket)) {
            *slot = epoch;
        }
    }
    Ok(Tenure { epochs, share, taken_over })
}

/// Gives the leases of others one term from now, in which those that live renew them. A node that is late itself does so once with
/// what ran out meanwhile, because whatever kept it kept them, too. And nothing lasts longer than two terms: it was written by a
/// clock that has been set back since. The moments are now, in one term, and in two.
fn spare_others(it: &Connection, node: i64, (now, until, longest): (i64, i64, i64)) -> Result<()> {
    it.execute(
        "UPDATE buckets SET held_until = ?3 WHERE node <> ?1 AND (
            held_until <= ?2 AND held_until <= (SELECT lives_until FROM nodes WHERE nodes.id = buckets.node)
                AND EXISTS (SELECT 1 FROM nodes WHERE id = ?1 AND lives_until <= ?2)
            OR held_until > ?4 AND held_until < 9223372036854775807)",
        params![node, now, until, longest],
    )?;
    it.execute(
        "UPDATE nodes SET lives_until = ?3 WHERE id <> ?1 AND lives_until > ?2",
        params![node, longest, until],
    )?;
    Ok(())
}

/// The machine's time, microseconds.
#[expect(clippy::disallowed_methods, reason = "leases last by the clock that all processes of a file share")]
fn now() -> i64 {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(passed.as_micros()).unwrap_or(i64::MAX)
}

fn after(now: i64, term: Duration) -> i64 {
    now.saturating_add(i64::try_from(term.as_micros()).unwrap_or(i64::MAX))
}

//! Who does the work: one node that takes everything for good, or several that hold leases. The server's clock tells the time,
//! so that nodes whose clocks differ agree on what has run out.

use super::{
    PostgresStore,
    admin::{TRIES, again},
    connection::{Live, Parameter, Trouble},
    nodes,
    queue::Queue,
    rows::{self, Result, number},
};
use crate::{Answer, Node, NodeId, Nodes, Tenure, nodes::unknown};
use ferropay_domain::{
    change::{BUCKETS, Buckets},
    time::Timestamp,
};
use std::time::Duration;
use tokio_postgres::{Row, error::SqlState};

/// The server's time, microseconds.
pub(super) const CLOCK: &str = "(extract(epoch FROM clock_timestamp()) * 1000000)::int8";

/// A node's number follows that of the last one, leaving out those of nodes that live, so that a number comes back as late as can
/// be. `$1` is when it is enrolled, `$2` until when it lives after that; a null time is the server's.
const REGISTER: &str = "last AS (SELECT id, number FROM nodes ORDER BY id DESC LIMIT 1),
    free AS (
        SELECT x.number FROM (
            SELECT i, (coalesce((SELECT number FROM last), -1) + i) % 256 AS number FROM generate_series(1, 256) AS s(i)) AS x
        WHERE NOT EXISTS (SELECT FROM nodes, now WHERE nodes.number = x.number AND nodes.lives_until > now.now)
        ORDER BY x.i LIMIT 1),
    node AS (
        INSERT INTO nodes (id, number, enrolled_at, lives_until, token)
        SELECT coalesce((SELECT id FROM last), 0) + 1, free.number, coalesce($1::int8, now.now),
            CASE WHEN $2::int8 = 0 THEN 0 ELSE now.now + $2 END, gen_random_uuid()
        FROM free, now RETURNING id, number, token),
    gone AS (DELETE FROM nodes USING now WHERE id <= (SELECT id FROM node) - 256 AND lives_until <= now.now)";

impl Nodes for PostgresStore {
    fn join(&self, term: Duration) -> Answer<'_, Node> {
        tell!(self, "join the nodes", nodes::join(term))
    }

    fn renew(&self, node: NodeId, term: Duration, back: Buckets) -> Answer<'_, Tenure> {
        let asked: Answer<'_, Option<Tenure>> =
            tell!(self, "renew the leases", nodes::renew(node, term, back));
        Box::pin(async move {
            asked.await?.ok_or_else(|| {
                end(&self.queue);
                unknown("renew the leases")
            })
        })
    }

    fn leave(&self, node: NodeId) -> Answer<'_, ()> {
        tell!(self, "leave the nodes", nodes::leave(node))
    }
}

/// The database does not know this process: nothing more is written by it. It may have written nothing yet that is missing, so that
/// is no reason to hold the database.
pub(super) fn end(queue: &Queue) {
    if queue.end(&unknown("commit")) {
        tracing::error!(
            "the database does not know this process any more: it was brought back to an earlier moment, or a replica that lagged took \
             its place. Nothing more is written by this process: start it anew"
        );
    }
}

/// Takes every bucket for good.
pub(super) async fn enrol(live: &Live, now: Timestamp) -> Result<Node> {
    let sql = format!(
        "WITH now AS (SELECT {CLOCK} AS now), {REGISTER},
        taken AS (
            INSERT INTO buckets AS b (bucket, node, epoch, lease_until)
            SELECT s.bucket, node.id, 1, 9223372036854775807 FROM node, generate_series(0, {BUCKETS} - 1) AS s(bucket)
            ON CONFLICT (bucket) DO UPDATE
                SET node = excluded.node, epoch = b.epoch + 1, lease_until = excluded.lease_until
            RETURNING bucket, epoch),
        fenced AS (UPDATE writers SET fence = fence + 1 FROM node)
        SELECT node.id, node.number, node.token, taken.bucket, taken.epoch FROM node, taken"
    );
    let found = registered(live, &sql, &[&Some(now.micros()), &0_i64]).await?;
    let epochs = epochs(&found, 3)?;
    match found.first() {
        Some(row) if !epochs.contains(&0) => node(live, row, &epochs).await,
        _ => Err(rows::senseless(4, "epoch")),
    }
}

async fn join(live: &Live, term: Duration) -> Result<Node> {
    let sql = format!(
        "WITH now AS (SELECT {CLOCK} AS now), {REGISTER},
        added AS (
            INSERT INTO buckets (bucket, node, epoch, lease_until)
            SELECT s.bucket, 0, 0, 0 FROM generate_series(0, {BUCKETS} - 1) AS s(bucket) ON CONFLICT DO NOTHING)
        SELECT id, number, token FROM node"
    );
    let found = registered(live, &sql, &[&None::<i64>, &micros(term)]).await?;
    let row = found.first().ok_or_else(|| Trouble::Senseless("256 nodes live".into()))?;
    node(live, row, &[0; BUCKETS as usize]).await
}

async fn node(live: &Live, row: &Row, epochs: &[i64; BUCKETS as usize]) -> Result<Node> {
    let id = NodeId { row: number(row, 0)?, token: rows::uuid(row, 2)? };
    Ok(Node { id, number: number(row, 1)?, epochs: *epochs, highest: highest(live).await? })
}

/// The greatest number that is known to have been drawn.
async fn highest(live: &Live) -> Result<i64> {
    let sql = "SELECT greatest(0,
        (SELECT max(id) FROM operations), (SELECT max(id) FROM callbacks), (SELECT max(id) FROM instruments),
        (SELECT max(id) FROM payee_checks), (SELECT max(highest) FROM archives), (SELECT highest_known FROM recovery))::int8";
    live.first(sql, &[]).await?.map_or(Ok(0), |row| number(&row, 0))
}

/// Registers a node, again where another has just taken the identifier.
async fn registered(live: &Live, sql: &str, row: &[Parameter<'_>]) -> Result<Vec<Row>> {
    let mut tries = 0;
    loop {
        match again(|| live.all(sql, row)).await {
            Err(Trouble::Refused(code, _)) if code == SqlState::UNIQUE_VIOLATION && tries < TRIES => {
                tries += 1;
            }
            other => return other,
        }
    }
}

/// None, and nothing is changed, when there is no row of this very node: everything else goes by `me`.
///
/// The rows of all buckets are locked in their order, and before any of nodes, so that what is decided about each holds until it is
/// written.
///
/// Others are spared in two cases: their leases get one term from now, in which those that live renew them. A node that is late
/// itself does so once with what ran out meanwhile, because whatever kept it kept them, too. And nothing lasts longer than two terms:
/// it was written by a clock that has been set back since.
async fn renew(live: &Live, node: NodeId, term: Duration, back: Buckets) -> Result<Option<Tenure>> {
    let sql = format!(
        "WITH now AS (SELECT {CLOCK} AS now),
        late AS (SELECT EXISTS (SELECT FROM nodes, now WHERE id = $1 AND lives_until <= now.now) AS late),
        found AS (SELECT bucket, node, lease_until FROM buckets ORDER BY bucket FOR UPDATE),
        me AS (
            UPDATE nodes SET lives_until = now.now + $2::int8 FROM now, (SELECT count(*) FROM found) AS locked
            WHERE id = $1 AND token = $4 RETURNING id),
        others AS (
            UPDATE nodes SET lives_until = now.now + $2 FROM now, me
            WHERE nodes.id <> me.id AND lives_until - now.now > 2 * $2),
        share AS (
            SELECT ceil({BUCKETS}::numeric / greatest(count(*), 1))::int8 AS share FROM nodes, now
            WHERE lives_until > now.now OR id = $1),
        kept AS (SELECT bucket FROM found, me WHERE node = me.id AND $3::int8 >> bucket::int4 & 1 = 0),
        spared AS (
            SELECT bucket FROM found LEFT JOIN nodes ON nodes.id = found.node, now, late, me
            WHERE node <> me.id AND (
                late AND lease_until <= now.now AND lease_until <= lives_until
                OR lease_until - now.now > 2 * $2 AND lease_until < 9223372036854775807)),
        spare AS (
            UPDATE buckets AS b SET lease_until = now.now + $2 FROM spared, now WHERE b.bucket = spared.bucket),
        taken AS (
            SELECT bucket, node FROM found, now, me
            WHERE lease_until <= now.now AND node <> me.id AND bucket NOT IN (SELECT bucket FROM spared)
            ORDER BY lease_until, bucket
            LIMIT greatest((SELECT share FROM share) - (SELECT count(*) FROM kept), 0)),
        held AS (
            UPDATE buckets AS b SET node = $1, lease_until = now.now + $2, epoch = b.epoch + x.step
            FROM (SELECT bucket, 0 AS step FROM kept UNION ALL SELECT bucket, 1 FROM taken) AS x, now
            WHERE b.bucket = x.bucket RETURNING b.bucket, b.epoch),
        given AS (
            UPDATE buckets AS b SET node = 0, lease_until = 0 FROM found, me
            WHERE b.bucket = found.bucket AND found.node = me.id AND $3::int8 >> found.bucket::int4 & 1 = 1),
        fenced AS (UPDATE writers SET fence = fence + 1 WHERE EXISTS (SELECT FROM taken))
        SELECT share.share, (SELECT count(*) FROM taken WHERE node <> 0), held.bucket, held.epoch
        FROM me CROSS JOIN share LEFT JOIN held ON true"
    );
    let row: [Parameter<'_>; 4] = [&node.row, &micros(term), &back.bits(), &node.token];
    let found = again(|| live.all(&sql, &row)).await?;
    let Some(first) = found.first() else { return Ok(None) };
    Ok(Some(Tenure { epochs: epochs(&found, 2)?, share: number(first, 0)?, taken_over: number(first, 1)? }))
}

async fn leave(live: &Live, node: NodeId) -> Result<()> {
    let sql = "WITH held AS (SELECT bucket FROM buckets WHERE node = $1 ORDER BY bucket FOR UPDATE),
        gone AS (
            UPDATE nodes SET lives_until = 0 FROM (SELECT count(*) FROM held) AS locked
            WHERE id = $1 AND token = $2 RETURNING id)
        UPDATE buckets AS b SET node = 0, lease_until = 0 FROM held, gone WHERE b.bucket = held.bucket";
    let key: [Parameter<'_>; 2] = [&node.row, &node.token];
    again(|| live.execute(sql, &key)).await.map(|_| ())
}

/// The epochs of buckets: a bucket in the column `first`, its epoch in the next; a bucket may be null.
fn epochs(found: &[Row], first: usize) -> Result<[i64; BUCKETS as usize]> {
    let mut epochs = [0_i64; BUCKETS as usize];
    for row in found {
        let Some(bucket) = rows::maybe::<i16>(row, first)? else { continue };
        let slot = usize::try_from(bucket).ok().and_then(|bucket| epochs.get_mut(bucket));
        *slot.ok_or_else(|| rows::senseless(first, "bucket"))? = number(row, first + 1)?;
    }
    Ok(epochs)
}

fn micros(term: Duration) -> i64 {
    i64::try_from(term.as_micros()).unwrap_or(i64::MAX)
}

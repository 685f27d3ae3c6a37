//! A node's sign of life, and what it does beside requests: it takes over what dead nodes left, and ends what it could not end
//! itself when the server was away.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use deadpool_postgres::Client;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{
    RunId, Shared,
    fault::Fault,
    issuing::{self, INTENT, read_intent},
    logging, octets,
    raising::interval,
    session::attempt,
};
use crate::{
    core::time::Time,
    registry::{DocumentId, Intent, RegistryError},
};

/// Every lease is renewed this often in its length.
const RENEWALS: u32 = 3;
/// How soon what was left to be ended lately is looked at again, or a server that did not answer.
const SOON: Duration = Duration::from_secs(1);
/// An attempt in doubt is left to those who asked for it so long; then nobody waits for its record any more.
const DOUBT: Duration = Duration::from_secs(60);
/// An intent that nobody signed is looked for so long: a server may be slow to show what it has taken.
const LOOKED_FOR: Duration = Duration::from_secs(3600);

/// Writes the first row, or a later one. The lease begins when the server says so.
pub(super) async fn renew(client: &Client, run: &RunId, started_at: Time, lease: Duration) -> Result<(), Fault> {
    let statement = client
        .prepare_cached(
            "INSERT INTO antin.run (id, started_at, lease_until) VALUES ($1, $2, now() + $3::TEXT::INTERVAL) \
             ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until",
        )
        .await?;
    client.execute(&statement, &[&&run[..], &started_at.unix(), &interval(lease)]).await?;
    Ok(())
}

/// Marks what dead nodes left unfinished, and returns it, oldest first. Of two who do so at one time, one gets each attempt.
pub(super) async fn take_over(client: &Client, run: &RunId) -> Result<Vec<Intent>, Fault> {
    let statement = client
        .prepare_cached(&format!(
            "UPDATE antin.document AS d SET progress = 'unknown' WHERE d.progress = 'begun' AND d.run <> $1 \
             AND NOT EXISTS (SELECT 1 FROM antin.run r WHERE r.id = d.run AND r.lease_until > now()) RETURNING {INTENT}"
        ))
        .await?;
    let rows = client.query(&statement, &[&&run[..]]).await?;
    let mut left = rows.iter().map(read_intent).collect::<Result<Vec<_>, Fault>>()?;
    left.sort_by_key(|intent| (intent.begun_at, intent.document_id));
    Ok(left)
}

/// Works until it is told to stop; then gives the lease back.
pub(super) async fn keep(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut last_renewal: Option<Instant> = None;
    let mut is_failing = false;
    loop {
        let every = shared.lease / RENEWALS;
        if is_failing || last_renewal.is_none_or(|at| at.elapsed() >= every) {
            last_renewal = Some(Instant::now());
            match renewed(&shared).await {
                Ok(left) => {
                    is_failing = false;
                    for intent in left {
                        let (document_id, client) = (intent.document_id, intent.client);
                        tracing::error!(%document_id, client, "an attempt to sign ended without a result");
                    }
                }
                Err(error) => {
                    if !is_failing {
                        tracing::error!(error = ?error, "the lease of this node in the registry cannot be renewed");
                    }
                    is_failing = true;
                }
            }
        }
        if !is_failing && shared.has_loose_ends(LOOKED_FOR) {
            end_loose(&shared).await;
        }
        let pause = if is_failing || shared.has_loose_ends(DOUBT) { every.min(SOON) } else { every };
        tokio::select! {
            () = sleep(pause) => {}
            () = shared.loose_end.notified() => {}
            _ = stop.changed() => break,
        }
    }
    // Those who come after need not wait for its end; if this fails, they do.
    let ended: Result<u64, Fault> = attempt!(&shared.upkeep, session => async {
        let statement = "UPDATE antin.run SET lease_until = now() WHERE id = $1";
        logging::resign(session.client(), &shared.run).await?;
        Ok(session.client().execute(statement, &[&&shared.run[..]]).await?)
    });
    drop(ended);
}

/// Renews the lease, takes over, and forgets nodes that are dead for long.
async fn renewed(shared: &Shared) -> Result<Vec<Intent>, RegistryError> {
    let taken: Result<Vec<Intent>, Fault> = attempt!(&shared.upkeep, session => async {
        renew(session.client(), &shared.run, shared.started_at, shared.lease).await?;
        let forgotten = "DELETE FROM antin.run WHERE lease_until < now() - '1 day'::TEXT::INTERVAL";
        let statement = session.client().prepare_cached(forgotten).await?;
        session.client().execute(&statement, &[]).await?;
        if !shared.recovered.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        take_over(session.client(), &shared.run).await
    });
    Ok(taken?)
}

/// Takes back what was begun for nobody, and marks what was in doubt for too long.
async fn end_loose(shared: &Shared) {
    let unsigned: Vec<DocumentId> = shared.unsigned().keys().copied().collect();
    let ids: Vec<&[u8]> = unsigned.iter().map(|id| &id.as_bytes()[..]).collect();
    if !ids.is_empty() {
        let taken: Result<Vec<DocumentId>, Fault> = attempt!(&shared.upkeep, session => async {
            let statement = "DELETE FROM antin.document WHERE id = ANY($1) AND run = $2 AND progress = 'begun' \
                             RETURNING id";
            let statement = session.client().prepare_cached(statement).await?;
            let rows = session.client().query(&statement, &[&ids, &&shared.run[..]]).await?;
            rows.iter().map(|row| octets(row, 0).map(DocumentId::from_bytes)).collect()
        });
        if let Ok(taken) = taken {
            shared.unsigned().retain(|id, since| !taken.contains(id) && since.elapsed() < LOOKED_FOR);
        }
    }
    let old = |since: &Instant| since.elapsed() >= DOUBT;
    let doubtful: Vec<DocumentId> =
        shared.doubtful().iter().filter(|(_, since)| old(since)).map(|(id, _)| *id).collect();
    for document_id in doubtful {
        let marked: Result<bool, Fault> = attempt!(&shared.upkeep, session =>
            issuing::mark_unknown(session.client(), document_id, &shared.run)
        );
        match marked {
            Ok(marked) => {
                shared.doubtful().remove(&document_id);
                if marked {
                    tracing::error!(%document_id, "an attempt to sign ended without a result");
                }
            }
            // It is tried again.
            Err(_) => break,
        }
    }
}

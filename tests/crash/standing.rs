//! The standing of papers through deaths and failures of power: a change that was answered is made, and the status lists tell of it.

use std::{
    collections::{BTreeSet, HashMap},
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use antin::{
    clock,
    core::status_list::ListedState,
    pki::Member,
    registry::{DocumentState, Registry, StatusPlace, postgres::PostgresRegistry, sqlite::SqliteRegistry},
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{Seen, World};
use crate::{
    http::client::{self, Identity, Request},
    kit::postgres,
};

impl World {
    /// What was withdrawn is withdrawn, and its bits of the status lists say so; no two papers have the same bits.
    pub(super) async fn standing_faults(&self) -> Vec<String> {
        let registry: Arc<dyn Registry> = match &self.database {
            None => Arc::new(SqliteRegistry::open(&self.root().join("registry.db"), clock::now()).expect("it opens")),
            Some(url) => {
                Arc::new(PostgresRegistry::open(&postgres::settings(url), clock::now()).await.expect("it opens"))
            }
        };
        let (released, withdrawn) = {
            let seen = self.seen.lock().expect("no panic");
            let released: BTreeSet<String> = seen.released.values().map(|(id, _)| id.clone()).collect();
            (released, seen.withdrawn.clone())
        };
        let listed = registry.listed(None, None, 1 << 20).await.expect("read");
        let listed: HashMap<StatusPlace, ListedState> = listed.iter().map(|one| (one.place, one.state)).collect();
        let (mut faults, mut places) = (Vec::new(), BTreeSet::new());
        for id in &released {
            let document_id = id.parse().expect("an id");
            // One that was lost is told elsewhere.
            let Some(document) = registry.document(document_id).await.expect("read") else { continue };
            let state = registry.status(document_id).await.expect("read").expect("issued").state;
            let Some(place) = document.intent.status_place else {
                faults.push(format!("{id} has no place in a status list"));
                continue;
            };
            if !places.insert((place.list, place.index)) {
                faults.push(format!("{id} has the place of another"));
            }
            // A change that was not answered may have been made.
            if withdrawn.contains(id) && state != DocumentState::Withdrawn {
                faults.push(format!("{id} was withdrawn and is {}", state.name()));
            }
            let told = listed.get(&place).copied().unwrap_or(ListedState::InForce);
            if (told == ListedState::Withdrawn) != (state == DocumentState::Withdrawn) {
                faults.push(format!("{id} is {} and listed as {told:?}", state.name()));
            }
        }
        if withdrawn.is_empty() {
            faults.push("nothing was withdrawn".to_owned());
        }
        println!("{} withdrawn, {} places in status lists", withdrawn.len(), places.len());
        faults
    }
}

/// Has a paper withdrawn, if the service lives on to say so.
pub(super) fn withdraw(runtime: &Runtime, address: SocketAddr, root: &Path, id: &str, seen: &Mutex<Seen>) {
    let pki = root.join("pki");
    let member = Member::IssuingSystem;
    let change = json!({"state": "withdrawn", "reason": "a mistake"});
    let request = Request::json(&format!("/v1/documents/{id}/status"), &change);
    let identity = Identity::read(&member.certificate_path(&pki), &member.key_path(&pki));
    let authority = Member::Root.certificate_path(&pki);
    let asked = client::tls(address, &authority, Some(identity), request);
    let answered = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(20), asked).await });
    let Ok(Ok(answer)) = answered else { return };
    let is_whole = serde_json::from_slice::<Value>(&answer.body).is_ok();
    let mut seen = seen.lock().expect("no panic");
    match answer.status {
        200 if is_whole => drop(seen.withdrawn.insert(id.to_owned())),
        503 => {}
        // An answer that was cut off says nothing.
        _ if !is_whole => {}
        status => seen.faults.push(format!("{id} was not withdrawn: {status}")),
    }
}

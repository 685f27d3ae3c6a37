//! Places in the status lists for documents that are about to be signed.

use std::sync::Arc;

use tokio::sync::{Mutex, Notify};

use super::sign::{SignError, SignService};
use crate::registry::{BLOCK, Registry, StatusPlace};

/// Gives out places of leased blocks, in an order that tells nobody which document came before which.
pub struct StatusPlaces {
    registry: Arc<dyn Registry>,
    left: Mutex<Vec<StatusPlace>>,
    /// Told of each block that is leased: the list that it is in may be a new one.
    leased: Arc<Notify>,
}

impl StatusPlaces {
    pub fn new(registry: Arc<dyn Registry>, leased: Arc<Notify>) -> Self {
        Self { registry, left: Mutex::default(), leased }
    }

    /// A place that nobody has and nobody will have.
    pub async fn next(&self) -> Result<StatusPlace, SignError> {
        let mut left = self.left.lock().await;
        if left.is_empty() {
            let block = self.registry.lease_status_places().await?;
            *left = shuffled(block)?;
            self.leased.notify_one();
        }
        left.pop().ok_or(SignError::Interrupted)
    }

    /// Takes back a place that was surely not used.
    pub async fn give_back(&self, place: StatusPlace) {
        self.left.lock().await.push(place);
    }
}

impl SignService {
    /// With places in the status lists for the documents that are signed.
    #[must_use]
    pub fn with_status_places(mut self, places: Option<StatusPlaces>) -> Self {
        self.places = places;
        self
    }

    /// A place in the status lists for a document that is about to be begun. Wasted if it is not.
    pub(super) async fn draw_status_place(&self) -> Result<Option<StatusPlace>, SignError> {
        match &self.places {
            Some(places) => places.next().await.map(Some),
            None => Ok(None),
        }
    }

    /// Takes back the place of an intent that was not recorded: another request with its key was.
    pub(super) async fn give_back(&self, place: Option<StatusPlace>) {
        if let (Some(places), Some(place)) = (&self.places, place) {
            places.give_back(place).await;
        }
    }
}

fn shuffled(block: u32) -> Result<Vec<StatusPlace>, SignError> {
    let mut keyed = Vec::with_capacity(BLOCK as usize);
    let mut drawn = vec![0; BLOCK as usize * 8];
    openssl::rand::rand_bytes(&mut drawn).map_err(SignError::Random)?;
    for (offset, key) in (0..BLOCK).zip(drawn.chunks_exact(8)) {
        keyed.push((key, StatusPlace::in_block(block, offset)));
    }
    keyed.sort_unstable_by_key(|(key, _)| *key);
    Ok(keyed.into_iter().map(|(_, place)| place).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_each_of_its_places_once_in_no_order() {
        let places = shuffled(1025).unwrap();
        let mut sorted = places.clone();
        sorted.sort_unstable();
        let all: Vec<StatusPlace> = (0..BLOCK).map(|offset| StatusPlace { list: 1, index: BLOCK + offset }).collect();
        assert_eq!(sorted, all);
        assert_ne!(places, all);
    }
}

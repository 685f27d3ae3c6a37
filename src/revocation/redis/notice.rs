//! Change notices: a new list reaches the other nodes at once. What a notice says is not looked at; a lost one costs the time
//! until the next poll.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::watch;
use tokio::task::{AbortHandle, spawn};
use tokio::time::sleep;

use super::StoreFault;
use super::connect::Door;

/// Shortest time between two notices that count: a flood of them is as one.
const PAUSE: Duration = Duration::from_millis(100);

/// A connection that hears the notices for as long as this lives.
pub(super) struct Notices {
    heard: watch::Receiver<()>,
    task: AbortHandle,
}

impl Notices {
    pub async fn hear(door: &Door, channel: &str) -> Result<Self, StoreFault> {
        let mut messages = door.subscribe(channel).await?.into_on_message();
        let (sender, heard) = watch::channel(());
        // Takes every message at once, so that they pile up nowhere.
        let task = spawn(async move {
            while messages.next().await.is_some() {
                sender.send_replace(());
            }
        });
        Ok(Self { heard, task: task.abort_handle() })
    }

    /// Returns at the next notice, false if the connection has ended.
    pub async fn next(&mut self) -> bool {
        let heard = self.heard.changed().await.is_ok();
        sleep(PAUSE).await;
        heard
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        self.task.abort();
    }
}

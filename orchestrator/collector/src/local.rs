//! What this process says about itself, on its way to the same files.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use ragdoll_telemetry::Batch;
use tokio::sync::oneshot;

use crate::inbox::{Inbox, Message};

/// How often the thread looks whether it is to end: the channel that it waits for does not say.
const POLL: Duration = Duration::from_millis(50);

/// A thread that puts batches into the inbox until their senders are gone, or this is.
#[derive(Debug)]
pub(crate) struct Local {
    is_ending: Arc<AtomicBool>,
    ended: oneshot::Receiver<()>,
}

impl Local {
    pub(crate) fn start(batches: Receiver<Batch>, inbox: Inbox) -> Local {
        let is_ending = Arc::new(AtomicBool::new(false));
        let (end, ended) = oneshot::channel();
        let local = Local {
            is_ending: is_ending.clone(),
            ended,
        };
        std::thread::spawn(move || {
            pass_on(&batches, &inbox, &is_ending);
            // Nobody waits where the receiver was dropped.
            let _ = end.send(());
        });
        local
    }

    /// Waits until all batches that were sent so far are in the inbox.
    pub(crate) async fn end(mut self) {
        self.is_ending.store(true, Ordering::Release);
        // The thread says it, or is gone, which comes to the same.
        let _ = (&mut self.ended).await;
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.is_ending.store(true, Ordering::Release);
    }
}

fn pass_on(batches: &Receiver<Batch>, inbox: &Inbox, is_ending: &AtomicBool) {
    loop {
        match batches.recv_timeout(POLL) {
            Ok(batch) => {
                if !inbox.put_blocking(Message::Batch(batch)) {
                    return;
                }
            }
            Err(RecvTimeoutError::Timeout) if !is_ending.load(Ordering::Acquire) => {}
            Err(_) => return,
        }
    }
}

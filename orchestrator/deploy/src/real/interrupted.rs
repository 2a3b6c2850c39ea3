//! Signals that end a run.

use tokio::signal::unix::{SignalKind, signal};

/// The user's or the system's wish that this ends.
pub(crate) async fn interrupted() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            // Where signals cannot be waited for, the default ends the process.
            Err(_) => std::future::pending().await,
        }
    };
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = terminated => {}
        () = interrupt => {}
    }
}

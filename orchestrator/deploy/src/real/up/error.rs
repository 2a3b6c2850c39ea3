//! Why a system cannot be kept up.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

/// A system cannot be kept running as asked.
#[derive(Debug, Error)]
pub enum UpError {
    /// Anybody could break the system.
    #[error(
        "the control API at {0} could be used by others: add `--token`, or listen on 127.0.0.1"
    )]
    TokenMissing(SocketAddr),
    /// The port is somebody else's.
    #[error(
        "cannot listen at {address} for the control API: {source}; choose another with --listen"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The folder of the journal cannot be made.
    #[error("cannot create the folder {folder}: {source}; choose another with --out", folder = folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The control API broke down.
    #[error("the control API ended: {0}")]
    Api(io::Error),
}

//! Ports that cannot be had.

use std::fmt;
use std::io;

/// An address cannot be listened on.
#[derive(Debug)]
pub struct BindError {
    /// The address as it was given.
    pub address: String,
    /// What the operating system said.
    pub error: io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.address.rsplit(':').next().unwrap_or_default();
        match self.error.kind() {
            io::ErrorKind::AddrInUse => write!(
                f,
                "{} is in use by another process: `ss -ltnp 'sport = :{port}'` says which; stop it, or choose another port",
                self.address
            ),
            io::ErrorKind::PermissionDenied => {
                write!(f, "no permission to listen on {}: choose a port above 1023", self.address)
            }
            _ => write!(f, "cannot listen on {}: {}", self.address, self.error),
        }
    }
}

impl std::error::Error for BindError {}

//! What can go wrong between us and a server, for people: what, where, what to do.

use std::fmt;

use wire::Problem;

/// Why a server's answer could not be had.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientError {
    /// The address is no address.
    BadAddress(String),
    /// Nobody answered.
    Unreachable {
        /// Where.
        address: String,
        /// Why, as far as it is known.
        reason: String,
    },
    /// The server answered that it will not.
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said.
        problem: Box<Problem>,
    },
    /// An answer came that is none of Headwater's.
    Unreadable {
        /// Where it came from.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadAddress(text) => write!(f, "{text:?} is no address: write it like http://127.0.0.1:4319"),
            Self::Unreachable { address, reason } => {
                write!(f, "cannot reach {address}: {reason}: is `headwater serve` running there?")
            }
            Self::Refused { problem, .. } => {
                f.write_str(&problem.error)?;
                problem.hint.as_ref().map_or(Ok(()), |hint| write!(f, ": {hint}"))
            }
            Self::Unreadable { address, reason } => {
                write!(f, "{address} did not answer as Headwater does: {reason}: is it another program's port?")
            }
        }
    }
}

impl std::error::Error for ClientError {}

impl ClientError {
    /// Whether the server said that what was asked for is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }
}

//! Every bound of this crate, with its reason.

/// Spans whose attributes are searched upwards for a name. Wrapping client spans nest two or three deep in practice; a
/// chain of thousands is an attack on a loop.
pub const WRAPPERS_MAX: usize = 8;

/// Attempts kept of one retry group; later ones are counted in `attempts` and their spans left out.
pub const ATTEMPTS_KEPT_MAX: usize = 1_000;

/// Names and addresses that [`crate::Peers`] remembers; further ones are counted and not learned.
pub const PEERS_MAX: usize = 100_000;

/// Nodes and edges of a [`crate::ServiceGraph`], each; further ones are counted and left out.
pub const GRAPH_MAX: usize = 20_000;

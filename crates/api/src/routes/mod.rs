//! The answers, one file each kind.

pub mod completion;
pub mod evals;
pub mod explain;
pub mod info;
pub mod live;
pub mod map;
pub mod search;
pub mod series;
pub mod sign_in;
pub mod trace;
pub mod traces;
pub mod watch;

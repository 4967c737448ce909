//! One file a command.

pub mod capture;
pub mod compare;
pub mod completions;
pub mod demo;
pub mod doctor;
pub mod eval;
pub mod explain;
pub mod export;
pub mod import;
pub mod import_suite;
pub mod init;
pub mod judge;
pub mod proxy;
pub mod query;
pub mod serve;
pub mod store;
pub mod suggest;
pub mod trace;
pub mod view;
pub mod whatif;

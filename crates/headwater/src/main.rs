//! The binary `headwater`: reads the command line, joins the crates, prints, exits.
//!
//! | file | what |
//! | --- | --- |
//! | `cli.rs` | the command line: one definition for parser, help, completions, man page |
//! | `commands/` | one file a command |
//! | `server.rs` | a server's life: build from the ground up, run, stop in order |
//! | `sinks.rs` | what a received batch goes to: the store, the forwarders |
//! | `source.rs` | where an evaluation's traces come from: the embedded receiver, or a running server |
//! | `access.rs` | the stored traces: through the server that owns the folder, or by opening it |
//! | `tree.rs` | a trace as a tree for the terminal |
//! | `terminal.rs`, `exit.rs`, `data_folder.rs`, `amounts.rs` | colour and width, exit codes, where data lives, `7d` and `20GB` |
#![expect(clippy::print_stdout, clippy::print_stderr, clippy::exit, reason = "this is the one crate that prints and exits")]

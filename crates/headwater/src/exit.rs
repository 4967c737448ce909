//! Exit codes; `evals.md` and the manual explain them.

/// What a process answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitCode(pub u8);

impl ExitCode {
    /// Everything passed.
    pub const OK: Self = Self(0);
    /// Usage or configuration is wrong.
    pub const USAGE: Self = Self(2);
    /// The infrastructure failed: a port, a disk, a server.
    pub const INFRASTRUCTURE: Self = Self(4);
    /// Ctrl-C or SIGTERM.
    pub const INTERRUPTED: Self = Self(130);
}

/// Why a command ended early: what to print and with what to exit.
#[derive(Debug)]
pub struct Failure {
    /// For people: what was wrong and what to do.
    pub message: String,
    /// The exit code.
    pub code: ExitCode,
}

impl Failure {
    /// The user asked for something that cannot be.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: ExitCode::USAGE }
    }

    /// The machine or a server refused.
    pub fn infrastructure(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: ExitCode::INFRASTRUCTURE }
    }
}

//! The whole test suite.

use crate::process::{self, exists, root};
use crate::ui;

pub fn run() -> Result<(), String> {
    // The acceptance tests start the real binary; build it first, with the same profile as the tests.
    process::run(&root(), "cargo", &["build", "--package", "headwater"])?;
    process::run(&root(), "cargo", &["test", "--workspace"])?;
    if !exists("npm") {
        println!("SKIPPED: the page's tests, because npm is not installed");
        return Ok(());
    }
    ui::test()
}

//! The bars on recorded data, where the data are there.

use std::path::Path;

#[test]
fn recorded_traces_meet_their_bars() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !folder.exists() {
        // Written past the test harness's capture, so that a run without data cannot look like a run with them.
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), "SKIPPED: no recorded traces in {}", folder.display());
        return;
    }
    let rows = validate::validate(&folder);
    // Speed is judged in a release build on a quiet machine, by the chore.
    let is_speed = |row: &&validate::Row| row.bar.contains("spans/s") || row.bar.starts_with("under");
    let is_known = |row: &&validate::Row| validate::KNOWN_MISSES.contains(&(&row.name, &row.data_set));
    let missed: Vec<_> = rows.iter().filter(|row| !row.met && !is_speed(row) && !is_known(row)).collect();
    assert!(missed.is_empty(), "{}", validate::table(&rows));
}

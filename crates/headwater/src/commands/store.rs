//! `headwater store verify` reads everything and reports damage; `headwater store repair` saves what can be read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use store::{EmbeddedStore, Hooks, OpenReport, Options, Repaired};

use crate::access::resolve;
use crate::cli::{DataArg, StoreArgs, StoreCommand};
use crate::exit::{ExitCode, Failure};
use crate::server::clock;
use crate::sinks::decode_record;

pub fn run(args: &StoreArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        StoreCommand::Verify { data } => verify(data),
        StoreCommand::Repair { data } => repair(data),
    }
}

fn open(data: &DataArg) -> Result<(EmbeddedStore, OpenReport, PathBuf), Failure> {
    let folder = resolve(data)?;
    if !folder.exists() {
        return Err(Failure::usage(format!("there is no data folder {}", folder.display())));
    }
    let hooks = Hooks {
        decode: Arc::new(decode_record),
        summarise: Arc::new(|gist: &model::Gist<'_>| analysis::summarise(gist)),
        clock: clock(),
    };
    let opened = EmbeddedStore::open(Options::new(&folder), hooks);
    let (store, found) = opened.map_err(|error| Failure::infrastructure(error.to_string()))?;
    Ok((store, found, folder))
}

fn verify(data: &DataArg) -> Result<ExitCode, Failure> {
    let (store, found, folder) = open(data)?;
    let verified = store.verify();
    println!("{}: {} segments are intact", folder.display(), verified.segments_intact);
    for (file, problem) in &verified.problems {
        println!("  damaged  {}: {problem}", file.display());
    }
    report_journal(&found);
    store.close().map_err(|error| Failure::infrastructure(error.to_string()))?;
    if !verified.problems.is_empty() {
        println!("help: headwater store repair saves what can be read and puts the damaged files aside");
    }
    let intact = verified.problems.is_empty() && found.journal.damaged_places == 0 && found.records_undecodable == 0;
    Ok(if intact { ExitCode::OK } else { ExitCode(1) })
}

fn report_journal(found: &OpenReport) {
    if found.journal.damaged_places > 0 {
        println!(
            "  damaged  the journal, in {} places; at most {} acknowledged requests are lost",
            found.journal.damaged_places, found.journal.records_lost
        );
    }
    if found.records_undecodable > 0 {
        println!("  damaged  {} journaled bodies cannot be decoded", found.records_undecodable);
    }
}

fn repair(data: &DataArg) -> Result<ExitCode, Failure> {
    let (store, found, folder) = open(data)?;
    let repaired = store.repair().map_err(|error| Failure::infrastructure(error.to_string()))?;
    report_journal(&found);
    // What the journal still had is sealed with this, and damaged places of it are let go.
    store.close().map_err(|error| Failure::infrastructure(error.to_string()))?;
    if repaired.is_empty() {
        println!("{}: no segment is damaged", folder.display());
    }
    let nothing_lost = repaired.iter().all(|segment| segment.traces_lost + segment.spans_lost == 0);
    repaired.iter().for_each(|segment| report(segment, &folder));
    Ok(if nothing_lost { ExitCode::OK } else { ExitCode(1) })
}

fn report(repaired: &Repaired, folder: &Path) {
    println!("{}/{}", folder.display(), repaired.segment);
    for problem in &repaired.problems {
        println!("  wrong      {problem}");
    }
    println!("  kept       {} traces, {} spans", repaired.traces_kept, repaired.spans_kept);
    println!("  lost       {} traces, {} spans", repaired.traces_lost, repaired.spans_lost);
    for id in &repaired.lost {
        println!("             {id}");
    }
    println!("  put aside  {}", repaired.put_aside.display());
}

//! `headwater store verify`: reads everything and reports damage.

use std::sync::Arc;

use store::{EmbeddedStore, Hooks, Options};

use crate::access::resolve;
use crate::cli::{StoreArgs, StoreCommand};
use crate::exit::{ExitCode, Failure};
use crate::server::clock;
use crate::sinks::decode_record;

pub fn run(args: &StoreArgs) -> Result<ExitCode, Failure> {
    let StoreCommand::Verify { data } = &args.command;
    let folder = resolve(data)?;
    if !folder.exists() {
        return Err(Failure::usage(format!("there is no data folder {}", folder.display())));
    }
    let hooks = Hooks { decode: Arc::new(decode_record), summarise: Arc::new(analysis::summarise), clock: clock() };
    let opened = EmbeddedStore::open(Options::new(&folder), hooks);
    let (store, found) = opened.map_err(|error| Failure::infrastructure(error.to_string()))?;
    let verified = store.verify();
    println!("{}: {} segments are intact", folder.display(), verified.segments_intact);
    for (file, problem) in &verified.problems {
        println!("  damaged  {}: {problem}", file.display());
    }
    if found.journal.damaged_places > 0 {
        println!("  damaged  the journal, in {} places", found.journal.damaged_places);
    }
    if found.records_undecodable > 0 {
        println!("  damaged  {} journaled bodies cannot be decoded", found.records_undecodable);
    }
    store.close().map_err(|error| Failure::infrastructure(error.to_string()))?;
    let intact = verified.problems.is_empty() && found.journal.damaged_places == 0 && found.records_undecodable == 0;
    Ok(if intact { ExitCode::OK } else { ExitCode(1) })
}

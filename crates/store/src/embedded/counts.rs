//! What is held just now, in numbers for a status page: cheap, no segment is read.

use model::Instant;

use super::{EmbeddedStore, State};

/// What the store holds and how it is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreCounts {
    /// Spans held; those held twice until a merge count twice.
    pub spans: u64,
    /// Traces held; one in several segments counts once as far as that is known.
    pub traces: u64,
    /// Bytes on disk: segments and the journal's records.
    pub bytes: u64,
    /// Earliest start of a trace held; none when there is none.
    pub oldest: Option<Instant>,
    /// Latest start of a trace held; none when there is none. In memory: of a span.
    pub newest: Option<Instant>,
    /// Traces that retention dropped since the store was opened; one in several segments counts in each.
    pub traces_dropped_by_retention: u64,
    /// Why something cannot be stored or read just now; none when all is well.
    pub fault: Option<String>,
}

impl EmbeddedStore {
    /// Counts what is held.
    #[must_use]
    pub fn counts(&self) -> StoreCounts {
        let journal = self.journal.stats();
        let problem = self.last_problem.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let state = self.state();
        let heads = || state.sealing.as_deref().into_iter().chain([&state.head]);
        let infos = || state.live.segments.iter().map(|segment| segment.info);
        // A segment of log records only has no start.
        let with_spans = || infos().filter(|info| info.spans > 0);
        let starts = || heads().filter_map(|head| head.starts);
        StoreCounts {
            spans: infos().map(|info| info.spans).sum::<u64>() + heads().map(|head| head.spans).sum::<u64>(),
            traces: traces_held(&state),
            bytes: infos().map(|info| info.bytes).sum::<u64>() + journal.bytes,
            oldest: with_spans().map(|info| info.min_start).chain(starts().map(|(first, _)| first)).min(),
            newest: with_spans().map(|info| info.max_start).chain(starts().map(|(_, last)| last)).max(),
            traces_dropped_by_retention: state.counters.traces_dropped,
            fault: problem.or_else(|| damage(&state)),
        }
    }
}

/// Traces in segments, less the times a later segment goes on with one, plus those that only memory has.
fn traces_held(state: &State) -> u64 {
    let sealed: u64 = state.live.segments.iter().map(|segment| segment.info.traces).sum();
    let again: u64 = state.live.segments.iter().map(|segment| segment.continued.len() as u64).sum();
    // What is being sealed is noted as sealed with what came after it.
    let heads = state.sealing.as_deref().into_iter().chain([&state.head]);
    let new = heads.flat_map(|head| head.traces.values()).filter(|trace| !trace.may_be_sealed_too).count() as u64;
    sealed.saturating_sub(again) + new
}

fn damage(state: &State) -> Option<String> {
    let first = state.live.damaged.first()?;
    let others = match state.live.damaged.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Some(format!("{} cannot be read: {}{others}", first.file, first.problem))
}

//! Every field of every span and log record comes back from the files of a segment, in every combination.

use std::path::Path;
use std::sync::Arc;

use journal::FaultyDisk;
use model::{Batch, LogRecord, PackedBatch, Span, Trace, TraceId, TraceSummary};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::{Prepared, Segment, SegmentCaches, SegmentWriter, Survey, TraceRows};
use crate::test_data;

fn traces_of(spans: Vec<Span>, logs: Vec<LogRecord>) -> Vec<TraceRows> {
    let ids = (1_u8..6).map(|id| TraceId([id; 16]));
    let rows = ids.map(|id| {
        let mut rows = TraceRows {
            id,
            spans: spans.iter().filter(|span| span.trace_id == id).cloned().collect(),
            logs: logs.iter().filter(|log| log.trace_id == Some(id)).cloned().collect(),
        };
        let mut seen = std::collections::HashSet::new();
        rows.spans.retain(|span| seen.insert(span.clone()));
        // As they are ordered when they are written.
        (rows.spans, rows.logs) = Trace::assemble(id, rows.spans, rows.logs).into_parts();
        rows
    });
    rows.filter(|rows| !rows.spans.is_empty() || !rows.logs.is_empty()).collect()
}

fn write(disk: &FaultyDisk, traces: &[TraceRows], plan: Prepared, at_once: usize) -> Segment {
    let summarise = |gist: &model::Gist<'_>| TraceSummary::of(gist);
    let mut writer = SegmentWriter::create(disk, Path::new("/s"), 1, plan, &summarise).expect("made");
    traces.chunks(at_once).for_each(|chunk| writer.write(chunk.to_vec()).expect("written"));
    let info = writer.finish(&|_| false).expect("finished");
    assert_eq!(info.spans as usize, traces.iter().map(|rows| rows.spans.len()).sum::<usize>());
    Segment::open(disk, Path::new("/s"), info, Arc::new(SegmentCaches::new(1 << 20, 1 << 20))).expect("opens")
}

fn plan(traces: &[TraceRows]) -> Prepared {
    let spans = traces.iter().flat_map(|rows| rows.spans.clone()).collect();
    let batch = Arc::new(PackedBatch::from(&Batch { spans, logs: Vec::new() }));
    let mut survey = Survey::default();
    batch.spans.iter().for_each(|span| survey.see(&batch, span));
    survey.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_field_comes_back(
        spans in vec(test_data::span(), 0..12),
        logs in vec(test_data::log(), 0..6),
        without_columns in any::<bool>(),
        at_once in 1_usize..4,
    ) {
        let traces = traces_of(spans, logs);
        let plan = if without_columns { Prepared::default() } else { plan(&traces) };
        let disk = FaultyDisk::new();
        let segment = write(&disk, &traces, plan, at_once);
        for rows in &traces {
            let read = segment.trace(rows.id).expect("readable").expect("there").0;
            prop_assert_eq!(&read, rows);
            let summary = TraceSummary::of(&Trace::assemble(rows.id, rows.spans.clone(), rows.logs.clone()));
            let directory = segment.traces().expect("readable");
            let position = segment.position(rows.id).expect("readable").expect("there");
            prop_assert_eq!(directory.summary(&directory.entries[position]), summary);
        }
        let all: Vec<usize> = (0..traces.len()).collect();
        prop_assert_eq!(segment.read_traces(&all, &crate::Needs::default()).expect("readable").0, traces);
        prop_assert_eq!(segment.verify(Path::new("/s")), vec![]);
    }

    /// A flipped bit anywhere is either noticed or changes nothing; never a panic, never a changed span.
    #[test]
    fn a_flipped_bit_is_noticed(place in any::<prop::sample::Index>(), bit in 0_u8..8, which in 0_usize..3) {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let spans = vec(test_data::span(), 8..9).new_tree(&mut runner).expect("made").current();
        let logs = vec(test_data::log(), 4..5).new_tree(&mut runner).expect("made").current();
        let traces = traces_of(spans, logs);
        let disk = FaultyDisk::new();
        let intact = write(&disk, &traces, plan(&traces), 2);
        let path = &disk.names()[which];
        let length = disk.contents(path).expect("there").len();
        disk.flip_bit(path, place.index(length), bit);
        let caches = Arc::new(SegmentCaches::new(1 << 20, 1 << 20));
        if let Ok(segment) = Segment::open(&disk, Path::new("/s"), intact.info, caches) {
            prop_assert!(!segment.verify(Path::new("/s")).is_empty());
            for rows in &traces {
                if let Ok(Some((read, _))) = segment.trace(rows.id) {
                    prop_assert_eq!(&read, rows);
                }
            }
        }
    }
}

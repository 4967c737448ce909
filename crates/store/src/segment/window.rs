//! Parts of a segment by time: traces lie in the order of their start, so whoever wants the newest, or those of an hour,
//! looks at a few blocks of the directory and the few pages of their rows.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use model::Instant;

use super::directory::TraceTable;
use super::{Segment, TraceView, joined};
use crate::limits::{FEW_BLOCKS, WINDOW_GROWTH, WINDOW_ROWS_MAX};
use crate::{TimeRange, TraceOrder};

/// Traces of a segment that are looked at together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Window {
    /// All of them.
    Whole,
    /// Those of these blocks of the directory, in order.
    Blocks(Vec<usize>),
}

/// Hands out a segment's windows, the best traces first.
#[derive(Debug)]
pub struct Windows {
    /// Blocks, those looked at last first; each with its place in the order and its rows.
    blocks: Vec<(Instant, usize, usize)>,
    /// No window is smaller than all of it.
    is_all_at_once: bool,
    /// Whether everything is one window that has all blocks there are.
    is_whole: bool,
    is_done: bool,
}

impl Windows {
    /// The next window, of some `rows` rows, if there is one, and the best start that a trace of it or behind it can have.
    /// Blocks whose best start is not wanted, and those behind them, are left.
    pub fn next(&mut self, rows: &mut usize, is_wanted: &dyn Fn(Instant) -> bool) -> Option<(Window, Instant)> {
        if self.is_whole {
            let best = self.blocks.last().map_or(Instant(0), |(best, ..)| *best);
            return (!std::mem::replace(&mut self.is_done, true)).then_some((Window::Whole, best));
        }
        let best = self.blocks.last()?.0;
        let mut taken = Vec::new();
        let mut count = 0;
        while let Some(&(best, number, of_block)) = self.blocks.last()
            && (self.is_all_at_once || count < *rows)
            && is_wanted(best)
        {
            self.blocks.pop();
            taken.push(number);
            count += of_block;
        }
        *rows = rows.saturating_mul(WINDOW_GROWTH).min(WINDOW_ROWS_MAX);
        taken.sort_unstable();
        (!taken.is_empty()).then_some((Window::Blocks(taken), best))
    }
}

impl Segment {
    /// The windows of traces that may start within `time`: in the order asked for where that is by start, else all at once.
    pub fn windows(&self, time: TimeRange, order: TraceOrder, at_once: bool) -> io::Result<Windows> {
        let is_by_start = matches!(order, TraceOrder::Newest | TraceOrder::Oldest) && !at_once;
        let whole = |best| Windows { blocks: vec![(best, 0, 0)], is_all_at_once: true, is_whole: true, is_done: false };
        let best_of =
            |(earliest, latest): (Instant, Instant)| if order == TraceOrder::Oldest { earliest } else { latest };
        let of_segment = best_of((self.info.min_start, self.info.max_start));
        let Some(table) = self.table()?.filter(|table| !table.is_by_id) else { return Ok(whole(of_segment)) };
        let is_within = |(earliest, latest): (Instant, Instant)| {
            latest >= time.from && (earliest < time.to || time.to == Instant(u64::MAX))
        };
        let numbers = (0..table.len()).filter(|&number| is_within(table.blocks[number].starts));
        let mut blocks: Vec<_> = numbers
            .map(|number| (best_of(table.blocks[number].starts), number, self.rows_of_block(table, number).len()))
            .collect();
        if blocks.len() == table.len() && !is_by_start {
            return Ok(whole(of_segment));
        }
        // Taken from behind.
        blocks.sort_unstable();
        if order == TraceOrder::Oldest {
            blocks.reverse();
        }
        Ok(Windows { blocks, is_all_at_once: !is_by_start, is_whole: false, is_done: false })
    }

    fn rows_of_block(&self, table: &TraceTable, number: usize) -> Range<usize> {
        let first = table.blocks[number].first_row as usize;
        let after = table.blocks.get(number + 1).map_or(self.info.spans as usize, |next| next.first_row as usize);
        first..after.max(first)
    }

    /// The rows of a window; none for all.
    pub fn row_ranges(&self, window: &Window) -> io::Result<Option<Vec<Range<usize>>>> {
        let (Window::Blocks(numbers), Some(table)) = (window, self.table()?) else { return Ok(None) };
        Ok(Some(joined(numbers.iter().map(|&number| self.rows_of_block(table, number)))))
    }

    /// The directory of a window.
    pub fn view_of(&self, window: &Window) -> io::Result<TraceView> {
        let (Window::Blocks(numbers), Some(table)) = (window, self.table()?) else {
            return self.traces().map(TraceView::Whole);
        };
        let mut blocks = BTreeMap::new();
        for part in numbers.chunk_by(|a, b| a + 1 == *b) {
            // Few are likely to be held; many are read at once.
            if part.len() <= FEW_BLOCKS {
                for &number in part {
                    blocks.insert(number, self.block(table, number)?);
                }
                continue;
            }
            let read = self.directory.blocks(table, part[0]..part[0] + part.len())?;
            blocks.extend(part.iter().copied().zip(read.into_iter().map(std::sync::Arc::new)));
        }
        Ok(TraceView::Blocks(blocks))
    }
}

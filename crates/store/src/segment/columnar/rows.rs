//! Which rows of which parts become the rows of one row group, in their order.

use std::ops::Range;

/// A row that does not go along.
pub const NOWHERE: u32 = u32::MAX;

/// Rows of a part that lie together, there and in the row group.
#[derive(Clone, Copy, Debug)]
struct Run {
    row: usize,
    to: u32,
    rows: u32,
}

/// Where the rows of one part go.
#[derive(Debug, Default)]
pub struct PartRows {
    runs: Vec<Run>,
    /// The first row that goes anywhere.
    first: usize,
    /// For each row from `first` on where it goes.
    to: Vec<u32>,
    /// The rows that go anywhere, in order.
    pub ranges: Vec<Range<usize>>,
}

impl PartRows {
    /// What of `rows` may go along, with where each goes; empty if none does.
    pub fn within(&self, rows: &Range<usize>) -> (Range<usize>, &[u32]) {
        let (from, to) = (rows.start.max(self.first), rows.end.min(self.first + self.to.len()));
        if from >= to {
            return (rows.start..rows.start, &[]);
        }
        (from..to, &self.to[from - self.first..to - self.first])
    }

    /// Whether one of `rows` goes along.
    pub fn touches(&self, rows: &Range<usize>) -> bool {
        let place = self.ranges.partition_point(|range| range.end <= rows.start);
        self.ranges.get(place).is_some_and(|range| range.start < rows.end)
    }

    fn settle(&mut self) {
        self.runs.sort_unstable_by_key(|run| run.row);
        let (Some(first), Some(last)) = (self.runs.first(), self.runs.last()) else { return };
        self.first = first.row;
        self.to = vec![NOWHERE; last.row + last.rows as usize - first.row];
        for run in &self.runs {
            let at = run.row - self.first;
            self.to[at..at + run.rows as usize].iter_mut().zip(run.to..).for_each(|(to, row)| *to = row);
            match self.ranges.last_mut() {
                Some(range) if range.end == run.row => range.end += run.rows as usize,
                _ => self.ranges.push(run.row..run.row + run.rows as usize),
            }
        }
    }

    /// The same without some rows (of the row group).
    pub fn without(&self, left_out: &dyn Fn(u32) -> bool) -> Self {
        let to = self.to.iter().map(|&to| if to != NOWHERE && left_out(to) { NOWHERE } else { to });
        Self { runs: Vec::new(), first: self.first, to: to.collect(), ranges: self.ranges.clone() }
    }
}

/// The rows of a row group, by the parts they come from.
#[derive(Debug)]
pub struct GroupRows {
    pub parts: Vec<PartRows>,
    pub rows: usize,
}

impl GroupRows {
    pub fn new(parts: usize) -> Self {
        Self { parts: (0..parts).map(|_| PartRows::default()).collect(), rows: 0 }
    }

    /// The next rows are these of a part.
    pub fn push(&mut self, part: usize, row: usize, rows: u32) {
        if rows == 0 {
            return;
        }
        let to = self.rows as u32;
        let runs = &mut self.parts[part].runs;
        match runs.last_mut() {
            Some(run) if run.row + run.rows as usize == row && run.to + run.rows == to => run.rows += rows,
            _ => runs.push(Run { row, to, rows }),
        }
        self.rows += rows as usize;
    }

    /// Called once when all rows are there.
    pub fn settle(&mut self) {
        self.parts.iter_mut().for_each(PartRows::settle);
    }

    /// The rows of the part that go to the rows picked, in order, each with where it goes.
    pub fn picked(&self, part: usize, pick: &dyn Fn(u32) -> bool) -> Vec<(usize, u32)> {
        let part = &self.parts[part];
        let rows = part.to.iter().enumerate().map(|(at, &to)| (part.first + at, to));
        rows.filter(|&(_, to)| to != NOWHERE && pick(to)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_where_they_were_pushed() {
        let mut rows = GroupRows::new(2);
        rows.push(0, 10, 3);
        rows.push(1, 0, 2);
        rows.push(0, 13, 1);
        rows.push(0, 4, 1);
        rows.settle();
        assert_eq!(rows.rows, 7);
        let part = &rows.parts[0];
        assert_eq!(part.ranges, [4..5, 10..14]);
        assert_eq!(part.within(&(11..20)), (11..14, &[1, 2, 5][..]));
        assert_eq!(part.within(&(4..6)), (4..6, &[6, NOWHERE][..]));
        assert!(part.touches(&(13..15)) && part.touches(&(0..5)));
        assert!(!part.touches(&(5..10)) && !part.touches(&(14..20)) && !part.touches(&(0..4)));
        assert_eq!(rows.picked(0, &|to| to > 1), [(4, 6), (12, 2), (13, 5)]);
        assert_eq!(part.without(&|to| to == 2).within(&(10..14)).1, [0, 1, NOWHERE, 5]);
    }
}

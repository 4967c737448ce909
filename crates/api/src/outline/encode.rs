//! Header and columns as bytes, or as JSON.

use wire::{OUTLINE_MAGIC, OutlineColumn, OutlineJson};

use super::columns::Outline;

/// Which columns are wanted beyond those always sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sections {
    /// The span ids: random bytes, which do not compress.
    pub span_ids: bool,
    /// The clock offsets.
    pub skew: bool,
}

const ALIGNMENT: usize = 8;

/// The binary form.
///
/// # Errors
/// If the header cannot be written as JSON.
pub fn encode(mut outline: Outline, sections: Sections) -> Result<Vec<u8>, serde_json::Error> {
    let mut body = Body::default();
    let columns = &outline.columns;
    body.add("start", "f64", &columns.start, |number| number.to_le_bytes());
    body.add("dur", "f64", &columns.dur, |number| number.to_le_bytes());
    body.add("subStart", "f64", &columns.sub_start, |number| number.to_le_bytes());
    body.add("subEnd", "f64", &columns.sub_end, |number| number.to_le_bytes());
    body.add("selfTime", "f64", &columns.self_time, |number| number.to_le_bytes());
    body.add("parent", "i32", &columns.parent, |number| number.to_le_bytes());
    body.add("sub", "u32", &columns.sub, |number| number.to_le_bytes());
    body.add("name", "u32", &columns.name, |number| number.to_le_bytes());
    body.add("svc", "u16", &columns.svc, |number| number.to_le_bytes());
    body.add("host", "u16", &columns.host, |number| number.to_le_bytes());
    body.add("depth", "u16", &columns.depth, |number| number.to_le_bytes());
    body.add("flags", "u16", &columns.flags, |number| number.to_le_bytes());
    body.add("critRow", "u32", &columns.crit_row, |number| number.to_le_bytes());
    body.add("critStart", "f64", &columns.crit_start, |number| number.to_le_bytes());
    body.add("critEnd", "f64", &columns.crit_end, |number| number.to_le_bytes());
    if sections.span_ids {
        body.add("spanId", "u8", &outline.span_ids, |id| id.0);
        body.lengths_in_bytes();
    }
    if sections.skew {
        body.add("skew", "f64", &columns.skew, |number| number.to_le_bytes());
    }

    outline.header.columns = body.columns;
    let mut header = serde_json::to_vec(&outline.header)?;
    header.resize(header.len().next_multiple_of(ALIGNMENT), b' ');
    let mut bytes = Vec::with_capacity(8 + header.len() + body.bytes.len());
    bytes.extend_from_slice(OUTLINE_MAGIC);
    bytes.extend_from_slice(&(header.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(&body.bytes);
    Ok(bytes)
}

/// The JSON form.
#[must_use]
pub fn to_json(mut outline: Outline, sections: Sections) -> OutlineJson {
    if sections.span_ids {
        outline.columns.span_id = outline.span_ids.iter().map(ToString::to_string).collect();
    }
    if !sections.skew {
        outline.columns.skew.clear();
    }
    OutlineJson { header: outline.header, columns: outline.columns }
}

#[derive(Default)]
struct Body {
    bytes: Vec<u8>,
    columns: Vec<OutlineColumn>,
}

impl Body {
    fn add<T, const N: usize>(&mut self, name: &str, of: &str, numbers: &[T], le: impl Fn(&T) -> [u8; N]) {
        self.columns.push(OutlineColumn {
            name: name.to_owned(),
            of: of.to_owned(),
            offset: self.bytes.len() as u32,
            length: numbers.len() as u32,
        });
        self.bytes.reserve(numbers.len() * N + ALIGNMENT);
        for number in numbers {
            self.bytes.extend_from_slice(&le(number));
        }
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
    }

    /// The last column holds eight bytes an entry.
    fn lengths_in_bytes(&mut self) {
        if let Some(column) = self.columns.last_mut() {
            column.length *= 8;
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{Instant, Span, SpanId, SpanKind, Trace, TraceId};
    use wire::{Completeness, OutlineColumns, OutlineHeader, ServiceStyle, TraceRow, UnixNanos, flag};

    use super::*;
    use crate::outline::{OutlineInput, Rows, outline};
    use crate::prepared::Prepared;

    fn outline_of(spans: Vec<Span>) -> Outline {
        let trace = Trace::assemble(TraceId([9; 16]), spans, Vec::new());
        let prepared = Prepared::new(trace.into(), Completeness::whole());
        assert_eq!(prepared.rows.left_out(), 0);
        outline(OutlineInput {
            trace: &prepared.trace,
            completeness: &prepared.completeness,
            rows: &prepared.rows,
            critical: &prepared.critical_path,
            self_times: &prepared.self_times,
            shifts: &[],
            is_adjusted: false,
            summary: summary(),
            styles: &|names| {
                let style = |name: &String| ServiceStyle { name: name.clone(), slot: 0, monogram: "XX".into() };
                names.iter().map(style).collect()
            },
        })
    }

    fn summary() -> TraceRow {
        TraceRow {
            trace_id: String::new(),
            start: UnixNanos(0),
            duration: 0,
            root_service: String::new(),
            root_name: String::new(),
            root_received: true,
            span_count: 0,
            error_count: 0,
            log_count: 0,
            services: Vec::new(),
            oddity_count: 0,
            matched_spans: None,
            eval: None,
        }
    }

    fn span(id: u8, parent: u8, start: u64, end: u64) -> Span {
        let mut span = Span::new(TraceId([9; 16]), SpanId([id; 8]), format!("op {id}"));
        span.parent_span_id = (parent > 0).then_some(SpanId([parent; 8]));
        (span.start, span.end) = (Instant(1_700_000_000_000_000_000 + start), Instant(1_700_000_000_000_000_000 + end));
        span
    }

    /// Reads the bytes as the page does: by header and offsets alone.
    fn decode(bytes: &[u8]) -> (OutlineHeader, OutlineColumns) {
        assert_eq!(&bytes[..4], OUTLINE_MAGIC);
        let length = u32::from_le_bytes(bytes[4..8].try_into().expect("four bytes")) as usize;
        assert!((8 + length).is_multiple_of(8));
        let header: OutlineHeader = serde_json::from_slice(&bytes[8..8 + length]).expect("JSON");
        let numbers = |name: &str, of: &str| -> Vec<Vec<u8>> {
            let Some(column) = header.columns.iter().find(|column| column.name == name) else { return Vec::new() };
            assert_eq!((column.of.as_str(), column.offset % 8), (of, 0), "{name}");
            let size = match of {
                "f64" => 8,
                "u32" | "i32" => 4,
                "u16" => 2,
                _ => 1,
            };
            let start = 8 + length + column.offset as usize;
            bytes[start..start + column.length as usize * size].chunks(size).map(<[u8]>::to_vec).collect()
        };
        let f64s =
            |name| numbers(name, "f64").iter().map(|b| f64::from_le_bytes(b[..].try_into().expect("8"))).collect();
        let u32s =
            |name| numbers(name, "u32").iter().map(|b| u32::from_le_bytes(b[..].try_into().expect("4"))).collect();
        let u16s =
            |name| numbers(name, "u16").iter().map(|b| u16::from_le_bytes(b[..].try_into().expect("2"))).collect();
        let ids = numbers("spanId", "u8").concat();
        let columns = OutlineColumns {
            start: f64s("start"),
            dur: f64s("dur"),
            sub_start: f64s("subStart"),
            sub_end: f64s("subEnd"),
            self_time: f64s("selfTime"),
            parent: numbers("parent", "i32").iter().map(|b| i32::from_le_bytes(b[..].try_into().expect("4"))).collect(),
            sub: u32s("sub"),
            name: u32s("name"),
            svc: u16s("svc"),
            host: u16s("host"),
            depth: u16s("depth"),
            flags: u16s("flags"),
            crit_row: u32s("critRow"),
            crit_start: f64s("critStart"),
            crit_end: f64s("critEnd"),
            span_id: ids.chunks(8).map(|id| SpanId(id.try_into().expect("8")).to_string()).collect(),
            skew: f64s("skew"),
        };
        (header, columns)
    }

    fn check(spans: Vec<Span>) -> OutlineColumns {
        let sections = Sections { span_ids: true, skew: true };
        let json = to_json(outline_of(spans.clone()), sections);
        let (header, columns) = decode(&encode(outline_of(spans), sections).expect("encodes"));
        assert_eq!(columns, json.columns);
        assert_eq!(OutlineHeader { columns: Vec::new(), ..header }, json.header);
        columns
    }

    #[test]
    fn a_trace_becomes_columns() {
        let mut server = span(2, 1, 10, 60);
        server.kind = SpanKind::SERVER;
        server.status.code = model::StatusCode::ERROR;
        // The child outlives its parent, the orphan's parent was not received, the last never ended.
        let mut unfinished = span(5, 2, 20, 0);
        unfinished.end = Instant(0);
        let columns = check(vec![span(1, 0, 0, 100), server, span(3, 2, 20, 140), span(4, 8, 50, 70), unfinished]);
        assert_eq!(columns.parent, [-1, 0, 1, 1, -1, 4]);
        assert_eq!(columns.sub, [5 - 1, 3, 1, 1, 2, 1]);
        assert_eq!(columns.start, [0.0, 10.0, 20.0, 20.0, 50.0, 50.0]);
        assert_eq!(columns.sub_end[..3], [140.0, 140.0, 140.0]);
        assert_eq!(columns.flags[1], flag::SERVER | flag::ERROR | flag::CRITICAL);
        assert!(columns.flags[3] == flag::UNFINISHED | flag::ODD || columns.flags[2] == flag::UNFINISHED | flag::ODD);
        assert_eq!((columns.flags[4], columns.dur[4]), (flag::SYNTHETIC, 20.0));
        assert_eq!(columns.span_id[4], "0808080808080808");
        let critical: f64 = columns.crit_end.iter().zip(&columns.crit_start).map(|(end, start)| end - start).sum();
        assert!((critical - 100.0).abs() < f64::EPSILON, "the critical path covers the root");
    }

    #[test]
    fn an_empty_trace_has_an_outline() {
        let columns = check(Vec::new());
        assert!(columns.start.is_empty());
    }

    #[test]
    fn without_sections_ids_are_not_sent() {
        let (_, columns) = decode(&encode(outline_of(vec![span(1, 0, 0, 1)]), Sections::default()).expect("encodes"));
        assert!(columns.span_id.is_empty());
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_is_no_trouble() {
        let spans = (0..100_000_u64).map(|depth| {
            let mut span = span(1, 0, depth, 1_000_000 - depth);
            span.span_id = SpanId((depth + 1).to_be_bytes());
            span.parent_span_id = (depth > 0).then(|| SpanId(depth.to_be_bytes()));
            span
        });
        let columns = check(spans.collect());
        assert_eq!((columns.depth[99_999], columns.sub[0]), (u16::MAX, 100_000));
    }

    proptest::proptest! {
        /// Whatever arrives: subtrees nest, extents cover, parents stand above, and both forms agree.
        #[test]
        fn columns_hold_together(raw in proptest::collection::vec((1_u8..12, 0_u8..14, 0_u64..20, 0_u64..20), 0..40)) {
            let spans: Vec<Span> = raw.iter().enumerate().map(|(position, &(id, parent, start, end))| {
                let mut span = span(id, parent, start, end);
                span.flags = position as u32;
                span
            }).collect();
            let count = spans.len();
            let columns = check(spans);
            proptest::prop_assert!(columns.start.len() >= count);
            for row in 0..columns.start.len() {
                proptest::prop_assert!(columns.dur[row] >= 0.0 && columns.start[row].is_finite());
                let subtree = row..row + columns.sub[row] as usize;
                proptest::prop_assert!(subtree.end <= columns.start.len());
                for below in subtree {
                    proptest::prop_assert!(columns.sub_start[row] <= columns.start[below]);
                    proptest::prop_assert!(columns.sub_end[row] >= columns.start[below] + columns.dur[below]);
                }
                proptest::prop_assert!(columns.parent[row] < row as i32);
            }
        }
    }

    #[test]
    fn rows_and_outline_agree_on_what_is_left_out() {
        let spans = vec![span(1, 0, 0, 10), span(2, 1, 1, 2), span(3, 1, 3, 4)];
        let trace = Trace::assemble(TraceId([9; 16]), spans, Vec::new());
        assert_eq!(Rows::of(&trace, 2).left_out(), 1);
    }
}

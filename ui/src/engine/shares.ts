// Where the time of a trace went: each service's share of the critical path.

import type { Outline } from "./outline.ts";
import type { Nanos } from "./time.ts";

interface Share {
  service: number;
  nanos: Nanos;
}

/** Largest first; services that are never critical are left out. */
export function criticalShares(outline: Outline): Share[] {
  const totals = new Float64Array(outline.services.length);
  const { row, t0, t1 } = outline.critical;
  for (let at = 0; at < row.length; at++) totals[outline.svc[row[at]!]!]! += t1[at]! - t0[at]!;
  return [...totals.entries()]
    .map(([service, nanos]) => ({ service, nanos }))
    .filter(({ nanos }) => nanos > 0)
    .toSorted((a, b) => b.nanos - a.nanos);
}

/** First and last critical segment of each row, as offsets into segments sorted by row. */
export interface SegmentIndex {
  offsets: Uint32Array;
  order: Uint32Array;
}

/** Finds the critical segments of a row without a search. */
export function indexSegments(outline: Outline): SegmentIndex {
  const { row } = outline.critical;
  const offsets = new Uint32Array(outline.n + 1);
  for (const at of row) if (at < outline.n) offsets[at + 1]!++;
  for (let at = 0; at < outline.n; at++) offsets[at + 1]! += offsets[at]!;
  const next = offsets.slice(0, outline.n);
  const order = new Uint32Array(row.length);
  for (let segment = 0; segment < row.length; segment++) if (row[segment]! < outline.n) order[next[row[segment]!]!++] = segment;
  return { offsets, order };
}

// Live traces on top of a list that somebody reads: known rows change in place, new ones wait until they are wanted.

import type { TraceRow } from "../../api/types.ts";

/** Rows that wait, and rows that are shown, never grow beyond this. */
const ROWS_MAX = 1000;

export interface Listed {
  /** Shown, newest first. */
  rows: TraceRow[];
  /** Not shown yet, newest first. */
  waiting: TraceRow[];
}

/** Takes what arrived (the newest last). */
export function arrive(listed: Listed, arrived: readonly TraceRow[]): Listed {
  const changed = new Map(arrived.map((row) => [row.traceId, row]));
  const replace = (row: TraceRow) => {
    const now = changed.get(row.traceId);
    if (!now) return row;
    changed.delete(row.traceId);
    return now;
  };
  const rows = listed.rows.map(replace);
  const waiting = listed.waiting.map(replace);
  return { rows, waiting: [...[...changed.values()].toReversed(), ...waiting].slice(0, ROWS_MAX) };
}

/** Shows what waits. */
export function show(listed: Listed): Listed {
  const rows = [...listed.waiting, ...listed.rows].slice(0, ROWS_MAX);
  rows.sort((a, b) => (BigInt(a.start) < BigInt(b.start) ? 1 : BigInt(a.start) > BigInt(b.start) ? -1 : 0));
  return { rows, waiting: [] };
}

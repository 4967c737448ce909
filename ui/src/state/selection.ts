// A selection of traces as people write it in one line: `trace:ID`, `run:ID`, or a query.

import type { SelectionParameters } from "../api/client.ts";
import type { Selection } from "../api/types.ts";
import { rangeStart, type Range } from "./codecs.ts";

/** A trace id by itself is one too. */
export function readSelection(text: string, range: Range, now: Date): SelectionParameters {
  const trimmed = text.trim();
  const trace = /^(?:trace:\s*)?([0-9a-f]{32})$/i.exec(trimmed);
  if (trace) return { trace: trace[1]!.toLowerCase() };
  const run = /^run:\s*(\S+)$/.exec(trimmed);
  if (run) return { run: run[1]! };
  return { query: trimmed || undefined, start: rangeStart(range, now) };
}

/** For a request's body, where every field is written. */
export function whole(selection: SelectionParameters): Selection {
  return { trace: null, run: null, query: null, since: null, start: null, end: null, limit: null, ...Object.fromEntries(Object.entries(selection).filter(([, value]) => value !== undefined)) };
}

/** Whether a time range says anything about it. */
export function hasRange(text: string): boolean {
  const { trace, run } = readSelection(text, "all", new Date(0));
  return trace === undefined && run === undefined;
}

// Figures by service and operation over one trace.

import { kindsOf } from "./groups.ts";
import { Flag, type Outline } from "./outline.ts";
import type { Nanos } from "./time.ts";

export interface OperationFigures {
  /** A row of the operation, the longest. */
  row: number;
  count: number;
  errors: number;
  /** Sum of durations; of spans inside one another too. */
  total: Nanos;
  self: Nanos;
  /** Time on the critical path. */
  critical: Nanos;
  p50: Nanos;
  p95: Nanos;
  longest: Nanos;
}

/** Unordered; rows that stand for parents not received are left out. */
export function operationFigures(outline: Outline): OperationFigures[] {
  const { kind, kinds } = kindsOf(outline);
  const critical = new Float64Array(outline.n);
  for (const [at, row] of outline.critical.row.entries()) critical[row]! += outline.critical.t1[at]! - outline.critical.t0[at]!;
  const figures: (OperationFigures | undefined)[] = Array.from({ length: kinds }, () => undefined);
  const durations: number[][] = Array.from({ length: kinds }, () => []);
  for (let row = 0; row < outline.n; row++) {
    if (outline.flags[row]! & Flag.synthetic) continue;
    const of = kind[row]!;
    const found = (figures[of] ??= { row, count: 0, errors: 0, total: 0, self: 0, critical: 0, p50: 0, p95: 0, longest: 0 });
    const duration = outline.dur[row]!;
    durations[of]!.push(duration);
    found.count++;
    found.total += duration;
    found.self += outline.self[row]!;
    found.critical += critical[row]!;
    if (outline.flags[row]! & Flag.error) found.errors++;
    if (duration > found.longest) [found.longest, found.row] = [duration, row];
  }
  return figures.flatMap((found, of) => {
    if (!found) return [];
    const sorted = Float64Array.from(durations[of]!).toSorted();
    // Nearest rank: a duration that was measured, not one between two.
    const rank = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
    return [{ ...found, p50: rank(0.5), p95: rank(0.95) }];
  });
}

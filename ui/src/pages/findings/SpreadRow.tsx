// Quantiles as a row of a table, held against others where there are some.

import type { Spread } from "../../api/types.ts";
import { formatCount, formatDuration } from "../../engine/time.ts";

/** `+12 %`, `−3 %`; empty where it cannot be said or is nothing. */
export function relative(before: number | null, after: number | null): string {
  if (before === null || after === null || before <= 0) return "";
  const percent = (100 * (after - before)) / before;
  if (Math.abs(percent) < 0.5) return "±0 %";
  return `${percent > 0 ? "+" : "−"}${Math.abs(percent) < 10 ? Math.abs(percent).toFixed(1) : formatCount(Math.round(Math.abs(percent)))} %`;
}

export function SpreadRow({ label, of, against }: { label: string; of: Spread; against?: Spread }) {
  return (
    <tr>
      <th scope="row">{label}</th><td className="num">{formatCount(of.count)}</td>
      {(["p50", "p95", "p99"] as const).map((key) => <td key={key} className="num">{of[key] === null ? "–" : formatDuration(of[key])}{against && <span className="muted"> {relative(against[key], of[key])}</span>}</td>)}
    </tr>
  );
}

// The two sides of a comparison as a whole: how many, how long, how many failed.

import type { ComparedSide } from "../../api/types.ts";
import { formatCount, formatDuration } from "../../engine/time.ts";
import { percent } from "../map/figures.ts";
import { relative } from "../findings/SpreadRow.tsx";

export function Sides({ before, after }: { before: ComparedSide; after: ComparedSide }) {
  const quantiles = (["p50", "p95", "p99"] as const).filter((key) => before.duration[key] !== null || after.duration[key] !== null);
  return (
    <section className="compare-part">
      <table className="grid-table compare-sides">
        <caption className="vh">Both sides as a whole</caption>
        <thead><tr><th scope="col">Side</th><th scope="col">Traces</th><th scope="col" className="num">Count</th><th scope="col" className="num">With an error</th>{quantiles.map((key) => <th key={key} scope="col" className="num">{key}</th>)}</tr></thead>
        <tbody>
          {([["Normal", before], ["Held against it", after]] as const).map(([label, side]) => (
            <tr key={label}>
              <th scope="row">{label}</th><td>{side.lookedAt.text}</td><td className="num">{formatCount(side.lookedAt.traceCount)}</td>
              <td className={`num${side.errorCount > 0 ? " error-text" : ""}`}>{formatCount(side.errorCount)} ({percent(side.lookedAt.traceCount === 0 ? 0 : side.errorCount / side.lookedAt.traceCount)})</td>
              {quantiles.map((key) => <td key={key} className="num">{side.duration[key] === null ? "–" : formatDuration(side.duration[key])}{side === after && <span className="muted"> {relative(before.duration[key], side.duration[key])}</span>}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

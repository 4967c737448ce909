// Figures by service and operation; each leads to its spans.

import { useMemo, useState } from "react";
import { nameOf, serviceOf } from "../../engine/outline.ts";
import { operationFigures, type OperationFigures } from "../../engine/statistics.ts";
import { formatCount, formatDuration } from "../../engine/time.ts";
import type { TraceView } from "../../state/trace-view.ts";
import { Icon } from "../../ui/Icon.tsx";
import { Scroll } from "../../ui/Scroll.tsx";
import { Monogram } from "../../ui/Service.tsx";

type Key = "operation" | Exclude<keyof OperationFigures, "row">;
/** More operations than this are cut: the find box narrows them. */
const ROWS_MAX = 500;

const heads: [Key, string, string][] = [
  ["count", "Spans", "How many"], ["errors", "Errors", "How many failed"], ["self", "Self", "Time outside their children, together"], ["critical", "Critical", "Time on the critical path, together"], ["total", "Total", "Durations, together"],
  ["p50", "p50", "Half of them within"], ["p95", "p95", "95 % of them within"], ["longest", "Longest", "The longest"],
];

export function StatisticsTable({ view }: { view: TraceView }) {
  const { outline } = view;
  const [sort, setSort] = useState<{ key: Key; down: boolean }>({ key: "self", down: true });
  const figures = useMemo(() => operationFigures(outline), [outline]);
  const whole = view.all.to - view.all.from;
  const title = ({ row }: OperationFigures) => `${serviceOf(outline, row).name} ${nameOf(outline, row)}`;
  const value = (of: OperationFigures) => (sort.key === "operation" ? title(of) : of[sort.key]);
  const sorted = figures.toSorted((a, b) => {
    const [left, right] = [value(a), value(b)];
    return (left < right ? -1 : left > right ? 1 : 0) * (sort.down ? -1 : 1);
  });
  const head = (key: Key, label: string, meaning: string) => (
    <th key={key} scope="col" title={meaning} className={key === "operation" ? "" : "num"} aria-sort={sort.key === key ? (sort.down ? "descending" : "ascending") : "none"}>
      <button type="button" className="sort" onClick={() => setSort({ key, down: sort.key === key ? !sort.down : key !== "operation" })}>{label}{sort.key === key && <Icon name={sort.down ? "chevronDown" : "chevronUp"} />}</button>
    </th>
  );
  return (
    <Scroll label="Figures by operation">
      <table className="grid-table">
        <caption className="vh">Figures by service and operation</caption>
        <thead><tr>{head("operation", "Service and operation", "Service and operation")}{heads.map(([key, label, meaning]) => head(key, label, meaning))}</tr></thead>
        <tbody>
          {sorted.slice(0, ROWS_MAX).map((of) => (
            <tr key={of.row}>
              <td className="figure-name"><button type="button" className="button quiet tight span-button" title="To the longest of them" onClick={() => view.inspect(of.row)}><Monogram look={serviceOf(outline, of.row)} /><span className="clip"><span className="muted">{serviceOf(outline, of.row).name}</span> {nameOf(outline, of.row) || "(no name)"}</span></button></td>
              <td className="num">{formatCount(of.count)}</td>
              <td className={`num${of.errors > 0 ? " error-text" : ""}`}>{of.errors > 0 ? <><Icon name="error" /> {formatCount(of.errors)}</> : "–"}</td>
              <td className="num">{formatDuration(of.self)} <span className="muted">{((100 * of.self) / whole).toFixed(1)} %</span></td>
              <td className="num">{of.critical > 0 ? <>{formatDuration(of.critical)} <span className="muted">{((100 * of.critical) / whole).toFixed(1)} %</span></> : "–"}</td>
              <td className="num">{formatDuration(of.total)}</td>
              <td className="num">{formatDuration(of.p50)}</td><td className="num">{formatDuration(of.p95)}</td><td className="num">{formatDuration(of.longest)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="list-end"><span className="muted">{formatCount(figures.length)} operations{figures.length > ROWS_MAX && `, ${formatCount(ROWS_MAX)} shown`}</span></p>
    </Scroll>
  );
}

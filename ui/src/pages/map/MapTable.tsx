// The map as tables: services, and who calls whom.

import { useState, type ReactNode } from "react";
import type { ServiceMap } from "../../api/types.ts";
import { formatCount } from "../../engine/time.ts";
import { traceLink, tracesLink } from "../../state/routes.ts";
import { Icon } from "../../ui/Icon.tsx";
import { Link } from "../../ui/Link.tsx";
import { lookOf, ServiceName } from "../../ui/Service.tsx";
import { edgeSelector, errorShare, latencyText, nodeSelector, percent } from "./figures.ts";

type Key = "name" | "calls" | "errors" | "p50" | "p95" | "p99";
interface Figures {
  calls: number;
  errors: number;
  latency: { p50: number | null; p95: number | null; p99: number | null };
}

const heads: [Key, string][] = [["calls", "Calls"], ["errors", "Failed"], ["p50", "p50"], ["p95", "p95"], ["p99", "p99"]];

function valueOf(row: Figures & { sortName: string }, key: Key): number | string {
  if (key === "name") return row.sortName;
  if (key === "calls") return row.calls;
  return key === "errors" ? errorShare(row) : (row.latency[key] ?? -1);
}

export function MapTable({ map }: { map: ServiceMap }) {
  const known = new Set(map.nodes.filter(({ inferred }) => !inferred).map(({ name }) => name));
  return (
    <div className="map-tables">
      <FigureTable
        caption="Calls between services" first="From and to"
        rows={map.edges.map((edge) => ({
          ...edge, sortName: `${edge.from} ${edge.to}`,
          label: <><ServiceName look={lookOf(map.services, edge.from)} /> <span aria-label="calls">→</span> <ServiceName look={lookOf(map.services, edge.to)} />{edge.asynchronous && <span className="chip">asynchronous</span>}</>,
          actions: <>{known.has(edge.to) && <Link to={tracesLink(edgeSelector(edge))}>traces</Link>} {edge.exampleTraceId && <Link to={traceLink(edge.exampleTraceId)}>slowest</Link>} {edge.errorTraceId && <Link to={traceLink(edge.errorTraceId)}>failed</Link>}</>,
        }))}
      />
      <FigureTable
        caption="Services" first="Service"
        rows={map.nodes.map((node) => ({
          ...node, sortName: node.name,
          label: <><ServiceName look={lookOf(map.services, node.name)} /> {node.kind !== "service" && <span className="chip">{node.kind}</span>} {node.inferred && <span className="chip">known from its callers only</span>}</>,
          actions: node.inferred ? null : <Link to={tracesLink(nodeSelector(node))}>traces</Link>,
        }))}
      />
    </div>
  );
}

type Row = Figures & { sortName: string; label: ReactNode; actions: ReactNode };

function FigureTable({ caption, first, rows }: { caption: string; first: string; rows: Row[] }) {
  const [sort, setSort] = useState<{ key: Key; down: boolean }>({ key: "calls", down: true });
  const sorted = rows.toSorted((a, b) => {
    const [left, right] = [valueOf(a, sort.key), valueOf(b, sort.key)];
    return (left < right ? -1 : left > right ? 1 : 0) * (sort.down ? -1 : 1);
  });
  const head = (key: Key, label: string, numeric: boolean) => (
    <th key={key} scope="col" className={numeric ? "num" : ""} aria-sort={sort.key === key ? (sort.down ? "descending" : "ascending") : "none"}>
      <button type="button" className="sort" onClick={() => setSort({ key, down: sort.key === key ? !sort.down : key !== "name" })}>{label}{sort.key === key && <Icon name={sort.down ? "chevronDown" : "chevronUp"} />}</button>
    </th>
  );
  return (
    <table className="grid-table">
      <caption>{caption}</caption>
      <thead><tr>{head("name", first, false)}{heads.map(([key, label]) => head(key, label, true))}<th scope="col">Open</th></tr></thead>
      <tbody>
        {sorted.map((row) => (
          <tr key={row.sortName}>
            <td className="figure-name">{row.label}</td>
            <td className="num">{formatCount(row.calls)}</td>
            <td className={`num${row.errors > 0 ? " error-text" : ""}`}>{row.errors > 0 && <Icon name="error" />} {percent(errorShare(row))}</td>
            <td className="num">{latencyText(row.latency.p50)}</td><td className="num">{latencyText(row.latency.p95)}</td><td className="num">{latencyText(row.latency.p99)}</td>
            <td className="figure-links">{row.actions}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

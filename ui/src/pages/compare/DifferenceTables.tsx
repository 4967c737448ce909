// Differences as tables: operations, places in the tree of calls, attribute values. Every row says by a sign and a word
// what it is.

import type { AttributeDifference, CriticalDifference, DifferenceVerdict, OperationDifference, ServiceStyle, StructureChange, StructureDifference } from "../../api/types.ts";
import { formatCount, formatDuration } from "../../engine/time.ts";
import { shortTraceId, traceLink } from "../../state/routes.ts";
import { Icon, type IconName } from "../../ui/Icon.tsx";
import { Link } from "../../ui/Link.tsx";
import { lookOf, Monogram } from "../../ui/Service.tsx";
import { percent } from "../map/figures.ts";
import { relative } from "../findings/SpreadRow.tsx";

const verdicts: Record<DifferenceVerdict, { icon: IconName; word: string; class: string }> = {
  same: { icon: "few", word: "same", class: "muted" }, slower: { icon: "up", word: "slower", class: "error-text" }, faster: { icon: "down", word: "faster", class: "ok-text" },
  "slower-tail": { icon: "up", word: "slower tail", class: "error-text" }, "faster-tail": { icon: "down", word: "faster tail", class: "ok-text" },
  "more-errors": { icon: "error", word: "more errors", class: "error-text" }, "fewer-errors": { icon: "pass", word: "fewer errors", class: "ok-text" },
  "not-enough-data": { icon: "unknown", word: "too few to tell", class: "muted" }, added: { icon: "plus", word: "added", class: "warn-text" }, removed: { icon: "minus", word: "removed", class: "warn-text" },
};

function OperationCell({ of: { service, operation }, services }: { of: { service: string; operation: string }; services: readonly ServiceStyle[] }) {
  return <td className="figure-name"><span className="copyable"><Monogram look={lookOf(services, service)} /><span><span className="muted">{service}</span> {operation}</span></span></td>;
}

export function OperationTable({ rows, services, sameCount, notEnoughCount }: { rows: readonly OperationDifference[]; services: readonly ServiceStyle[]; sameCount: number; notEnoughCount: number }) {
  const longest = Math.max(1, ...rows.flatMap((row) => [row.p95Before, row.p95After]));
  return (
    <section className="compare-part">
      <h2>Operations {rows.length > 0 && <span className="muted">that differ</span>}</h2>
      {rows.length === 0 && <p>No operation differs.</p>}
      {rows.length > 0 && (
        <table className="grid-table">
          <caption className="vh">Operations that differ</caption>
          <thead><tr><th scope="col">What</th><th scope="col">Service and operation</th><th scope="col" className="num">Median</th><th scope="col" className="num">p95</th><th scope="col" className="wide-only">Normal above, now below</th><th scope="col" className="num">Spans</th><th scope="col" className="num">Failed</th></tr></thead>
          <tbody>
            {rows.map((row) => {
              const { icon, word, class: look } = verdicts[row.verdict];
              return (
                <tr key={`${row.service} ${row.operation}`}>
                  <td className={`nowrap ${look}`}><Icon name={icon} /> {word}</td>
                  <OperationCell of={row} services={services} />
                  <td className="num"><Change before={row.countBefore > 0 ? row.medianBefore : null} after={row.countAfter > 0 ? row.medianAfter : null} /></td>
                  <td className="num"><Change before={row.countBefore > 0 ? row.p95Before : null} after={row.countAfter > 0 ? row.p95After : null} /></td>
                  <td className="wide-only"><Bars before={row} longest={longest} look={lookOf(services, row.service)} /></td>
                  <td className="num">{formatCount(row.countBefore)} → {formatCount(row.countAfter)}</td>
                  <td className={`num${row.errorsAfter > row.errorsBefore ? " error-text" : ""}`}>{formatCount(row.errorsBefore)} → {formatCount(row.errorsAfter)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
      <p className="muted small">{formatCount(sameCount)} operations do not differ{notEnoughCount > 0 && `; of ${formatCount(notEnoughCount)} there are too few measurements to tell`}</p>
    </section>
  );
}

/** Rows whose differences are smaller than this share of the whole are left to the last line. */
const CONTRIBUTION_MIN = 0.01;
const CONTRIBUTIONS_SHOWN = 12;

/** Where the change of the mean came from: differences of the critical path, which add up to it. */
export function CriticalTable({ rows, before, after, services }: { rows: readonly CriticalDifference[]; before: number | null; after: number | null; services: readonly ServiceStyle[] }) {
  if (before === null || after === null || rows.length === 0) return null;
  const difference = (row: CriticalDifference) => row.meanAfter - row.meanBefore;
  const size = Math.max(...rows.map((row) => Math.abs(difference(row))), Math.abs(after - before), 1);
  const shown = rows.filter((row) => Math.abs(difference(row)) >= CONTRIBUTION_MIN * size).slice(0, CONTRIBUTIONS_SHOWN);
  const rest = after - before - shown.reduce((sum, row) => sum + difference(row), 0);
  const bar = (nanos: number) => <svg className="compare-bars" viewBox="-100 0 200 16" preserveAspectRatio="none" aria-hidden="true"><rect x={nanos < 0 ? (100 * nanos) / size : 0} y={3} width={(100 * Math.abs(nanos)) / size} height={10} fill={nanos < 0 ? "var(--ok)" : "var(--error)"} /><rect x={-0.3} y={0} width={0.6} height={16} fill="var(--muted)" /></svg>;
  const signed = (nanos: number) => `${nanos > 0 ? "+" : ""}${formatDuration(nanos)}`;
  return (
    <section className="compare-part">
      <h2>Where the change came from <span className="muted">on the critical path, mean of a trace: {formatDuration(before)} → {formatDuration(after)}</span></h2>
      <table className="grid-table">
        <caption className="vh">Where the change of the mean duration came from</caption>
        <thead><tr><th scope="col">Service and operation</th><th scope="col" className="num">Normal</th><th scope="col" className="num">Now</th><th scope="col" className="num">Change</th><th scope="col" className="wide-only">less – more</th></tr></thead>
        <tbody>
          {shown.map((row) => (
            <tr key={`${row.service} ${row.operation}`}>
              <OperationCell of={row} services={services} />
              <td className="num">{formatDuration(row.meanBefore)}</td><td className="num">{formatDuration(row.meanAfter)}</td><td className="num">{signed(difference(row))}</td><td className="wide-only"><span className="vh">{signed(difference(row))}</span>{bar(difference(row))}</td>
            </tr>
          ))}
          {Math.abs(rest) >= 1 && <tr><td className="muted">all others</td><td className="num">–</td><td className="num">–</td><td className="num">{signed(rest)}</td><td className="wide-only"><span className="vh">{signed(rest)}</span>{bar(rest)}</td></tr>}
          <tr><th scope="row">Together</th><td className="num">{formatDuration(before)}</td><td className="num">{formatDuration(after)}</td><td className="num"><strong>{signed(after - before)}</strong></td><td className="wide-only"><span className="vh">{signed(after - before)}</span>{bar(after - before)}</td></tr>
        </tbody>
      </table>
    </section>
  );
}

function Change({ before, after }: { before: number | null; after: number | null }) {
  return <>{before === null ? "–" : formatDuration(before)} → {after === null ? "–" : formatDuration(after)} <span className="muted">{relative(before, after)}</span></>;
}

/** Median as a bar, the rest up to the 95th percentile as a line; the figures stand beside it. */
function Bars({ before: row, longest, look }: { before: OperationDifference; longest: number; look: ServiceStyle }) {
  const x = (nanos: number) => (100 * nanos) / longest;
  return (
    <svg className={`compare-bars s${look.slot % 8}`} viewBox="0 0 100 16" preserveAspectRatio="none" aria-hidden="true">
      {([[row.medianBefore, row.p95Before, 1, 0.5], [row.medianAfter, row.p95After, 9, 1]] as const).map(([median, p95, top, opacity]) => (
        <g key={top} opacity={opacity}><rect x={0} y={top} width={x(median)} height={6} fill="var(--slot)" /><rect x={x(median)} y={top + 2.5} width={Math.max(x(p95) - x(median), 0)} height={1} fill="var(--slot)" /></g>
      ))}
    </svg>
  );
}

const changes: Record<StructureChange, { icon: IconName; word: string }> = { added: { icon: "plus", word: "added" }, removed: { icon: "minus", word: "removed" }, more: { icon: "up", word: "more often" }, fewer: { icon: "down", word: "less often" } };

export function StructureTable({ rows, services }: { rows: readonly StructureDifference[]; services: readonly ServiceStyle[] }) {
  return (
    <section className="compare-part">
      <h2>Structure</h2>
      {rows.length === 0 ? <p>Both sides make the same calls, equally often.</p> : (
        <table className="grid-table">
          <caption className="vh">Places in the tree of calls that differ</caption>
          <thead><tr><th scope="col">What</th><th scope="col">Service and operation</th><th scope="col">Called by</th><th scope="col" className="num">In traces</th><th scope="col" className="num">A trace</th><th scope="col">Open</th></tr></thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.path}>
                <td className="nowrap warn-text"><Icon name={changes[row.change].icon} /> {changes[row.change].word}</td>
                <OperationCell of={row} services={services} />
                <td className="compare-path muted">{row.path.split(" > ").slice(0, -1).join(" › ") || "root"}</td>
                <td className="num">{percent(row.shareBefore)} → {percent(row.shareAfter)}</td>
                <td className="num">{times(row.meanBefore)} → {times(row.meanAfter)}</td>
                <td>{row.example && <Link to={traceLink(row.example)} aria-label={`An example: trace ${shortTraceId(row.example)}`}>example</Link>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function times(mean: number): string {
  return `${Number.isInteger(mean) ? mean : mean.toFixed(2)}×`;
}

export function AttributeTable({ rows }: { rows: readonly AttributeDifference[] }) {
  if (rows.length === 0) return null;
  return (
    <section className="compare-part">
      <h2>Attributes <span className="muted">more frequent on one side</span></h2>
      <table className="grid-table">
        <caption className="vh">Attribute values that are more frequent on one side</caption>
        <thead><tr><th scope="col">Attribute</th><th scope="col">Value</th><th scope="col" className="num">Normal</th><th scope="col" className="num">Now</th><th scope="col" className="wide-only">Share of the traces</th></tr></thead>
        <tbody>
          {rows.map(({ key, value, shareBefore, shareAfter, togetherWith }) => (
            <tr key={`${key} ${value}`}>
              <td><code>{key}</code></td><td className="compare-path">{value === null ? <span className="muted">(missing)</span> : <code>{value}</code>}{togetherWith.length > 0 && <div className="muted small" title={togetherWith.join("\n")}>together with {togetherWith.slice(0, 3).join(", ")}{togetherWith.length > 3 && ` and ${togetherWith.length - 3} more`}</div>}</td><td className="num">{percent(shareBefore)}</td><td className="num">{percent(shareAfter)}</td>
              <td className="wide-only"><span className="vh">{percent(shareBefore)} normally, {percent(shareAfter)} now</span><svg className="compare-bars" viewBox="0 0 100 16" preserveAspectRatio="none" aria-hidden="true"><rect y={1} width={100 * shareBefore} height={6} fill="var(--muted)" /><rect y={9} width={100 * shareAfter} height={6} fill="var(--accent)" /></svg></td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

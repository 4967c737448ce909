// What differs in the traces that were selected on the plot: attribute values, the most telling first.

import { api } from "../../api/client.ts";
import type { PlotArea } from "../../engine/plot.ts";
import { formatCount, formatDuration } from "../../engine/time.ts";
import { differencesOf, narrowed, valueText, type Difference } from "../../state/differences.ts";
import { useResource } from "../../state/resource.ts";
import { findingsLink } from "../../state/routes.ts";
import { Icon } from "../../ui/Icon.tsx";
import { Link } from "../../ui/Link.tsx";
import { describe } from "../../ui/States.tsx";
import { percent } from "../map/figures.ts";

const CARDS_MAX = 12;
/** Values of each attribute that are asked for. */
const VALUES_ASKED = 100;

interface DifferencesProps {
  /** The query of the list, as the server understood it; empty for all. */
  query: string;
  area: PlotArea;
  /** The window of the whole plot. */
  window: { fromMs: number; toMs: number };
  count: number;
  onFilter: (query: string) => void;
  onClear: () => void;
}

const nanos = (ms: number) => String(BigInt(Math.round(ms)) * 1_000_000n);

export function Differences({ query, area, window, count, onFilter, onClear }: DifferencesProps) {
  const base = query || "{ }";
  const inArea = `traceDuration >= ${area.least}ns && traceDuration <= ${area.most}ns`;
  // A trace's spans begin up to its duration after it.
  const until = area.toMs + area.most / 1e6;
  const asked = `${base} | compare({ ${inArea} }, ${VALUES_ASKED}, ${nanos(area.fromMs)}, ${nanos(until)})`;
  const found = useResource(asked, (signal) => api.series({ q: asked, start: nanos(window.fromMs), end: nanos(Math.max(window.toMs, until)) }, signal), true);
  const differences = found.data ? differencesOf(found.data) : [];
  const areaQuery = narrowed(query, `{ ${inArea} }`);
  const filter = ({ key, value }: Difference) => onFilter(narrowed(query, `{ ${key} = ${valueText(key, value)} }`));
  return (
    <section className="differences" aria-label="What differs in the selection">
      <p className="copyable">
        <strong>{formatCount(count)} {count === 1 ? "trace" : "traces"} selected</strong> <span className="muted">{formatDuration(area.least)} to {formatDuration(area.most)}: what differs from the rest</span>
        <button type="button" className="button quiet tight" onClick={() => onFilter(areaQuery)}>Filter by duration</button>
        <Link to={findingsLink(areaQuery)} className="button quiet tight">Findings</Link>
        <button type="button" className="button quiet icon" aria-label="Clear the selection" onClick={onClear}><Icon name="close" /></button>
      </p>
      {found.loading && !found.data && <p className="muted" role="status">Looking at the spans…</p>}
      {found.error && <p className="error-text" role="alert"><Icon name="error" /> {describe(found.error).error}</p>}
      {found.data && !found.data.completeness.complete && <p className="warn-text"><Icon name="warn" /> {found.data.completeness.reasons.join("; ")}</p>}
      {found.data && differences.length === 0 && <p className="muted">No attribute value is more frequent in the selection than in the rest.</p>}
      <ul>
        {differences.slice(0, CARDS_MAX).map((one) => (
          <li key={`${one.key} ${one.value}`}>
            <button type="button" className="difference" title="Filter by this value" onClick={() => filter(one)}>
              <code><span className="muted">{one.key}</span> {one.value}</code><span className="muted">{percent(one.selected)} against {percent(one.rest)}</span>
              <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect y={0} width={100 * one.selected} height={4} fill="var(--accent)" /><rect y={5} width={100 * one.rest} height={4} fill="var(--muted)" /></svg>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

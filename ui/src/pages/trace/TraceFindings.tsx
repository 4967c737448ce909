// Findings of one trace, beside its spans: picking one stresses the spans that show it.

import { useEffect, useState } from "react";
import { api } from "../../api/client.ts";
import { toError } from "../../api/error.ts";
import type { Finding } from "../../api/types.ts";
import { formatCount } from "../../engine/time.ts";
import { hint } from "../../state/keymap.ts";
import { useResource } from "../../state/resource.ts";
import { findingsLink, rootSelector } from "../../state/routes.ts";
import { batch, useValue } from "../../state/signals.ts";
import { suppressed, suppressNothing } from "../../state/suppressed.ts";
import type { TraceView } from "../../state/trace-view.ts";
import { Icon } from "../../ui/Icon.tsx";
import { Link } from "../../ui/Link.tsx";
import { Scroll } from "../../ui/Scroll.tsx";
import { Loaded } from "../../ui/States.tsx";
import { say } from "../../ui/Toast.tsx";
import { FindingCard } from "../findings/FindingCard.tsx";

export function TraceFindings({ view, onClose }: { view: TraceView; onClose: () => void }) {
  const { traceId, summary } = view.outline.header;
  const hidden = useValue(suppressed);
  const found = useResource(`${traceId} ${summary.spanCount} ${hidden}`, (signal) => api.findings({ trace: traceId, suppress: hidden }, signal), true);
  const [picked, setPicked] = useState<string | undefined>(undefined);
  useEffect(() => () => { view.stressed.value = undefined; }, [view]);

  /** The rows of spans; none, and why, where nothing can be shown. */
  const rowsOf = async (spanIds: readonly string[]) => {
    try {
      const rows = (await Promise.all(spanIds.map((spanId) => api.rowOf(traceId, spanId, undefined, view.outline.clocks)))).flatMap((answer) => answer.rows);
      if (rows.length === 0) say("This span is not in the trace (any more)");
      return rows;
    } catch (error) {
      say(toError(error).message);
      return [];
    }
  };
  const pick = async (finding: Finding) => {
    if (picked === finding.id) {
      view.stressed.value = undefined;
      return setPicked(undefined);
    }
    setPicked(finding.id);
    const spans = finding.evidence.flatMap(({ traceId: of, spanId }) => (of === traceId && spanId !== null ? [spanId] : []));
    const rows = await rowsOf(spans);
    if (rows.length === 0) return setPicked(undefined);
    batch(() => {
      for (const row of rows.toReversed()) view.select(row);
      view.stressed.value = new Set(rows);
    });
    return undefined;
  };
  const goTo = async (spanId: string) => {
    const [row] = await rowsOf([spanId]);
    if (row !== undefined) view.select(row);
  };
  return (
    <div className="span-body">
      <div className="span-head">
        <Icon name="bulb" /><h2 className="clip">Findings</h2>
        <button type="button" className="button quiet icon" aria-label="Close the findings" title={`Close (${hint("trace", "findings")})`} onClick={onClose}><Icon name="close" /></button>
      </div>
      <Scroll className="tab-panel" label="Findings of this trace, one by one">
        <Loaded resource={found}>
          {({ findings, suppressedCount, cannotTell }) => (
            <div className="findings">
              <p className="looked-at">{formatCount(findings.length)} {findings.length === 1 ? "finding" : "findings"} <span className="muted">in this trace: one trace gives a hint, fifty give evidence.</span> <Link to={findingsLink(rootSelector(summary))}>Look at all traces like it</Link>{suppressedCount > 0 && <> · {formatCount(suppressedCount)} suppressed <button type="button" className="button quiet tight" onClick={suppressNothing}>Show them</button></>}</p>
              {findings.map((finding) => <FindingCard key={finding.id} finding={finding} services={view.outline.services} trace={{ id: traceId, isPicked: picked === finding.id, onPick: () => void pick(finding), onSpan: (spanId) => void goTo(spanId) }} />)}
              {cannotTell.length > 0 && <details className="finding cannot-tell"><summary>What cannot be told from one trace</summary><dl className="times">{cannotTell.map(({ analysis, why }) => <div key={analysis} className="contents"><dt>{analysis}</dt><dd>{why}</dd></div>)}</dl></details>}
            </div>
          )}
        </Loaded>
      </Scroll>
    </div>
  );
}

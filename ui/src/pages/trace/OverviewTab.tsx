// The span at a glance: times, status, where it stands, who made it.

import type { SpanDetail } from "../../api/types.ts";
import { nameOf, serviceOf } from "../../engine/outline.ts";
import { formatDuration, formatFullTime } from "../../engine/time.ts";
import type { TraceView } from "../../state/trace-view.ts";
import { Copy } from "../../ui/Copy.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { Monogram } from "../../ui/Service.tsx";
import { AttributeTable } from "./AttributeTable.tsx";
import { ExceptionView } from "./ExceptionView.tsx";
import { LongText } from "./LongText.tsx";

const CHILDREN_SHOWN = 12;

export function OverviewTab({ detail, view }: { detail: SpanDetail; view: TraceView }) {
  const total = view.all.to - view.all.from;
  const share = (nanos: number) => <span className="muted"> {((100 * nanos) / total).toFixed(1)} %</span>;
  const unfinished = detail.end === "0";
  const exceptions = [...detail.events, ...detail.logs].flatMap(({ exception }) => exception ?? []);
  const { llm } = detail;
  return (
    <div className="pad">
      <p className="status-line">
        {detail.status === "error" ? <span className="verdict v-fail"><Icon name="error" />error</span> : <span className="muted">status {detail.status}</span>}
        <span className="chip">{detail.kind}</span>
        {!detail.sampled && detail.flags !== 0 && <span className="chip warn-text">not sampled</span>}
      </p>
      {detail.statusMessage && <p className={detail.status === "error" ? "error-text" : ""}><LongText text={detail.statusMessage} /></p>}
      {exceptions.slice(0, 2).map((exception, index) => (
        <ExceptionView key={index} exception={exception} />
      ))}
      {detail.oddities.map(({ kind, text }) => <p key={kind} className="warn-text"><Icon name="warn" /> This span {text}.</p>)}
      <dl className="times">
        <dt>Duration</dt><dd>{unfinished ? "no end received" : <>{formatDuration(detail.duration)}{share(detail.duration)}</>}</dd>
        <dt>Self time</dt><dd>{formatDuration(detail.selfTime)}{share(detail.selfTime)}</dd>
        <dt>Critical path</dt><dd>{detail.critical > 0 ? <>{formatDuration(detail.critical)}{share(detail.critical)}</> : "not on it"}</dd>
        <dt>Starts at</dt><dd>{formatDuration(view.outline.start[detail.row]!)} <span className="muted small">{formatFullTime(BigInt(detail.start))}</span></dd>
        {llm && <><dt>Model call</dt><dd>{[llm.operation, llm.responseModel || llm.requestModel].filter(Boolean).join(" · ")} {llm.tokens.input !== null && <span className="muted">{llm.tokens.input} in{llm.tokens.output !== null && `, ${llm.tokens.output} out`}</span>}</dd></>}
        <dt>Span id</dt><dd className="copyable"><code>{detail.spanId}</code><Copy text={detail.spanId} label="Copy the span id" /></dd>
        <dt>Parent</dt>
        <dd>{detail.parentRow !== null ? <SpanButton view={view} row={detail.parentRow} /> : detail.parentSpanId ? <span className="warn-text">{detail.parentSpanId}, not received</span> : "none: a root"}</dd>
        {detail.childRows.length > 0 && <><dt>Children</dt><dd>{detail.childRows.slice(0, CHILDREN_SHOWN).map((row) => <div key={row}><SpanButton view={view} row={row} /></div>)}{detail.childRows.length > CHILDREN_SHOWN && <span className="muted">and {detail.childRows.length - CHILDREN_SHOWN} more</span>}</dd></>}
        {detail.traceState && <><dt>Trace state</dt><dd><code>{detail.traceState}</code></dd></>}
      </dl>
      <section><h3>Attributes</h3><AttributeTable attributes={detail.attributes.slice(0, 8)} scope="span" />{detail.attributes.length > 8 && <p className="muted">and {detail.attributes.length - 8} more under Attributes</p>}</section>
      <section><h3>Resource</h3><AttributeTable attributes={detail.resource.attributes.filter(({ key }) => key.startsWith("service.") || key.startsWith("deployment.") || key === "host.name")} scope="resource" /></section>
    </div>
  );
}

function SpanButton({ view, row }: { view: TraceView; row: number }) {
  const { outline } = view;
  if (row >= outline.n) return null;
  return (
    <button type="button" className="button quiet tight span-button" onClick={() => view.select(row)}>
      <Monogram look={serviceOf(outline, row)} /><span className="clip">{nameOf(outline, row) || "(no name)"}</span> <span className="muted">{formatDuration(outline.dur[row]!)}</span>
    </button>
  );
}

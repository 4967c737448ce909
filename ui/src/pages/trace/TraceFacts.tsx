// The first line about a trace: what, how long, how many, where the time went.

import type { ReactNode } from "react";
import { api, isEmbedded } from "../../api/client.ts";
import { formatClock, formatCount, formatDuration, formatFullTime } from "../../engine/time.ts";
import { compareLink, rootSelector, runLink, shortTraceId } from "../../state/routes.ts";
import { hint } from "../../state/keymap.ts";
import type { TraceView } from "../../state/trace-view.ts";
import { Copy, copyLink } from "../../ui/Copy.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { Link } from "../../ui/Link.tsx";
import { Monogram, lookOf } from "../../ui/Service.tsx";
import { ShareBar } from "../../ui/ShareBar.tsx";
import { VerdictMark } from "../../ui/Verdict.tsx";

export function TraceFacts({ view }: { view: TraceView }) {
  const { outline } = view;
  const { summary, traceId } = outline.header;
  const otlp = api.otlpUrl(traceId);
  const report = api.traceReportUrl(traceId);
  const parts = view.shares.map(({ service, nanos }) => ({ look: outline.services[service]!, nanos }));
  return (
    <header className="trace-facts">
      <div className="trace-title">
        <Monogram look={lookOf(outline.services, summary.rootService)} />
        <h1 className="clip" title={summary.rootName}><span className="muted">{summary.rootService}</span> {summary.rootName || "(no name)"}</h1>
        <span className="trace-id"><code title={traceId}>{shortTraceId(traceId)}…</code><Copy text={traceId} label="Copy the trace id" /></span>
        <button type="button" className="button quiet" onClick={copyLink} title={`Copy a link to this view (${hint("everywhere", "copyLink")})`}><Icon name="link" />Link</button>
        {!isEmbedded && <Link to={compareLink(rootSelector(summary), `trace:${traceId}`)} className="button quiet" title="Hold this trace against those that begin alike"><Icon name="compare" />Compare</Link>}
        {report && <a className="button quiet" href={report} download={`trace-${traceId}.html`} title="Download as one HTML file that opens without a server"><Icon name="external" />Report</a>}
        {otlp && <a className="button quiet" href={otlp} download={`${traceId}.otlp.json`} title="Download the trace as OTLP JSON"><Icon name="external" />OTLP</a>}
      </div>
      <dl className="facts">
        <Fact label="Duration"><strong>{formatDuration(summary.duration)}</strong></Fact>
        <Fact label="Started"><span title={formatFullTime(outline.t0)}>{formatClock(outline.t0, new Date())}</span></Fact>
        <Fact label="Spans">{formatCount(summary.spanCount)}</Fact>
        <Fact label="Services">{formatCount(summary.services.length)}</Fact>
        <Fact label="Errors">
          {summary.errorCount > 0 ? <button type="button" className="button quiet tight error-text" title={`Next error (${hint("trace", "nextError")})`} onClick={() => view.jump(view.errorRows, false)}><Icon name="error" />{formatCount(summary.errorCount)}</button> : "none"}
        </Fact>
        {summary.logCount > 0 && <Fact label="Logs">{formatCount(summary.logCount)}</Fact>}
        {summary.eval && <Fact label="Scenario"><Link to={runLink(summary.eval.suite, summary.eval.run)}>{summary.eval.scenario}</Link> {summary.eval.verdict && <VerdictMark verdict={summary.eval.verdict} />}</Fact>}
        <div className="fact-share"><dt>Critical path</dt><dd>{parts.length > 0 ? <ShareBar parts={parts} /> : <span className="muted">not computed yet</span>}</dd></div>
      </dl>
    </header>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return <div><dt>{label}</dt><dd>{children}</dd></div>;
}

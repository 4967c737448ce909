// A finding: what, where, what it costs, what could be saved, how sure, what to do, and the spans that show it.

import type { Finding, FindingEvidence, SavingBounds, ServiceStyle } from "../../api/types.ts";
import { formatCount, formatDuration } from "../../engine/time.ts";
import { traceLink } from "../../state/routes.ts";
import { suppress } from "../../state/suppressed.ts";
import { Copy } from "../../ui/Copy.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { Link } from "../../ui/Link.tsx";
import { lookOf, Monogram } from "../../ui/Service.tsx";

const EVIDENCE_SHOWN = 8;

interface FindingCardProps {
  finding: Finding;
  services: readonly ServiceStyle[];
  /** In the page of a trace its own spans are selected there; others open their trace. */
  trace?: { id: string; isPicked: boolean; onPick: () => void; onSpan: (spanId: string) => void };
}

export function FindingCard({ finding, services, trace }: FindingCardProps) {
  const { id, kind, title, place, what, details, traceCount, traceTotal, evidence, cost, saving, tokensSaved, moneySaved, confidence, nextStep } = finding;
  // Beside a trace it stands below a heading of its own.
  const Heading = trace ? "h3" : "h2";
  // Of other traces one span each: several would look the same.
  const shown = evidence.filter(({ traceId }, at) => traceId === trace?.id || evidence.findIndex((other) => other.traceId === traceId) === at);
  return (
    <article className={`finding${trace?.isPicked ? " picked" : ""}`} aria-label={title}>
      <header>
        <Heading>{title}</Heading>
        {saving && <SavingMark saving={saving} />}
      </header>
      <p className="finding-place">{place.service && <Monogram look={lookOf(services, place.service)} />}{place.callee && <><span aria-hidden="true">→</span><Monogram look={lookOf(services, place.callee)} /></>} <span>{place.text}</span></p>
      <p>{what}</p>
      <dl className="finding-figures">
        <div><dt>Seen in</dt><dd>{formatCount(traceCount)} of {formatCount(traceTotal)} {traceTotal === 1 ? "trace" : "traces"}</dd></div>
        {cost !== null && <div><dt>Costs</dt><dd>{formatDuration(cost)}<span className="muted"> a trace</span></dd></div>}
        {saving && <div><dt>Could save</dt><dd>{savingText(saving)}<span className="muted"> a trace</span></dd></div>}
        {tokensSaved !== null && <div><dt>Tokens</dt><dd>−{formatCount(tokensSaved)}</dd></div>}
        {moneySaved !== null && <div><dt>Money</dt><dd>−{dollars(moneySaved)}</dd></div>}
        <div><dt>How sure</dt><dd><Confidence of={confidence} /></dd></div>
      </dl>
      {nextStep && <p className="finding-next"><Icon name="chevronRight" /><span>{nextStep}</span></p>}
      {details.length > 0 && <details><summary>What speaks for it and against it</summary><ul className="finding-details">{details.map((detail) => <li key={detail}>{detail}</li>)}</ul></details>}
      <footer>
        {trace && evidence.some(({ traceId, spanId }) => traceId === trace.id && spanId) && <button type="button" className="button" aria-pressed={trace.isPicked} onClick={trace.onPick}>{trace.isPicked ? "Show all spans" : "Show its spans"}</button>}
        <ul className="finding-evidence" aria-label="Evidence">
          {shown.slice(0, EVIDENCE_SHOWN).map((span, at) => <li key={`${span.traceId} ${span.spanId}`}><Evidence span={span} number={at + 1} trace={trace} /></li>)}
          {shown.length > EVIDENCE_SHOWN && <li className="muted">and {formatCount(shown.length - EVIDENCE_SHOWN)} more</li>}
        </ul>
        <span className="finding-tools">
          <span className="muted" title="What this finding is; in one line with its id for the command line">{kind}</span><Copy text={id} label={`Copy the id ${id}, for headwater explain --suppress`} />
          <button type="button" className="button quiet" title="Do not show this again in this browser" onClick={() => suppress(id)}>Suppress</button>
        </span>
      </footer>
    </article>
  );
}

function Evidence({ span: { traceId, spanId }, number, trace }: { span: FindingEvidence; number: number; trace: FindingCardProps["trace"] }) {
  if (trace?.id === traceId) {
    return spanId === null ? <span className="muted">this trace</span> : <button type="button" className="button quiet tight" onClick={() => trace.onSpan(spanId)}>span {number}</button>;
  }
  return <Link to={traceLink(traceId, spanId ?? undefined)} aria-label={`Evidence ${number}: trace ${traceId.slice(0, 8)}${spanId ? `, span ${spanId}` : ""}`}>{traceId.slice(0, 8)}</Link>;
}

function SavingMark({ saving }: { saving: SavingBounds }) {
  return <strong className="finding-saving" title={`Could save ${savingText(saving)} in a trace that has it`}>−{formatDuration(Math.max(saving.median, 0))}</strong>;
}

/** `12 ms (8 – 20 ms)`; one figure where the bounds are the same. */
function savingText({ least, median, most }: SavingBounds): string {
  return least === most ? formatDuration(median) : `${formatDuration(median)} (${formatDuration(least)} – ${formatDuration(most)})`;
}

function dollars(amount: number): string {
  return `$${amount.toFixed(amount < 0.01 ? 5 : 2)}`;
}

function Confidence({ of }: { of: Finding["confidence"] }) {
  return of === "evidence" ? <span className="chip sure" title="Seen in at least fifty traces"><Icon name="pass" />evidence</span> : <span className="chip" title="Seen in few traces: a hint, no more"><Icon name="few" />hint</span>;
}

// A finding: what, where, what it costs, what could be saved, how sure, what to do, and the spans that show it.

import type { Finding, SavingBounds, ServiceStyle } from "../../api/types.ts";
import { formatCount, formatDuration } from "../../engine/time.ts";
import { suppress } from "../../state/suppressed.ts";
import { percent } from "../map/figures.ts";
import { Copy } from "../../ui/Copy.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { lookOf, Monogram } from "../../ui/Service.tsx";
import { EvidenceLinks, EvidenceList } from "./EvidenceLinks.tsx";

interface FindingCardProps {
  finding: Finding;
  services: readonly ServiceStyle[];
  /** In the page of a trace its own spans are selected there; others open their trace. */
  trace?: { id: string; isPicked: boolean; onPick: () => void; onSpan: (spanId: string) => void };
}

export function FindingCard({ finding, services, trace }: FindingCardProps) {
  const { id, kind, title, place, what, details, traceCount, traceTotal, evidence, cost, saving, impact, tokensSaved, moneySaved, confidence, nextStep } = finding;
  // Beside a trace it stands below a heading of its own.
  const Heading = trace ? "h3" : "h2";
  const own = evidence.flatMap(({ traceId, spanId }) => (traceId === trace?.id && spanId !== null ? [spanId] : []));
  const others = evidence.filter(({ traceId }) => traceId !== trace?.id);
  return (
    <article className={`finding${trace?.isPicked ? " picked" : ""}`} aria-label={title}>
      <header>
        <Heading>{title}</Heading>
        {saving && saving.median > 0 && <SavingMark saving={saving} />}
      </header>
      <p className="finding-place">{place.service && <Monogram look={lookOf(services, place.service)} />}{place.callee && <><span aria-hidden="true">→</span><Monogram look={lookOf(services, place.callee)} /></>} <span>{place.text}</span></p>
      <p>{what}</p>
      <dl className="finding-figures">
        <div><dt>Seen in</dt><dd>{formatCount(traceCount)} of {formatCount(traceTotal)} {traceTotal === 1 ? "trace" : "traces"}</dd></div>
        {cost !== null && <div><dt>Costs</dt><dd>{formatDuration(cost)}<span className="muted"> a trace</span></dd></div>}
        {saving && <div><dt>Could save</dt><dd>{savingText(saving)}<span className="muted"> a trace</span></dd></div>}
        {impact > 0 && <div><dt title="Share of the traces, or of the time of all of them">At stake</dt><dd>{percent(impact)}</dd></div>}
        {tokensSaved !== null && <div><dt>Tokens</dt><dd>−{formatCount(tokensSaved)}</dd></div>}
        {moneySaved !== null && <div><dt>Money</dt><dd>−{dollars(moneySaved)}</dd></div>}
        <div><dt>How sure</dt><dd><Confidence of={confidence} /></dd></div>
      </dl>
      {nextStep && <p className="finding-next"><Icon name="chevronRight" /><span>{nextStep}</span></p>}
      {details.length > 0 && <details><summary>Why it is as sure as that</summary><ul className="finding-details">{details.map((detail) => <li key={detail}>{detail}</li>)}</ul></details>}
      <footer>
        {trace && own.length > 0 && (
          <>
            <button type="button" className="button" aria-pressed={trace.isPicked} onClick={trace.onPick}>{trace.isPicked ? "Show all spans" : "Show its spans"}</button>
            <EvidenceList label="Spans that show it" items={own}>
              {(spanId, at) => <li key={spanId}><button type="button" className="button quiet tight" onClick={() => trace.onSpan(spanId)}>span {at + 1}</button></li>}
            </EvidenceList>
          </>
        )}
        <EvidenceLinks of={others} />
        <span className="finding-tools">
          <span className="muted" title="What this finding is">{kind}</span><Copy text={id} label={`Copy the id ${id}, for headwater explain --suppress`} />
          <button type="button" className="button quiet" title="Do not show this again in this browser" onClick={() => suppress(id)}>Suppress</button>
        </span>
      </footer>
    </article>
  );
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
  if (of === "cannot-tell") return <span className="chip warn-text" title="The traces do not say whether the change can be made: somebody has to look"><Icon name="unknown" />cannot tell</span>;
  return of === "evidence" ? <span className="chip sure" title="Seen in at least fifty traces, or true of every trace that shows it"><Icon name="pass" />evidence</span> : <span className="chip" title="Seen in few traces: a hint, no more"><Icon name="few" />hint</span>;
}

// One attempt in full: every assertion with what was expected, what was found, and the spans that prove it.

import { useEffect, useRef } from "react";
import type { AssertionResult, EvidenceSpan } from "../../api/types.ts";
import { formatDuration } from "../../engine/time.ts";
import { traceLink } from "../../state/routes.ts";
import { Icon } from "../../ui/Icon.tsx";
import { Link } from "../../ui/Link.tsx";
import { VerdictMark } from "../../ui/Verdict.tsx";
import { linkOf, type AttemptRow } from "./cells.ts";

const EVIDENCE_SHOWN = 12;

export function AttemptPanel({ row, cell }: { row: AttemptRow; cell: number }) {
  const { scenario, attempt } = row;
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    const element = panel.current!;
    // Where the panes are stacked, the page would jump instead of the panel.
    if (element.scrollHeight > element.clientHeight) element.querySelector(".assertion.picked")?.scrollIntoView({ block: "nearest" });
  }, [cell]);
  const trace = linkOf(attempt);
  return (
    <aside className="run-panel" aria-label={`Scenario ${scenario.name}`} ref={panel}>
      <div className="run-panel-head">
        <h2>{scenario.name}{scenario.attempts.length > 1 && <span className="muted"> attempt {attempt.attempt + 1} of {scenario.attempts.length}</span>}</h2>
        <VerdictMark verdict={attempt.verdict} />
        {trace && <Link to={trace} className="button">Open trace</Link>}
      </div>
      {attempt.error && <p className="error-text"><Icon name="broken" /> {attempt.error}</p>}
      <p className="muted">Trace {attempt.completeness}{attempt.completenessReasons.length > 0 && `: ${attempt.completenessReasons.join("; ")}`} · waited {formatDuration(attempt.waited)}</p>
      {attempt.steps.length > 1 && (
        <ul className="steps">{attempt.steps.map((step) => <li key={step.name}><Link to={traceLink(step.traceId)}>{step.name}</Link> <span className="muted">{step.status ?? "no answer"} · {formatDuration(step.duration)}{step.error && ` · ${step.error}`}</span></li>)}</ul>
      )}
      <ol className="assertions">
        {attempt.assertions.map((assertion, at) => (
          <Assertion key={at} assertion={assertion} trace={trace} isPicked={at === cell} />
        ))}
      </ol>
    </aside>
  );
}

function Assertion({ assertion, trace, isPicked }: { assertion: AssertionResult; trace: string | undefined; isPicked: boolean }) {
  const { verdict, text, expected, found, reason, evidence, nearest, selectors, line } = assertion;
  return (
    <li className={`assertion${isPicked ? " picked" : ""}`}>
      <div className="assertion-head"><VerdictMark verdict={verdict} /><code>{text}</code></div>
      {(expected || found || reason) && (
        <dl className="times">
          {expected && <><dt>Expected</dt><dd>{expected}</dd></>}
          {found && <><dt>Found</dt><dd>{found}</dd></>}
          {reason && <><dt>Why not</dt><dd>{reason}</dd></>}
        </dl>
      )}
      {selectors.filter((selector) => !text.includes(selector)).map((selector) => <p key={selector}><code className="muted">{selector}</code></p>)}
      {evidence.length > 0 ? (
        <ul className="evidence">
          {evidence.slice(0, EVIDENCE_SHOWN).map((span) => <li key={`${span.traceId} ${span.spanId}`}><Evidence span={span} /></li>)}
          {evidence.length > EVIDENCE_SHOWN && <li className="muted">and {evidence.length - EVIDENCE_SHOWN} more</li>}
        </ul>
      ) : nearest ? <p className="evidence"><span className="muted">Nearest: </span><Evidence span={nearest} /></p>
        : trace && <p className="evidence"><Link to={trace}>open the trace</Link></p>}
      {line > 0 && verdict !== "pass" && <p className="muted small">line {line} of the suite file</p>}
    </li>
  );
}

function Evidence({ span }: { span: EvidenceSpan }) {
  return <><Link to={traceLink(span.traceId, span.spanId)}>{span.service} {span.name}</Link>{span.note && <span className="muted"> {span.note}</span>}</>;
}

// Traces that show something, as links to the span in each.

import type { ReactNode } from "react";
import type { FindingEvidence } from "../../api/types.ts";
import { formatCount } from "../../engine/time.ts";
import { shortTraceId, traceLink } from "../../state/routes.ts";
import { Link } from "../../ui/Link.tsx";

const EVIDENCE_SHOWN = 8;

/** The first of `items`, and how many more there are. */
export function EvidenceList<T>({ label, items, children }: { label: string; items: readonly T[]; children: (item: T, at: number) => ReactNode }) {
  if (items.length === 0) return null;
  return (
    <ul className="finding-evidence" aria-label={label}>
      {items.slice(0, EVIDENCE_SHOWN).map(children)}
      {items.length > EVIDENCE_SHOWN && <li className="muted">and {formatCount(items.length - EVIDENCE_SHOWN)} more</li>}
    </ul>
  );
}

/** Of each trace one span: several would look the same. */
export function EvidenceLinks({ of }: { of: readonly FindingEvidence[] }) {
  const traces = of.filter(({ traceId }, at) => of.findIndex((other) => other.traceId === traceId) === at);
  return (
    <EvidenceList label="Evidence" items={traces}>
      {({ traceId, spanId }, at) => <li key={traceId}><Link to={traceLink(traceId, spanId ?? undefined)} aria-label={`Evidence ${at + 1}: trace ${shortTraceId(traceId)}${spanId ? `, span ${spanId}` : ""}`}>{shortTraceId(traceId)}</Link></li>}
    </EvidenceList>
  );
}

// What is slow, fails or is done twice in a selection of traces: findings, the most worthwhile first.

import { useMemo } from "react";
import { api } from "../../api/client.ts";
import type { Explanation } from "../../api/types.ts";
import { formatCount, formatDuration } from "../../engine/time.ts";
import { readSelection } from "../../state/selection.ts";
import { useServices } from "../../state/services.ts";
import { useValue } from "../../state/signals.ts";
import { suppressed, suppressNothing } from "../../state/suppressed.ts";
import { useLongResource } from "../../ui/ProgressLine.tsx";
import { Empty } from "../../ui/States.tsx";
import { FindingCard } from "./FindingCard.tsx";
import { LookedAtLine } from "./LookedAtLine.tsx";
import { Remarks } from "./Remarks.tsx";
import { SelectionPage, useAsked } from "./SelectionPage.tsx";
import { WhatIf } from "./WhatIf.tsx";

export function FindingsPage() {
  const asked = useAsked();
  const hidden = useValue(suppressed);
  const found = useLongResource(JSON.stringify([asked, hidden]), (signal, onProgress) => api.findings({ ...readSelection(asked.text, asked.range, new Date()), suppress: hidden }, signal, onProgress));
  return <SelectionPage title="Findings" asked={asked} answer={found} label="Findings">{(data) => <Findings of={data} />}</SelectionPage>;
}

function Findings({ of }: { of: Explanation }) {
  const services = useServices();
  const { findings, findingCount, suppressedCount, cannotTell, remarks, lookedAt, cost } = of;
  const saving = useMemo(() => Math.max(0, ...findings.map((finding) => finding.saving?.median ?? 0)), [findings]);
  return (
    <div className="findings">
      <LookedAtLine of={lookedAt}>
        {formatCount(findingCount)} {findingCount === 1 ? "finding" : "findings"}{saving > 0 && `; the largest could save ${formatDuration(saving)} a trace`}
        {suppressedCount > 0 && <> · {formatCount(suppressedCount)} suppressed <button type="button" className="button quiet tight" onClick={suppressNothing}>Show them</button></>}
      </LookedAtLine>
      {findings.length === 0 && (
        <Empty title={lookedAt.traceCount === 0 ? "No trace matches" : "Nothing found"}>
          <p>{lookedAt.traceCount === 0 ? "There is nothing to look at in this selection and time range." : `${formatCount(lookedAt.traceCount)} traces were looked at and nothing in them is worth telling.`}</p>
        </Empty>
      )}
      {findings.map((finding) => <FindingCard key={finding.id} finding={finding} services={services} />)}
      {cannotTell.length > 0 && (
        <section className="finding cannot-tell">
          <h2>What cannot be told</h2>
          <dl className="times">{cannotTell.map(({ analysis, why }) => <div key={analysis} className="contents"><dt>{analysis}</dt><dd>{why}</dd></div>)}</dl>
        </section>
      )}
      <Remarks title="Remarks on the data" of={remarks} />
      {lookedAt.traceCount > 0 && <WhatIf />}
      <p className="muted small">answered in {formatDuration(cost.elapsed)} · {formatCount(cost.rowsScanned)} rows looked at</p>
    </div>
  );
}

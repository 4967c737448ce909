// What is slow, fails or is done twice in a selection of traces: findings, the most worthwhile first.

import { useMemo } from "react";
import { api } from "../../api/client.ts";
import { ApiError } from "../../api/error.ts";
import type { Explanation } from "../../api/types.ts";
import { formatCount, formatDuration } from "../../engine/time.ts";
import { rangeCodec } from "../../state/codecs.ts";
import { useResource } from "../../state/resource.ts";
import { readSelection } from "../../state/selection.ts";
import { useValue } from "../../state/signals.ts";
import { suppressed, suppressNothing } from "../../state/suppressed.ts";
import { changeQuery, place } from "../../state/url.ts";
import { ProgressLine, useProgress } from "../../ui/ProgressLine.tsx";
import { Banner, Empty, Loaded } from "../../ui/States.tsx";
import { useTitle } from "../../ui/title.ts";
import { problemsOf } from "../traces/FilterBar.tsx";
import { FindingCard } from "./FindingCard.tsx";
import { LookedAtLine } from "./LookedAtLine.tsx";
import { SelectionBar } from "./SelectionBar.tsx";
import { WhatIf } from "./WhatIf.tsx";

export function FindingsPage() {
  useTitle("Findings");
  const { query } = useValue(place);
  const text = query["q"] ?? "";
  const range = rangeCodec.read(query["t"]);
  const hidden = useValue(suppressed);
  const [progress, onProgress] = useProgress();
  const found = useResource(JSON.stringify([text, range, hidden]), (signal) => api.findings({ ...readSelection(text, range, new Date()), suppress: hidden }, signal, onProgress), true);
  const isRefused = found.error instanceof ApiError && found.error.isMistake;
  return (
    <div className="page">
      <h1 className="vh">Findings</h1>
      <SelectionBar
        text={text} range={range} loading={found.loading} problems={isRefused ? problemsOf((found.error as ApiError).problem) : []}
        onText={(next) => (next === text ? found.reload() : changeQuery({ q: next }, "push"))} onRange={(next) => changeQuery({ t: rangeCodec.write(next) }, "push")}
      />
      <ProgressLine loading={found.loading} progress={progress} />
      {isRefused ? <Empty title="The selection could not be read"><p>What is wrong with it stands above, under its place.</p></Empty> : <Loaded resource={found}>{(data) => <Findings of={data} text={text} />}</Loaded>}
    </div>
  );
}

function Findings({ of, text }: { of: Explanation; text: string }) {
  const services = useResource("services", api.services).data?.services ?? [];
  const { findings, findingCount, suppressedCount, cannotTell, remarks, lookedAt, completeness, cost } = of;
  const saving = useMemo(() => Math.max(0, ...findings.map((finding) => finding.saving?.median ?? 0)), [findings]);
  return (
    // Scrolling by keys needs the focus.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="page-scroll" tabIndex={0} role="region" aria-label="Findings">
      {!completeness.complete && <Banner kind="warn"><span>Not everything was looked at: {completeness.reasons.join("; ")}</span></Banner>}
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
        {remarks.length > 0 && <section className="finding cannot-tell"><h2>Remarks on the data</h2><ul className="finding-details">{remarks.map((remark) => <li key={remark}>{remark}</li>)}</ul></section>}
        {lookedAt.traceCount > 0 && <WhatIf text={text} />}
        <p className="muted small">answered in {formatDuration(cost.elapsed)} · {formatCount(cost.rowsScanned)} rows looked at</p>
      </div>
    </div>
  );
}

// Scenarios by assertions: one tab stop, arrows move, Enter opens the trace at the evidence.

import { useEffect, useRef } from "react";
import { formatDuration } from "../../engine/time.ts";
import { keyHandler } from "../../state/keys.ts";
import { shortTraceId } from "../../state/routes.ts";
import { go } from "../../state/url.ts";
import { Icon } from "../../ui/Icon.tsx";
import { Link } from "../../ui/Link.tsx";
import { VerdictMark, verdicts } from "../../ui/Verdict.tsx";
import { linkOf, type AttemptRow } from "./cells.ts";

export function RunMatrix({ rows, at, cell, onPick }: { rows: readonly AttemptRow[]; at: number; cell: number; onPick: (row: number, cell: number) => void }) {
  const grid = useRef<HTMLDivElement>(null);
  const row = rows[at]!;
  const last = row.attempt.assertions.length - 1;
  useEffect(() => grid.current?.querySelector(`#attempt-${at}`)?.scrollIntoView({ block: "nearest" }), [at]);
  const onKeyDown = keyHandler("run", {
    down: () => onPick(Math.min(at + 1, rows.length - 1), -1), up: () => onPick(Math.max(at - 1, 0), -1),
    right: () => onPick(at, Math.min(cell + 1, last)), left: () => onPick(at, Math.max(cell - 1, 0)),
    open: () => {
      const to = linkOf(row.attempt, row.attempt.assertions[cell]);
      if (to) go(to);
    },
  });
  return (
    <div className="page-scroll run-scroll">
      <div className="run-grid" role="grid" aria-label="Scenarios and their assertions" tabIndex={0} ref={grid} aria-activedescendant={cell >= 0 ? `cell-${at}-${cell}` : `attempt-${at}`} aria-rowcount={rows.length + 1} onKeyDown={onKeyDown}>
        <div role="row" className="run-row head" aria-rowindex={1}>
          <span role="columnheader">Verdict</span><span role="columnheader">Scenario</span><span role="columnheader" className="num">Took</span><span role="columnheader">Trace</span><span role="columnheader">Assertions</span>
        </div>
        {rows.map(({ scenario, attempt, first }, index) => {
          const to = linkOf(attempt);
          return (
            // The grid handles the keys.
            // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
            <div key={`${scenario.name} ${attempt.attempt}`} role="row" id={`attempt-${index}`} className={`run-row${first ? "" : " again"}`} aria-rowindex={index + 2} aria-selected={index === at} onClick={() => onPick(index, -1)}>
              <span role="gridcell"><VerdictMark verdict={scenario.attempts.length > 1 ? (first ? scenario.verdict : attempt.verdict) : scenario.verdict} /></span>
              <span role="gridcell" className="run-scenario">{first ? scenario.name : ""}{scenario.attempts.length > 1 && <span className="muted"> attempt {attempt.attempt + 1}{first && <> <VerdictMark verdict={attempt.verdict} word={false} /></>}</span>}</span>
              <span role="gridcell" className="num">{attempt.traceId === null ? "–" : formatDuration(attempt.duration)}</span>
              <span role="gridcell">{to ? <Link to={to} tabIndex={-1} aria-label={`${shortTraceId(attempt.traceId ?? "")}, trace of ${scenario.name}, attempt ${attempt.attempt + 1}`}>{shortTraceId(attempt.traceId ?? "")}</Link> : <span className="muted">none</span>}</span>
              <span role="gridcell" className="run-cells">
                {attempt.error && <span className="error-text"><Icon name="broken" /> {attempt.error}</span>}
                {attempt.assertions.map((assertion, cellAt) => (
                  // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
                  <span key={cellAt} id={`cell-${index}-${cellAt}`} className={`run-cell v-${assertion.verdict}${index === at && cellAt === cell ? " picked" : ""}`} title={`${verdicts[assertion.verdict].word}: ${assertion.text}`} onClick={(event) => { event.stopPropagation(); onPick(index, cellAt); }}>
                    <VerdictMark verdict={assertion.verdict} word={false} />{assertion.kind}
                  </span>
                ))}
              </span>
            </div>
          );
        })}
      </div>
    </div>
  );
}

// The list of traces as a grid: one tab stop, arrows move, Enter opens.

import { useEffect, useRef, useState, type ReactNode } from "react";
import type { ServiceStyle, TraceRow, TraceSort } from "../../api/types.ts";
import { formatAgo, formatClock, formatCount, formatDuration, formatFullTime, isToday } from "../../engine/time.ts";
import { hint } from "../../state/keymap.ts";
import { keyHandler } from "../../state/keys.ts";
import { runLink, traceLink } from "../../state/routes.ts";
import { go } from "../../state/url.ts";
import { Icon } from "../../ui/Icon.tsx";
import { Link } from "../../ui/Link.tsx";
import { lookOf, Monogram } from "../../ui/Service.tsx";
import { ShareBar } from "../../ui/ShareBar.tsx";
import { VerdictMark } from "../../ui/Verdict.tsx";

interface TraceTableProps {
  rows: readonly TraceRow[];
  services: readonly ServiceStyle[];
  sort: TraceSort;
  onSort: (sort: TraceSort) => void;
  onNewRows: () => void;
  /** Tells whether the reader is at the top with nothing selected, so that new rows may come in by themselves. */
  onIdle: (idle: boolean) => void;
  /** The trace marked for a comparison. */
  marked?: string;
  onMark?: (traceId: string) => void;
  children?: ReactNode;
}

const columns: { label: string; class: string; sorts?: [TraceSort, TraceSort] }[] = [
  { label: "Time", class: "c-time", sorts: ["-start", "start"] },
  { label: "Root operation", class: "c-root" },
  { label: "Duration", class: "c-duration num", sorts: ["-duration", "duration"] },
  { label: "Where the time went", class: "c-share" },
  { label: "Spans", class: "c-spans num", sorts: ["-spans", "-spans"] },
  { label: "Errors", class: "c-errors num", sorts: ["-errors", "-errors"] },
  { label: "Notes", class: "c-notes" },
];

const PAGE_ROWS = 15;

export function TraceTable({ rows, services, sort, onSort, onNewRows, onIdle, marked, onMark, children }: TraceTableProps) {
  const [selected, setSelected] = useState<string | undefined>(undefined);
  const scroll = useRef<HTMLDivElement>(null);
  const pointerInside = useRef(false);
  const now = new Date();
  const at = rows.findIndex((row) => row.traceId === selected);
  const tellIdle = () => onIdle(!pointerInside.current && (scroll.current?.scrollTop ?? 0) < 4 && selected === undefined);
  useEffect(tellIdle);
  useEffect(() => {
    if (selected) document.getElementById(`trace-${selected}`)?.scrollIntoView({ block: "nearest" });
  }, [selected]);
  const moveTo = (index: number) => setSelected(rows[Math.min(Math.max(index, 0), rows.length - 1)]?.traceId);
  const onKeyDown = keyHandler("list", {
    down: () => moveTo(at + 1), up: () => moveTo(at - 1), first: () => moveTo(0), last: () => moveTo(rows.length - 1),
    pageDown: () => moveTo(at + PAGE_ROWS), pageUp: () => moveTo(at - PAGE_ROWS), newRows: onNewRows,
    open: () => selected && go(traceLink(selected)),
    mark: () => selected && onMark?.(selected),
  });
  return (
    <div className="page-scroll trace-scroll" ref={scroll} onScroll={tellIdle} onPointerEnter={() => { pointerInside.current = true; tellIdle(); }} onPointerLeave={() => { pointerInside.current = false; tellIdle(); }}>
      <div className="trace-grid" role="grid" aria-label="Traces" aria-rowcount={rows.length + 1} tabIndex={0} aria-activedescendant={at >= 0 ? `trace-${selected}` : undefined} onKeyDown={onKeyDown} onFocus={(event) => event.target === event.currentTarget && at < 0 && event.currentTarget.matches(":focus-visible") && moveTo(0)}>
        <div className="trace-row head" role="row" aria-rowindex={1}>
          {columns.map((column) => <HeadCell key={column.label} column={column} sort={sort} onSort={onSort} />)}
        </div>
        {rows.map((row, index) => <Row key={row.traceId} row={row} index={index} services={services} now={now} isSelected={row.traceId === selected} isMarked={row.traceId === marked} onMark={onMark && (() => onMark(row.traceId))} onSelect={() => setSelected(row.traceId)} />)}
      </div>
      {children}
    </div>
  );
}

function HeadCell({ column, sort, onSort }: { column: (typeof columns)[number]; sort: TraceSort; onSort: (sort: TraceSort) => void }) {
  const { sorts } = column;
  if (!sorts) return <div role="columnheader" className={column.class}>{column.label}</div>;
  const isDown = sort === sorts[0];
  const isUp = !isDown && sort === sorts[1];
  return (
    <div role="columnheader" className={column.class} aria-sort={isDown ? "descending" : isUp ? "ascending" : "none"}>
      <button type="button" className="sort" tabIndex={0} onClick={() => onSort(isDown ? sorts[1] : sorts[0])}>{column.label}{(isDown || isUp) && <Icon name={isDown ? "chevronDown" : "chevronUp"} />}</button>
    </div>
  );
}

function Row({ row, index, services, now, isSelected, isMarked, onMark, onSelect }: { row: TraceRow; isMarked: boolean; onMark: (() => void) | undefined; index: number; services: readonly ServiceStyle[]; now: Date; isSelected: boolean; onSelect: () => void }) {
  const time = BigInt(row.start);
  // Further back, the date is written and says more.
  const ago = isToday(time, now) && <span className="ago">{formatAgo(time, now)}</span>;
  const root = lookOf(services, row.rootService);
  const parts = row.services.filter(({ critical }) => critical > 0).toSorted((a, b) => b.critical - a.critical).map(({ name, critical }) => ({ look: lookOf(services, name), nanos: critical }));
  return (
    // The grid handles the keys.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
    <div className="trace-row" role="row" id={`trace-${row.traceId}`} aria-rowindex={index + 2} aria-selected={isSelected} onClick={(event) => { onSelect(); if (!(event.target as Element).closest("a,button") && !getSelection()?.toString()) go(traceLink(row.traceId)); }}>
      <div role="gridcell" className="c-time" title={formatFullTime(time)}>{formatClock(time, now)} {ago}</div>
      <div role="gridcell" className="c-root">
        <Monogram look={root} />
        <span className="clip"><span className="muted">{row.rootService}</span> <Link to={traceLink(row.traceId)} tabIndex={-1} className="root-name">{row.rootName || "(no name)"}</Link></span>
        {!row.rootReceived && <span className="chip warn-text" title="No span without a parent was received: the earliest span is named here">no root</span>}
      </div>
      <div role="gridcell" className="c-duration num">{formatDuration(row.duration)}</div>
      <div role="gridcell" className="c-share"><ShareBar parts={parts} /></div>
      <div role="gridcell" className="c-spans num">{formatCount(row.spanCount)}{row.matchedSpans !== null && <span className="muted" title={`${row.matchedSpans} spans match`}> ({formatCount(row.matchedSpans)})</span>}</div>
      <div role="gridcell" className="c-errors num">{row.errorCount > 0 ? <span className="error-text"><Icon name="error" label="errors:" /> {formatCount(row.errorCount)}</span> : <span className="muted" aria-label="none">–</span>}</div>
      <div role="gridcell" className="c-notes">
        {row.eval && <Link to={runLink(row.eval.suite, row.eval.run)} tabIndex={-1} className="chip" title={`Evaluation ${row.eval.suite}, scenario ${row.eval.scenario}`}>{row.eval.verdict ? <VerdictMark verdict={row.eval.verdict} word={false} /> : <Icon name="flask" />}<span className="clip">{row.eval.scenario}</span></Link>}
        {row.oddityCount > 0 && <span className="chip warn-text" title={`${row.oddityCount} remarks on broken data`}><Icon name="warn" />{row.oddityCount}</span>}
        {row.logCount > 0 && <span className="chip" title={`${row.logCount} log records`}>{formatCount(row.logCount)} {row.logCount === 1 ? "log" : "logs"}</span>}
        {onMark && <button type="button" tabIndex={-1} className={`button quiet icon mark-trace${isMarked ? " marked" : ""}`} aria-pressed={isMarked} aria-label="Marked for a comparison" title={`Mark for a comparison; the second opens it (${hint("list", "mark")})`} onClick={onMark}><Icon name="compare" /></button>}
      </div>
    </div>
  );
}

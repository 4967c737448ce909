// The page of one trace: facts, lanes, tools, waterfall, and the selected span beside it.

import { useEffect, useMemo, useRef, useState } from "react";
import { isEmbedded } from "../../api/client.ts";
import type { Outline } from "../../engine/outline.ts";
import { keyHandler } from "../../state/keys.ts";
import { panelBounds, panelWidth } from "../../state/preferences.ts";
import { useValue } from "../../state/signals.ts";
import { TraceView, type Picture } from "../../state/trace-view.ts";
import { arrivals, changeQuery } from "../../state/url.ts";
import { Guard } from "../../ui/Guard.tsx";
import { Splitter } from "../../ui/Splitter.tsx";
import { Banner } from "../../ui/States.tsx";
import { AdjustedClocks } from "./AdjustedClocks.tsx";
import { FlameGraph } from "./FlameGraph.tsx";
import { Lanes } from "./Lanes.tsx";
import { OddityBanner } from "./OddityBanner.tsx";
import { SpanPanel } from "./SpanPanel.tsx";
import { StatisticsTable } from "./StatisticsTable.tsx";
import { Toolbar } from "./Toolbar.tsx";
import { TraceFindings } from "./TraceFindings.tsx";
import { TraceFacts } from "./TraceFacts.tsx";
import { readViewFromUrl, useViewInUrl } from "./view-url.ts";
import { Waterfall } from "./Waterfall.tsx";

const PAGE_ROWS = 20;

export function TraceBody({ outline }: { outline: Outline }) {
  const view = useView(outline);
  const [missingSpan, setMissingSpan] = useState<string | undefined>(undefined);
  const selected = useValue(view.selected);
  const picture = useValue(view.picture);
  const findingsOpen = useValue(view.findingsOpen) && !isEmbedded;
  const rowsElement = useRef<HTMLDivElement>(null);
  const findInput = useRef<HTMLInputElement>(null);
  const panel = useRef<HTMLElement>(null);

  const arrived = useValue(arrivals);
  useEffect(() => {
    setMissingSpan(undefined);
    void readViewFromUrl(view, setMissingSpan);
    // A new outline of the same trace keeps its view; the address bar is read when somebody comes by it.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [arrived]);
  useViewInUrl(view);

  const closeFindings = () => {
    view.findingsOpen.value = false;
    rowsElement.current?.focus();
  };
  const close = () => {
    view.selected.value = -1;
    changeQuery({ span: undefined, tab: undefined }, "push");
    rowsElement.current?.focus();
  };
  const toPanel = () => {
    // The span's details stand where the findings were.
    if (findingsOpen) view.findingsOpen.value = false;
    else panel.current?.querySelector<HTMLElement>('[aria-selected="true"]')?.focus();
  };
  const show = (next: Picture) => (view.picture.value = next);
  const commands = {
    down: () => view.move(1), up: () => view.move(-1), right: () => view.right(), left: () => view.left(),
    pageDown: () => view.move(PAGE_ROWS), pageUp: () => view.move(-PAGE_ROWS), first: () => view.move(-outline.n), last: () => view.move(outline.n),
    expandSubtree: () => view.setSubtree(view.selected.value, false), collapseSubtree: () => view.setSubtree(view.selected.value, true),
    expandAll: () => view.setAll(false), collapseAll: () => view.setAll(true), inspect: toPanel,
    zoomSpan: () => view.zoomToSpan(), fit: () => view.fit(), zoomIn: () => view.zoom(true), zoomOut: () => view.zoom(false), panLeft: () => view.panStep(false), panRight: () => view.panStep(true),
    nextMatch: () => view.jump(view.matches.value, false), previousMatch: () => view.jump(view.matches.value, true),
    nextError: () => view.jump(view.errorRows, false), previousError: () => view.jump(view.errorRows, true),
    nextCritical: () => view.jump(view.criticalRows, false), previousCritical: () => view.jump(view.criticalRows, true), longestChild: () => view.longestChild(), findings: () => (findingsOpen ? closeFindings() : (view.findingsOpen.value = true)), waterfall: () => show("waterfall"), flame: () => show("flame"), table: () => show("table"), group: () => view.toggleGroup(view.selected.value),
  };
  const onKeyDown = keyHandler("trace", commands);
  const onEscape = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || event.defaultPrevented || (view.selected.value < 0 && !findingsOpen)) return;
    event.preventDefault();
    if (findingsOpen) closeFindings();
    else close();
  };

  return (
    <div className="trace" onKeyDown={onEscape}>
      <TraceFacts view={view} />
      {outline.header.partial && <Banner kind="warn"><span>Showing {outline.n} rows: {outline.header.partialReason}</span></Banner>}
      {missingSpan && <Banner kind="warn"><span>Span {missingSpan} is not in this trace (any more).</span><button type="button" className="button" onClick={() => { setMissingSpan(undefined); changeQuery({ span: undefined }, "replace"); }}>Dismiss</button></Banner>}
      {outline.clocks === "adjusted" && <AdjustedClocks traceId={outline.header.traceId} />}
      <OddityBanner view={view} />
      <div className="trace-panes">
        <div className="trace-main" onKeyDown={onKeyDown}>
          <Lanes view={view} />
          <Toolbar view={view} input={findInput} toRows={() => rowsElement.current?.focus()} />
          {picture === "waterfall" ? <Waterfall view={view} element={rowsElement} /> : picture === "flame" ? <FlameGraph view={view} element={rowsElement} /> : <StatisticsTable view={view} />}
        </div>
        {findingsOpen && (
          <>
            <Splitter width={panelWidth} {...panelBounds} side="right" label="Width of the findings" />
            <aside className="span-panel findings-panel" aria-label="Findings of this trace"><PanelWidth /><Guard of={outline.header.traceId}><TraceFindings view={view} onClose={closeFindings} /></Guard></aside>
          </>
        )}
        {selected >= 0 && !findingsOpen && (
          <>
            <Splitter width={panelWidth} {...panelBounds} side="right" label="Width of the span's details" />
            <aside className="span-panel" ref={panel} aria-label="Span details"><PanelWidth /><Guard of={`${outline.header.traceId} ${selected}`}><SpanPanel view={view} row={selected} onClose={close} /></Guard></aside>
          </>
        )}
      </div>
    </div>
  );
}

/** Sets the panel's width as a custom property of its pane: a style sheet decides where it counts. */
function PanelWidth() {
  const width = useValue(panelWidth);
  const here = useRef<HTMLSpanElement>(null);
  useEffect(() => here.current?.parentElement?.style.setProperty("--panel-width", `${width}px`), [width]);
  return <span ref={here} hidden />;
}

/** The view of an outline; when the trace grew, what was open, found and selected goes over to the new one. */
function useView(outline: Outline): TraceView {
  const before = useRef<TraceView | undefined>(undefined);
  return useMemo(() => {
    const view = new TraceView(outline);
    if (before.current) view.adopt(before.current);
    return (before.current = view);
  }, [outline]);
}

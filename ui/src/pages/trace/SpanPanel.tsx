// Everything about the selected span, in tabs.

import { useEffect, useState } from "react";
import { api } from "../../api/client.ts";
import type { SpanDetail } from "../../api/types.ts";
import { Flag, nameOf, serviceOf } from "../../engine/outline.ts";
import { formatCount } from "../../engine/time.ts";
import { hint } from "../../state/keymap.ts";
import { keyHandler } from "../../state/keys.ts";
import { useResource } from "../../state/resource.ts";
import { useValue } from "../../state/signals.ts";
import type { TraceView } from "../../state/trace-view.ts";
import { changeQuery, place } from "../../state/url.ts";
import { copyAndSay } from "../../ui/Copy.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { Monogram } from "../../ui/Service.tsx";
import { FailureBanner, Placeholder } from "../../ui/States.tsx";
import { Tabs } from "../../ui/Tabs.tsx";
import { AttributesTab } from "./AttributesTab.tsx";
import { EventsTab } from "./EventsTab.tsx";
import { LinksTab } from "./LinksTab.tsx";
import { LlmTab } from "./LlmTab.tsx";
import { LogsTab } from "./LogsTab.tsx";
import { OverviewTab } from "./OverviewTab.tsx";
import { RawTab } from "./RawTab.tsx";
import { assertionOf } from "./assertion.ts";
import { tabCodec, tabs, type SpanTab } from "./view-url.ts";

/** Moving through rows with a held key must not ask for each of them. */
const SETTLE_MS = 60;

export function SpanPanel({ view, row, onClose }: { view: TraceView; row: number; onClose: () => void }) {
  const { outline } = view;
  const { traceId, summary } = outline.header;
  const [full, setFull] = useState(false);
  const settled = useSettled(row);
  const isPlaceholder = (outline.flags[row]! & Flag.synthetic) !== 0;
  // A trace that grew may have given the span children and logs.
  const detail = useResource(`${traceId} ${summary.spanCount} ${summary.logCount} ${settled} ${full} ${outline.clocks}`, (signal) => (outline.flags[settled]! & Flag.synthetic ? Promise.resolve(undefined) : api.span(traceId, settled, full, signal, outline.clocks)), true);
  const data = detail.data?.row === row ? detail.data : undefined;
  const wanted = tabCodec.read(useValue(place).query["tab"]);
  // The tab stays chosen while one moves past spans that do not have it.
  const tab = wanted === "llm" && data && !data.llm ? "overview" : wanted;

  useEffect(() => setFull(false), [row]);
  useEffect(() => {
    if (data && data.row === row) changeQuery({ span: data.spanId }, "soon");
  }, [data, row]);

  const show = (next: SpanTab) => changeQuery({ tab: tabCodec.write(next) }, "replace");
  const onKeyDown = keyHandler("span", { ...Object.fromEntries(tabs.map((id, index) => [`tab${index + 1}`, () => show(id)])), back: onClose });
  const look = serviceOf(outline, row);
  const name = nameOf(outline, row);
  return (
    // Keys for the tabs; each control inside has its own.
    <div className="span-body" onKeyDown={onKeyDown}>
      <div className="span-head">
        <Monogram look={look} />
        <h2 className="clip" title={name}><span className="muted">{look.name}</span> {name || "(no name)"}</h2>
        {!isPlaceholder && <button type="button" className="button quiet icon" aria-label="Copy an assertion that such spans are there" title="Copy as an assertion of a suite: that such spans are there, and how many" onClick={() => copyAndSay(assertionOf(view, row), "Assertion copied: paste it into a scenario")}><Icon name="flask" /></button>}
        <button type="button" className="button quiet icon" aria-label="Zoom to the span" title={`Zoom to the span (${hint("trace", "zoomSpan")})`} onClick={() => view.zoomToSpan(row)}><Icon name="zoomSpan" /></button>
        <button type="button" className="button quiet icon" aria-label="Close the details" title={`Close (${hint("span", "back")})`} onClick={onClose}><Icon name="close" /></button>
      </div>
      <FailureBanner resource={detail} />
      <Tabs tabs={tabList(data)} selected={tab} onSelect={show} label="Span details">
        {data ? (
          <>
            {data.cut && <p className="cut-note"><Icon name="info" /> Large values are cut. <button type="button" className="button quiet tight" disabled={detail.loading} onClick={() => setFull(true)}>Load all of them</button></p>}
            <TabBody tab={tab} detail={data} view={view} />
          </>
        ) : isPlaceholder ? <MissingParent view={view} row={row} /> : detail.error && !detail.loading ? <p className="pad muted">No details.</p> : <Placeholder label="Loading the span" />}
      </Tabs>
    </div>
  );
}

/** What can be said of a span that others name as their parent and that never came. */
function MissingParent({ view, row }: { view: TraceView; row: number }) {
  return (
    <div className="pad">
      <p className="warn-text"><Icon name="warn" /> This span was not received.</p>
      <p>{formatCount(view.outline.sub[row]! - 1)} spans below it name it, directly or not. Its service may not be instrumented, may not have sent its spans yet, or its exporter lost them. Service and times shown are those of its children.</p>
    </div>
  );
}

function TabBody({ tab, detail, view }: { tab: SpanTab; detail: SpanDetail; view: TraceView }) {
  switch (tab) {
    case "overview": return <OverviewTab detail={detail} view={view} />;
    case "attributes": return <AttributesTab detail={detail} />;
    case "events": return <EventsTab detail={detail} />;
    case "links": return <LinksTab detail={detail} view={view} />;
    case "logs": return <LogsTab detail={detail} />;
    case "llm": return <LlmTab detail={detail} />;
    case "raw": return <RawTab detail={detail} />;
  }
}

function tabList(detail: SpanDetail | undefined) {
  const counts: Partial<Record<SpanTab, number>> = detail ? { attributes: detail.attributes.length, events: detail.events.length, links: detail.links.length, logs: detail.logs.length + detail.logsLeftOut } : {};
  const labels: Record<SpanTab, string> = { overview: "Overview", attributes: "Attributes", events: "Events", links: "Links", logs: "Logs", llm: "LLM", raw: "Raw" };
  return tabs.filter((id) => id !== "llm" || !detail || detail.llm).map((id) => ({ id, label: labels[id], count: counts[id] || undefined }));
}

function useSettled(row: number): number {
  const [settled, setSettled] = useState(row);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(row), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [row]);
  return settled;
}

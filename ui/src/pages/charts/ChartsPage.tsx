// A metrics query as lines over time.

import { api } from "../../api/client.ts";
import { formatCount, formatDuration } from "../../engine/time.ts";
import { rangeStart, wordCodec } from "../../state/codecs.ts";
import { hint } from "../../state/keymap.ts";
import { useCommands } from "../../state/keys.ts";
import { useResource } from "../../state/resource.ts";
import { useServices } from "../../state/services.ts";
import { useValue } from "../../state/signals.ts";
import { changeQuery, place } from "../../state/url.ts";
import { Empty } from "../../ui/States.tsx";
import { SelectionPage, useAsked } from "../findings/SelectionPage.tsx";
import { SeriesChart } from "./SeriesChart.tsx";
import { SeriesTable } from "./SeriesTable.tsx";

const viewCodec = wordCodec(["chart", "table"]);

/** What people ask first. */
const presets: { label: string; query: string }[] = [
  { label: "Rate", query: "{ } | rate() by(resource.service.name)" },
  { label: "Errors", query: "{ status = error } | rate() by(resource.service.name)" },
  { label: "Error share", query: "({ status = error } | rate() by(resource.service.name)) / ({ } | rate() by(resource.service.name))" },
  { label: "p95", query: "{ } | quantile_over_time(duration, 0.95) by(resource.service.name)" },
  { label: "p50, p95, p99 of requests", query: "{ kind = server } | quantile_over_time(duration, 0.5, 0.95, 0.99)" },
  { label: "Tokens", query: "{ } | sum_over_time(span.gen_ai.usage.output_tokens) by(span.gen_ai.request.model)" },
];

const wording = { label: "Metrics query: TraceQL that ends in a metrics function", placeholder: presets[0]!.query, action: "Draw" };

export function ChartsPage() {
  const asked = useAsked(presets[0]!.query);
  const { text, range } = asked;
  const view = viewCodec.read(useValue(place).query["v"]);
  const series = useResource(JSON.stringify(asked), (signal) => api.series({ q: text, start: rangeStart(range, new Date()) }, signal), true);
  const services = useServices();
  const show = (next: "chart" | "table") => changeQuery({ v: viewCodec.write(next) }, "push");
  useCommands({ table: () => show(view === "table" ? "chart" : "table") });
  const tools = (
    <div className="bar">
      <div className="segmented" role="group" aria-label="Shown as">
        <button type="button" className="button" aria-pressed={view === "chart"} onClick={() => show("chart")}>Chart</button>
        <button type="button" className="button" aria-pressed={view === "table"} title={`As a table (${hint("everywhere", "table")})`} onClick={() => show("table")}>Table</button>
      </div>
      {presets.map((preset) => <button key={preset.label} type="button" className="button quiet" aria-pressed={preset.query === text} title={preset.query} onClick={() => changeQuery({ q: preset.query }, "push")}>{preset.label}</button>)}
    </div>
  );
  return (
    <SelectionPage title="Charts" asked={asked} answer={series} wording={wording} tools={tools} label="Series">
      {(list) => (
        <>
          {list.series.length === 0 ? <Empty title="Nothing to draw"><p>No span matches <code>{list.query}</code> in this time range.</p></Empty> : view === "chart" ? <SeriesChart list={list} services={services} /> : <SeriesTable list={list} />}
          <p className="list-end"><span className="muted">{formatCount(list.spans)} spans counted · steps of {formatDuration(list.step)} · answered in {formatDuration(list.cost.elapsed)}</span></p>
        </>
      )}
    </SelectionPage>
  );
}

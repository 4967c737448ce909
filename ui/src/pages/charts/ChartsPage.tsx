// A metrics query as lines over time.

import { api } from "../../api/client.ts";
import { ApiError } from "../../api/error.ts";
import { formatCount, formatDuration } from "../../engine/time.ts";
import { rangeCodec, rangeStart, wordCodec } from "../../state/codecs.ts";
import { hint } from "../../state/keymap.ts";
import { useCommands } from "../../state/keys.ts";
import { useResource } from "../../state/resource.ts";
import { useValue } from "../../state/signals.ts";
import { changeQuery, place } from "../../state/url.ts";
import { Banner, Empty, Loaded } from "../../ui/States.tsx";
import { useTitle } from "../../ui/title.ts";
import { SelectionBar } from "../findings/SelectionBar.tsx";
import { problemsOf } from "../traces/FilterBar.tsx";
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

export function ChartsPage() {
  useTitle("Charts");
  const { query } = useValue(place);
  const text = query["q"] || presets[0]!.query;
  const range = rangeCodec.read(query["t"]);
  const view = viewCodec.read(query["v"]);
  const series = useResource(JSON.stringify([text, range]), (signal) => api.series({ q: text, start: rangeStart(range, new Date()) }, signal), true);
  const services = useResource("services", api.services).data?.services ?? [];
  const isRefused = series.error instanceof ApiError && series.error.isMistake;
  const show = (next: "chart" | "table") => changeQuery({ v: viewCodec.write(next) }, "push");
  useCommands({ table: () => show(view === "table" ? "chart" : "table") });
  return (
    <div className="page">
      <h1 className="vh">Charts</h1>
      <SelectionBar
        text={text} range={range} loading={series.loading} label="Metrics query: TraceQL that ends in a metrics function" placeholder="{ } | rate() by(resource.service.name)" action="Draw" problems={isRefused ? problemsOf((series.error as ApiError).problem) : []}
        onText={(next) => (next === text ? series.reload() : changeQuery({ q: next }, "push"))} onRange={(next) => changeQuery({ t: rangeCodec.write(next) }, "push")}
      />
      <div className="bar">
        <div className="segmented" role="group" aria-label="Shown as">
          <button type="button" className="button" aria-pressed={view === "chart"} onClick={() => show("chart")}>Chart</button>
          <button type="button" className="button" aria-pressed={view === "table"} title={`As a table (${hint("everywhere", "table")})`} onClick={() => show("table")}>Table</button>
        </div>
        {presets.map((preset) => <button key={preset.label} type="button" className="button quiet" aria-pressed={preset.query === text} title={preset.query} onClick={() => changeQuery({ q: preset.query }, "push")}>{preset.label}</button>)}
      </div>
      {isRefused ? <Empty title="The query could not be read"><p>What is wrong with it stands above, under its place.</p></Empty> : (
        <Loaded resource={series}>
          {(list) => (
            // Scrolling by keys needs the focus.
            // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
            <div className="page-scroll" tabIndex={0} role="region" aria-label="Series">
              {!list.completeness.complete && <Banner kind="warn"><span>Not everything was counted: {list.completeness.reasons.join("; ")}</span></Banner>}
              {list.series.length === 0 ? <Empty title="Nothing to draw"><p>No span matches <code>{list.query}</code> in this time range.</p></Empty> : view === "chart" ? <SeriesChart list={list} services={services} /> : <SeriesTable list={list} />}
              <p className="list-end"><span className="muted">{formatCount(list.spans)} spans counted · steps of {formatDuration(list.step)} · answered in {formatDuration(list.cost.elapsed)}</span></p>
            </div>
          )}
        </Loaded>
      )}
    </div>
  );
}

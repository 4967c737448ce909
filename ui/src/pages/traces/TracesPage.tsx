// The list of traces: filtered by the server, live on top.

import { useEffect, useMemo, useRef, useState } from "react";
import { api } from "../../api/client.ts";
import { ApiError, toError } from "../../api/error.ts";
import { listenForTraces } from "../../api/live.ts";
import type { LiveTraces, ServiceStyle, TraceList, TraceRow, TraceSort } from "../../api/types.ts";
import { frameOf, isInside, type PlotArea, type PlotPoint } from "../../engine/plot.ts";
import { formatCount, formatDuration } from "../../engine/time.ts";
import { areaCodec, rangeCodec, rangeStart, switchCodec, wordCodec } from "../../state/codecs.ts";
import { onLive } from "../../state/live.ts";
import { plotShown } from "../../state/preferences.ts";
import { useResource } from "../../state/resource.ts";
import { useValue } from "../../state/signals.ts";
import { compareLink } from "../../state/routes.ts";
import { changeQuery, go, place } from "../../state/url.ts";
import { useTitle } from "../../ui/title.ts";
import { Empty, FailureBanner, Incomplete, Placeholder } from "../../ui/States.tsx";
import { arrive, show, type Listed } from "./arrivals.ts";
import { Differences } from "./Differences.tsx";
import { FilterBar, problemsOf } from "./FilterBar.tsx";
import { TracePlot } from "./TracePlot.tsx";
import { TraceTable } from "./TraceTable.tsx";
import { Welcome } from "./Welcome.tsx";

const PAGE_ROWS = 100;
/** Traces on the plot. */
const PLOT_ROWS = 1000;
/** Fewer are read in the list. */
const PLOT_ROWS_MIN = 3;
type Asked = Parameters<typeof api.traces>[0];
const originCodec = wordCodec(["all", "real", "eval"]);
const sortCodec = wordCodec(["-start", "start", "-duration", "duration", "-errors", "-spans"] as const satisfies TraceSort[]);
const liveCodec = switchCodec(true);

export function TracesPage() {
  useTitle("Traces");
  const { query } = useValue(place);
  const q = query["q"] ?? "";
  const range = rangeCodec.read(query["t"]);
  const sort = sortCodec.read(query["sort"]);
  const live = liveCodec.read(query["live"]);
  const origin = originCodec.read(query["from"]);
  const list = useResource(JSON.stringify([q, range, sort, origin]), async (signal) => {
    // The pages of a list must all look at the same window, so it is fixed when the first is asked for.
    const asked: Asked = { q, start: rangeStart(range, new Date()), sort, limit: PAGE_ROWS, origin: originCodec.write(origin) };
    return { asked, list: await api.traces(asked, signal) };
  }, true);
  const isRefused = list.error instanceof ApiError && list.error.isMistake;

  return (
    <div className="page">
      <h1 className="vh">Traces</h1>
      <FilterBar
        query={q} range={range} live={live} origin={origin} understood={list.data?.list.query ?? ""}
        problems={isRefused ? problemsOf((list.error as ApiError).problem) : (list.data?.list.remarks ?? [])}
        onQuery={(text) => (text === q ? list.reload() : changeQuery({ q: text }, "push"))}
        onRange={(next) => changeQuery({ t: rangeCodec.write(next) }, "push")}
        onOrigin={(next) => changeQuery({ from: originCodec.write(next) }, "push")}
        onLive={(next) => changeQuery({ live: liveCodec.write(next) }, "replace")}
      />
      {!isRefused && <FailureBanner resource={list} />}
      {list.data ? <Listing key={list.version} asked={list.data.asked} first={list.data.list} q={q} range={range} sort={sort} origin={origin} live={live} isStale={list.error !== undefined} reload={list.reload} /> : list.loading ? <Placeholder label="Loading traces" /> : isRefused ? <Empty title="The query could not be read"><p>What is wrong with it stands above, under its place.</p></Empty> : null}
    </div>
  );
}

/** The services known, and those of `more` that were not. */
function withMore(known: readonly ServiceStyle[], more: readonly ServiceStyle[]): readonly ServiceStyle[] {
  return [...known, ...more.filter(({ name }) => !known.some((service) => service.name === name))];
}

interface ListingProps {
  asked: Asked;
  first: TraceList;
  origin: string;
  q: string;
  range: ReturnType<typeof rangeCodec.read>;
  sort: TraceSort;
  live: boolean;
  isStale: boolean;
  reload: () => void;
}

function Listing({ asked, first, origin, q, range, sort, live, isStale, reload }: ListingProps) {
  const [listed, setListed] = useState<Listed>({ rows: first.traces, waiting: [] });
  const [services, setServices] = useState<readonly ServiceStyle[]>(first.services);
  const [cursor, setCursor] = useState(first.nextCursor);
  const [unseen, setUnseen] = useState(0);
  const [failure, setFailure] = useState("");
  /** Events were missed while somebody read: only loading again tells what is new. */
  const [isOld, setIsOld] = useState(false);
  const [marked, setMarked] = useState<string | undefined>(undefined);
  const idle = useRef(true);
  // The server filters: by a query as traces arrive too, by origin only when it is asked.
  const joins = sort === "-start" && origin === "all";

  useEffect(() => {
    if (!live) return undefined;
    const take = (arrived: LiveTraces) => {
      setServices((before) => withMore(before, arrived.services));
      if (!joins) return setUnseen((count) => count + arrived.traces.length + arrived.leftOut);
      setListed((before) => {
        const after = arrive(before, arrived.traces);
        return idle.current ? show(after) : after;
      });
      return undefined;
    };
    return q === "" ? onLive("traces", take) : listenForTraces(q, take, () => setIsOld(true));
  }, [live, joins, q]);

  useEffect(() => onLive("gap", () => (idle.current ? reload() : setIsOld(true))), [reload]);

  const more = async () => {
    try {
      setFailure("");
      const next = await api.traces({ ...asked, cursor: cursor ?? "" });
      setServices((before) => withMore(before, next.services));
      setListed((before) => ({ ...before, rows: [...before.rows, ...next.traces.filter((row) => !before.rows.some((known) => known.traceId === row.traceId))] }));
      setCursor(next.nextCursor);
    } catch (error) {
      setFailure(toError(error).message);
    }
  };

  const mark = (traceId: string) => {
    if (marked === undefined || marked === traceId) setMarked(marked === traceId ? undefined : traceId);
    else go(compareLink(`trace:${marked}`, `trace:${traceId}`));
  };
  const area = areaCodec.read(useValue(place).query["sel"]);
  const hasPlot = useValue(plotShown);
  const plotted = usePlotted(asked, listed.rows, hasPlot);
  const points = useMemo(() => plotted.map(pointOf), [plotted]);
  const selected = area && hasPlot ? plotted.filter((row) => isInside(pointOf(row), area)) : undefined;
  const select = (next: PlotArea | undefined) => changeQuery({ sel: areaCodec.write(next) }, "push");
  const isFresh = q === "" && range === "all" && origin === "all" && listed.rows.length === 0 && listed.waiting.length === 0;
  if (isFresh && !isStale) return <Welcome />;
  const waiting = joins ? listed.waiting.length : unseen;
  const showNew = () => (joins && !isOld ? setListed(show) : reload());
  return (
    <div className={`page relative${isStale ? " dimmed" : ""}`}>
      <Incomplete of={first.completeness} />
      <div className="pill-place" role="status">{(waiting > 0 || isOld) && <button type="button" className="button primary pill" onClick={showNew}>{isOld ? "Load again" : `${formatCount(waiting)} new`}</button>}</div>
      {hasPlot && plotted.length >= PLOT_ROWS_MIN && <TracePlot points={points} area={area} onArea={select} />}
      {selected && area && <Differences query={first.query} area={area} window={frameOf(points)} count={selected.length} onFilter={(next) => changeQuery({ q: next, sel: undefined }, "push")} onClear={() => select(undefined)} />}
      {listed.rows.length === 0 ? (
        <Empty title="No trace matches">
          <p>{q ? <>Nothing matches <code>{first.query || q}</code>{range === "all" ? "" : " in this time range"}.</> : "Nothing was received in this time range."}</p>
          {q && <button type="button" className="button" onClick={() => changeQuery({ q: "" }, "push")}>Remove the filter</button>}{" "}
          {origin !== "all" && <button type="button" className="button" onClick={() => changeQuery({ from: "" }, "push")}>Look at all traffic</button>}{" "}
          {range !== "all" && <button type="button" className="button" onClick={() => changeQuery({ t: "" }, "push")}>Look at all time</button>}
        </Empty>
      ) : (
        <TraceTable rows={selected ?? listed.rows} services={services} sort={sort} onSort={(next) => changeQuery({ sort: sortCodec.write(next) }, "push")} onNewRows={showNew} marked={marked} onMark={mark} onIdle={(now) => (idle.current = now)}>
          <div className="list-end">
            {selected ? <span className="muted">the selection alone</span> : cursor ? <button type="button" className="button" onClick={more}>Older traces</button> : <span className="muted">No more traces</span>}
            {failure && <span className="error-text">{failure}</span>}
            <span className="muted">{formatCount((selected ?? listed.rows).length)} shown · answered in {formatDuration(first.cost.elapsed)} · {formatCount(first.cost.rowsScanned)} rows looked at</span>
          </div>
        </TraceTable>
      )}
    </div>
  );
}

function pointOf({ traceId, start, duration, errorCount }: TraceRow): PlotPoint {
  return { id: traceId, ms: Number(BigInt(start) / 1_000_000n), duration, failed: errorCount > 0 };
}

/** What is on the plot: more than the list has at first, and what has arrived since. */
function usePlotted(asked: Asked, rows: readonly TraceRow[], wanted: boolean): readonly TraceRow[] {
  const more = useResource(wanted ? JSON.stringify(asked) : "", (signal) => (wanted ? api.traces({ ...asked, limit: PLOT_ROWS }, signal) : Promise.resolve(undefined)), true).data;
  return useMemo(() => {
    if (!wanted) return [];
    const known = new Set(rows.map(({ traceId }) => traceId));
    return [...rows, ...(more?.traces ?? []).filter(({ traceId }) => !known.has(traceId))];
  }, [more, rows, wanted]);
}

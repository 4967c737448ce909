// Who calls whom, how often, how well: as a picture and as a table.

import { useState } from "react";
import { api } from "../../api/client.ts";
import type { ServiceMap } from "../../api/types.ts";
import { formatCount, formatDuration } from "../../engine/time.ts";
import { rangeCodec, wordCodec } from "../../state/codecs.ts";
import { hint } from "../../state/keymap.ts";
import { useCommands } from "../../state/keys.ts";
import { useResource } from "../../state/resource.ts";
import { useValue } from "../../state/signals.ts";
import { changeQuery, place } from "../../state/url.ts";
import { Copy } from "../../ui/Copy.tsx";
import { Link } from "../../ui/Link.tsx";
import { RangeSelect } from "../../ui/RangeSelect.tsx";
import { Empty, Incomplete, Loaded } from "../../ui/States.tsx";
import { useTitle } from "../../ui/title.ts";
import { MapGraph } from "./MapGraph.tsx";
import { MapPanel } from "./MapPanel.tsx";
import { asMermaid } from "./mermaid.ts";
import { MapTable } from "./MapTable.tsx";

/** More nodes than this are a table first: a picture of them tells nobody anything. */
const GRAPH_NODES_MAX = 200;
const viewCodec = wordCodec(["auto", "graph", "table"]);

/** What is picked: a node, or an edge as `from -> to`. */
export type Picked = { kind: "node"; name: string } | { kind: "edge"; from: string; to: string } | undefined;

export function MapPage() {
  useTitle("Service map");
  const { query } = useValue(place);
  const range = rangeCodec.read(query["t"]);
  const root = query["root"] ?? "";
  const [service, operation] = root ? splitRoot(root) : [];
  const map = useResource(JSON.stringify([range, root]), (signal) => api.map({ since: range, service, operation }, signal), true);
  const chosen = viewCodec.read(query["v"]);
  const view = chosen === "auto" ? ((map.data?.nodes.length ?? 0) > GRAPH_NODES_MAX ? "table" : "graph") : chosen;
  const show = (next: "graph" | "table") => changeQuery({ v: next }, "push");
  useCommands({ table: () => show(view === "table" ? "graph" : "table") });
  return (
    <div className="page">
      <h1 className="vh">Service map</h1>
      <div className="bar">
        <div className="segmented" role="group" aria-label="Shown as">
          <button type="button" className="button" aria-pressed={view === "graph"} onClick={() => show("graph")}>Map</button>
          <button type="button" className="button" aria-pressed={view === "table"} title={`As a table (${hint("everywhere", "table")})`} onClick={() => show("table")}>Table</button>
        </div>
        <RangeSelect range={range} onRange={(next) => changeQuery({ t: rangeCodec.write(next) }, "push")} />
        {map.data && (map.data.roots.length > 1 || root) && (
          <select className="input root-choice" aria-label="Traces that begin with" value={root} onChange={(event) => changeQuery({ root: event.currentTarget.value }, "push")}>
            <option value="">All traces</option>
            {map.data.roots.map(({ service: of, name, count }) => <option key={joinRoot(of, name)} value={joinRoot(of, name)}>{of} {name} ({formatCount(count)})</option>)}
          </select>
        )}
        <button type="button" className="button" disabled={map.loading} onClick={map.reload}>Refresh</button>
        {map.data && map.data.nodes.length > 0 && <Copy text={asMermaid(map.data)} label="Copy the map as Mermaid text" />}
        {map.data && <span className="muted map-cost">{formatCount(map.data.traceCount)} traces looked at · {formatDuration(map.data.cost.elapsed)}</span>}
      </div>
      <Loaded resource={map}>{(data) => <MapBody map={data} view={view} />}</Loaded>
    </div>
  );
}

/** A root operation in the address bar: service and name, joined by what no service is called. */
function joinRoot(service: string, name: string): string {
  return `${service}\u2192${name}`;
}

function splitRoot(root: string): [string, string] {
  const at = root.indexOf("\u2192");
  return at < 0 ? [root, ""] : [root.slice(0, at), root.slice(at + 1)];
}

function MapBody({ map, view }: { map: ServiceMap; view: "graph" | "table" }) {
  const [picked, setPicked] = useState<Picked>(undefined);
  if (map.nodes.length === 0) return <Empty title="No calls in this time range"><p>The map is drawn from stored traces.</p><Link to="traces" className="button">To the traces</Link></Empty>;
  return (
    <>
      <Incomplete of={map.completeness} />
      <div className="map-panes">
        {view === "graph" ? <MapGraph map={map} picked={picked} onPick={setPicked} /> : <div className="page-scroll"><MapTable map={map} /></div>}
        {view === "graph" && picked && <MapPanel map={map} picked={picked} onPick={setPicked} />}
      </div>
    </>
  );
}

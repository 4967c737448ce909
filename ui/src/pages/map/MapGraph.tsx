// The map as a picture: boxes are buttons that arrows move between, lines are drawn beneath.

import { useEffect, useMemo, useRef, useState } from "react";
import type { MapEdge, MapNode, ServiceMap, ServiceStyle } from "../../api/types.ts";
import { formatCount } from "../../engine/time.ts";
import { keyHandler } from "../../state/keys.ts";
import { tracesLink } from "../../state/routes.ts";
import { go } from "../../state/url.ts";
import { Icon, type IconName } from "../../ui/Icon.tsx";
import { lookOf, Monogram, slotClass } from "../../ui/Service.tsx";
import { Placeholder } from "../../ui/States.tsx";
import type { GraphAnswer, Point } from "../../worker/layout.ts";
import { placeGraph } from "../../worker/start.ts";
import { ERROR_SHARE_MARKED, errorShare, latencyText, nodeSelector, percent, spokenNode } from "./figures.ts";
import type { Picked } from "./MapPage.tsx";
import { useSize } from "../../ui/use-size.ts";

/** Smaller than this nothing can be read: then the map scrolls. */
const FIT_LEAST = 0.55;
const SCALE_LEAST = 0.3;
const SCALE_MOST = 2;
const SCALE_STEP = 1.25;
const NODE = { width: 172, height: 58 };
const LABEL = { width: 96, height: 36 };
const icons: Record<MapNode["kind"], IconName> = { service: "service", database: "database", queue: "queue", llm: "llm", cache: "cache", external: "external" };

/** Layouts by topology: new figures on the same services must not move them. */
const layouts = new Map<string, GraphAnswer>();
const LAYOUTS_MAX = 20;

export function MapGraph({ map, picked, onPick }: { map: ServiceMap; picked: Picked; onPick: (picked: Picked) => void }) {
  const drawn = useLayout(map);
  const holder = useRef<HTMLDivElement>(null);
  const room = useSize(holder);
  /** Undefined is as large as fits. */
  const [chosenScale, setChosenScale] = useState<number | undefined>(undefined);
  const byName = useMemo(() => new Map(map.nodes.map((node) => [node.name, node])), [map]);
  if (!drawn || drawn instanceof Error) {
    return <div className="map-main" ref={holder}>{drawn ? <p className="pad error-text">The map could not be laid out: {drawn.message}. The table shows the same.</p> : <Placeholder label="Laying out the map" />}</div>;
  }
  const fit = Math.max(FIT_LEAST, Math.min(1, (room.width - 8) / drawn.width, (room.height - 8) / drawn.height));
  const scale = chosenScale ?? fit;
  const zoom = (factor: number) => setChosenScale(Math.min(SCALE_MOST, Math.max(SCALE_LEAST, scale * factor)));
  const current = picked?.kind === "node" && byName.has(picked.name) ? picked.name : map.nodes[0]!.name;
  const pick = (name: string | undefined) => {
    if (name === undefined) return;
    onPick({ kind: "node", name });
    holder.current?.querySelector<HTMLElement>(`[data-node="${CSS.escape(name)}"]`)?.focus();
  };
  const step = (by: number) => {
    const order = map.nodes.map((node, at) => ({ name: node.name, ...drawn.nodes[at]! })).toSorted((a, b) => a.x - b.x || a.y - b.y);
    pick(order[order.findIndex(({ name }) => name === current) + by]?.name);
  };
  const onKeyDown = keyHandler("map", {
    right: () => pick(map.edges.find((edge) => edge.from === current && edge.to !== current)?.to),
    left: () => pick(map.edges.find((edge) => edge.to === current && edge.from !== current)?.from),
    down: () => step(1), up: () => step(-1),
  });
  return (
    <div className="map-main" ref={holder}>
      <div className="map-zoom">
        <button type="button" className="button icon" aria-label="Zoom out" onClick={() => zoom(1 / SCALE_STEP)}>−</button>
        <button type="button" className="button icon" aria-label="Zoom in" onClick={() => zoom(SCALE_STEP)}>+</button>
        <button type="button" className="button" disabled={chosenScale === undefined} onClick={() => setChosenScale(undefined)}>Fit</button>
      </div>
      <div className="map-sized" style={{ width: drawn.width * scale, height: drawn.height * scale }}>
        {/* Arrows move between the buttons inside. */}
        {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
        <div className="map-canvas" style={{ width: drawn.width, height: drawn.height, transform: `scale(${scale})` }} role="group" aria-label={`Map of ${map.nodes.length} services and ${map.edges.length} connections`} onKeyDown={onKeyDown}>
          <svg width={drawn.width} height={drawn.height} className="map-edges" aria-hidden="true">
            {drawnEdges(map, drawn).map(({ edge, drawn: line }) => (
              <Edge
                key={`${edge.from} ${edge.to} ${edge.asynchronous}`} edge={edge} drawn={line} isPicked={picked?.kind === "edge" && picked.from === edge.from && picked.to === edge.to}
                isNear={picked?.kind === "node" && (picked.name === edge.from || picked.name === edge.to)} onPick={() => onPick({ kind: "edge", from: edge.from, to: edge.to })}
              />
            ))}
          </svg>
          {map.nodes.map((node, at) => (
            <NodeBox key={node.name} node={node} look={lookOf(map.services, node.name)} centre={drawn.nodes[at]!} isPicked={picked?.kind === "node" && picked.name === node.name} isTabStop={node.name === current} onPick={() => onPick({ kind: "node", name: node.name })} />
          ))}
        </div>
      </div>
    </div>
  );
}

function NodeBox({ node, look, centre, isPicked, isTabStop, onPick }: { node: MapNode; look: ServiceStyle; centre: Point; isPicked: boolean; isTabStop: boolean; onPick: () => void }) {
  const failing = errorShare(node) >= ERROR_SHARE_MARKED;
  return (
    <button
      type="button" data-node={node.name} className={`map-node ${slotClass(look.slot)}${node.inferred ? " inferred" : ""}${failing ? " failing" : ""}`} title={spokenNode(node)} aria-pressed={isPicked}
      tabIndex={isTabStop ? 0 : -1} style={{ left: centre.x - NODE.width / 2, top: centre.y - NODE.height / 2, width: NODE.width, height: NODE.height }} onClick={onPick} onDblClick={() => go(tracesLink(nodeSelector(node)))}
    >
      <span className="map-node-name"><Monogram look={look} /><span className="clip">{node.name}</span><Icon name={icons[node.kind]} /></span>
      <span className="map-node-figures">
        <span className="vh">{node.kind}</span><span>{formatCount(node.calls)} calls</span>
        <span className={failing ? "error-text" : ""}>{failing && <Icon name="error" />}{percent(errorShare(node))}<span className="vh"> failed, 95 % within</span></span>
        <span>{latencyText(node.latency.p95)}</span>
      </span>
    </button>
  );
}

function Edge({ edge, drawn, isPicked, isNear, onPick }: { edge: MapEdge; drawn: GraphAnswer["edges"][number]; isPicked: boolean; isNear: boolean; onPick: () => void }) {
  const failing = errorShare(edge) >= ERROR_SHARE_MARKED;
  const look = isPicked ? "picked" : failing ? "error" : "plain";
  const d = path(drawn.points);
  return (
    // The picture is hidden from assistive technology; the same picks are in the panel and the table.
    <g className={`map-edge ${look}${isNear ? " near" : ""}`} onClick={onPick}>
      <path className="map-edge-hit" d={d} />
      <path className={`map-edge-line${edge.asynchronous ? " async" : ""}`} d={d} strokeWidth={Math.min(6, 1.2 + Math.log10(Math.max(edge.calls, 1)))} />
      <path className="map-edge-head" d={arrowHead(drawn.points)} />
      <text x={drawn.label.x} y={drawn.label.y - 6}>{formatCount(edge.calls)} · {latencyText(edge.latency.p95)}</text>
      {edge.errors > 0 && <text className="map-edge-errors" x={drawn.label.x} y={drawn.label.y + 15}>● {percent(errorShare(edge))} failed</text>}
    </g>
  );
}

/** A triangle at the end. Not an SVG marker: those are named by URL, which `<base>` would lead elsewhere. */
function arrowHead(points: readonly Point[]): string {
  const [end, before] = [points.at(-1)!, points.at(-2) ?? points[0]!];
  const angle = end.x >= before.x ? 0 : Math.PI;
  const corner = (turn: number) => `${end.x - 9 * Math.cos(angle + turn)} ${end.y - 9 * Math.sin(angle + turn)}`;
  return `M${end.x} ${end.y}L${corner(0.4)}L${corner(-0.4)}z`;
}

/** From the middle of the caller's right side through the bends, level under the label, to the middle of the callee's
 * left side. */
function anchored(bends: readonly Point[], label: Point, from: Point, to: Point): Point[] {
  const sign = to.x >= from.x ? 1 : -1;
  const level = (point: Point) => (Math.abs(point.x - label.x) < 1 ? [-1, 1].map((end) => ({ x: point.x + (end * sign * LABEL.width) / 2, y: point.y })) : [point]);
  return [{ x: from.x + (sign * NODE.width) / 2, y: from.y }, ...bends.slice(1, -1).flatMap(level), { x: to.x - (sign * NODE.width) / 2, y: to.y }];
}

/** A line through the points that runs level at each of them. */
function path(points: readonly Point[]): string {
  let text = `M${points[0]!.x} ${points[0]!.y}`;
  for (let at = 1; at < points.length; at++) {
    const [before, next] = [points[at - 1]!, points[at]!];
    const middle = (before.x + next.x) / 2;
    text += `C${middle} ${before.y} ${middle} ${next.y} ${next.x} ${next.y}`;
  }
  return text;
}

/** Edges between nodes of the map, in the order in which a layout has their lines. */
function edgesOf(map: ServiceMap): MapEdge[] {
  const known = new Set(map.nodes.map(({ name }) => name));
  return map.edges.filter(({ from, to }) => known.has(from) && known.has(to));
}

function drawnEdges(map: ServiceMap, drawn: GraphAnswer): { edge: MapEdge; drawn: GraphAnswer["edges"][number] }[] {
  const centres = new Map(map.nodes.map(({ name }, at) => [name, drawn.nodes[at]!]));
  return edgesOf(map).map((edge, at) => {
    const { points, label } = drawn.edges[at]!;
    const [from, to] = [centres.get(edge.from)!, centres.get(edge.to)!];
    return { edge, drawn: { points: edge.from === edge.to ? points : anchored(points, label, from, to), label } };
  });
}

function useLayout(map: ServiceMap): GraphAnswer | Error | undefined {
  const key = JSON.stringify([map.nodes.map(({ name }) => name), map.edges.map(({ from, to }) => [from, to])]);
  const [, changed] = useState(0);
  /** Of which graph, so that the failure of one is not shown for the next. */
  const [failure, setFailure] = useState<{ key: string; error: Error } | undefined>(undefined);
  useEffect(() => {
    if (layouts.has(key)) return undefined;
    let wanted = true;
    setFailure(undefined);
    placeGraph({ nodes: map.nodes.map(({ name }) => ({ name, ...NODE })), edges: edgesOf(map).map(({ from, to }) => ({ from, to })), label: LABEL }).then(
      (answer) => {
        if (layouts.size >= LAYOUTS_MAX) layouts.delete(layouts.keys().next().value!);
        layouts.set(key, answer);
        if (wanted) changed((turn) => turn + 1);
      },
      (error: Error) => wanted && setFailure({ key, error }),
    );
    return () => { wanted = false; };
    // The key says all that a layout depends on.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [key]);
  return layouts.get(key) ?? (failure?.key === key ? failure.error : undefined);
}

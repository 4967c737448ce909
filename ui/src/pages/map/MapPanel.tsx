// What is picked on the map: its figures, its neighbours, and the traces behind it.

import type { MapEdge, MapNode, ServiceMap } from "../../api/types.ts";
import { formatCount } from "../../engine/time.ts";
import { findingsLink, traceLink, tracesLink } from "../../state/routes.ts";
import { Icon } from "../../ui/Icon.tsx";
import { Link } from "../../ui/Link.tsx";
import { lookOf, Monogram, ServiceName } from "../../ui/Service.tsx";
import { edgeSelector, errorShare, latencyText, nodeSelector, percent, spokenEdge } from "./figures.ts";
import type { Picked } from "./MapPage.tsx";

export function MapPanel({ map, picked, onPick }: { map: ServiceMap; picked: NonNullable<Picked>; onPick: (picked: Picked) => void }) {
  const node = picked.kind === "node" ? map.nodes.find(({ name }) => name === picked.name) : undefined;
  const edge = picked.kind === "edge" ? map.edges.find(({ from, to }) => from === picked.from && to === picked.to) : undefined;
  return (
    <aside className="map-panel" aria-label="What is picked on the map">
      <div className="span-head">
        {node && <><Monogram look={lookOf(map.services, node.name)} /><h2 className="clip">{node.name}</h2></>}
        {edge && <h2 className="clip">{edge.from} → {edge.to}</h2>}
        <button type="button" className="button quiet icon" aria-label="Close" onClick={() => onPick(undefined)}><Icon name="close" /></button>
      </div>
      <div className="tab-panel pad">
        {node && <NodeFacts map={map} node={node} onPick={onPick} />}
        {edge && <EdgeFacts map={map} edge={edge} />}
      </div>
    </aside>
  );
}

function Figures({ of }: { of: MapNode | MapEdge }) {
  return (
    <dl className="times">
      <dt>Calls</dt><dd>{formatCount(of.calls)}</dd>
      {of.callsEstimated !== of.calls && <><dt title="By what the spans say of their sampling (tracestate, SampleRate)">Before sampling</dt><dd>≈ {formatCount(Math.round(of.callsEstimated))}, of them failed {formatCount(Math.round(of.errorsEstimated))}</dd></>}
      <dt>Failed</dt><dd className={of.errors > 0 ? "error-text" : ""}>{of.errors > 0 && <Icon name="error" />} {formatCount(of.errors)} ({percent(errorShare(of))})</dd>
      <dt>p50 / p95 / p99</dt><dd>{latencyText(of.latency.p50)} / {latencyText(of.latency.p95)} / {latencyText(of.latency.p99)}</dd>
      <dt>Longest</dt><dd>{latencyText(of.latency.max)}</dd>
    </dl>
  );
}

function NodeFacts({ map, node, onPick }: { map: ServiceMap; node: MapNode; onPick: (picked: Picked) => void }) {
  const groups = [{ title: "Called by", edges: map.edges.filter(({ to }) => to === node.name), side: "from" as const }, { title: "Calls", edges: map.edges.filter(({ from }) => from === node.name), side: "to" as const }];
  return (
    <>
      <p className="muted">{node.kind}{node.inferred && ", known from its callers only"}</p>
      <Figures of={node} />
      {!node.inferred && <p className="actions"><Link to={tracesLink(nodeSelector(node))} className="button">Traces through it</Link><Link to={findingsLink(nodeSelector(node))} className="button">Findings</Link></p>}
      {groups.map(({ title, edges, side }) => edges.length > 0 && (
        <section key={title}>
          <h3>{title}</h3>
          <ul>
            {edges.map((edge) => (
              <li key={edge[side]}><button type="button" className="button quiet tight neighbour" title={spokenEdge(edge)} onClick={() => onPick({ kind: "edge", from: edge.from, to: edge.to })}><ServiceName look={lookOf(map.services, edge[side])} /><span className="muted">{formatCount(edge.calls)}</span>{edge.errors > 0 && <span className="error-text"><Icon name="error" /> {percent(errorShare(edge))}</span>}<span className="muted">{latencyText(edge.latency.p95)}</span></button></li>
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

function EdgeFacts({ map, edge }: { map: ServiceMap; edge: MapEdge }) {
  const isInferred = map.nodes.find(({ name }) => name === edge.to)?.inferred;
  return (
    <>
      <p className="muted">{edge.asynchronous ? "sent without waiting" : "call and answer"}</p>
      <Figures of={edge} />
      <p className="actions">
        {!isInferred && <Link to={tracesLink(edgeSelector(edge))} className="button">Traces through this edge</Link>}
        {!isInferred && <Link to={findingsLink(edgeSelector(edge))} className="button">Findings</Link>}
        {edge.exampleTraceId && <Link to={traceLink(edge.exampleTraceId)} className="button">Slowest trace</Link>}
        {edge.errorTraceId && <Link to={traceLink(edge.errorTraceId)} className="button">A failed trace</Link>}
      </p>
    </>
  );
}

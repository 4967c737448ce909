// Figures of nodes and edges in words.

import type { MapEdge, MapNode } from "../../api/types.ts";
import { formatCount, formatDuration } from "../../engine/time.ts";

/** Above this share of failed calls a node or an edge is marked. */
export const ERROR_SHARE_MARKED = 0.01;

export function errorShare({ calls, errors }: { calls: number; errors: number }): number {
  return calls === 0 ? 0 : errors / calls;
}

export function percent(share: number): string {
  if (share === 0) return "0 %";
  return share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}

export function latencyText(nanos: number | null): string {
  return nanos === null ? "–" : formatDuration(nanos);
}

/** For those who hear the map. */
export function spokenNode(node: MapNode): string {
  return `${node.name}, ${node.kind}${node.inferred ? ", known from its callers only" : ""}, ${formatCount(node.calls)} calls, ${percent(errorShare(node))} failed, 95 % within ${latencyText(node.latency.p95)}`;
}

export function spokenEdge(edge: MapEdge): string {
  return `${edge.from} to ${edge.to}, ${formatCount(edge.calls)} calls, ${percent(errorShare(edge))} failed, 95 % within ${latencyText(edge.latency.p95)}`;
}

/** TraceQL for traces with such a call. */
export function edgeSelector(edge: MapEdge): string {
  return `{ resource.service.name = ${JSON.stringify(edge.from)} } >> { resource.service.name = ${JSON.stringify(edge.to)} }`;
}

export function nodeSelector(node: MapNode): string {
  return `{ resource.service.name = ${JSON.stringify(node.name)} }`;
}

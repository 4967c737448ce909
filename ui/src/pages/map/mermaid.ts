// The map as text that wikis and pull requests draw.

import type { MapNode, ServiceMap } from "../../api/types.ts";
import { formatCount } from "../../engine/time.ts";
import { errorShare, latencyText, percent } from "./figures.ts";

const shapes: Record<MapNode["kind"], [string, string]> = { service: ["[", "]"], database: ["[(", ")]"], queue: ["[[", "]]"], llm: ["{{", "}}"], cache: ["([", "])"], external: [">", "]"] };

/** Names may hold what Mermaid reads as its own: it takes entities in quotes. */
function quoted(text: string): string {
  return `"${text.replaceAll(/[^\w .:/·→%-]/gu, (letter) => `#${letter.codePointAt(0)};`)}"`;
}

export function asMermaid(map: ServiceMap): string {
  const ids = new Map(map.nodes.map(({ name }, at) => [name, `n${at}`]));
  const lines = map.nodes.map((node) => `  ${ids.get(node.name)}${shapes[node.kind][0]}${quoted(node.name)}${shapes[node.kind][1]}`);
  for (const edge of map.edges) {
    const [from, to] = [ids.get(edge.from), ids.get(edge.to)];
    if (!from || !to) continue;
    const failed = edge.errors > 0 ? ` · ${percent(errorShare(edge))} failed` : "";
    lines.push(`  ${from} ${edge.asynchronous ? "-.->" : "-->"}|${quoted(`${formatCount(edge.calls)} · p95 ${latencyText(edge.latency.p95)}${failed}`)}| ${to}`);
  }
  return ["graph LR", ...lines].join("\n");
}

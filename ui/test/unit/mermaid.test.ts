// The map as Mermaid: every node and edge once, and no name that breaks out of its quotes.

import { expect, test } from "vitest";
import type { ServiceMap } from "../../src/api/types.ts";
import { asMermaid } from "../../src/pages/map/mermaid.ts";

const latency = { p50: 1e6, p95: 2_500_000, p99: 3e6, max: 4e6 };
const node = (name: string, kind: ServiceMap["nodes"][number]["kind"]) => ({ name, kind, inferred: false, calls: 3, errors: 0, latency, selfTime: 0 });
const edge = (from: string, to: string, errors: number, asynchronous = false) => ({ from, to, asynchronous, calls: 1200, errors, latency, exampleTraceId: null, errorTraceId: null });

test("nodes by kind, edges with figures", () => {
  const map = { nodes: [node("gateway", "service"), node('a"]; click n0 "javascript:x"', "database")], edges: [edge("gateway", 'a"]; click n0 "javascript:x"', 12), edge("gateway", "gateway", 0, true), edge("gateway", "left out", 0)] } as unknown as ServiceMap;
  expect(asMermaid(map).replaceAll("\u202F", "_")).toBe([
    "graph LR", '  n0["gateway"]', '  n1[("a#34;#93;#59; click n0 #34;javascript:x#34;")]',
    '  n0 -->|"1#8239;200 · p95 2.5 ms · 1.0 % failed"| n1', '  n0 -.->|"1#8239;200 · p95 2.5 ms"| n0',
  ].join("\n"));
});

// The map while its layout is worked out: the worker is played here.

import { act, cleanup, render } from "@testing-library/preact";
import { afterEach, expect, test, vi } from "vitest";
import type { MapNode, ServiceMap } from "../../src/api/types.ts";
import { MapGraph } from "../../src/pages/map/MapGraph.tsx";
import type { GraphAnswer } from "../../src/worker/layout.ts";

interface Asked {
  resolve: (answer: GraphAnswer) => void;
  reject: (error: Error) => void;
}

const asked: Asked[] = [];
vi.mock("../../src/worker/start.ts", () => ({
  placeGraph: () => new Promise<GraphAnswer>((resolve, reject) => asked.push({ resolve, reject })),
}));
afterEach(cleanup);

function mapOf(...names: string[]): ServiceMap {
  const latency = { p50: null, p95: null, p99: null, max: null };
  const nodes = names.map((name): MapNode => ({ name, kind: "service", inferred: false, calls: 1, errors: 0, callsEstimated: 1, errorsEstimated: 0, latency, selfTime: 0 }));
  return { start: "0", end: "1", nodes, edges: [], services: [], roots: [], traceCount: 1, sampledTraceCount: 0, completeness: { complete: true, reasons: [] }, cost: { elapsed: 0, rowsScanned: 0, bytesRead: 0 } };
}

test("a layout that failed is told of until another is wanted", async () => {
  const show = (map: ServiceMap) => <MapGraph map={map} picked={undefined} onPick={() => undefined} />;
  const { rerender, queryByText, queryByRole } = render(show(mapOf("a")));
  await act(async () => asked[0]!.reject(new Error("out of memory")));
  expect(queryByText(/could not be laid out: out of memory/)).not.toBeNull();

  await act(async () => rerender(show(mapOf("a", "b"))));
  expect(queryByText(/could not be laid out/)).toBeNull();
  expect(queryByRole("status", { name: "Laying out the map" })).not.toBeNull();
  await act(async () => asked[1]!.resolve({ id: 2, width: 100, height: 100, nodes: [{ x: 10, y: 10 }, { x: 60, y: 60 }], edges: [] }));
  expect(queryByRole("group", { name: "Map of 2 services and 0 connections" })).not.toBeNull();

  await act(async () => rerender(show(mapOf("a"))));
  expect(queryByText(/could not be laid out/)).toBeNull();
});

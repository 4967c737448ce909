import { expect, test } from "vitest";
import { laneUse } from "../../src/engine/lanes.ts";
import { criticalShares, indexSegments } from "../../src/engine/shares.ts";
import { ragTrace } from "../fixtures/rag.ts";
import { brokenTrace, largeTrace } from "../fixtures/shapes.ts";
import { outlineOf } from "../fixtures/spans.ts";

test("one lane per service; above eight the rest share the last", () => {
  expect(laneUse(outlineOf(ragTrace(1, "happy", 0n)), 200).lanes.map(({ label }) => label)).toEqual(["gateway", "auth", "orchestrator", "cache", "search", "vector-db", "rag", "llm"]);
  const many = laneUse(outlineOf(largeTrace(2000)), 200).lanes;
  expect(many.length).toBe(8);
  expect(many.at(-1)!.label).toBe("5 others");
});

test("a lane is busy exactly where its spans are", () => {
  const outline = outlineOf(brokenTrace(0n));
  const use = laneUse(outline, 44); // 10 ms a bucket
  const cache = use.lanes.findIndex(({ label }) => label === "cache");
  const busy = Array.from(use.busy.slice(cache * 44, (cache + 1) * 44), (share) => (share > 0 ? 1 : 0));
  expect(busy.indexOf(1)).toBe(28);
  expect(busy.slice(28).every((bit) => bit === 1)).toBe(true);
  expect([...use.errors].reduce((sum, count) => sum + count, 0)).toBe(1);
});

test("shares add up to the critical path, and every segment is indexed once", () => {
  const outline = outlineOf(ragTrace(1, "time-out", 0n));
  const total = [...outline.critical.t0].reduce((sum, from, at) => sum + outline.critical.t1[at]! - from, 0);
  expect(criticalShares(outline).reduce((sum, { nanos }) => sum + nanos, 0)).toBeCloseTo(total);
  const { offsets, order } = indexSegments(outline);
  expect([...order].toSorted((a, b) => a - b)).toEqual([...outline.critical.row.keys()]);
  for (let row = 0; row < outline.n; row++) for (let at = offsets[row]!; at < offsets[row + 1]!; at++) expect(outline.critical.row[order[at]!]).toBe(row);
});

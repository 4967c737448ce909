// Siblings alike fold into one row, and everything in them can be reached again; the flame has a place for every span.

import { expect, test } from "vitest";
import { packFlame } from "../../src/engine/flame.ts";
import { findGroups } from "../../src/engine/groups.ts";
import { Flag, type Outline } from "../../src/engine/outline.ts";
import { operationFigures } from "../../src/engine/statistics.ts";
import { TraceView } from "../../src/state/trace-view.ts";
import { deepTrace, largeTrace, wideTrace } from "../fixtures/shapes.ts";
import { outlineOf } from "../fixtures/spans.ts";

const outline = outlineOf(largeTrace(3000, 3));

function plainGroups(of: Outline): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (let row = 0; row < of.n; row++) {
    if (of.parent[row]! < 0) continue;
    const key = `${of.parent[row]} ${of.svc[row]} ${of.name[row]}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return groups;
}

test("groups are the siblings of one service and operation, three or more", () => {
  const { byLeader, leader } = findGroups(outline);
  const plain = [...plainGroups(outline).values()].filter((rows) => rows.length >= 3);
  expect(byLeader.size).toBe(plain.length);
  for (const rows of plain) {
    expect([...byLeader.get(rows[0]!)!.rows]).toEqual(rows);
    for (const row of rows) expect(leader[row]).toBe(rows[0]);
  }
});

test("a wide trace is two rows at first; every row is reached by selecting it, and folds again", () => {
  const view = new TraceView(outlineOf(wideTrace(500)));
  expect(view.rows.value.length).toBe(2);
  view.select(400);
  expect(view.rows.value).toContain(400);
  expect(view.rows.value.length).toBe(view.outline.n);
  view.toggleGroup(400);
  expect(view.rows.value.length).toBe(2);
  expect(view.selected.value).toBe(1);
  view.right();
  expect(view.rows.value.length).toBe(view.outline.n);
});

test("selecting any row of a large trace brings it on screen; expanding all unfolds all", () => {
  const view = new TraceView(outline);
  for (let row = 0; row < outline.n; row += 37) {
    view.select(row);
    expect(view.rows.value).toContain(row);
  }
  view.setAll(false);
  expect(view.rows.value.length).toBe(outline.n);
});

test("a folded group is shown while any of it lies in the window", () => {
  const view = new TraceView(outline);
  const [leader, group] = [...view.folding.groups.byLeader].find(([row]) => view.rows.value.includes(row))!;
  const last = group.rows.at(-1)!;
  view.goTo({ from: outline.start[last]!, to: outline.start[last]! + Math.max(outline.dur[last]!, 10) });
  expect(view.rows.value).toContain(leader);
});

test.each([["a large trace", outline], ["a deep one", outlineOf(deepTrace(2000))], ["a wide one", outlineOf(wideTrace(2000))]])("the flame of %s: below the parent, none over another", (_, of) => {
  const flame = packFlame(of);
  expect(flame.order.toSorted()).toEqual(Uint32Array.from({ length: of.n }, (__, row) => row));
  for (let row = 0; row < of.n; row++) if (of.parent[row]! >= 0) expect(flame.lane[row]).toBeGreaterThan(flame.lane[of.parent[row]!]!);
  for (let lane = 0; lane < flame.lanes; lane++) {
    const rows = [...flame.order.subarray(flame.offsets[lane], flame.offsets[lane + 1])];
    for (const [at, row] of rows.entries()) if (at > 0) expect(of.start[row]).toBeGreaterThanOrEqual(of.start[rows[at - 1]!]!);
  }
});

test("figures by operation add up to the trace", () => {
  const figures = operationFigures(outline);
  const received = [...outline.flags].filter((flags) => !(flags & Flag.synthetic)).length;
  expect(figures.reduce((sum, { count }) => sum + count, 0)).toBe(received);
  expect(figures.reduce((sum, { self }) => sum + self, 0)).toBeCloseTo(outline.self.reduce((sum, self) => sum + self, 0), -3);
  expect(figures.reduce((sum, { critical }) => sum + critical, 0)).toBeCloseTo(outline.critical.t1.reduce((sum, to, at) => sum + to - outline.critical.t0[at]!, 0), -3);
  for (const { p50, p95, longest } of figures) expect(p50 <= p95 && p95 <= longest).toBe(true);
});

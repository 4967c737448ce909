// Which rows are shown, against the plain definition: no collapsed ancestor, and a subtree that meets the window.

import { expect, test } from "vitest";
import type { Outline } from "../../src/engine/outline.ts";
import { nearestVisible, openingState, openToDepth, positionOf, reveal, setSubtree, visibleRows } from "../../src/engine/visible.ts";
import type { Window } from "../../src/engine/viewport.ts";
import { random } from "../fixtures/random.ts";
import { largeTrace, wideTrace } from "../fixtures/shapes.ts";
import { outlineOf } from "../fixtures/spans.ts";

const outline = outlineOf(largeTrace(800, 3));

function plainly(of: Outline, collapsed: Uint8Array, window?: Window): number[] {
  const rows: number[] = [];
  for (let row = 0; row < of.n; row++) {
    let hidden = window !== undefined && (of.subEnd[row]! < window.from || of.subStart[row]! > window.to);
    for (let above = of.parent[row]!; above >= 0; above = of.parent[above]!) hidden ||= collapsed[above] !== 0;
    if (!hidden) rows.push(row);
  }
  return rows;
}

test("collapse and window agree with the plain definition", () => {
  const next = random(5);
  for (let round = 0; round < 40; round++) {
    const collapsed = Uint8Array.from({ length: outline.n }, (_, row) => (outline.sub[row]! > 1 && next() < 0.3 ? 1 : 0));
    const from = next() * outline.to;
    const window = round % 2 ? { from, to: from + next() * (outline.to - from) } : undefined;
    expect([...visibleRows(outline, collapsed, window)]).toEqual(plainly(outline, collapsed, window));
  }
});

test("positions are found, and hidden rows are stood for by an ancestor", () => {
  const rows = visibleRows(outline, openToDepth(outline, 2));
  for (const [at, row] of rows.entries()) expect(positionOf(rows, row)).toBe(at);
  for (let row = 0; row < outline.n; row++) {
    const seen = nearestVisible(outline, rows, row);
    expect(positionOf(rows, seen)).toBeGreaterThanOrEqual(0);
    expect(row).toBeGreaterThanOrEqual(seen);
    expect(row).toBeLessThan(seen + outline.sub[seen]!);
  }
});

test("revealing opens exactly what hides a row", () => {
  const collapsed = openToDepth(outline, 0);
  const deepest = outline.depth.indexOf(Math.max(...outline.depth));
  expect(reveal(outline, collapsed, deepest)).toBe(true);
  expect(positionOf(visibleRows(outline, collapsed), deepest)).toBeGreaterThanOrEqual(0);
  expect(reveal(outline, collapsed, deepest)).toBe(false);
});

test("a subtree closes and opens whole", () => {
  const collapsed = new Uint8Array(outline.n);
  setSubtree(outline, collapsed, 0, true);
  expect([...visibleRows(outline, collapsed)]).toEqual([0]);
  setSubtree(outline, collapsed, 0, false);
  expect(visibleRows(outline, collapsed).length).toBe(outline.n);
});

test("small traces open whole; of large ones errors and the critical path are in sight", () => {
  expect(openingState(outlineOf(wideTrace(100))).every((closed) => closed === 0)).toBe(true);
  const rows = visibleRows(outline, openingState(outline));
  for (let row = 0; row < outline.n; row++) if (outline.flags[row]! & 3) expect(positionOf(rows, row)).toBeGreaterThanOrEqual(0);
  expect(rows.length).toBeLessThan(outline.n);
});

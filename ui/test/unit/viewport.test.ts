import { expect, test } from "vitest";
import { clampWindow, isWhole, panWindow, windowAround, zoomWindow } from "../../src/engine/viewport.ts";
import { random } from "../fixtures/random.ts";

const all = { from: -50, to: 1_000_000 };

test("no movement leaves the trace or empties the window", () => {
  const next = random(9);
  let window: { from: number; to: number } = all;
  for (let step = 0; step < 5000; step++) {
    const at = window.from + next() * (window.to - window.from);
    window = next() < 0.5 ? zoomWindow(window, all, at, 0.2 + next() * 2) : panWindow(window, all, next() * 4 - 2);
    expect(window.from).toBeGreaterThanOrEqual(all.from - 1e-6);
    expect(window.to).toBeLessThanOrEqual(all.to + 1e-6);
    expect(window.to - window.from).toBeGreaterThanOrEqual(9.99);
  }
});

test("zooming keeps the instant under the pointer in place", () => {
  const before = { from: 1000, to: 9000 };
  const after = zoomWindow(before, all, 3000, 0.5);
  expect((3000 - after.from) / (after.to - after.from)).toBeCloseTo(0.25);
});

test("a window around a span holds it, also at the edge and when it takes no time", () => {
  for (const [start, duration] of [[0, 0], [500, 100], [999_990, 10]] as const) {
    const window = windowAround(start, duration, all);
    expect(window.from).toBeLessThanOrEqual(start);
    expect(window.to).toBeGreaterThanOrEqual(Math.min(start + duration, all.to));
  }
  expect(isWhole(clampWindow({ from: -1e9, to: 1e9 }, all), all)).toBe(true);
});

// Scales, axes and gaps of charts; the plot of traces; differences of a selection.

import { expect, test } from "vitest";
import type { SeriesList } from "../../src/api/types.ts";
import { clockTicks, formatNumber, runs, valueScale } from "../../src/engine/chart.ts";
import { areaBetween, frameOf, isInside, pointAt, xOf, yOf } from "../../src/engine/plot.ts";
import { areaCodec } from "../../src/state/codecs.ts";
import { differencesOf, narrowed, valueText } from "../../src/state/differences.ts";
import { random } from "../fixtures/random.ts";

test("a scale begins at zero or below, ends at or above the largest, and its ticks are round", () => {
  expect(valueScale([0.21, 0.03]).ticks).toEqual([0, 0.05, 0.1, 0.15, 0.2, 0.25]);
  expect(valueScale([]).ticks.length).toBeGreaterThan(1);
  const next = random(3);
  for (let round = 0; round < 200; round++) {
    const values = Array.from({ length: 5 }, () => (next() - 0.2) * 10 ** (next() * 12 - 4));
    const { from, to, ticks } = valueScale(values);
    expect(from).toBeLessThanOrEqual(Math.min(0, ...values));
    expect(to).toBeGreaterThanOrEqual(Math.max(...values));
    expect(ticks.length).toBeLessThanOrEqual(8);
  }
});

test("nulls end a line", () => expect(runs([null, 1, 2, null, 3, null, null, 4, 5])).toEqual([{ at: 1, values: [1, 2] }, { at: 4, values: [3] }, { at: 7, values: [4, 5] }]));

test.each([[0, "0"], [0.012_34, "0.0123"], [1.5, "1.5"], [12_300, "12\u202F300"], [4_210_000, "4.21 M"], [-2, "-2"]])("%d is %s", (value, text) => expect(formatNumber(value)).toBe(text));

test("axis labels are within, in order, and not too many", () => {
  for (const length of [1000, 60_000, 5_000_000, 86_400_000, 4e9, 4e11]) {
    const ticks = clockTicks(1_790_000_000_123, 1_790_000_000_123 + length, 8);
    expect(ticks.length).toBeLessThanOrEqual(10);
    for (const [at, tick] of ticks.entries()) expect(tick >= 1_790_000_000_123 && tick <= 1_790_000_000_123 + length && (at === 0 || tick > ticks[at - 1]!)).toBe(true);
  }
});

const points = [{ id: "a", ms: 1000, duration: 2e6, failed: false }, { id: "b", ms: 2000, duration: 9e8, failed: true }, { id: "c", ms: 3000, duration: 0, failed: false }];

test("every point lies in the frame, is found where it is drawn, and lies in the area around it", () => {
  const frame = frameOf(points);
  for (const point of points) {
    const at = { x: xOf(frame, point.ms, 800), y: yOf(frame, point.duration, 150) };
    expect(at.x >= 0 && at.x <= 800 && at.y >= 0 && at.y <= 150).toBe(true);
    expect(pointAt(points, frame, at, 800, 150, 4)?.id).toBe(point.id);
    if (point.duration === 0) continue;
    const area = areaBetween(frame, { x: at.x - 5, y: at.y - 5 }, { x: at.x + 5, y: at.y + 5 }, 800, 150);
    expect(points.filter((one) => isInside(one, area))).toEqual([point]);
    expect(areaCodec.read(areaCodec.write(area))).toEqual(area);
  }
  expect(frameOf([]).most).toBeGreaterThan(frameOf([]).least);
  expect(areaCodec.read("9..1,2..3")).toBeUndefined();
});

test("differences are shares of the spans that carry the key, the largest first; a rare value is none", () => {
  const of = (meta: string, type: string, key: string, value: string, ...numbers: (number | null)[]) => ({ labels: [{ name: meta, value: type }, { name: key, value }], points: numbers, exemplars: [] });
  const list = { series: [
    of("__meta_type", "selection", "span.model", "b", 3, null, 6), of("__meta_type", "selection", "span.model", "a", 1), of("__meta_type", "baseline", "span.model", "a", 90), of("__meta_type", "baseline", "span.model", "b", 10),
    of("__meta_type", "selection_total", "span.model", "nil", 10), of("__meta_type", "baseline_total", "span.model", "nil", 100), of("__meta_error", "__too_many_values__", "span.model", "nil", null),
    of("__meta_type", "selection", "span.id", "x", 1), of("__meta_type", "selection_total", "span.id", "nil", 1), of("__meta_type", "baseline_total", "span.id", "nil", 50),
  ] } as unknown as SeriesList;
  expect(differencesOf(list)).toEqual([{ key: "span.model", value: "b", selected: 0.9, rest: 0.1, count: 9 }]);
});

test.each([["status", "error", "error"], ["span.n", "12.5", "12.5"], ["span.flag", "true", "true"], ["span.text", 'a "b"', '"a \\"b\\""'], ["kind", "server", "server"]])("%s = %s is written %s", (key, value, text) => expect(valueText(key, value)).toBe(text));

test.each([
  ["", "{ b }"], ["{ a }", "{ a } && { b }"], ["{ a } && { c }", "{ a } && { c } && { b }"],
  ["{ a } || { c }", "({ a } || { c }) && { b }"], ["{ a } | count() > 2", "({ a } | count() > 2) && { b }"],
])("%s narrowed is %s", (query, text) => expect(narrowed(query, "{ b }")).toBe(text));

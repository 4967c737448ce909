import { expect, test } from "vitest";
import { axisTicks, formatAgo, formatBytes, formatCount, formatDuration, formatTick, parseDuration } from "../../src/engine/time.ts";

test.each([
  [0, "0 ns"], [7, "7 ns"], [999, "999 ns"], [1000, "1 µs"], [999_999, "1 ms"], [1_420_000_000, "1.42 s"], [250_000_000, "250 ms"], [59_990_000_000, "1 min"],
  [61_000_000_000, "1 min 1 s"], [3_600_000_000_000, "1 h"], [90_000_000_000_000, "25 h"], [-3000, "−3 µs"], [12_345, "12.3 µs"], [Number.NaN, "–"], [4_500_000_000_000, "1 h 15 min"],
])("%d ns is written %s", (nanos, text) => expect(formatDuration(nanos)).toBe(text));

test.each([["250ms", 250e6], ["1.5 s", 1.5e9], ["3µs", 3000], ["3us", 3000], ["12", 12e6], ["2m", 120e9], ["1 min 20 s", 80e9], ["1\u202f204 ms", 1.204e9], ["5 5 x", undefined], ["1".repeat(39) + "x", undefined], ["−1 ms", -1e6], ["soon", undefined], ["", undefined]])("%s is read as %s", (text, nanos) => {
  expect(parseDuration(text)).toBe(nanos);
});

test("what is written is read back to three digits", () => {
  for (let nanos = 1; nanos < 1e13; nanos = Math.ceil(nanos * 1.37)) {
    const back = parseDuration(formatDuration(nanos));
    expect(Math.abs(back! - nanos) / nanos).toBeLessThan(nanos > 6e10 ? 0.02 : 0.006);
  }
});

test("ticks are round, inside, and never too many", () => {
  for (const [from, to] of [[0, 1e9], [123, 124_000], [5e8, 5e8 + 10], [-1e6, 1e6], [0, 9e14]] as const) {
    const ticks = axisTicks(from, to, 8);
    expect(ticks.length).toBeGreaterThan(0);
    expect(ticks.length).toBeLessThanOrEqual(9);
    for (const tick of ticks) expect(tick >= from && tick <= to).toBe(true);
    expect(new Set(ticks.map((tick) => formatTick(tick, ticks.length > 1 ? ticks[1]! - ticks[0]! : 1))).size).toBe(ticks.length);
  }
  expect(axisTicks(5, 5, 8)).toEqual([]);
});

test("counts, bytes and ages", () => {
  expect(formatCount(1204)).toBe("1\u202f204");
  expect(formatBytes(312_000_000)).toBe("312 MB");
  expect(formatBytes(12)).toBe("12 B");
  expect(formatAgo(1_000_000_000_000n, new Date(1_090_000))).toBe("1 min ago");
});

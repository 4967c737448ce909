// Values in the address bar: each codec reads what it wrote, and answers broken text with its default.

import type { PlotArea } from "../engine/plot.ts";
import type { Window } from "../engine/viewport.ts";

interface Codec<T> {
  read(text: string | undefined): T;
  /** Undefined for the default, which the address bar leaves out. */
  write(value: T): string | undefined;
}

/** One of a few words; the first is the default. */
export function wordCodec<const T extends readonly [string, ...string[]]>(words: T): Codec<T[number]> {
  return {
    read: (text) => (words.includes(text ?? "") ? text! : words[0]),
    write: (value) => (value === words[0] ? undefined : value),
  };
}

/** On unless the text is `0`, or off unless it is `1`. */
export function switchCodec(byDefault: boolean): Codec<boolean> {
  return {
    read: (text) => (text === "1" ? true : text === "0" ? false : byDefault),
    write: (value) => (value === byDefault ? undefined : value ? "1" : "0"),
  };
}

/** A window of time in nanoseconds: `1200..3400`; undefined is the whole. */
export const windowCodec: Codec<Window | undefined> = {
  read(text) {
    const match = /^(-?\d{1,16})\.\.(-?\d{1,16})$/.exec(text ?? "");
    const [from, to] = [Number(match?.[1]), Number(match?.[2])];
    return match && to > from ? { from, to } : undefined;
  },
  write: (window) => window && `${Math.round(window.from)}..${Math.max(Math.round(window.to), Math.round(window.from) + 1)}`,
};

/** A part of the plot of traces: `ms..ms,ns..ns`; undefined for none. */
export const areaCodec: Codec<PlotArea | undefined> = {
  read(text) {
    const match = /^(\d{1,14})\.\.(\d{1,14}),(\d{1,16})\.\.(\d{1,16})$/.exec(text ?? "");
    if (!match) return undefined;
    const [fromMs, toMs, least, most] = match.slice(1).map(Number) as [number, number, number, number];
    return toMs > fromMs && most > least ? { fromMs, toMs, least, most } : undefined;
  },
  write: (area) => area && `${area.fromMs}..${area.toMs},${area.least}..${area.most}`,
};

/** How far back a list looks; `all` is without bound. */
export const ranges = ["all", "15m", "1h", "6h", "24h", "7d"] as const;
export type Range = (typeof ranges)[number];
export const rangeCodec = wordCodec(ranges);

const minutes: Record<Range, number> = { all: Number.POSITIVE_INFINITY, "15m": 15, "1h": 60, "6h": 360, "24h": 1440, "7d": 10_080 };

/** The start of a range that ends now, in nanoseconds as the API takes it; undefined for `all`. */
export function rangeStart(range: Range, now: Date): string | undefined {
  if (range === "all") return undefined;
  return String(BigInt(now.getTime() - minutes[range] * 60_000) * 1_000_000n);
}

export const rangeNames: Record<Range, string> = { all: "All time", "15m": "Last 15 min", "1h": "Last hour", "6h": "Last 6 h", "24h": "Last 24 h", "7d": "Last 7 d" };

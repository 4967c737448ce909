// Traces as points: when they started against how long they took (on a logarithmic scale); and what lies in a rectangle.

import type { Nanos } from "./time.ts";

export interface PlotPoint {
  id: string;
  /** Milliseconds since 1970. */
  ms: number;
  duration: Nanos;
  failed: boolean;
}

export interface PlotFrame {
  fromMs: number;
  toMs: number;
  /** Shortest and longest duration shown, both whole powers of ten. */
  least: Nanos;
  most: Nanos;
}

/** A part of the plot. */
export interface PlotArea {
  fromMs: number;
  toMs: number;
  least: Nanos;
  most: Nanos;
}

export function frameOf(points: readonly PlotPoint[]): PlotFrame {
  let [fromMs, toMs, least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 1];
  for (const { ms, duration } of points) {
    [fromMs, toMs] = [Math.min(fromMs, ms), Math.max(toMs, ms)];
    [least, most] = [Math.min(least, Math.max(duration, 1)), Math.max(most, duration)];
  }
  if (points.length === 0) [fromMs, toMs, least] = [0, 1, 1];
  const margin = Math.max((toMs - fromMs) * 0.02, 1);
  const floor = 10 ** Math.floor(Math.log10(least));
  const ceiling = 10 ** Math.ceil(Math.log10(most * 1.0001));
  return { fromMs: fromMs - margin, toMs: toMs + margin, least: floor, most: Math.max(ceiling, floor * 10) };
}

export function xOf(frame: PlotFrame, ms: number, width: number): number {
  return ((ms - frame.fromMs) / (frame.toMs - frame.fromMs)) * width;
}

export function yOf(frame: PlotFrame, duration: Nanos, height: number): number {
  const share = Math.log(Math.max(duration, 1) / frame.least) / Math.log(frame.most / frame.least);
  return height - Math.min(Math.max(share, 0), 1) * height;
}

/** The part of the plot between two corners in pixels. */
export function areaBetween(frame: PlotFrame, a: { x: number; y: number }, b: { x: number; y: number }, width: number, height: number): PlotArea {
  const ms = (x: number) => frame.fromMs + (x / width) * (frame.toMs - frame.fromMs);
  const duration = (y: number) => frame.least * (frame.most / frame.least) ** (1 - y / height);
  return {
    fromMs: Math.floor(ms(Math.min(a.x, b.x))), toMs: Math.ceil(ms(Math.max(a.x, b.x))),
    least: Math.floor(duration(Math.max(a.y, b.y))), most: Math.ceil(duration(Math.min(a.y, b.y))),
  };
}

export function isInside({ ms, duration }: PlotPoint, area: PlotArea): boolean {
  return ms >= area.fromMs && ms <= area.toMs && duration >= area.least && duration <= area.most;
}

/** The nearest point within reach; undefined for none. */
export function pointAt(points: readonly PlotPoint[], frame: PlotFrame, at: { x: number; y: number }, width: number, height: number, reach: number): PlotPoint | undefined {
  let nearest: PlotPoint | undefined;
  let distance = reach;
  for (const point of points) {
    const off = Math.hypot(xOf(frame, point.ms, width) - at.x, yOf(frame, point.duration, height) - at.y);
    if (off <= distance) [nearest, distance] = [point, off];
  }
  return nearest;
}

// The window of time in view, and the ways it moves. All functions are pure: a window in, a window out.

import type { Nanos } from "./time.ts";

export interface Window {
  from: Nanos;
  to: Nanos;
}

/** No window is shorter: below 10 ns nothing can be told apart. */
const NANOS_MIN = 10;

/** A pointer that moved less has clicked, not dragged a range. */
export const DRAG_PX_MIN = 4;

export function lengthOf(window: Window): Nanos {
  return window.to - window.from;
}

/** The window moved and cut so that it lies within `all`. */
export function clampWindow(window: Window, all: Window): Window {
  const length = Math.min(Math.max(lengthOf(window), NANOS_MIN), Math.max(lengthOf(all), NANOS_MIN));
  const from = Math.min(Math.max(window.from, all.from), all.from + Math.max(lengthOf(all), length) - length);
  return { from, to: from + length };
}

/** Zooms by `factor` (below 1 is closer) around the instant `at`, which keeps its place on screen. */
export function zoomWindow(window: Window, all: Window, at: Nanos, factor: number): Window {
  const length = Math.min(Math.max(lengthOf(window) * factor, NANOS_MIN), lengthOf(all));
  const share = (at - window.from) / lengthOf(window);
  return clampWindow({ from: at - share * length, to: at + (1 - share) * length }, all);
}

/** Moves by `share` of the window's length. */
export function panWindow(window: Window, all: Window, share: number): Window {
  const by = lengthOf(window) * share;
  return clampWindow({ from: window.from + by, to: window.to + by }, all);
}

/** A span with a margin of a tenth on both sides. */
export function windowAround(start: Nanos, duration: Nanos, all: Window): Window {
  const margin = Math.max(duration * 0.1, NANOS_MIN);
  return clampWindow({ from: start - margin, to: start + Math.max(duration, 0) + margin }, all);
}

export function isWhole(window: Window, all: Window): boolean {
  return window.from <= all.from && window.to >= all.to;
}

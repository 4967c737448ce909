// Draws the lanes above the waterfall: per service how busy it is over time, its errors, and the critical path below.
// They show the whole trace, so they are drawn once; the window over them is made of elements.

import type { Lanes } from "./lanes.ts";
import type { Outline } from "./outline.ts";
import { serviceColour } from "./service.ts";
import { colour, type Theme } from "./tokens.ts";

export const LANE_HEIGHT = 11;
const CRITICAL_STRIP_HEIGHT = 7;

export function lanesHeight(lanes: Lanes): number {
  return lanes.lanes.length * LANE_HEIGHT + CRITICAL_STRIP_HEIGHT;
}

interface LanesView {
  outline: Outline;
  lanes: Lanes;
  width: number;
  theme: Theme;
}

export function drawLanes(context: CanvasRenderingContext2D, view: LanesView): void {
  const { lanes, width, theme } = view;
  const step = width / lanes.buckets;
  for (const [lane, { slot }] of lanes.lanes.entries()) {
    context.fillStyle = slot < 0 ? colour("muted", theme) : serviceColour(slot, theme);
    // Runs of equal buckets are one rectangle, on whole pixels: overlapping translucent edges would show as stripes.
    for (let bucket = 0, end = 0; bucket < lanes.buckets; bucket = end) {
      const busy = lanes.busy[lane * lanes.buckets + bucket]!;
      for (end = bucket + 1; end < lanes.buckets && lanes.busy[lane * lanes.buckets + end] === busy; ) end++;
      if (busy <= 0) continue;
      context.globalAlpha = 0.4 + 0.6 * Math.sqrt(busy);
      const left = Math.round(bucket * step);
      context.fillRect(left, lane * LANE_HEIGHT + 1, Math.max(1, Math.round(end * step) - left), LANE_HEIGHT - 2);
    }
    context.globalAlpha = 1;
    drawErrors(context, view, lane, step);
  }
  drawCriticalStrip(context, view, step);
}

function drawErrors(context: CanvasRenderingContext2D, { lanes, theme }: LanesView, lane: number, step: number): void {
  for (let bucket = 0; bucket < lanes.buckets; bucket++) {
    if (lanes.errors[lane * lanes.buckets + bucket] === 0) continue;
    const x = bucket * step;
    context.fillStyle = colour("bg", theme);
    context.fillRect(x - 2, lane * LANE_HEIGHT, 5, LANE_HEIGHT);
    context.fillStyle = colour("error", theme);
    context.fillRect(x - 1, lane * LANE_HEIGHT, 3, LANE_HEIGHT);
  }
}

function drawCriticalStrip(context: CanvasRenderingContext2D, { lanes, outline, theme }: LanesView, step: number): void {
  const top = lanes.lanes.length * LANE_HEIGHT + 2;
  for (let bucket = 0; bucket < lanes.buckets; bucket++) {
    const service = lanes.critical[bucket]!;
    if (service < 0) continue;
    context.fillStyle = serviceColour(outline.services[service]!.slot, theme);
    context.fillRect(bucket * step, top, step + 0.5, 3);
    context.fillStyle = colour("critical", theme);
    context.fillRect(bucket * step, top + 3, step + 0.5, 1.5);
  }
}

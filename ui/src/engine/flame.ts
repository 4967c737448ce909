// The flame graph: every span on a lane below its parent's, packed by time, drawn to one canvas.

import { fillTextured } from "./canvas.ts";
import { Flag, nameOf, serviceOf, type Outline } from "./outline.ts";
import { serviceColour, serviceTexture } from "./service.ts";
import type { SegmentIndex } from "./shares.ts";
import type { Nanos } from "./time.ts";
import { colour, textOnService, type Theme } from "./tokens.ts";
import { lengthOf, type Window } from "./viewport.ts";

/** More lanes than this are not told apart: the rest lies over each other on the last. */
const LANES_MAX = 4096;
/** Narrower bars in one lane that touch are drawn as one. */
const MERGE_PX = 1;
/** A bar this wide has room for words. */
const TEXT_PX_MIN = 34;
/** Nearer than this to a bar counts as on it. */
const HIT_PX = 3;

export interface Flame {
  /** Lane of each row, from 0. */
  lane: Uint16Array;
  lanes: number;
  /** Rows by lane, and by start within a lane. */
  order: Uint32Array;
  /** Where each lane begins in `order`; one more than there are lanes. */
  offsets: Uint32Array;
}

/** Packs by start time: each span takes the first lane below its parent's that is free when it begins. */
export function packFlame(outline: Outline): Flame {
  const { n, start, dur, parent } = outline;
  const byStart = Uint32Array.from({ length: n }, (_, row) => row);
  // Rows stand depth first, so among equal starts the parent comes before its child.
  byStart.sort((a, b) => start[a]! - start[b]! || a - b);
  const lane = new Uint16Array(n);
  const placed = new Uint8Array(n);
  const freeFrom: number[] = [];
  let lanes = 0;
  const place = (row: number) => {
    const above = parent[row]!;
    // A child that began before its parent is placed after it all the same.
    let at = above < 0 ? 0 : lane[above]! + 1;
    while (at < LANES_MAX - 1 && (freeFrom[at] ?? Number.NEGATIVE_INFINITY) > start[row]!) at++;
    at = Math.min(at, LANES_MAX - 1);
    lane[row] = at;
    placed[row] = 1;
    freeFrom[at] = Math.max(freeFrom[at] ?? Number.NEGATIVE_INFINITY, start[row]! + dur[row]!);
    lanes = Math.max(lanes, at + 1);
  };
  for (const row of byStart) {
    if (placed[row]) continue;
    const waiting = [row];
    for (let above = parent[row]!; above >= 0 && !placed[above]; above = parent[above]!) waiting.push(above);
    for (let at = waiting.length - 1; at >= 0; at--) place(waiting[at]!);
  }
  return { lane, lanes, ...sortByLane(lane, lanes, byStart) };
}

function sortByLane(lane: Uint16Array, lanes: number, byStart: Uint32Array): Pick<Flame, "order" | "offsets"> {
  const offsets = new Uint32Array(lanes + 1);
  for (const at of lane) offsets[at + 1]!++;
  for (let at = 0; at < lanes; at++) offsets[at + 1]! += offsets[at]!;
  const next = offsets.slice(0, lanes);
  const order = new Uint32Array(byStart.length);
  for (const row of byStart) order[next[lane[row]!]!++] = row;
  return { order, offsets };
}

interface FlameView {
  outline: Outline;
  flame: Flame;
  width: number;
  laneHeight: number;
  /** The first lane drawn, and how many. */
  firstLane: number;
  laneCount: number;
  window: Window;
  theme: Theme;
  selected: number;
  hovered: number;
  /** Where the critical path lies on each row; none to leave it out. */
  segments: SegmentIndex | undefined;
  matches?: ReadonlySet<number>;
}

export function drawFlame(context: CanvasRenderingContext2D, view: FlameView): void {
  const { flame, laneHeight } = view;
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.textAlign = "left";
  for (let at = view.firstLane; at < Math.min(view.firstLane + view.laneCount, flame.lanes); at++) drawLane(context, view, at, (at - view.firstLane) * laneHeight);
}

function drawLane(context: CanvasRenderingContext2D, view: FlameView, lane: number, top: number): void {
  const { outline, flame, window, width, theme, laneHeight, matches } = view;
  const scale = width / lengthOf(window);
  let drawnTo = Number.NEGATIVE_INFINITY;
  for (let at = flame.offsets[lane]!; at < flame.offsets[lane + 1]!; at++) {
    const row = flame.order[at]!;
    const left = (outline.start[row]! - window.from) * scale;
    if (left > width) break;
    const right = left + Math.max(outline.dur[row]! * scale, 1);
    const flags = outline.flags[row]!;
    const isMarked = row === view.selected || row === view.hovered || (flags & Flag.error) !== 0;
    if (right < 0 || (right - drawnTo < MERGE_PX && !isMarked)) continue;
    drawnTo = right;
    const [cutLeft, cutRight] = [Math.max(left, -2), Math.min(right, width + 2)];
    const look = serviceOf(outline, row);
    // A hairline of background on the right tells neighbours apart.
    const barWidth = Math.max(cutRight - cutLeft - (cutRight - cutLeft > 3 ? 1 : 0), 1);
    context.globalAlpha = matches && !matches.has(row) ? 0.3 : 1;
    if (flags & Flag.synthetic) {
      context.strokeStyle = colour("muted", theme);
      context.setLineDash([4, 3]);
      context.strokeRect(cutLeft + 0.5, top + 1.5, Math.max(barWidth - 1, 1), laneHeight - 4);
      context.setLineDash([]);
    } else fillTextured(context, cutLeft, top + 1, barWidth, laneHeight - 2, serviceColour(look.slot, theme), serviceTexture(look.slot), colour("bg", theme));
    if (flags & Flag.error) {
      context.fillStyle = colour("error", theme);
      context.fillRect(cutLeft, top + 1, Math.min(4, barWidth), laneHeight - 2);
    }
    if (view.segments && flags & Flag.critical) drawCritical(context, view, view.segments, row, top + laneHeight - 2);
    if (barWidth >= TEXT_PX_MIN) drawWords(context, view, row, cutLeft, barWidth, top);
    context.globalAlpha = 1;
    if (row === view.selected || row === view.hovered) {
      context.strokeStyle = colour(row === view.selected ? "accent" : "fg", theme);
      context.lineWidth = 2;
      context.strokeRect(cutLeft, top + 1, barWidth, laneHeight - 2);
      context.lineWidth = 1;
    }
  }
}

/** A line below the bar where the critical path lies on it, set off by the background. */
function drawCritical(context: CanvasRenderingContext2D, { outline: { critical }, window, width, theme }: FlameView, { offsets, order }: SegmentIndex, row: number, bottom: number): void {
  const scale = width / lengthOf(window);
  for (let at = offsets[row]!; at < offsets[row + 1]!; at++) {
    const left = Math.max((critical.t0[order[at]!]! - window.from) * scale, 0);
    const right = Math.min((critical.t1[order[at]!]! - window.from) * scale, width);
    if (right < left) continue;
    context.fillStyle = colour("bg", theme);
    context.fillRect(left, bottom - 2, Math.max(right - left, 1), 1);
    context.fillStyle = colour("critical", theme);
    context.fillRect(left, bottom - 1, Math.max(right - left, 1), 2);
  }
}

/** The name, as much of it as there is room for. */
function drawWords(context: CanvasRenderingContext2D, view: FlameView, row: number, left: number, width: number, top: number): void {
  const from = Math.max(left, 0);
  const room = left + width - from - 10;
  if (room < TEXT_PX_MIN - 10) return;
  const { outline, theme } = view;
  const hasError = (outline.flags[row]! & Flag.error) !== 0;
  context.fillStyle = outline.flags[row]! & Flag.synthetic ? colour("fg", theme) : textOnService[theme];
  context.save();
  context.beginPath();
  context.rect(from, top, room + 8, view.laneHeight);
  context.clip();
  context.fillText(`${serviceOf(outline, row).name} ${nameOf(outline, row)}`, from + (hasError ? 8 : 5), top + view.laneHeight / 2 + 0.5);
  context.restore();
}

/** The row under a point of the flame; −1 for none. Short spans may be missed by a few pixels. */
export function flameRowAt(view: Pick<FlameView, "outline" | "flame" | "window" | "width">, lane: number, x: number): number {
  const { outline, flame, window, width } = view;
  if (lane < 0 || lane >= flame.lanes) return -1;
  const scale = width / lengthOf(window);
  const time: Nanos = window.from + x / scale;
  const reach = HIT_PX / scale;
  let nearest = -1;
  let distance = reach;
  for (let at = flame.offsets[lane]!; at < flame.offsets[lane + 1]!; at++) {
    const row = flame.order[at]!;
    if (outline.start[row]! > time + reach) break;
    const off = Math.max(outline.start[row]! - time, time - outline.start[row]! - outline.dur[row]!, 0);
    if (off <= distance) [nearest, distance] = [row, off];
  }
  return nearest;
}

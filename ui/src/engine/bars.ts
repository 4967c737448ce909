// Draws the bars of the waterfall: one canvas over the rows in view.

import { fillTextured } from "./canvas.ts";
import type { Group } from "./groups.ts";
import { Flag, serviceOf, type Outline } from "./outline.ts";
import { serviceColour, serviceTexture } from "./service.ts";
import type { SegmentIndex } from "./shares.ts";
import { formatDuration, type Nanos } from "./time.ts";
import { colour, textOnService, type Theme } from "./tokens.ts";
import { lengthOf, type Window } from "./viewport.ts";

/** No bar is drawn narrower. */
const BAR_WIDTH_MIN = 2;
/** A span without an end is drawn at least this wide, dashed. */
const UNFINISHED_WIDTH = 14;

const FONT = "11px system-ui, sans-serif";

/** Widths of labels that were measured; forgotten all at once when there are too many. */
const widths = new Map<string, number>();
const WIDTHS_MAX = 5000;

function widthOf(context: CanvasRenderingContext2D, text: string): number {
  let width = widths.get(text);
  if (width === undefined) {
    if (widths.size >= WIDTHS_MAX) widths.clear();
    widths.set(text, (width = context.measureText(text).width));
  }
  return width;
}

interface BarsView {
  outline: Outline;
  segments: SegmentIndex;
  /** Rows to draw, top to bottom. */
  rows: Uint32Array;
  width: number;
  rowHeight: number;
  window: Window;
  theme: Theme;
  selected: number;
  showCritical: boolean;
  /** Rows to stress while the others are dimmed; none to treat all alike. */
  matches?: ReadonlySet<number>;
  ticks: readonly Nanos[];
  /** The group that a row stands for, if it stands for one. */
  groupOf?: (row: number) => Group | undefined;
}

export function drawBars(context: CanvasRenderingContext2D, view: BarsView): void {
  const scale = view.width / lengthOf(view.window);
  const x = (time: Nanos) => (time - view.window.from) * scale;
  // Setting a font makes the browser compute the page's styles: once, and only when the canvas forgot it.
  if (context.font !== FONT) context.font = FONT;
  context.textBaseline = "middle";
  drawGrid(context, view, x);
  for (const [position, row] of view.rows.entries()) {
    const group = view.groupOf?.(row);
    if (group) drawGroup(context, view, x, group, position * view.rowHeight);
    else drawRow(context, view, x, row, position * view.rowHeight);
  }
}

/** All intervals of a folded group in one row; where several would fall on one pixel, the first is drawn. */
function drawGroup(context: CanvasRenderingContext2D, view: BarsView, x: (time: Nanos) => number, { rows }: Group, top: number): void {
  const { outline, theme, width, rowHeight } = view;
  const look = serviceOf(outline, rows[0]!);
  const [barTop, barHeight] = [top + 6, rowHeight - 12];
  const dimmed = view.matches && !rows.some((row) => view.matches!.has(row));
  let [first, last, drawnTo] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const row of rows) {
    const left = x(outline.start[row]!);
    const right = Math.max(x(outline.start[row]! + outline.dur[row]!), left + BAR_WIDTH_MIN);
    [first, last] = [Math.min(first, left), Math.max(last, right)];
    const failed = (outline.flags[row]! & Flag.error) !== 0;
    if (right < 0 || left > width || (right < drawnTo + 1 && !failed)) continue;
    drawnTo = Math.max(drawnTo, right);
    const [cutLeft, cutRight] = [Math.max(left, -4), Math.min(right, width + 4)];
    // Siblings at the same time lie over each other: each is let through, and its beginning is marked.
    context.globalAlpha = dimmed ? 0.2 : 0.6;
    fillTextured(context, cutLeft, barTop, cutRight - cutLeft, barHeight, serviceColour(look.slot, theme), serviceTexture(look.slot), colour("bg", theme));
    context.globalAlpha = dimmed ? 0.35 : 1;
    context.fillStyle = failed ? colour("error", theme) : serviceColour(look.slot, theme);
    context.fillRect(cutLeft, failed ? barTop - 2 : barTop, failed ? 3 : 1, failed ? barHeight + 4 : barHeight);
    if (view.showCritical && outline.flags[row]! & Flag.critical) drawCritical(context, view, x, row, barTop + barHeight + 1);
  }
  context.globalAlpha = dimmed ? 0.55 : 1;
  if (last < 0 || first > width) drawEdgeArrow(context, view, top, last < 0, last < 0 ? view.window.from - outline.start[rows.at(-1)!]! : outline.start[rows[0]!]! - view.window.to);
  else drawBeside(context, view, `×${rows.length}`, rows[0] === view.selected, Math.max(first, -4), Math.min(last, width + 4), top);
  context.globalAlpha = 1;
}

function drawGrid(context: CanvasRenderingContext2D, view: BarsView, x: (time: Nanos) => number): void {
  context.fillStyle = colour("line", view.theme);
  for (const tick of view.ticks) context.fillRect(Math.round(x(tick)), 0, 1, view.rows.length * view.rowHeight);
}

function drawRow(context: CanvasRenderingContext2D, view: BarsView, x: (time: Nanos) => number, row: number, top: number): void {
  const { outline, theme, rowHeight, width } = view;
  const flags = outline.flags[row]!;
  const [start, end] = [outline.start[row]!, outline.start[row]! + outline.dur[row]!];
  const [left, right] = [x(start), Math.max(x(end), x(start) + BAR_WIDTH_MIN)];
  if (right < 0 || left > width) return drawEdgeArrow(context, view, top, right < 0, right < 0 ? view.window.from - end : start - view.window.to);
  const [barTop, barHeight] = [top + 5, rowHeight - 10];
  // Cut at the screen's edges: a canvas rounds coordinates of 1e9 pixels badly.
  const [cutLeft, cutRight] = [Math.max(left, -4), Math.min(right, width + 4)];
  const dimmed = view.matches && !view.matches.has(row);
  context.globalAlpha = dimmed ? 0.35 : 1;
  const look = serviceOf(outline, row);
  const fill = serviceColour(look.slot, theme);
  if (flags & Flag.synthetic) {
    drawDashed(context, cutLeft, barTop, cutRight - cutLeft, barHeight, colour("muted", theme));
  } else {
    fillTextured(context, cutLeft, barTop, cutRight - cutLeft, barHeight, fill, serviceTexture(look.slot), colour("bg", theme));
    if (flags & Flag.unfinished) drawDashed(context, cutLeft, barTop, Math.max(cutRight - cutLeft, UNFINISHED_WIDTH), barHeight, colour("fg", theme));
  }
  if (flags & Flag.error) drawErrorMark(context, view, cutLeft, cutRight, barTop, barHeight);
  if (view.showCritical && flags & Flag.critical) drawCritical(context, view, x, row, barTop + barHeight);
  context.globalAlpha = dimmed ? 0.55 : 1;
  drawLabel(context, view, row, cutLeft, flags & Flag.unfinished ? Math.max(cutRight, cutLeft + UNFINISHED_WIDTH) : cutRight, top);
  context.globalAlpha = 1;
}

function drawDashed(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number, stroke: string): void {
  context.strokeStyle = stroke;
  context.lineWidth = 1;
  context.setLineDash([4, 3]);
  context.strokeRect(x + 0.5, y + 0.5, Math.max(width - 1, 1), height - 1);
  context.setLineDash([]);
}

/** A cap at the left and an outline, so that an error is seen by shape too. */
function drawErrorMark(context: CanvasRenderingContext2D, view: BarsView, left: number, right: number, top: number, height: number): void {
  const { theme } = view;
  context.strokeStyle = colour("bg", theme);
  context.lineWidth = 1;
  context.strokeRect(left - 0.5, top - 0.5, right - left + 1, height + 1);
  context.strokeStyle = colour("error", theme);
  context.lineWidth = 1.5;
  context.strokeRect(left - 1.5, top - 1.5, right - left + 3, height + 3);
  context.fillStyle = colour("error", theme);
  context.fillRect(left - 3, top - 2, 4, height + 4);
}

function drawCritical(context: CanvasRenderingContext2D, view: BarsView, x: (time: Nanos) => number, row: number, bottom: number): void {
  const { outline: { critical }, segments } = view;
  context.fillStyle = colour("critical", view.theme);
  for (let at = segments.offsets[row]!; at < segments.offsets[row + 1]!; at++) {
    const segment = segments.order[at]!;
    const left = Math.max(x(critical.t0[segment]!), 0);
    const right = Math.min(x(critical.t1[segment]!), view.width);
    if (right >= left) context.fillRect(left, bottom + 0.5, Math.max(right - left, 1), 2.5);
  }
}

/** Duration beside the bar: right of it where there is room, else left, else inside. */
function drawLabel(context: CanvasRenderingContext2D, view: BarsView, row: number, left: number, right: number, top: number): void {
  const { outline } = view;
  if (outline.flags[row]! & Flag.synthetic) return;
  const text = outline.flags[row]! & Flag.unfinished ? "no end" : formatDuration(outline.dur[row]!);
  drawBeside(context, view, text, row === view.selected, left, right, top);
}

function drawBeside(context: CanvasRenderingContext2D, view: BarsView, text: string, isSelected: boolean, left: number, right: number, top: number): void {
  const { theme } = view;
  const width = widthOf(context, text);
  const middle = top + view.rowHeight / 2 + 0.5;
  context.fillStyle = colour(isSelected ? "fg" : "muted", theme);
  if (right + 7 + width <= view.width) {
    context.textAlign = "left";
    context.fillText(text, right + 7, middle);
  } else if (left - 8 - width >= 0) {
    context.textAlign = "right";
    context.fillText(text, left - 7, middle);
  } else if (right - left > width + 12) {
    context.textAlign = "right";
    context.fillStyle = textOnService[theme];
    context.fillText(text, Math.min(right, view.width) - 6, middle);
  }
}

/** Says how far away a bar outside the window is. */
function drawEdgeArrow(context: CanvasRenderingContext2D, view: BarsView, top: number, before: boolean, distance: Nanos): void {
  context.fillStyle = colour("muted", view.theme);
  context.textAlign = before ? "left" : "right";
  const text = before ? `◂ ${formatDuration(distance)} earlier` : `${formatDuration(distance)} later ▸`;
  context.fillText(text, before ? 6 : view.width - 6, top + view.rowHeight / 2 + 0.5);
}

/** The row's bar under a pointer at `x`, with at least 3 pixels on both sides to hit. */
export function hitsBar(view: Pick<BarsView, "outline" | "width" | "window">, row: number, x: number): boolean {
  const scale = view.width / lengthOf(view.window);
  const left = (view.outline.start[row]! - view.window.from) * scale;
  return x >= left - 3 && x <= left + view.outline.dur[row]! * scale + 3;
}

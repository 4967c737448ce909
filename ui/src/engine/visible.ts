// Which rows are shown: those not inside a collapsed row, and, while zoomed, those whose subtree meets the window.

import { fold, type Groups } from "./groups.ts";
import { Flag, type Outline } from "./outline.ts";
import type { Window } from "./viewport.ts";

/** Up to this many rows, all are open at first. */
const ROWS_OPEN_MAX = 200;
/** Rows at least this share of the trace are opened at first. */
const SHARE_OPEN_MIN = 0.02;

/** Groups of siblings alike, and which of them are one row. */
export interface Folding {
  groups: Groups;
  folded: Uint8Array;
}

/** Rows to show, in order. `window` hides rows whose subtree lies outside; leave it out to show all. */
export function visibleRows(outline: Outline, collapsed: Uint8Array, window?: Window, folding?: Folding): Uint32Array {
  const { n, sub, subStart, subEnd } = outline;
  const folded = folding?.folded;
  const rows = new Uint32Array(n);
  let count = 0;
  for (let row = 0; row < n; ) {
    const state = folded ? folded[row]! : 0;
    if (state === 2 || (window && (subEnd[row]! < window.from || subStart[row]! > window.to) && !(state === 1 && meets(folding!, row, window)))) {
      row += sub[row]!;
      continue;
    }
    rows[count++] = row;
    row += collapsed[row] || state === 1 ? sub[row]! : 1;
  }
  return rows.slice(0, count);
}

/** Whether any of a folded group lies in the window. */
function meets({ groups }: Folding, leader: number, window: Window): boolean {
  const group = groups.byLeader.get(leader);
  return group !== undefined && group.to >= window.from && group.from <= window.to;
}

/** Position of `row` in `rows` (which are ascending), or −1. */
export function positionOf(rows: Uint32Array, row: number): number {
  let low = 0;
  let high = rows.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const value = rows[middle]!;
    if (value === row) return middle;
    if (value < row) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** The row itself where it is visible, else the row that stands for its group or its nearest visible ancestor, else −1. */
export function nearestVisible(outline: Outline, rows: Uint32Array, row: number, folding?: Folding): number {
  for (let at = row; at >= 0; at = outline.parent[at]!) {
    if (positionOf(rows, at) >= 0) return at;
    const leader = folding?.folded[at] ? folding.groups.leader[at]! : -1;
    if (leader >= 0 && positionOf(rows, leader) >= 0) return leader;
  }
  return -1;
}

/** Opens everything above `row`, and every folded group that hides it. Returns whether something changed. */
export function reveal(outline: Outline, collapsed: Uint8Array, row: number, folding?: Folding): boolean {
  let changed = folding !== undefined && unfoldAbove(outline, row, folding);
  for (let at = outline.parent[row]!; at >= 0; at = outline.parent[at]!) {
    changed ||= collapsed[at] !== 0;
    collapsed[at] = 0;
  }
  return changed;
}

/** Unfolds every group that hides `row`. A folded group's first row is on screen, but what is below it is not. */
function unfoldAbove(outline: Outline, row: number, { groups, folded }: Folding): boolean {
  let changed = false;
  for (let at = row; at >= 0; at = outline.parent[at]!) {
    const hides = folded[at] === 2 || (folded[at] === 1 && at !== row);
    const group = hides ? groups.byLeader.get(groups.leader[at]!) : undefined;
    if (!group) continue;
    fold(folded, group.rows[0]!, group.rows, false);
    changed = true;
  }
  return changed;
}

/** What is open when a trace is first shown: small traces wholly; of large ones the critical path, paths to errors
 * and what is at least 2 % of the trace. */
export function openingState(outline: Outline): Uint8Array {
  const { n, sub, parent, flags, dur, from, to } = outline;
  const collapsed = new Uint8Array(n);
  if (n <= ROWS_OPEN_MAX) return collapsed;
  const long = (to - from) * SHARE_OPEN_MIN;
  // A row is kept in sight when it or anything below it is worth it; backwards, children come before parents.
  const inSight = new Uint8Array(n);
  for (let row = n - 1; row >= 0; row--) {
    if (flags[row]! & (Flag.critical | Flag.error) || dur[row]! >= long) inSight[row] = 1;
    const above = parent[row]!;
    if (inSight[row] && above >= 0) {
      inSight[above] = 1;
      collapsed[above] = 2; // has a child in sight
    }
  }
  for (let row = 0; row < n; row++) collapsed[row] = collapsed[row] === 2 || sub[row] === 1 ? 0 : 1;
  return collapsed;
}

/** Collapses or opens `row` and everything below it that has children. */
export function setSubtree(outline: Outline, collapsed: Uint8Array, row: number, closed: boolean): void {
  for (let at = row; at < row + outline.sub[row]!; at++) collapsed[at] = closed && outline.sub[at]! > 1 ? 1 : 0;
}

/** Opens everything to `depth` and collapses what is deeper. */
export function openToDepth(outline: Outline, depth: number): Uint8Array {
  const collapsed = new Uint8Array(outline.n);
  for (let row = 0; row < outline.n; row++) collapsed[row] = outline.depth[row]! >= depth && outline.sub[row]! > 1 ? 1 : 0;
  return collapsed;
}

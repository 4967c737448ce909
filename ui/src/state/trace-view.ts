// The view of one trace: window, open rows, selection, find. The waterfall, the lanes and the panel share it.

import { findGroups, fold, foldedAtFirst, type Group } from "../engine/groups.ts";
import { Flag, nameOf, serviceOf, type Outline } from "../engine/outline.ts";
import { findRows, nextOf, rowsWithFlag } from "../engine/search.ts";
import { criticalShares, indexSegments } from "../engine/shares.ts";
import { clampWindow, isWhole, panWindow, windowAround, zoomWindow, type Window } from "../engine/viewport.ts";
import { nearestVisible, openingState, openToDepth, positionOf, reveal, setSubtree, visibleRows, type Folding } from "../engine/visible.ts";
import { batch, computed, signal } from "./signals.ts";

const ZOOM_STEP = 0.7;
const PAN_STEP = 0.2;
/** How many windows the trail of zooms remembers. */
const TRAIL_MAX = 6;
/** Larger traces open anew when they grow: telling their rows apart takes longer than it is worth. */
const ROWS_ADOPTED_MAX = 20_000;

/** What a row is known by when the trace is fetched again: outlines carry no span ids. */
function identityOf(outline: Outline, row: number): string {
  return `${outline.t0 + BigInt(Math.round(outline.start[row]!))} ${serviceOf(outline, row).name} ${nameOf(outline, row)}`;
}

/** How the trace is shown; the first is the default. */
export const pictures = ["waterfall", "flame", "table"] as const;
export type Picture = (typeof pictures)[number];

export class TraceView {
  readonly all: Window;
  readonly segments;
  readonly shares;
  readonly errorRows: Uint32Array;
  readonly criticalRows: Uint32Array;

  readonly window;
  /** Windows zoomed from, oldest first. */
  readonly trail = signal<readonly Window[]>([]);
  readonly hideOutside = signal(true);
  readonly showCritical = signal(true);
  readonly picture = signal<Picture>("waterfall");
  /** Whether the findings stand beside, rather than the selected span. */
  readonly findingsOpen = signal(false);
  /** Rows stressed while the others are dimmed: the evidence of a finding. */
  readonly stressed = signal<ReadonlySet<number> | undefined>(undefined);
  /** −1 for none. */
  readonly selected = signal(-1);
  readonly hovered = signal(-1);
  readonly findText = signal("");
  /** Rows that the server found beyond what the outline holds. */
  readonly serverMatches = signal<readonly number[]>([]);

  #collapsed: Uint8Array;
  readonly folding: Folding;
  readonly #opened = signal(0);

  readonly rows = computed(() => {
    void this.#opened.value;
    const window = this.window.value;
    return visibleRows(this.outline, this.#collapsed, this.hideOutside.value && !isWhole(window, this.all) ? window : undefined, this.folding);
  });

  readonly matches = computed(() => {
    const own = findRows(this.outline, this.findText.value);
    const others = this.serverMatches.value;
    if (others.length === 0) return own;
    return Uint32Array.from(new Set([...own, ...others.filter((row) => row < this.outline.n)])).toSorted();
  });

  readonly matchSet = computed(() => new Set(this.matches.value));

  constructor(readonly outline: Outline) {
    this.all = { from: outline.from, to: outline.to };
    this.window = signal<Window>(this.all);
    this.segments = indexSegments(outline);
    this.shares = criticalShares(outline);
    this.errorRows = rowsWithFlag(outline, Flag.error);
    this.criticalRows = rowsWithFlag(outline, Flag.critical);
    this.#collapsed = openingState(outline);
    const groups = findGroups(outline);
    this.folding = { groups, folded: foldedAtFirst(outline, groups) };
  }

  /** Takes over from the view of the same trace before it grew: window, find, switches, what is open, the selection. */
  adopt(old: TraceView): void {
    if (!isWhole(old.window.value, old.all)) this.window.value = clampWindow(old.window.value, this.all);
    this.trail.value = old.trail.value;
    this.findText.value = old.findText.value;
    this.hideOutside.value = old.hideOutside.value;
    this.showCritical.value = old.showCritical.value;
    this.picture.value = old.picture.value;
    this.findingsOpen.value = old.findingsOpen.value;
    if (this.outline.n > ROWS_ADOPTED_MAX) return;
    const rows = new Map<string, number>();
    for (let row = 0; row < old.outline.n; row++) rows.set(identityOf(old.outline, row), row);
    for (let row = 0; row < this.outline.n; row++) {
      const was = rows.get(identityOf(this.outline, row));
      if (was === undefined) continue;
      this.#collapsed[row] = old.#collapsed[was]!;
      // A group that somebody opened stays open; one that was too small before stays as it was.
      const group = this.folding.folded[row] === 1 ? this.folding.groups.byLeader.get(row) : undefined;
      if (group && old.folding.folded[was] === 0) fold(this.folding.folded, row, group.rows, false);
      if (was === old.selected.value) this.selected.value = row;
    }
  }

  isCollapsed(row: number): boolean {
    return this.#collapsed[row] === 1;
  }

  hasChildren(row: number): boolean {
    return this.outline.sub[row]! > 1;
  }

  /** The group that a row stands for while it is folded. */
  foldedGroup(row: number): Group | undefined {
    return this.folding.folded[row] === 1 ? this.folding.groups.byLeader.get(row) : undefined;
  }

  /** The group that begins with a row and is not folded. */
  openGroup(row: number): Group | undefined {
    return this.folding.folded[row] === 0 ? this.folding.groups.byLeader.get(row) : undefined;
  }

  /** Folds the group that a row is in, or unfolds it. */
  toggleGroup(row: number): void {
    const leader = row < 0 ? -1 : this.folding.groups.leader[row]!;
    const group = this.folding.groups.byLeader.get(leader);
    if (group) this.#change(() => fold(this.folding.folded, leader, group.rows, this.folding.folded[leader] === 0));
  }

  /** Selects a row and opens what hides it. */
  select(row: number): void {
    if (row < 0 || row >= this.outline.n) return;
    batch(() => {
      if (reveal(this.outline, this.#collapsed, row, this.folding)) this.#opened.value++;
      this.selected.value = row;
      // A row hidden by the window is brought back by showing the whole trace.
      if (positionOf(this.rows.value, row) < 0) this.window.value = this.all;
    });
  }

  /** Selects a row to look into it. */
  inspect(row: number): void {
    batch(() => {
      this.select(row);
      this.findingsOpen.value = false;
    });
  }

  /** Moves the selection by rows on screen. */
  move(by: number): void {
    const rows = this.rows.value;
    if (rows.length === 0) return;
    const at = positionOf(rows, nearestVisible(this.outline, rows, this.selected.value, this.folding));
    this.selected.value = rows[Math.min(Math.max(at + by, 0), rows.length - 1)]!;
  }

  toggle(row: number): void {
    if (this.foldedGroup(row)) return this.toggleGroup(row);
    if (!this.hasChildren(row)) return;
    this.#change(() => (this.#collapsed[row] = this.#collapsed[row] ? 0 : 1));
  }

  setSubtree(row: number, closed: boolean): void {
    if (row < 0) return;
    this.#change(() => {
      setSubtree(this.outline, this.#collapsed, row, closed);
      if (closed) return;
      for (const [leader, { rows }] of this.folding.groups.byLeader) {
        if (leader >= row && leader < row + this.outline.sub[row]!) fold(this.folding.folded, leader, rows, false);
      }
    });
  }

  setAll(closed: boolean): void {
    this.#change(() => {
      this.#collapsed = openToDepth(this.outline, closed ? 0 : Number.POSITIVE_INFINITY);
      if (!closed) this.folding.folded.fill(0);
    });
  }

  /** → in a tree: opens, or goes to the first child. */
  right(): void {
    const row = this.selected.value;
    if (row < 0) return this.move(1);
    if (this.isCollapsed(row) || this.foldedGroup(row)) this.toggle(row);
    else if (this.hasChildren(row)) this.move(1);
  }

  /** ← in a tree: closes, or goes to the parent. */
  left(): void {
    const row = this.selected.value;
    if (row < 0) return;
    if (this.hasChildren(row) && !this.isCollapsed(row) && !this.foldedGroup(row)) this.toggle(row);
    else if (this.outline.parent[row]! >= 0) this.select(this.outline.parent[row]!);
  }

  jump(rows: Uint32Array, backwards: boolean): void {
    const next = nextOf(rows, this.selected.value, backwards);
    if (next !== undefined) this.select(next);
  }

  longestChild(): void {
    const { outline } = this;
    const row = this.selected.value;
    if (row < 0) return;
    let longest = -1;
    for (let child = row + 1; child < row + outline.sub[row]!; child += outline.sub[child]!) {
      if (longest < 0 || outline.dur[child]! > outline.dur[longest]!) longest = child;
    }
    this.select(longest);
  }

  /** Goes to a window and remembers the one before. */
  goTo(window: Window): void {
    const before = this.window.value;
    batch(() => {
      this.window.value = clampWindow(window, this.all);
      if (isWhole(this.window.value, this.all)) this.trail.value = [];
      else this.trail.value = [...this.trail.value, before].slice(-TRAIL_MAX);
    });
  }

  /** Back to a window of the trail. */
  backTo(index: number): void {
    batch(() => {
      this.window.value = this.trail.value[index] ?? this.all;
      this.trail.value = this.trail.value.slice(0, index);
    });
  }

  fit(): void {
    this.goTo(this.all);
  }

  zoomAt(at: number, factor: number): void {
    this.window.value = zoomWindow(this.window.value, this.all, at, factor);
    if (isWhole(this.window.value, this.all)) this.trail.value = [];
  }

  zoom(closer: boolean): void {
    const { from, to } = this.window.value;
    const row = this.selected.value;
    const middle = row < 0 ? Number.NaN : this.outline.start[row]! + this.outline.dur[row]! / 2;
    this.zoomAt(middle >= from && middle <= to ? middle : (from + to) / 2, closer ? ZOOM_STEP : 1 / ZOOM_STEP);
  }

  pan(share: number): void {
    this.window.value = panWindow(this.window.value, this.all, share);
  }

  panStep(later: boolean): void {
    this.pan(later ? PAN_STEP : -PAN_STEP);
  }

  zoomToSpan(row = this.selected.value): void {
    if (row >= 0) this.goTo(windowAround(this.outline.start[row]!, this.outline.dur[row]!, this.all));
  }

  #change(by: () => void): void {
    by();
    this.#opened.value++;
    // What was selected inside a row that closed is not on screen any more: the row stands for it.
    const selected = this.selected.value;
    if (selected >= 0) {
      const seen = nearestVisible(this.outline, this.rows.value, selected, this.folding);
      if (seen >= 0) this.selected.value = seen;
    }
  }
}

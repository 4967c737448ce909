// Siblings that are alike (same service, same operation), as groups that fold into one row: the first of them stands for
// all.

import { Flag, type Outline } from "./outline.ts";
import type { Nanos } from "./time.ts";

/** This many siblings alike are a group. */
const GROUP_MIN = 3;

/** A group folds by itself from this size on in a trace that shows all its rows at first … */
const GROUP_FOLDS_SMALL = 10;
/** … and any group does in a larger trace. */
const SMALL_ROWS_MAX = 200;

export interface Group {
  /** Its rows, the first of them first. */
  rows: Uint32Array;
  /** Earliest start and latest end of them and all below. */
  from: Nanos;
  to: Nanos;
}

export interface Groups {
  /** The first of the group that a row is in; −1 for none. */
  leader: Int32Array;
  /** Each group by its first row. */
  byLeader: ReadonlyMap<number, Group>;
}

/** Finds the groups: one pass that chains the rows of one kind below one parent, one that cuts the chains. */
export function findGroups(outline: Outline): Groups {
  const { n, parent } = outline;
  const { kind, kinds } = kindsOf(outline);
  const heads = new Map<number, number>();
  const next = new Int32Array(n).fill(-1);
  const last = new Int32Array(n);
  const count = new Uint32Array(n);
  for (let row = 0; row < n; row++) {
    if (parent[row]! < 0) continue;
    const key = parent[row]! * kinds + kind[row]!;
    const head = heads.get(key);
    if (head === undefined) heads.set(key, row);
    else next[last[head]!] = row;
    last[head ?? row] = row;
    count[head ?? row]!++;
  }
  const leader = new Int32Array(n).fill(-1);
  const byLeader = new Map<number, Group>();
  for (const head of heads.values()) {
    if (count[head]! < GROUP_MIN) continue;
    const group: Group = { rows: new Uint32Array(count[head]!), from: Number.POSITIVE_INFINITY, to: Number.NEGATIVE_INFINITY };
    for (let row = head, at = 0; row >= 0; row = next[row]!, at++) {
      group.rows[at] = row;
      leader[row] = head;
      group.from = Math.min(group.from, outline.subStart[row]!);
      group.to = Math.max(group.to, outline.subEnd[row]!);
    }
    byLeader.set(head, group);
  }
  return { leader, byLeader };
}

/** A number for each pair of service and operation, and how many there are. */
export function kindsOf({ n, svc, name, names }: Outline): { kind: Uint32Array; kinds: number } {
  const seen = new Map<number, number>();
  const kind = new Uint32Array(n);
  for (let row = 0; row < n; row++) {
    const pair = svc[row]! * names.length + name[row]!;
    let known = seen.get(pair);
    if (known === undefined) seen.set(pair, (known = seen.size));
    kind[row] = known;
  }
  return { kind, kinds: Math.max(seen.size, 1) };
}

/** Which groups are folded: 1 at the first row of one that is, 2 at its other rows, else 0. */
export function foldedAtFirst(outline: Outline, groups: Groups): Uint8Array {
  const folded = new Uint8Array(outline.n);
  for (const [leader, { rows }] of groups.byLeader) {
    if (outline.n > SMALL_ROWS_MAX || rows.length >= GROUP_FOLDS_SMALL) fold(folded, leader, rows, true);
  }
  return folded;
}

export function fold(folded: Uint8Array, leader: number, rows: Uint32Array, closed: boolean): void {
  for (const row of rows) folded[row] = closed ? 2 : 0;
  folded[leader] = closed ? 1 : 0;
}

/** What a folded group says of its members. */
interface GroupFacts {
  count: number;
  median: number;
  longest: number;
  errors: number;
}

export function groupFacts(outline: Outline, rows: Uint32Array): GroupFacts {
  const durations = Float64Array.from(rows, (row) => outline.dur[row]!).toSorted();
  let errors = 0;
  for (const row of rows) if (outline.flags[row]! & Flag.error) errors++;
  return { count: rows.length, median: durations[Math.floor((durations.length - 1) / 2)]!, longest: durations.at(-1)!, errors };
}

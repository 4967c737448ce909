// What is different about a selection: attribute values by how much more frequent they are in it than in the rest.

import type { SeriesList } from "../api/types.ts";

export interface Difference {
  key: string;
  value: string;
  /** Shares of the spans that carry the key, 0 to 1. */
  selected: number;
  rest: number;
  /** How many spans of the selection have the value. */
  count: number;
}

/** Fewer spans in the selection prove nothing. */
const COUNT_MIN = 2;
/** Smaller differences are not worth a card. */
const EFFECT_MIN = 0.1;

/** From the answer to a `compare(…)` query, the largest difference first. */
export function differencesOf(list: SeriesList): Difference[] {
  const counts = new Map<string, { key: string; value: string; selected: number; rest: number }>();
  const totals = new Map<string, { selected: number; rest: number }>();
  for (const { labels, points } of list.series) {
    const type = labels.find(({ name }) => name === "__meta_type")?.value ?? "";
    const of = labels.find(({ name }) => !name.startsWith("__"));
    if (!of) continue;
    const side = type.startsWith("selection") ? "selected" : "rest";
    const sum = points.reduce<number>((total, point) => total + (point ?? 0), 0);
    const total = type.endsWith("_total");
    const id = total ? of.name : JSON.stringify([of.name, of.value]);
    const known = (total ? totals : counts).get(id);
    if (known) known[side] += sum;
    else if (total) totals.set(id, { selected: 0, rest: 0, [side]: sum });
    else counts.set(id, { key: of.name, value: of.value, selected: 0, rest: 0, [side]: sum });
  }
  const found = [...counts.values()].flatMap(({ key, value, selected, rest }) => {
    const total = totals.get(key);
    if (!total || total.selected === 0 || total.rest === 0 || selected < COUNT_MIN) return [];
    return [{ key, value, selected: selected / total.selected, rest: rest / total.rest, count: selected }];
  });
  const effect = ({ selected, rest }: Difference) => selected - rest;
  return found.filter((one) => effect(one) >= EFFECT_MIN).toSorted((a, b) => effect(b) - effect(a));
}

/** A query that finds of what `query` finds only what `selector` matches too. `||` and `|` bind less than `&&`. */
export function narrowed(query: string, selector: string): string {
  if (query === "") return selector;
  return `${query.includes("|") ? `(${query})` : query} && ${selector}`;
}

/** A value as TraceQL has it: numbers, switches and the words of `kind` and `status` bare, all else in quotes. */
export function valueText(key: string, value: string): string {
  if (/^(?:\w+:)?(?:kind|status)$/.test(key) || /^-?\d+(?:\.\d+)?$/.test(value) || value === "true" || value === "false" || value === "nil") return value;
  return JSON.stringify(value);
}

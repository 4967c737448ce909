// Find over what the outline holds: words in names and services, `error`, `llm`, `critical`, `dur>200ms`, `svc:rag`.

import { Flag, type Outline } from "./outline.ts";
import { parseDuration } from "./time.ts";

type Test = (outline: Outline, row: number) => boolean;

/** A map: words come from people, and `constructor` is one. */
const flagWords = new Map<string, number>([
  ["error", Flag.error],
  ["critical", Flag.critical],
  ["llm", Flag.llm],
  ["orphan", Flag.synthetic],
  ["unfinished", Flag.unfinished],
  ["client", Flag.client],
  ["server", Flag.server],
]);
const servicePrefix = "svc:";

function wordsOf(text: string): string[] {
  return text.toLowerCase().split(/\s+/).filter(Boolean);
}

/** Whether no words of data are looked for in `text`: elsewhere, where its words mean only themselves, less is found. */
export function answersItself(text: string): boolean {
  const words = wordsOf(text);
  return words.some((word) => /^(dur|self)[<>]/.test(word) || word.startsWith(servicePrefix)) || words.every((word) => flagWords.has(word));
}

function compile(word: string, outline: Outline): Test {
  const flag = flagWords.get(word);
  if (flag !== undefined) return ({ flags }, row) => (flags[row]! & flag) !== 0;
  const comparison = /^(dur|self)(>=|<=|>|<)(.+)$/.exec(word);
  const limit = comparison && parseDuration(comparison[3]!);
  if (comparison && limit !== undefined && limit !== null) {
    const column = comparison[1] === "dur" ? outline.dur : outline.self;
    const tests: Record<string, Test> = {
      ">": (_, row) => column[row]! > limit,
      ">=": (_, row) => column[row]! >= limit,
      "<": (_, row) => column[row]! < limit,
      "<=": (_, row) => column[row]! <= limit,
    };
    return tests[comparison[2]!]!;
  }
  const service = word.startsWith(servicePrefix) ? word.slice(servicePrefix.length) : undefined;
  // Each distinct name is looked at once, not each row.
  const services = outline.services.map((look) => look.name.toLowerCase().includes(service ?? word));
  if (service !== undefined) return ({ svc }, row) => services[svc[row]!]!;
  const names = outline.names.map((name) => name.toLowerCase().includes(word));
  return ({ name, svc }, row) => names[name[row]!]! || services[svc[row]!]!;
}

/** Rows that meet every word of `text`, whatever the case, ascending. Nothing for an empty text. */
export function findRows(outline: Outline, text: string): Uint32Array {
  const tests = wordsOf(text).map((word) => compile(word, outline));
  if (tests.length === 0) return new Uint32Array();
  const rows = new Uint32Array(outline.n);
  let count = 0;
  for (let row = 0; row < outline.n; row++) if (tests.every((test) => test(outline, row))) rows[count++] = row;
  return rows.slice(0, count);
}

/** The next of `rows` after `row` (before it, if `backwards`), around the end; undefined when there is none. */
export function nextOf(rows: Uint32Array | readonly number[], row: number, backwards: boolean): number | undefined {
  if (rows.length === 0) return undefined;
  if (backwards) {
    for (let at = rows.length - 1; at >= 0; at--) if (rows[at]! < row) return rows[at];
    return rows.at(-1);
  }
  for (const candidate of rows) if (candidate > row) return candidate;
  return rows[0];
}

/** Rows with any of these flags, ascending. */
export function rowsWithFlag(outline: Outline, flag: number): Uint32Array {
  const rows: number[] = [];
  for (let row = 0; row < outline.n; row++) if (outline.flags[row]! & flag) rows.push(row);
  return Uint32Array.from(rows);
}

// The outline decoder: what was written comes back; whatever else comes is refused in words.

import { expect, test } from "vitest";
import { decodeOutline, Flag, OutlineError } from "../../src/engine/outline.ts";
import { encodeOutline } from "../fixtures/encode-outline.ts";
import { random } from "../fixtures/random.ts";
import { ragTrace } from "../fixtures/rag.ts";
import { brokenTrace, deepTrace, hostileTrace, largeTrace, wideTrace } from "../fixtures/shapes.ts";
import { assemble, outlineOf } from "../fixtures/spans.ts";

const t0 = 1_795_500_000_000_000_000n;

test.each([
  ["rag", assemble(ragTrace(1, "happy", t0))], ["broken", assemble(brokenTrace(t0))], ["hostile", assemble(hostileTrace(t0))], ["deep", assemble(deepTrace(20_000))], ["wide", assemble(wideTrace(5000))], ["large", assemble(largeTrace(5000))],
])("%s: every row comes back", (_, made) => {
  const outline = decodeOutline(made.bytes);
  expect(outline.n).toBe(made.rows.length);
  expect(outline.t0).toBe(made.trace.t0);
  for (const [row, span] of made.rows.entries()) {
    expect(outline.names[outline.name[row]!]).toBe(span.name);
    expect(outline.services[outline.svc[row]!]!.name).toBe(span.service);
    expect(outline.start[row]).toBe(span.start);
    expect(outline.dur[row]).toBe(span.duration);
    expect(outline.parent[row]).toBe(made.parent[row]);
    expect((outline.flags[row]! & Flag.error) !== 0).toBe(span.error !== undefined);
  }
  expect([...outline.critical.row]).toEqual(made.critical.map(({ row }) => row));
});

test("a subtree is the rows from its parent to the next row outside it", () => {
  const outline = outlineOf(largeTrace(3000, 7));
  for (let row = 0; row < outline.n; row++) {
    for (let at = row + 1; at < row + outline.sub[row]!; at++) expect(outline.parent[at]!).toBeGreaterThanOrEqual(row);
    const next = row + outline.sub[row]!;
    if (next < outline.n) expect(outline.parent[next]!).toBeLessThan(row);
    expect(outline.subEnd[row]!).toBeGreaterThanOrEqual(outline.start[row]! + outline.dur[row]!);
  }
});

const small = assemble(ragTrace(2, "service failure", t0)).bytes;

test("bytes cut anywhere are refused, never read past their end", () => {
  for (let length = 0; length < small.byteLength - 8; length += 7) expect(() => decodeOutline(small.slice(0, length))).toThrow(OutlineError);
});

test("bytes changed anywhere are refused or can be walked", () => {
  const next = random(11);
  for (let round = 0; round < 2000; round++) {
    const bytes = small.slice(0);
    new Uint8Array(bytes)[Math.floor(next() * bytes.byteLength)] = Math.floor(next() * 256);
    try {
      const outline = decodeOutline(bytes);
      let rows = 0;
      for (let row = 0; row < outline.n; row += outline.sub[row]!) rows++;
      expect(rows).toBeLessThanOrEqual(outline.n);
    } catch (error) {
      // A changed letter in the header's JSON may make it anything; it must still be one of our own complaints.
      expect(error).toSatisfy((thrown) => thrown instanceof OutlineError || thrown instanceof TypeError || thrown instanceof SyntaxError);
    }
  }
});

test("another version says to reload the page", () => {
  const made = assemble(brokenTrace(t0));
  expect(() => decodeOutline(encodeOutline({ ...made.header, v: 2 }, {}))).toThrow(/version 2.*reload/);
});

test("a missing column is named", () => {
  const made = assemble(brokenTrace(t0));
  expect(() => decodeOutline(encodeOutline(made.header, { start: new Float64Array(made.header.n) }))).toThrow("the column dur is missing");
});

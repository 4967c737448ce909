import { expect, test } from "vitest";
import { decodeOutline } from "../../src/engine/outline.ts";
import { findRows, nextOf } from "../../src/engine/search.ts";
import { ragTrace } from "../fixtures/rag.ts";
import { assemble } from "../fixtures/spans.ts";

const made = assemble(ragTrace(4, "service failure", 0n));
const outline = decodeOutline(made.bytes);
const namesOf = (text: string) => [...findRows(outline, text)].map((row) => `${made.rows[row]!.service} ${made.rows[row]!.name}`);

test.each([
  ["", []],
  ["VECTORS", ["search vectors.Query/Search", "vector-db vectors.Query/Search"]],
  ["svc:cache", ["cache GET answer"]],
  ["rank svc:search", ["search rank passages"]],
  ["nothing like this", []],
])("%j finds %j", (text, found) => expect(namesOf(text)).toEqual(found));

test("flags and durations", () => {
  expect(namesOf("error").length).toBe(made.header.summary.errorCount);
  const long = findRows(outline, "dur>500ms");
  expect([...long]).toEqual(made.rows.flatMap((span, row) => (span.duration > 500e6 ? [row] : [])));
  expect(findRows(outline, "dur>=0ms").length).toBe(outline.n);
});

test("next goes around the end, both ways", () => {
  expect(nextOf([2, 5, 9], 5, false)).toBe(9);
  expect(nextOf([2, 5, 9], 9, false)).toBe(2);
  expect(nextOf([2, 5, 9], 2, true)).toBe(9);
  expect(nextOf([2, 5, 9], -1, false)).toBe(2);
  expect(nextOf([], 3, false)).toBeUndefined();
});

import { expect, test } from "vitest";
import { decodeOutline } from "../../src/engine/outline.ts";
import { answersItself, findRows, nextOf } from "../../src/engine/search.ts";
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

test.each([
  ["error", true], ["Error", true], ["LLM unfinished", true], ["dur>200ms", true], ["svc:rag timeout", true], ["timeout self<1ms", true],
  ["timeout", false], ["connection error", false], ["constructor", false], ["{ duration > 200ms }", false],
])("%j needs nobody else: %j", (text, itself) => expect(answersItself(text)).toBe(itself));

test("words that objects know are words like others", () => {
  const { header } = outline;
  const named = { ...outline, names: outline.names.map((name) => `${name} constructor __proto__`) };
  for (const word of ["constructor", "__proto__"]) expect(findRows(named, word).length).toBe(header.n);
});

test("next goes around the end, both ways", () => {
  expect(nextOf([2, 5, 9], 5, false)).toBe(9);
  expect(nextOf([2, 5, 9], 9, false)).toBe(2);
  expect(nextOf([2, 5, 9], 2, true)).toBe(9);
  expect(nextOf([2, 5, 9], -1, false)).toBe(2);
  expect(nextOf([], 3, false)).toBeUndefined();
});

// Rows that arrive, values in words, Markdown without markup, the layout of a graph.

import { expect, test } from "vitest";
import type { TraceRow } from "../../src/api/types.ts";
import { arrive, show } from "../../src/pages/traces/arrivals.ts";
import { prettyJson, selectorFor, valueText } from "../../src/pages/trace/values.ts";
import { blocksOf } from "../../src/ui/Markdown.tsx";
import { place } from "../../src/worker/layout.ts";
import { value } from "../fixtures/attributes.ts";
import { ragTrace } from "../fixtures/rag.ts";
import { assemble } from "../fixtures/spans.ts";

const base = assemble(ragTrace(1, "happy", 0n)).summary;
const row = (traceId: string, start: number, spanCount = 1): TraceRow => ({ ...base, traceId, start: String(start), spanCount });

test("known traces change in place, new ones wait, newest first", () => {
  let listed = arrive({ rows: [row("b", 20), row("a", 10)], waiting: [] }, [row("a", 10, 9), row("c", 30), row("d", 40)]);
  expect(listed.rows.map(({ traceId, spanCount }) => [traceId, spanCount])).toEqual([["b", 1], ["a", 9]]);
  expect(listed.waiting.map(({ traceId }) => traceId)).toEqual(["d", "c"]);
  listed = arrive(listed, [row("c", 30, 5), row("e", 5)]);
  expect(listed.waiting.map(({ traceId, spanCount }) => [traceId, spanCount])).toEqual([["e", 1], ["d", 1], ["c", 5]]);
  expect(show(listed).rows.map(({ traceId }) => traceId)).toEqual(["d", "c", "b", "a", "e"]);
});

test("values read well and select themselves", () => {
  expect(valueText({ type: "array", value: [value(1), value("x")] })).toBe('[1, "x"]');
  expect(valueText({ type: "map", value: [{ key: "a", value: value(true) }] })).toBe('{"a": true}');
  expect(selectorFor("span", { key: "http.route", value: value("/a\"b") })).toBe('{ span.http.route = "/a\\"b" }');
  expect(selectorFor("resource", { key: "odd key", value: value(3) })).toBe('{ resource."odd key" = 3 }');
  expect(selectorFor("span", { key: "x", value: { type: "bytes", value: "AA==" } })).toBeUndefined();
  expect(prettyJson('{"a":1}')).toBe('{\n  "a": 1\n}');
  expect(prettyJson("{ name = 1 }")).toBeUndefined();
});

test("a value nested a thousand deep is cut, not recursed into", () => {
  let deep = value("end");
  for (let level = 0; level < 1000; level++) deep = { type: "array", value: [deep] };
  expect(valueText(deep).length).toBeLessThan(100);
});

test("Markdown is cut into blocks; what is not known stays text", () => {
  expect(blocksOf("# a\n\nb\nc\n\n- d\n- e\n```js\nf()\n```\n<b>g</b>").map(({ kind, lines }) => [kind, lines])).toEqual([
    ["heading", ["a"]], ["paragraph", ["b", "c"]], ["bullets", ["d", "e"]], ["code", ["f()"]], ["paragraph", ["<b>g</b>"]],
  ]);
  expect(blocksOf("```\nnever closed")).toEqual([{ kind: "code", lines: ["never closed"] }]);
});

test("a graph with a circle, a loop and hostile names is laid out", () => {
  const names = ["__proto__", "constructor", "a"];
  const answer = place({ id: 1, nodes: names.map((name) => ({ name, width: 100, height: 40 })), edges: [{ from: "__proto__", to: "constructor" }, { from: "constructor", to: "__proto__" }, { from: "a", to: "a" }, { from: "constructor", to: "a" }], label: { width: 50, height: 20 } });
  expect(answer.nodes.length).toBe(3);
  expect(answer.edges.length).toBe(4);
  for (const { x, y } of [...answer.nodes, ...answer.edges.flatMap(({ points }) => points)]) expect(Number.isFinite(x) && Number.isFinite(y)).toBe(true);
});

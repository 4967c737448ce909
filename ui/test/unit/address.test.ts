// The address bar: what is written is read back, broken text means the default, unknown keys stay.

import { beforeEach, expect, test } from "vitest";
import { rangeCodec, rangeStart, ranges, switchCodec, windowCodec, wordCodec } from "../../src/state/codecs.ts";
import { readRoute, readTraceReference, runLink, traceLink } from "../../src/state/routes.ts";
import { changeQuery, followAddress, go, place, readPlace, writePlace } from "../../src/state/url.ts";

const id = "0af7651916cd43dd8448eb211c80319c";

test("places round trip, below a prefix too", () => {
  const queries: Record<string, string>[] = [{}, { q: '{ name = "a b" && duration > 1ms }', t: "1h" }, { w: "1..2", odd: "ä/?&=#+%" }];
  for (const query of queries) {
    const written = writePlace({ path: "trace/x", query });
    expect(readPlace(new URL(`http://host/prefix/${written}`), "/prefix/")).toEqual({ path: "trace/x", query });
  }
});

test("equal places are written alike", () => expect(writePlace({ path: "a", query: { b: "1", a: "2" } })).toBe(writePlace({ path: "a", query: { a: "2", b: "1" } })));

test.each([
  ["", { page: "traces" }], ["traces", { page: "traces" }], [`trace/${id.toUpperCase()}`, { page: "trace", traceId: id }], ["map", { page: "map" }], ["evals", { page: "runs" }],
  ["evals/a%20b/runs/42", { page: "run", run: "42" }], ["evals/42", { page: "run", run: "42" }], ["evals/suite/runs", { page: "runs" }], ["nowhere", { page: "missing", path: "nowhere" }], ["trace/%E0%A4%A", { page: "trace", traceId: "%e0%a4%a" }],
])("%j is %j", (path, route) => expect(readRoute(path)).toEqual(route));

test("links lead back to their pages", () => {
  expect(readRoute(runLink("a/b c", "run~1"))).toEqual({ page: "run", run: "run~1" });
  expect(traceLink(id, "00f067aa0ba902b7")).toBe(`trace/${id}?span=00f067aa0ba902b7`);
});

test.each([
  [id.toUpperCase(), `trace/${id}`], [` 00-${id}-00f067aa0ba902b7-01 `, `trace/${id}?span=00f067aa0ba902b7`], [`http://host:4319/trace/${id}?span=00f067aa0ba902b7#x`, `trace/${id}?span=00f067aa0ba902b7`], ["POST /ask", undefined],
])("%j opens %j", (text, link) => expect(readTraceReference(text)).toBe(link));

test("codecs read what they write, and answer nonsense with the default", () => {
  const word = wordCodec(["one", "two"]);
  for (const value of ["one", "two"] as const) expect(word.read(word.write(value))).toBe(value);
  expect(word.read("three")).toBe("one");
  for (const byDefault of [true, false]) for (const value of [true, false]) expect(switchCodec(byDefault).read(switchCodec(byDefault).write(value))).toBe(value);
  expect(switchCodec(true).read("maybe")).toBe(true);
  expect(windowCodec.read(windowCodec.write({ from: -3, to: 1_000_000 }))).toEqual({ from: -3, to: 1_000_000 });
  for (const text of ["", "5..5", "9..1", "a..b", "1", "1e3..2e3"]) expect(windowCodec.read(text)).toBeUndefined();
  for (const range of ranges) expect(rangeCodec.read(rangeCodec.write(range))).toBe(range);
  expect(rangeStart("15m", new Date(1_000_000_000))).toBe(String(1_000_000_000n * 1_000_000n - 900_000_000_000n));
});

beforeEach(() => {
  document.head.innerHTML = '<base href="http://localhost:3000/under/" />';
  history.replaceState(null, "", "/under/traces?q=x&later=kept");
});

test("changes keep keys that this page does not know", () => {
  followAddress();
  expect(place.value).toEqual({ path: "traces", query: { q: "x", later: "kept" } });
  changeQuery({ q: undefined, t: "1h" }, "push");
  expect(location.pathname + location.search).toBe("/under/traces?later=kept&t=1h");
  go("trace/abc?span=1");
  expect(place.value).toEqual({ path: "trace/abc", query: { span: "1" } });
  expect(location.pathname).toBe("/under/trace/abc");
});

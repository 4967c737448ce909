// A span copied as an assertion says how many are like it, and is YAML whatever the name.

import { expect, test } from "vitest";
import { assertionOf } from "../../src/pages/trace/assertion.ts";
import { TraceView } from "../../src/state/trace-view.ts";
import { ragTrace } from "../fixtures/rag.ts";
import { outlineOf } from "../fixtures/spans.ts";

test("the count is that of spans of the same service, name and kind", () => {
  const view = new TraceView(outlineOf(ragTrace(1, "service failure", 0n)));
  const row = [...view.outline.name.keys()].find((at) => view.outline.names[view.outline.name[at]!] === "chat extractive-1" && view.outline.services[view.outline.svc[at]!]!.name === "llm")!;
  expect(assertionOf(view, row)).toBe(`- { spans: '{ resource.service.name = "llm" && name = "chat extractive-1" && kind = server }', count: 3 }`);
});

test("quotes in a name are kept apart from those of YAML and of TraceQL", () => {
  const view = new TraceView(outlineOf({ traceId: "1".repeat(32), t0: 0n, spans: [{ id: "a".repeat(16), parent: null, name: `it's "x"`, service: "s", kind: "internal", start: 0, duration: 5 }] }));
  expect(assertionOf(view, 0)).toBe(String.raw`- { spans: '{ resource.service.name = "s" && name = "it''s \"x\"" }', count: 1 }`);
});

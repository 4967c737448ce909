import { expect, test } from "vitest";
import { complete, completableAt, stagesFor } from "../../src/pages/traces/completion.ts";

/** `|` marks the caret. */
const at = (marked: string) => completableAt(marked.replace("|", ""), marked.indexOf("|"));

test.each([
  ["words|", undefined],
  ["{|", { kind: "field", prefix: "", from: 1 }],
  ["{ res|", { kind: "field", prefix: "res", from: 2 }],
  ["{ name = \"x\" && span.http|", { kind: "field", prefix: "span.http", from: 16 }],
  ["{ resource.service.name = |", { kind: "value", field: "resource.service.name", prefix: "", from: 26 }],
  ["{ resource.service.name=\"ra|\" }", { kind: "value", field: "resource.service.name", prefix: "ra", from: 24 }],
  ["{ status = er|", { kind: "value", field: "status", prefix: "er", from: 11 }],
  ["{ name = \"x\" |", undefined],
  ["{ name = \"x\" } && |", undefined],
  ["{ name = \"x\" } >> { ki|", { kind: "field", prefix: "ki", from: 20 }],
  ["{ (span.a =~ \"b.*|", { kind: "value", field: "span.a", prefix: "b.*", from: 13 }],
])("%s", (marked, place) => expect(at(marked)).toEqual(place));

/** `^` marks the caret. */
const behind = (marked: string) => completableAt(marked.replace("^", ""), marked.indexOf("^"));

test.each([
  ["{ } | ^", { kind: "stage", prefix: "", from: 6 }], ["{ } | ra^", { kind: "stage", prefix: "ra", from: 6 }], ["{ a = 1 } |^", { kind: "stage", prefix: "", from: 11 }],
  ["{ } | rate() b^", { kind: "stage", prefix: "b", from: 13 }], ["{ } | rate() by(resource.^", { kind: "argument", prefix: "resource.", from: 16 }], ["{ } | rate() by(name, ^", { kind: "argument", prefix: "", from: 22 }],
  ["{ } | avg(dur^", { kind: "argument", prefix: "dur", from: 10 }], ["{ } || ^", undefined], ["{ } && ^", undefined], ["({ status = error } | rate()) / ({ ^", { kind: "field", prefix: "", from: 35 }],
])("behind a selector: %s", (marked, place) => expect(behind(marked)).toEqual(place));

test("stages are those that begin as typed", () => {
  expect(stagesFor("ra").map(({ text }) => text)).toEqual(["rate()"]);
  expect(stagesFor("").length).toBeGreaterThan(10);
  expect(stagesFor("nothing")).toEqual([]);
});

test("a value replaces what was begun, its closing mark too", () => {
  expect(complete('{ a = "ra" }', 6, 9, '"rag"')).toEqual({ text: '{ a = "rag" }', caret: 11 });
  expect(complete("{ a = ra", 6, 8, '"rag"')).toEqual({ text: '{ a = "rag"', caret: 11 });
  expect(complete('{ x && b = "c" }', 2, 3, "span.x = ")).toEqual({ text: '{ span.x =  && b = "c" }', caret: 11 });
});

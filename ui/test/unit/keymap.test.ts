import { expect, test } from "vitest";
import { beginsChord, commandOf, keyLabel, keymap, keyName, type Scope } from "../../src/state/keymap.ts";

const scopes = [...new Set(keymap.map(({ scope }) => scope))];
const key = (name: string, more: Partial<KeyboardEvent> = {}) => ({ key: name, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });

test.each(scopes)("in %s each key means one thing, and so it does together with those that hold everywhere", (scope: Scope) => {
  const seen = new Map<string, string>();
  for (const binding of keymap.filter((candidate) => candidate.scope === scope || candidate.scope === "everywhere")) {
    for (const keys of binding.keys) {
      // Escape is one step back, wherever one is.
      if (keys === "Escape") continue;
      expect(seen.get(keys), `${keys} is ${binding.scope} ${binding.command}`).toBeUndefined();
      seen.set(keys, binding.command);
    }
  }
});

test("no view takes the key that begins a chord", () => {
  const starts = keymap.flatMap(({ keys }) => keys).filter((keys) => keys.includes(" ")).map((keys) => keys.split(" ")[0]!);
  expect(new Set(starts)).toEqual(new Set(["g"]));
  for (const { keys } of keymap) expect(keys).not.toContain("g");
  expect(beginsChord("g")).toBe(true);
  expect(beginsChord("j")).toBe(false);
});

test("keys are named as the table writes them", () => {
  expect(commandOf("trace", keyName(key("ArrowLeft", { shiftKey: true })))).toBe("collapseSubtree");
  expect(commandOf("trace", keyName(key("N", { shiftKey: true })))).toBe("previousMatch");
  expect(commandOf("everywhere", keyName(key("k", { ctrlKey: true })))).toBe("palette");
  expect(commandOf("everywhere", keyName(key("?", { shiftKey: true })))).toBe("help");
  expect(commandOf("trace", keyName(key("n", { ctrlKey: true })))).toBeUndefined();
});

test("labels are for people", () => {
  expect(keyLabel("Shift+ArrowLeft")).toBe("Shift-←");
  expect(keyLabel("g t")).toBe("g t");
  expect(keyLabel("+")).toBe("+");
});

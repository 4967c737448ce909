// Contrast is computed, not looked at; and services stay apart for eyes that see colours differently.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { colour, palette, textOnService, tokens, type Theme, type Token } from "../../src/engine/tokens.ts";
import { contrast, linear } from "../fixtures/contrast.ts";

const css = readFileSync(join(import.meta.dirname, "../../src/styles/tokens.css"), "utf8");

test("the style sheet and the canvas have the same colours", () => {
  for (const [name, [light, dark]] of Object.entries(tokens)) expect(css).toContain(`--${name}: light-dark(${light}, ${dark});`);
  for (const [slot, light] of palette.light.entries()) expect(css).toContain(`--svc${slot}: light-dark(${light}, ${palette.dark[slot]});`);
  expect(css).toContain(`--on-svc: light-dark(${textOnService.light}, ${textOnService.dark});`);
});

describe.each(["light", "dark"] as Theme[])("%s", (theme) => {
  const grounds: Token[] = ["bg", "bg2", "hover", "selected"];
  test.each(["fg", "muted", "accent", "error", "warn", "ok"] as Token[])("text in %s is readable everywhere", (token) => {
    for (const ground of grounds) expect(contrast(colour(token, theme), colour(ground, theme))).toBeGreaterThanOrEqual(4.5);
  });
  test("text on the accent (buttons) is readable", () => expect(contrast(colour("accent", theme), colour("bg", theme))).toBeGreaterThanOrEqual(4.5));
  test("bars stand out from the page and the selected row, and carry text", () => {
    for (const bar of palette[theme]) {
      expect(contrast(bar, colour("bg", theme))).toBeGreaterThanOrEqual(3);
      expect(contrast(bar, colour("selected", theme))).toBeGreaterThanOrEqual(3);
      expect(contrast(bar, textOnService[theme])).toBeGreaterThanOrEqual(4.5);
    }
  });
  test("no two services look alike, whatever the eye", () => {
    for (const matrix of Object.values(deficiencies)) {
      const seen = palette[theme].map((hex) => oklab(simulate(hex, matrix)));
      for (const [at, first] of seen.entries()) for (const second of seen.slice(at + 1)) expect(100 * Math.hypot(...first.map((value, axis) => value - second[axis]!))).toBeGreaterThanOrEqual(6);
    }
  });
});

// Severity 1.0 of Machado, Oliveira and Fernandes (2009), in linear light.
const deficiencies = {
  normal: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protan: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deutan: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritan: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
};

function simulate(hex: string, m: number[]): number[] {
  const [r, g, b] = linear(hex);
  return [0, 3, 6].map((row) => Math.min(1, Math.max(0, m[row]! * r + m[row + 1]! * g + m[row + 2]! * b)));
}

/** OKLab of linear sRGB (Ottosson 2020). */
function oklab(rgb: number[]): number[] {
  const [r, g, b] = rgb as [number, number, number];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s, 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
}

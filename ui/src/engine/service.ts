// How a service looks: colour by slot, texture by cycle, and a monogram, because colour alone tells some people nothing.

import { palette, type Theme } from "./tokens.ts";

type Texture = "plain" | "hatched" | "dotted";

export function serviceColour(slot: number, theme: Theme): string {
  return palette[theme][slot % 8]!;
}

/** Slots 0-7 are plain, 8-15 hatched, 16-23 dotted, and so on around. */
export function serviceTexture(slot: number): Texture {
  return (["plain", "hatched", "dotted"] as const)[Math.floor(slot / 8) % 3]!;
}

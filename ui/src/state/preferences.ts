// What a person set for this browser.

import type { Theme } from "../engine/tokens.ts";
import { computed, effect, signal } from "./signals.ts";
import { stored, storedWidth } from "./stored.ts";

export type ThemeChoice = "auto" | Theme;

export const themeChoice = stored<ThemeChoice>("theme", (text) => (text === "light" || text === "dark" ? text : "auto"));

const systemDark = signal(false);

/** The theme that is shown. */
export const theme = computed<Theme>(() => (themeChoice.value === "auto" ? (systemDark.value ? "dark" : "light") : themeChoice.value));

/** Whether single letters act as commands; some people's input methods type them by accident (WCAG 2.1.4). */
export const shortcutsOn = stored("shortcuts", (text) => text !== "false");

/** Whether the list of traces has its plot above it. */
export const plotShown = stored("plot", (text) => text !== "false");

export const rowHeight = stored<20 | 24 | 28>("rowHeight", (text) => (text === "20" ? 20 : text === "28" ? 28 : 24));

export const nameBounds = { least: 120, most: 900 };
export const nameWidth = storedWidth("nameWidth", 340, nameBounds);
export const panelBounds = { least: 260, most: 900 };
export const panelWidth = storedWidth("panelWidth", 400, panelBounds);

/** How much of the width that was set the names get where there are `room` pixels for them and the bars. */
export function namesWithin(room: number, width: number): number {
  return Math.min(width, Math.max(100, room * 0.55));
}

/** Follows the system's theme and tells the style sheets which one is shown. */
export function followTheme(): void {
  const query = matchMedia("(prefers-color-scheme: dark)");
  systemDark.value = query.matches;
  query.addEventListener("change", (event) => (systemDark.value = event.matches));
  effect(() => {
    document.documentElement.dataset["theme"] = theme.value;
  });
}

export function nextThemeChoice(): void {
  const order: ThemeChoice[] = ["auto", "light", "dark"];
  themeChoice.value = order[(order.indexOf(themeChoice.peek()) + 1) % order.length]!;
}

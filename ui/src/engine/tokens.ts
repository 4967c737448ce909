// Colours of both themes. `tokens.css` repeats them for the style sheets; a unit test holds the two together and
// computes every contrast.

export type Theme = "light" | "dark";

export const tokens = {
  bg: ["#ffffff", "#14171c"],
  bg2: ["#f6f8fa", "#1a1e24"],
  fg: ["#1b1f24", "#e6e9ed"],
  muted: ["#57606a", "#9aa4af"],
  line: ["#d8dee4", "#2b3138"],
  hover: ["#f3f6f9", "#1b2027"],
  selected: ["#dbe9ff", "#1a2e4b"],
  accent: ["#0b5cad", "#7db4ff"],
  error: ["#c1121f", "#ff6b6b"],
  warn: ["#8a4b00", "#f0b34a"],
  ok: ["#0b6b3a", "#5fd38d"],
  critical: ["#1b1f24", "#ffffff"],
} as const;

export type Token = keyof typeof tokens;

/** Service colours by slot: found by searching OKLab distances under normal and deficient colour vision. */
export const palette: Record<Theme, readonly string[]> = {
  light: ["#4c60d0", "#8d6e58", "#135955", "#521387", "#a6427f", "#5c5e1d", "#153950", "#49320b"],
  dark: ["#5979e3", "#b57d14", "#77beb5", "#b492fd", "#c64885", "#e2f08e", "#bbeafe", "#e0b63b"],
};

/** The colour of text on a service's bar. */
export const textOnService: Record<Theme, string> = { light: "#ffffff", dark: "#000000" };

/** A token's colour in a theme. */
export function colour(token: Token, theme: Theme): string {
  return tokens[token][theme === "light" ? 0 : 1];
}

// Findings that somebody does not want to see again, by their stable ids; kept in this browser.

import { stored } from "./stored.ts";

/** More are forgotten, the oldest first: an address has to hold them. */
const SUPPRESSED_MAX = 100;

/** Ids, separated by commas, as the API takes them. */
export const suppressed = stored("suppressed", (text) => (text ?? "").split(",").filter((id) => /^[\w.:-]+$/.test(id)).slice(-SUPPRESSED_MAX).join(","));

export function suppress(id: string): void {
  suppressed.value = [...suppressed.peek().split(",").filter((known) => known && known !== id), id].slice(-SUPPRESSED_MAX).join(",");
}

export function suppressNothing(): void {
  suppressed.value = "";
}

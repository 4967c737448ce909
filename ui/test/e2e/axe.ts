// axe in the page. It is handed over by the browser's debugging protocol, which the page's policy does not govern.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface AxeResult {
  violations: { id: string; help: string; nodes: { target: string[]; failureSummary?: string }[] }[];
}

/** Violations of WCAG A and AA and of best practice, each with where it was found. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(source);
  const { violations: found } = await page.evaluate(() => (globalThis as unknown as { axe: { run: (context: Document, options: object) => Promise<AxeResult> } }).axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  }));
  return found.flatMap(({ id, help, nodes }) => nodes.slice(0, 3).map((node) => `${id} (${help}) at ${node.target.join(" ")}: ${node.failureSummary ?? ""}`));
}

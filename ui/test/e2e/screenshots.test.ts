// Pictures of every page for people to look at: `SCREENSHOTS=1 npm run e2e`, then test/e2e/screenshots/.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import type { Browser } from "playwright-core";
import { launch, open } from "./browser.ts";
import { serve, type Served } from "./server.ts";

const folder = join(import.meta.dirname, "screenshots");
const wanted = process.env["SCREENSHOTS"];

describe.skipIf(!wanted)("screenshots", () => {
  let browser: Browser;
  let full: Served;
  let empty: Served;
  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    [browser, full, empty] = await Promise.all([launch(), serve(), serve({ empty: true })]);
  });
  afterAll(async () => {
    await browser.close();
    full.close();
    empty.close();
  });

  const cases: [name: string, path: string, where?: "empty"][] = [
    ["traces", "traces"], ["traces-welcome", "traces", "empty"], ["traces-problem", "traces?q={ name = "], ["traces-none", "traces?q=nothing-like-this"],
    ["trace", "FIRST:happy"], ["trace-failure", "FIRST:failure?tab=events"], ["trace-llm", "FIRST:llm"], ["trace-broken", "trace/00c0ffee00c0ffee00c0ffee00c0ffee"], ["trace-hostile", "trace/badc0de0badc0de0badc0de0badc0de0"],
    ["trace-large", "trace/large"], ["trace-flame", "FIRST:happy?v=flame"], ["trace-flame-large", "trace/large?v=flame"], ["trace-table", "trace/medium?v=table"], ["trace-wide", "trace/wide"], ["trace-deep", "trace/deep"], ["map", "map"], ["map-table", "map?v=table"], ["charts", "charts"], ["charts-table", "charts?v=table"], ["findings", "findings"], ["findings-none", "findings?q=nothing"], ["trace-findings", "FIRST:happy?f=1"], ["trace-clocks", "FIRST:happy?clocks=adjusted"], ["compare", "compare?a={ }&b={ }"], ["compare-start", "compare"], ["doctor", "doctor"], ["evals", "evals"], ["evals-empty", "evals", "empty"], ["run", "evals/distributed-tracing/runs/run-42"], ["run-pass", "evals/distributed-tracing/runs/run-41"],
  ];
  const looks = { light: { colorScheme: "light", viewport: { width: 1440, height: 900 } }, dark: { colorScheme: "dark", viewport: { width: 1440, height: 900 } }, narrow: { colorScheme: "light", viewport: { width: 320, height: 720 } } } as const;
  for (const [name, path, where] of cases) {
    if (wanted !== "1" && !name.startsWith(wanted ?? "")) continue;
    for (const [look, options] of Object.entries(looks)) {
      test(`${name} ${look}`, async () => {
        const base = where === "empty" ? empty.url : full.url;
        const { page } = await open(browser, base + (await resolve(path, base)), options);
        await page.waitForTimeout(900);
        if (name === "trace-llm" || name === "trace-failure") {
          await page.getByRole("treegrid").focus();
          await page.keyboard.press("End");
          for (let step = 0; step < (name === "trace-llm" ? 2 : 0); step++) await page.keyboard.press("k");
          await page.waitForTimeout(500);
        }
        await page.screenshot({ path: join(folder, `${name}-${look}.png`) });
        await page.context().close();
      });
    }
  }
});

/** `FIRST:happy` is the newest trace of a kind. */
async function resolve(path: string, base: string): Promise<string> {
  const match = /^FIRST:(\w+)(.*)$/.exec(path);
  if (!match) return path;
  const answer = await fetch(`${base}api/v1/traces?limit=100`);
  const { traces } = (await answer.json()) as { traces: { traceId: string; errorCount: number; spanCount: number }[] };
  const found = traces.find((trace) => (match[1] === "failure" ? trace.errorCount > 8 && trace.spanCount > 20 : trace.errorCount === 0 && trace.spanCount > 15))!;
  return `trace/${found.traceId}${match[1] === "llm" ? "?tab=llm" : match[2]}`;
}

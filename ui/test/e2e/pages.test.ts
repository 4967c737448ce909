// Every page, in both themes, full, empty and with a server that fails: no accessibility violations, no errors in the
// console (the content policy's included), no request to anywhere else, nothing wider than a narrow screen.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { violations } from "./axe.ts";
import { launch, open } from "./browser.ts";
import { serve, type Served } from "./server.ts";

let browser: Browser;
const servers = {} as Record<"full" | "empty" | "failing", Served>;
beforeAll(async () => {
  browser = await launch();
  [servers.full, servers.empty, servers.failing] = await Promise.all([serve(), serve({ empty: true }), serve({ failing: true })]);
});
afterAll(async () => {
  await browser.close();
  for (const server of Object.values(servers)) server.close();
});

const pages: Record<string, string> = {
  traces: "traces",
  "refused query": "traces?q={ name = ",
  "nothing found": "traces?q=nothing-like-this",
  "broken trace": "trace/00c0ffee00c0ffee00c0ffee00c0ffee",
  "large trace": "trace/medium",
  "no such trace": "trace/ffffffffffffffffffffffffffffffff",
  map: "map",
  "map as a table": "map?v=table",
  charts: "charts",
  "charts as a table": "charts?v=table",
  findings: "findings",
  "findings, refused query": "findings?q={ name = ",
  "no findings": "findings?q=nothing",
  "findings of a trace": "trace/00c0ffee00c0ffee00c0ffee00c0ffee?f=1",
  "flame graph": "trace/medium?v=flame",
  "figures by operation": "trace/medium?v=table",
  comparison: "compare?a={ }&b={ }",
  "nothing to compare": "compare",
  doctor: "doctor",
  evaluations: "evals",
  "a run": "evals/distributed-tracing/runs/run-42",
  "no such page": "nowhere",
};

describe.each(["full", "empty", "failing"] as const)("%s server", (state) => {
  describe.each(["light", "dark"] as const)("%s", (colorScheme) => {
    test.each(Object.entries(pages))("%s", async (_, path) => {
      const { page, troubles } = await open(browser, servers[state].url + path, { colorScheme });
      await page.locator("main > *").first().waitFor();
      await page.waitForTimeout(400);
      expect(await violations(page)).toEqual([]);
      expect(troubles).toEqual([]);
      expect(await page.title()).toMatch(/Headwater$/);
      await page.setViewportSize({ width: 320, height: 640 });
      await page.waitForTimeout(150);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
      if (state === "full") expect(await violations(page)).toEqual([]);
      await page.context().close();
    });
  });
});

describe.each(["light", "dark"] as const)("each tab of a span, %s", (colorScheme) => {
  test("has no violations", async () => {
    const { page, troubles } = await open(browser, `${servers.full.url}trace/badc0de0badc0de0badc0de0badc0de0`, { colorScheme });
    await page.getByRole("treegrid").focus();
    await page.keyboard.press("End");
    await page.getByRole("tab", { name: "Overview" }).waitFor();
    await page.waitForTimeout(400);
    for (const tab of await page.getByRole("tab").all()) {
      await tab.click();
      expect(await violations(page), await tab.innerText()).toEqual([]);
    }
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    expect(await violations(page)).toEqual([]);
    expect(troubles).toEqual([]);
    await page.context().close();
  });
});

// Against a real server with whatever it holds: `HEADWATER_URL=http://127.0.0.1:4319 npm run e2e`. It must hold traces.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunList, TraceList } from "../../src/api/types.ts";
import { violations } from "./axe.ts";
import { launch, open } from "./browser.ts";
import { headers } from "./server.ts";

const base = process.env["HEADWATER_URL"]?.replace(/\/*$/, "/") ?? "";
const folder = join(import.meta.dirname, "screenshots");
/** Enough to meet every shape a demo makes. */
const TRACES_MOST = 12;

async function ask<T>(path: string): Promise<T> {
  const answer = await fetch(`${base}api/v1/${path}`);
  expect(answer.status, path).toBe(200);
  return (await answer.json()) as T;
}

async function picture(page: Page, name: string): Promise<void> {
  if (!process.env["SCREENSHOTS"]) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `real-${name}.png`) });
}

describe.skipIf(!base)("a real server", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());

  test("its security headers are those that the other tests are served with", async () => {
    const answer = await fetch(base);
    expect(Object.fromEntries(answer.headers)).toMatchObject(headers);
  });

  test("the list, and each of its traces", { timeout: 300_000 }, async () => {
    const { traces } = await ask<TraceList>(`traces?limit=${TRACES_MOST}`);
    expect(traces.length).toBeGreaterThan(0);
    const { page, troubles } = await open(browser, `${base}traces?live=0`);
    await page.locator(".root-name").first().waitFor();
    await picture(page, "traces");
    expect(await violations(page)).toEqual([]);
    for (const [at, { traceId, spanCount, errorCount }] of traces.entries()) {
      await page.goto(`${base}trace/${traceId}`);
      const grid = page.getByRole("treegrid");
      await grid.waitFor();
      await grid.focus();
      await page.keyboard.press("]");
      expect(Number(await grid.getAttribute("aria-rowcount")), traceId).toBeGreaterThanOrEqual(spanCount);
      await page.keyboard.press(errorCount > 0 ? "e" : "ArrowDown");
      await page.getByRole("tab", { name: "Overview" }).waitFor();
      // A row that stands for a missing parent has no span to name; the next one has.
      if ((await page.locator('.row.synthetic[aria-selected="true"]').count()) > 0) await page.keyboard.press("ArrowDown");
      await page.waitForURL(/[?&]span=[0-9a-f]{16}/);
      for (const tab of await page.getByRole("tab").all()) await tab.click();
      await picture(page, `trace-${at}`);
      expect(await violations(page), traceId).toEqual([]);
    }
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test("a query, well and badly written", async () => {
    const { page } = await open(browser, `${base}traces?live=0&q={ status = error }`);
    await page.getByText(/shown · answered in|No trace matches/).first().waitFor();
    await page.goto(`${base}traces?q={ name =`);
    await page.getByRole("alert").waitFor();
    expect(await page.locator(".query-caret").count()).toBe(1);
    await page.context().close();
  });

  test.each(["light", "dark"] as const)("the map, as a picture and as a table, %s", async (colorScheme) => {
    const { page, troubles } = await open(browser, `${base}map`, { colorScheme });
    await page.getByRole("group", { name: /Map of/ }).waitFor();
    await picture(page, `map-${colorScheme}`);
    expect(await violations(page)).toEqual([]);
    await page.goto(`${base}map?v=table`);
    await page.getByRole("table").first().waitFor();
    expect(await violations(page)).toEqual([]);
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test("every verdict of the newest run opens its trace", { timeout: 300_000 }, async ({ skip }) => {
    const { runs } = await ask<RunList>("evals?limit=1");
    const { page, troubles } = await open(browser, `${base}evals`);
    await page.getByRole(runs.length > 0 ? "table" : "heading").first().waitFor();
    expect(await violations(page)).toEqual([]);
    if (runs.length === 0) return skip("the server holds no run");
    await page.locator(".run-name").first().click();
    await page.getByRole("grid").waitFor();
    await picture(page, "run");
    expect(await violations(page)).toEqual([]);
    const links = new Set<string>();
    for (const row of await page.locator(".run-row:not(.head)").all()) {
      await row.locator('[role="gridcell"]').first().click();
      for (const link of await page.locator(".run-panel a").all()) links.add((await link.getAttribute("href"))!);
    }
    expect(links.size).toBeGreaterThan(0);
    for (const link of links) {
      await page.goto(base + link);
      await page.getByRole("treegrid").waitFor();
      if (!link.includes("span=")) continue;
      await page.locator('[role="row"][aria-selected="true"]').waitFor();
    }
    expect(troubles).toEqual([]);
    await page.context().close();
    return undefined;
  });
});

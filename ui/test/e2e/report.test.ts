// The report as one file, opened from disk: results, waterfalls, evidence; no server, no request, no violation.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fill, reportOfRun } from "../fixtures/report.ts";
import { violations } from "./axe.ts";
import { launch, open, type Watched } from "./browser.ts";

let browser: Browser;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "headwater-report-"));
  browser = await launch();
});
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true });
});

/** Opens a report from disk; every request but that for the file itself is trouble. */
async function opened(html: string, options: Parameters<typeof open>[2] = {}): Promise<Watched> {
  const file = join(folder, "report.html");
  writeFileSync(file, html);
  return open(browser, pathToFileURL(file).href, options);
}

const { data, leftOut } = reportOfRun();

describe.each(["light", "dark"] as const)("%s", (colorScheme) => {
  test("results, then the waterfall at the evidence, then its attributes", async () => {
    const { page, troubles } = await opened(fill(data), { colorScheme });
    await page.getByRole("grid", { name: "Scenarios and their assertions" }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole("link", { name: /gateway POST \/v1\/ask/ }).first().click();
    await page.getByRole("treegrid").waitFor();
    await page.locator('[role="row"][aria-selected="true"]').waitFor();
    // Its styles are not those of all pages: what it shows must be among them.
    expect(await page.getByRole("group", { name: "Shown as" }).evaluate((element) => getComputedStyle(element).display)).toBe("flex");
    expect(page.url()).toMatch(/report\.html#trace\/[0-9a-f]{32}\?span=[0-9a-f]{16}$/);
    await page.getByRole("tab", { name: /Attributes/ }).click();
    await page.getByText("app.request.id").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole("textbox", { name: /Find spans/ }).fill("first token");
    await page.getByText("–/1").waitFor();
    await page.reload();
    await page.locator('[role="row"][aria-selected="true"]').waitFor();
    await page.getByRole("link", { name: "Results" }).click();
    await page.getByRole("grid", { name: "Scenarios and their assertions" }).waitFor();
    await page.goBack();
    await page.getByRole("treegrid").waitFor();
    await page.setViewportSize({ width: 320, height: 640 });
    await page.waitForTimeout(150);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test("the list of its traces, and a trace that was left out", async () => {
    const { page, troubles } = await opened(fill(data), { colorScheme });
    await page.getByRole("link", { name: /Traces/ }).click();
    await page.locator(".trace-row .root-name").first().waitFor();
    expect(await page.locator('.trace-row[id^="trace-"]').count()).toBe(4);
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).getByText("Copy a link").waitFor();
    await page.keyboard.press("Escape");
    expect(await violations(page)).toEqual([]);
    await page.goto(`${page.url().split("#")[0]}#trace/${leftOut}`);
    await page.getByRole("heading", { name: /is not in this report/ }).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(troubles).toEqual([]);
    await page.context().close();
  });
});

test("nothing in the data becomes code, and the policy refuses what was put into the file", async () => {
  const evil = fill(data).replace("</body>", "<script>window.pwned = 1</script><img src='data:,x' onerror='window.pwned = 2'></body>");
  const { page, troubles } = await opened(evil);
  await page.getByRole("grid", { name: "Scenarios and their assertions" }).waitFor();
  await page.getByText('happy </script><img src="https://elsewhere.example/x"> path').first().waitFor();
  expect(await page.evaluate(() => (window as { pwned?: unknown }).pwned)).toBeUndefined();
  expect(troubles.filter((trouble) => !trouble.includes("Content Security Policy"))).toEqual([]);
  await page.context().close();
});

test("one trace alone is the first page; the template and damaged data say what they are", async () => {
  const one = await opened(fill({ ...data, run: null, traces: data.traces.slice(0, 1), leftOut: [] }));
  await one.page.getByRole("treegrid").waitFor();
  expect(one.troubles).toEqual([]);
  await one.page.context().close();
  const template = await opened(fill(data).replace(/(id="headwater-data">)[^<]*/, '$1"HEADWATER-REPORT-DATA"'));
  await template.page.getByRole("heading", { name: /template of a report/ }).waitFor();
  expect(await violations(template.page)).toEqual([]);
  await template.page.context().close();
  const damaged = await opened(fill(data).replace(/(id="headwater-data">)[^<]{40}/, "$1"));
  await damaged.page.getByRole("heading", { name: /cannot be read/ }).waitFor();
  await damaged.page.context().close();
});

test.skipIf(!process.env["SCREENSHOTS"])("screenshots", async () => {
  const shots = join(import.meta.dirname, "screenshots");
  mkdirSync(shots, { recursive: true });
  for (const colorScheme of ["light", "dark"] as const) {
    const { page } = await opened(fill(data), { colorScheme });
    await page.waitForTimeout(500);
    await page.screenshot({ path: join(shots, `report-${colorScheme}.png`) });
    await page.getByRole("link", { name: /gateway POST \/v1\/ask/ }).first().click();
    await page.waitForTimeout(600);
    await page.screenshot({ path: join(shots, `report-trace-${colorScheme}.png`) });
    await page.context().close();
  }
});

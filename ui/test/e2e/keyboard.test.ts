// Everything without a pointer: lists, waterfall, span, map, run, help, palette.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { served } from "./browser.ts";

const { visit } = served();

async function press(page: Page, ...keys: string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key);
}

/** Tab until the focus is on something with this role. */
async function tabTo(page: Page, role: string): Promise<void> {
  for (let step = 0; step < 40; step++) {
    await page.keyboard.press("Tab");
    if ((await page.evaluate(() => document.activeElement?.getAttribute("role"))) === role) return;
  }
  throw new Error(`no ${role} within 40 tabs`);
}

const selectedRow = (page: Page) => page.locator('[role="row"][aria-selected="true"]');

test("from the list to a span's attributes and back", async () => {
  const { page, troubles } = await visit("traces?live=0");
  await page.getByRole("grid", { name: "Traces" }).waitFor();
  await tabTo(page, "grid");
  await page.waitForTimeout(50);
  await press(page, "Home", "j", "k", "ArrowDown", "ArrowDown");
  expect(await selectedRow(page).getAttribute("aria-rowindex")).toBe("4");
  await press(page, "Enter");
  await page.getByRole("treegrid").waitFor();
  expect(page.url()).toMatch(/\/trace\/[0-9a-f]{32}$/);

  await tabTo(page, "treegrid");
  await press(page, "ArrowDown");
  expect(await selectedRow(page).getAttribute("aria-level")).toBe("1");
  const rows = Number(await page.getByRole("treegrid").getAttribute("aria-rowcount"));
  await press(page, "ArrowLeft");
  expect(await page.getByRole("treegrid").getAttribute("aria-rowcount")).toBe("1");
  expect(await selectedRow(page).getAttribute("aria-expanded")).toBe("false");
  await press(page, "ArrowRight", "ArrowRight");
  expect(Number(await page.getByRole("treegrid").getAttribute("aria-rowcount"))).toBe(rows);
  expect(await selectedRow(page).getAttribute("aria-level")).toBe("2");
  await press(page, "z");
  await page.waitForTimeout(400);
  expect(page.url()).toMatch(/[?&]w=-?\d+\.\.\d+/);
  await press(page, "0");
  await page.waitForTimeout(400);
  expect(page.url()).not.toMatch(/[?&]w=/);
  expect(page.url()).toMatch(/[?&]span=[0-9a-f]{16}/);

  await press(page, "Enter");
  expect(await page.evaluate(() => document.activeElement?.getAttribute("role"))).toBe("tab");
  await press(page, "2");
  await page.getByRole("tab", { name: /Attributes/, selected: true }).waitFor();
  expect(page.url()).toContain("tab=attributes");
  await press(page, "ArrowRight");
  await page.getByRole("tab", { name: /Events/, selected: true }).waitFor();
  await press(page, "Escape");
  expect(await page.evaluate(() => document.activeElement?.getAttribute("role"))).toBe("treegrid");
  expect(await page.getByRole("tab").count()).toBe(0);
  await page.goBack();
  expect(troubles).toEqual([]);
  await page.context().close();
});

test("find and errors", async () => {
  const { page } = await visit("traces?live=0&q=error&sort=-errors");
  await page.getByRole("grid", { name: "Traces" }).focus();
  await press(page, "ArrowDown", "Enter");
  await page.getByRole("treegrid").focus();
  await press(page, "e");
  expect(await selectedRow(page).innerText()).toContain("POST /v1/ask");
  await press(page, "e", "E");
  expect(await selectedRow(page).innerText()).toContain("POST /v1/ask");
  await press(page, "/");
  await page.keyboard.type("rank");
  await press(page, "Enter");
  expect(await selectedRow(page).innerText()).toContain("rank passages");
  await press(page, "ArrowDown");
  expect(await page.evaluate(() => document.activeElement?.getAttribute("role"))).toBe("treegrid");
  await page.context().close();
});

test("chords, help, palette, theme", async () => {
  const { page } = await visit("traces");
  await page.getByRole("grid").waitFor();
  await press(page, "g", "m");
  await page.getByRole("group", { name: /Map of/ }).waitFor();
  await press(page, "g", "e");
  await page.getByRole("heading", { name: "Evaluations" }).waitFor();
  await press(page, "?");
  const help = page.getByRole("dialog", { name: "Keys" });
  await help.getByText("One step back").waitFor();
  // What nobody does on this page is not offered: there is no list of rows, no live list and no chart.
  for (const absent of ["Next row", "Pause or resume the live list", "Chart as a table, and back"]) expect(await help.getByText(absent).count(), absent).toBe(0);
  await press(page, "Escape");
  await press(page, "Control+k");
  await page.getByRole("combobox").waitFor();
  expect(await page.getByRole("option", { name: "Copy a link" }).count()).toBe(1);
  expect(await page.getByRole("option", { name: "Pause or resume" }).count()).toBe(0);
  await page.keyboard.type("theme: dark");
  await press(page, "Enter");
  expect(await page.evaluate(() => document.documentElement.dataset["theme"])).toBe("dark");
  await press(page, "Control+k");
  await page.getByRole("combobox").waitFor();
  await page.keyboard.type("00-00c0ffee00c0ffee00c0ffee00c0ffee-00f067aa0ba902b7-01");
  await press(page, "Enter");
  await page.getByText("is not in this trace").waitFor();
  expect(page.url()).toContain("/trace/00c0ffee00c0ffee00c0ffee00c0ffee");
  await page.context().close();
});

test("single-letter keys can be switched off", async () => {
  const { page } = await visit("evals");
  await page.getByRole("table").waitFor();
  await press(page, "?");
  await page.getByRole("dialog").getByRole("checkbox").uncheck();
  await press(page, "Escape");
  await press(page, "g", "m");
  await page.waitForTimeout(200);
  expect(page.url()).toMatch(/evals$/);
  await page.context().close();
});

test("the map, from service to service, and its table", async () => {
  const { page } = await visit("map");
  await page.getByRole("button", { name: /^gateway service/ }).focus();
  await press(page, "ArrowRight");
  expect(await page.evaluate(() => (document.activeElement as HTMLElement).dataset["node"])).not.toBe("gateway");
  await page.getByRole("complementary", { name: "What is picked on the map" }).waitFor();
  await press(page, "ArrowLeft");
  expect(await page.evaluate(() => (document.activeElement as HTMLElement).dataset["node"])).toBe("gateway");
  await press(page, "T");
  await page.getByRole("table", { name: "Calls between services" }).waitFor();
  expect(page.url()).toContain("v=table");
  await page.context().close();
});

test("every verdict opens its trace, a failed assertion its span", async () => {
  const { page, troubles } = await visit("evals/distributed-tracing/runs/run-42");
  await page.getByRole("grid").focus();
  for (const word of ["pass", "fail", "not evaluable", "error", "flaky", "regressed", "improved", "insufficient"]) expect(await page.locator(".verdict", { hasText: word }).or(page.getByRole("img", { name: word })).count(), word).toBeGreaterThan(0);
  await press(page, "ArrowDown", "ArrowUp", "Enter");
  await page.getByRole("tab", { name: "Overview" }).waitFor();
  expect(page.url()).toMatch(/\/trace\/[0-9a-f]{32}\?span=[0-9a-f]{16}/);
  expect(await selectedRow(page).innerText()).toContain("chat extractive-1");
  await page.goBack();
  const panel = page.getByRole("complementary");
  await panel.getByRole("link", { name: "Open trace" }).waitFor();
  for (const assertion of await panel.locator(".assertion").all()) expect(await assertion.getByRole("link").count()).toBeGreaterThan(0);
  expect(troubles).toEqual([]);
  await page.context().close();
});

// Findings, what-if, comparison: from the list to the span that shows it, and what somebody does not want to see again.

import { expect, test } from "vitest";
import { violations } from "./axe.ts";
import { served } from "./browser.ts";

const { visit } = served();

test("a finding opens the span that shows it, and stays away once suppressed", async () => {
  const { page, troubles } = await visit("findings");
  const card = page.getByRole("article", { name: /decides how long/ });
  await card.getByText("118 ms – 140 ms").waitFor();
  await card.getByRole("button", { name: "Suppress", exact: true }).click();
  await card.waitFor({ state: "detached" });
  await page.getByText("1 suppressed").waitFor();
  await page.reload();
  await page.getByText("1 suppressed").waitFor();
  await page.getByRole("button", { name: "Show them" }).click();
  await card.getByRole("list", { name: "Evidence" }).getByRole("link").first().click();
  await page.locator('[role="row"][aria-selected="true"]').filter({ hasText: "chat extractive-1" }).waitFor();
  expect(page.url()).toMatch(/\/trace\/[0-9a-f]{32}\?span=[0-9a-f]{16}$/);
  expect(troubles).toEqual([]);
  await page.context().close();
});

test("in a trace, a finding stresses its spans; its key opens and closes the list", async () => {
  const { page, troubles } = await visit("findings");
  await page.getByRole("list", { name: "Evidence" }).first().getByRole("link").first().click();
  const grid = page.getByRole("treegrid");
  await page.locator('[role="row"][aria-selected="true"]').waitFor();
  await grid.focus();
  await page.keyboard.press("f");
  const card = page.getByRole("article", { name: /side by side/ });
  await card.getByRole("button", { name: "Show its spans" }).click();
  await page.locator(".row.faded").first().waitFor();
  expect(await page.locator(".row:not(.faded)").count()).toBe(2);
  await page.waitForFunction(() => location.search.includes("f=1"));
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.locator(".row.faded").first().waitFor({ state: "detached" });
  expect(troubles).toEqual([]);
  await page.context().close();
});

test("what if: a change is described, computed, and its mistakes are told", async () => {
  const { page, troubles } = await visit("findings");
  await page.getByRole("button", { name: "Compute" }).click();
  await page.getByRole("alert").filter({ hasText: "name an operation" }).waitFor();
  await page.getByRole("textbox", { name: "Operations of change 1" }).fill("chat extractive-1");
  await page.getByRole("button", { name: "Compute" }).click();
  await page.getByRole("row", { name: /With all changes/ }).waitFor();
  expect(await page.getByRole("row", { name: /With all changes/ }).innerText()).toContain("−25 %");
  expect(await violations(page)).toEqual([]);
  expect(troubles).toEqual([]);
  await page.context().close();
});

test("two marked traces are compared; a selection against the time before", async () => {
  const { page, troubles } = await visit("traces?live=0");
  await page.getByRole("grid", { name: "Traces" }).focus();
  for (const key of ["Home", "x", "ArrowDown", "x"]) await page.keyboard.press(key);
  await page.getByText("Cannot tell.").waitFor();
  expect(new URL(page.url()).searchParams.get("a")).toMatch(/^trace:[0-9a-f]{32}$/);
  await page.getByRole("button", { name: "Swap" }).click();
  await page.getByRole("checkbox", { name: "the same time before" }).check();
  await page.getByRole("textbox", { name: "Held against it" }).fill("{ status = error }");
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  await page.getByRole("row", { name: /slower tail/ }).waitFor();
  expect(new URL(page.url()).searchParams.get("tb")).toBe("1h");
  expect(new URL(page.url()).searchParams.get("a")).toBeNull();
  expect(troubles).toEqual([]);
  await page.context().close();
});

test("traces dragged over on the plot are told from the rest, and a difference filters", async () => {
  const { page, troubles } = await visit("traces?live=0");
  const plot = (await page.locator(".plot-canvas").boundingBox())!;
  await page.mouse.move(plot.x + 4, plot.y + 2);
  await page.mouse.down();
  await page.mouse.move(plot.x + plot.width * 0.7, plot.y + plot.height * 0.6, { steps: 4 });
  await page.mouse.up();
  const card = page.getByRole("button", { name: /app\.user\.tier pro/ });
  await card.waitFor();
  expect(new URL(page.url()).searchParams.get("sel")).toMatch(/^\d+\.\.\d+,\d+\.\.\d+$/);
  const [, shown] = /(\d+) shown/.exec(await page.locator(".list-end").innerText())!;
  expect(await page.locator('.trace-row[id^="trace-"]').count()).toBe(Number(shown));
  expect(await page.locator(".differences strong").innerText()).toBe(`${shown} traces selected`);
  expect(await violations(page)).toEqual([]);
  await card.click();
  expect(new URL(page.url()).searchParams.get("q")).toBe('{ span.app.user.tier = "pro" }');
  expect(new URL(page.url()).searchParams.get("sel")).toBeNull();
  expect(troubles).toEqual([]);
  await page.context().close();
});

// Hostile text, a prefix in front, a hundred thousand spans, live rows, a server that comes back.

import { expect, test } from "vitest";
import { violations } from "./axe.ts";
import { served } from "./browser.ts";
import { serve } from "./server.ts";

const { url, visit } = served();

test("text of a trace never becomes code, markup or a request", async () => {
  const { page, troubles } = await visit("trace/badc0de0badc0de0badc0de0badc0de0");
  const grid = page.getByRole("treegrid");
  await grid.focus();
  for (let row = 0; row < 9; row++) {
    await page.keyboard.press("ArrowDown");
    await page.waitForTimeout(150);
    for (const tab of await page.getByRole("tab").all()) await tab.click();
    await grid.focus();
  }
  await page.goto(url("traces"));
  await page.getByRole("grid").waitFor();
  await page.goto(url("map?v=table"));
  await page.getByRole("table").first().waitFor();
  await page.goto(url("map"));
  await page.getByRole("group", { name: /Map of/ }).waitFor();
  expect(await page.evaluate(() => (window as { pwned?: unknown }).pwned)).toBeUndefined();
  expect(await page.locator("main img, main script, main iframe, main a[href^='javascript:']").count()).toBe(0);
  expect(troubles).toEqual([]);
  await page.context().close();
});

test("all of it works below a prefix", async () => {
  const below = await serve({ prefix: "/tools/headwater/" });
  const { page, troubles } = await visit(`${below.url}map`);
  await page.getByRole("group", { name: /Map of/ }).waitFor();
  await page.getByRole("link", { name: "Traces", exact: true }).click();
  await page.locator(".root-name").first().click();
  await page.getByRole("treegrid").waitFor();
  expect(page.url()).toMatch(/\/tools\/headwater\/trace\/[0-9a-f]{32}$/);
  await page.reload();
  await page.getByRole("treegrid").waitFor();
  expect(troubles).toEqual([]);
  await page.context().close();
  below.close();
});

test("a hundred thousand spans: few elements, quick frames, every row reachable", async () => {
  const { page, troubles } = await visit("trace/large");
  const grid = page.getByRole("treegrid");
  await grid.waitFor();
  await grid.focus();
  await page.keyboard.press("]");
  expect(await grid.getAttribute("aria-rowcount")).toBe("100000");
  await page.keyboard.press("End");
  await page.locator('[role="row"][aria-rowindex="100000"]').waitFor();
  expect(await page.locator("*").count()).toBeLessThanOrEqual(1500);
  const frames = await page.evaluate(async () => {
    const scroll = document.querySelector<HTMLElement>('[role="treegrid"]')!;
    const times: number[] = [];
    for (let step = 0; step < 40; step++) {
      const began = performance.now();
      scroll.scrollTop = (scroll.scrollHeight * step) / 40;
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      times.push(performance.now() - began);
    }
    return times.toSorted((a, b) => a - b);
  });
  // Two frames each; the goal is 60 ms on a quiet machine, this catches only a change of order.
  expect(frames[20]!).toBeLessThan(400);
  expect(troubles).toEqual([]);
  await page.context().close();
});

test("wheel and drag zoom; the window is in the address bar and survives a reload", async () => {
  const { page } = await visit("trace/medium");
  await page.getByRole("treegrid").waitFor();
  const axis = (await page.locator(".axis").boundingBox())!;
  await page.mouse.move(axis.x + axis.width * 0.25, axis.y + 10);
  await page.mouse.down();
  await page.mouse.move(axis.x + axis.width * 0.75, axis.y + 10, { steps: 5 });
  await page.mouse.up();
  await page.waitForTimeout(400);
  const zoomed = new URL(page.url()).searchParams.get("w");
  expect(zoomed).toMatch(/^\d+\.\.\d+$/);
  await page.mouse.move(axis.x + axis.width / 2, axis.y + 100);
  await page.keyboard.down("Control");
  await page.mouse.wheel(0, -300);
  await page.keyboard.up("Control");
  await page.waitForTimeout(400);
  const closer = new URL(page.url()).searchParams.get("w")!;
  const length = (text: string) => Number(text.split("..")[1]) - Number(text.split("..")[0]);
  expect(length(closer)).toBeLessThan(length(zoomed!));
  await page.reload();
  await page.getByRole("treegrid").waitFor();
  await page.waitForTimeout(300);
  expect(await page.getByRole("button", { name: "Fit" }).isEnabled()).toBe(true);
  await page.context().close();
});

test("new traces wait behind a pill while somebody reads", async () => {
  const { page } = await visit("traces");
  const grid = page.getByRole("grid");
  await grid.focus();
  await page.keyboard.press("ArrowDown");
  const first = await page.locator('[role="row"][aria-rowindex="2"]').getAttribute("id");
  const pill = page.getByRole("button", { name: /^\d+ new$/ });
  await pill.waitFor({ timeout: 10_000 });
  expect(await page.locator('[role="row"][aria-rowindex="2"]').getAttribute("id")).toBe(first);
  await grid.focus();
  await page.keyboard.press("n");
  expect(await page.locator('[role="row"][aria-rowindex="2"]').getAttribute("id")).not.toBe(first);
  await page.context().close();
});

test("a filtered list is live too: what matches comes in by itself, nothing else does", async () => {
  const { page } = await visit("traces?q=gateway");
  const newest = () => page.locator('[role="row"][aria-rowindex="2"]').getAttribute("id");
  const before = await newest();
  await page.waitForFunction((id) => document.querySelector('[role="row"][aria-rowindex="2"]')?.id !== id, before, { timeout: 10_000 });
  await page.goto(new URL("traces?q=nothing-like-this", page.url()).href);
  await page.getByRole("heading", { name: "No trace matches" }).waitFor();
  await page.waitForTimeout(4500);
  expect(await page.getByRole("heading", { name: "No trace matches" }).isVisible()).toBe(true);
  await page.context().close();
});

test("a trace that still arrives grows in place and keeps what was open and selected", async () => {
  const own = await serve();
  const { page, troubles } = await visit(`${own.url}trace/growing`);
  const grid = page.getByRole("treegrid");
  await grid.focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  const selected = page.locator('[role="row"][aria-selected="true"] .operation');
  const name = await selected.innerText();
  await page.keyboard.press("ArrowLeft");
  const before = await page.locator(".facts").innerText();
  await page.waitForURL(/span=/);
  const spanAgain = page.waitForRequest(/\/spans\/\d+$/, { timeout: 15_000 });
  await page.waitForFunction((text) => document.querySelector<HTMLElement>(".facts")!.innerText !== text, before, { timeout: 15_000 });
  // The span may have new children.
  await spanAgain;
  expect(await selected.innerText()).toBe(name);
  expect(await page.locator('[role="row"][aria-selected="true"]').getAttribute("aria-expanded")).toBe("false");
  expect(troubles).toEqual([]);
  await page.context().close();
  own.close();
});

test("a link or the palette leads to another span of the same trace", async () => {
  const { page } = await visit("trace/badc0de0badc0de0badc0de0badc0de0");
  await page.getByRole("treegrid").focus();
  await page.keyboard.press("End");
  await page.waitForURL(/span=/);
  const last = page.url();
  await page.keyboard.press("Home");
  await page.waitForFunction((before) => location.href !== before && location.href.includes("span="), last);
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").waitFor();
  await page.keyboard.insertText(last);
  await page.keyboard.press("Enter");
  await page.locator('[role="row"][aria-selected="true"][aria-rowindex="9"]').waitFor();
  expect(page.url()).toBe(last);
  await page.context().close();
});

test("a query with a mistake is told at its place", async () => {
  const { page } = await visit("traces");
  await page.getByRole("combobox", { name: /Filter traces/ }).fill("{ name =");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  expect(await page.locator(".query-caret").innerText()).toBe("{ name =\n        ^");
  expect(new URL(page.url()).searchParams.get("q")).toBe("{ name =");
  await page.context().close();
});

test("fields and values are offered while a query is typed", async () => {
  const { page } = await visit("traces?live=0");
  const input = page.getByRole("combobox", { name: /Filter traces/ });
  await input.click();
  await page.keyboard.type("{ serv");
  await page.getByRole("option", { name: /resource\.service\.name/ }).waitFor();
  await page.keyboard.press("Tab");
  expect(await input.inputValue()).toBe("{ resource.service.name = ");
  await page.getByRole("option", { name: /"gateway"/ }).waitFor();
  await page.keyboard.type('"se');
  await page.getByRole("option", { name: /"search"/ }).waitFor();
  await page.keyboard.press("ArrowDown");
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press("Enter");
  expect(await input.inputValue()).toBe('{ resource.service.name = "search"');
  await page.keyboard.type(" }");
  await page.keyboard.press("Enter");
  await page.waitForTimeout(200);
  expect(new URL(page.url()).searchParams.get("q")).toBe('{ resource.service.name = "search" }');
  await page.context().close();
});

test("stages and their fields are offered behind a selector", async () => {
  const { page } = await visit("charts?q={ } | rate()");
  const input = page.getByRole("combobox", { name: /Metrics query/ });
  await input.fill("");
  await page.keyboard.type("{ } | cou");
  await page.getByRole("option", { name: /count_over_time/ }).waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.type(" b");
  await page.getByRole("option", { name: /^by\(/ }).waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.type("serv");
  await page.getByRole("option", { name: /resource\.service\.name/ }).waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.type(")");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => new URL(location.href).searchParams.get("q") === "{ } | count_over_time() by(resource.service.name)");
  await page.context().close();
});

test("a server that goes away: what was shown stays, and comes back by itself", async () => {
  const fleeting = await serve();
  const { page } = await visit(`${fleeting.url}evals`);
  await page.getByRole("table").waitFor();
  await page.route("**/api/v1/**", (route) => route.abort());
  await page.getByRole("link", { name: "Map", exact: true }).click();
  await page.getByRole("alert").filter({ hasText: "cannot be reached" }).waitFor();
  await page.unroute("**/api/v1/**");
  await page.getByRole("group", { name: /Map of/ }).waitFor({ timeout: 15_000 });
  fleeting.close();
  await page.context().close();
});

test("clocks are adjusted on request, said so, and seen as received again", async () => {
  const { page, troubles } = await visit("traces");
  const asked: string[] = [];
  page.on("request", (request) => { if (request.url().includes("clocks=adjusted")) asked.push(new URL(request.url()).pathname.split("/").at(-1)!); });
  await page.locator(".root-name").first().click();
  await page.getByRole("treegrid").waitFor();
  await page.getByRole("checkbox", { name: "Adjust clocks" }).check();
  await page.getByText("laptop was 3.2 ms ahead of desktop (3.1 ms to 3.3 ms)").waitFor();
  expect(page.url()).toContain("clocks=adjusted");
  // The details of a span are those of the adjusted trace: its rows are counted anew.
  await page.getByRole("row").nth(2).click();
  await page.getByRole("tab").first().waitFor();
  expect(asked).toContain("outline");
  expect(asked.some((last) => /^\d+$/.test(last))).toBe(true);
  expect(await violations(page)).toEqual([]);
  await page.getByRole("button", { name: "As received" }).click();
  await page.getByText("laptop was").waitFor({ state: "detached" });
  expect(await page.getByRole("checkbox", { name: "Adjust clocks" }).isChecked()).toBe(false);
  expect(troubles).toEqual([]);
  await page.context().close();
});

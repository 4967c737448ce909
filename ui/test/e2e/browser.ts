// The system's Chromium, and pages that remember what went wrong in them.

import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { serve, type Served } from "./server.ts";

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

export interface Watched {
  page: Page;
  /** Errors in the console, exceptions, and requests to anywhere else. */
  troubles: string[];
}

export async function open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on("pageerror", (error) => troubles.push(`exception: ${error.message}`));
  page.on("console", (message) => {
    // A refused request is the server's word on something; tests that provoke one look at the page instead.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) troubles.push(`console: ${message.text()}`);
  });
  // A file may ask for itself alone.
  const own = url.startsWith("file:") ? url.split("#")[0]! : new URL(url).origin;
  page.on("request", (request) => {
    if (!request.url().startsWith(own) && !/^(data|blob):/.test(request.url())) troubles.push(`request to ${request.url()}`);
  });
  await page.goto(url);
  return { page, troubles };
}

/** A browser and a server of generated traces while the tests of a file run. */
export function served(): { url: (path: string) => string; visit: (path: string) => Promise<Watched> } {
  let browser: Browser;
  let server: Served;
  beforeAll(async () => {
    [browser, server] = await Promise.all([launch(), serve()]);
  });
  afterAll(async () => {
    await browser.close();
    server.close();
  });
  return {
    url: (path) => server.url + path,
    /** A path is of this server; a whole URL may be of another. */
    visit: (path) => open(browser, new URL(path, server.url).href),
  };
}

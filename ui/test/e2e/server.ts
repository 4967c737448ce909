// Serves the built page as the real server does: the same security headers, the same `<base>`, a mock behind `api/v1`.

import { createReadStream, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import type { AddressInfo } from "node:net";
import { mock, type MockOptions } from "../fixtures/mock.ts";

const dist = join(import.meta.dirname, "../../dist");
const types: Record<string, string> = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

/** `SECURITY_HEADERS` of crates/api; real.test.ts holds a real server to them. */
export const headers: Readonly<Record<string, string>> = {
  "content-security-policy": "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'; require-trusted-types-for 'script'; trusted-types headwater",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

export interface Served {
  url: string;
  close: () => void;
}

export function serve(options: MockOptions & { prefix?: string } = {}): Promise<Served> {
  const { prefix = "/" } = options;
  const answer = mock(options);
  const page = readFileSync(join(dist, "index.html"), "utf8").replace('<base href="/" />', `<base href="${prefix}" />`);
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const path = new URL(request.url ?? "/", "http://host").pathname;
    if (!path.startsWith(prefix)) return response.writeHead(404).end();
    request.url = `/${request.url!.slice(prefix.length)}`;
    const within = path.slice(prefix.length);
    if (within.startsWith("api/")) return answer(request, response);
    const file = join(dist, within);
    if (within && extname(within) && !within.includes("..") && existsSync(file)) {
      response.writeHead(200, { "content-type": types[extname(within)] ?? "application/octet-stream" });
      return createReadStream(file).pipe(response);
    }
    return response.writeHead(200, { "content-type": types[".html"]! }).end(page);
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      resolve({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`, close: () => { server.closeAllConnections(); server.close(); } });
    });
  });
}

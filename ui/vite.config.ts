// Builds the page into dist/, which is committed: the output must be the same bytes on every machine.
import { createHash } from "node:crypto";
import { defineConfig, type Plugin, type UserConfig } from "vite";
import { aliases } from "./aliases.config.ts";

/** Writes a hash of the built files into index.html, so that a page left open notices that the server was upgraded. */
function buildId(): Plugin {
  return {
    name: "headwater-build-id",
    apply: "build",
    enforce: "post",
    generateBundle(_, bundle) {
      const hash = createHash("sha256");
      for (const name of Object.keys(bundle).toSorted()) if (name !== "index.html") hash.update(name);
      const page = bundle["index.html"];
      if (page?.type !== "asset") throw new Error("index.html is missing from the build");
      page.source = String(page.source).replace("%BUILD_ID%", hash.digest("hex").slice(0, 16));
    },
  };
}

export default defineConfig(async ({ command }): Promise<UserConfig> => ({
  base: "./",
  resolve: { alias: aliases },
  oxc: { jsx: { runtime: "automatic", importSource: "react" } },
  plugins: [buildId(), ...(command === "serve" && process.env["MOCK"] ? [await mockServer()] : [])],
  server: { proxy: process.env["MOCK"] ? {} : { "/api": process.env["HEADWATER_URL"] ?? "http://127.0.0.1:4319" } },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
  },
  worker: { format: "es" as const },
}));

/** `MOCK=1 npm run dev`: answers the API with generated traces. */
async function mockServer(): Promise<Plugin> {
  const { mock } = await import("./test/fixtures/mock.ts");
  const answer = mock();
  return {
    name: "headwater-mock",
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        if (request.url?.startsWith("/api/")) answer(request, response);
        else next();
      });
    },
  };
}

// Unit tests: no browser, no network.
import { defineConfig } from "vitest/config";
import { aliases } from "./aliases.config.ts";

export default defineConfig({
  resolve: { alias: aliases },
  oxc: { jsx: { runtime: "automatic", importSource: "react" } },
  test: { include: ["test/unit/**/*.test.{ts,tsx}"], environment: "happy-dom" },
});

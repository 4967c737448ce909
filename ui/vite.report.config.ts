// Builds the template of the HTML report into dist/report.html: one file, whose policy lets run and style only what stands in it.
import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { defineConfig, type Plugin, type Rolldown } from "vite";
import { aliases } from "./aliases.config.ts";

const hashOf = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Script and styles into the page, and a policy that names exactly these two. */
function inOneFile(): Plugin {
  return {
    name: "headwater-report",
    enforce: "post",
    generateBundle(_, bundle) {
      const parts = Object.values(bundle);
      const page = parts.find((part): part is Rolldown.OutputAsset => part.type === "asset" && part.fileName === "report.html");
      const scripts = parts.filter((part): part is Rolldown.OutputChunk => part.type === "chunk");
      const styles = parts.filter((part): part is Rolldown.OutputAsset => part.type === "asset" && part.fileName.endsWith(".css"));
      if (!page || scripts.length !== 1 || styles.length !== 1 || parts.length !== 3) throw new Error(`a report is one script and one style sheet, read ${parts.map(({ fileName }) => fileName).join(", ")}`);
      // Within a script element these begin a comment or end it.
      const script = scripts[0]!.code.replaceAll("<!--", String.raw`\x3C!--`).replaceAll(/<(\/?script)/gi, String.raw`\x3C$1`);
      const style = String(styles[0]!.source);
      if (script.includes("import(") || /<\/style/i.test(style)) throw new Error("the report's script or styles cannot stand in one file");
      const policy = `default-src 'none'; script-src ${hashOf(script)}; style-src ${hashOf(style)}; img-src data:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'`;
      page.source = String(page.source)
        .replace(/\s*<(script type="module"|link rel="stylesheet")[^>]*>(<\/script>)?/g, "")
        .replace("</title>", () => `</title>\n    <meta http-equiv="Content-Security-Policy" content="${policy}" />`)
        .replace("</head>", () => `  <style>${style}</style>\n    <script type="module">${script}</script>\n  </head>`);
      for (const part of [...scripts, ...styles]) delete bundle[part.fileName];
    },
  };
}

export default defineConfig({
  base: "./",
  // A report asks nobody: what answers the page's questions is the file itself.
  resolve: { alias: [...aliases, { find: /^(?:.*\/)?api\/client\.ts$/, replacement: resolve(import.meta.dirname, "src/api/embedded.ts") }] },
  oxc: { jsx: { runtime: "automatic", importSource: "react" } },
  plugins: [inOneFile()],
  build: {
    target: "es2022", emptyOutDir: false, copyPublicDir: false, modulePreload: false, reportCompressedSize: false, cssCodeSplit: false,
    rolldownOptions: { input: resolve(import.meta.dirname, "report.html") },
  },
});

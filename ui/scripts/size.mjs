// Says how large the built page is, compressed, and fails above the limits.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const KILO = 1000;
const assets = join(import.meta.dirname, "../dist/assets");
const sizes = readdirSync(assets).map((name) => ({ name, bytes: gzipSync(readFileSync(join(assets, name)), { level: 9 }).length }));

/** Everything that a page loads: what index.html names, and what that imports without being asked. */
function loadedBy(entries) {
  const wanted = new Set(entries);
  for (const name of wanted) {
    if (!name.endsWith(".js")) continue;
    const text = readFileSync(join(assets, name), "utf8");
    for (const [, imported] of text.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) wanted.add(imported);
  }
  return [...wanted].reduce((sum, name) => sum + (sizes.find((size) => size.name === name)?.bytes ?? 0), 0);
}

const named = [...readFileSync(join(assets, "../index.html"), "utf8").matchAll(/assets\/([^"]+)"/g)].map(([, name]) => name);
const chunk = (start) => sizes.filter(({ name }) => name.startsWith(start)).map(({ name }) => name);
const goals = [
  { what: "first page (list of traces)", bytes: loadedBy(named), most: 75 * KILO },
  { what: "trace page, all it loads", bytes: loadedBy([...named, ...chunk("TracePage")]), most: 110 * KILO },
  { what: "report template, one file", bytes: gzipSync(readFileSync(join(assets, "../report.html")), { level: 9 }).length, most: 75 * KILO },
  { what: "everything", bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0), most: 200 * KILO },
];
for (const { name, bytes } of sizes) console.log(`${String(bytes).padStart(7)}  ${name}`);
for (const { what, bytes, most } of goals) console.log(`${bytes > most ? "TOO LARGE" : "ok"}: ${what}: ${(bytes / KILO).toFixed(1)} of ${most / KILO} kB gz`);
if (goals.some(({ bytes, most }) => bytes > most)) process.exit(1);

// Attribute values as text, and as the TraceQL that selects them.

import type { Attribute, AttributeValue } from "../../api/types.ts";

/** Values nest; text is written down to this depth. */
const DEPTH_MAX = 32;

/** For people: strings as they are, the rest in a form like JSON. */
export function valueText(value: AttributeValue, depth = 0): string {
  if (depth > DEPTH_MAX) return "…";
  switch (value.type) {
    case "empty": return "";
    case "string": case "int": case "double": return value.value;
    case "bool": return String(value.value);
    case "bytes": return `base64 ${value.value}`;
    case "array": return `[${value.value.map((item) => nestedText(item, depth + 1)).join(", ")}]`;
    case "map": return `{${value.value.map(({ key, value: item }) => `${JSON.stringify(key)}: ${nestedText(item, depth + 1)}`).join(", ")}}`;
    case "cut": return `${value.value.head}…`;
  }
}

function nestedText(value: AttributeValue, depth: number): string {
  return value.type === "string" ? JSON.stringify(value.value) : valueText(value, depth);
}

/** A TraceQL selector for spans with this attribute; undefined for types that cannot be compared. */
export function selectorFor(scope: "span" | "resource", { key, value }: Attribute): string | undefined {
  const field = /^[A-Za-z_][\w.]*$/.test(key) ? `${scope}.${key}` : `${scope}.${JSON.stringify(key)}`;
  if (value.type === "string") return `{ ${field} = ${JSON.stringify(value.value)} }`;
  if (value.type === "int" || value.type === "bool") return `{ ${field} = ${String(value.value)} }`;
  return value.type === "double" && Number.isFinite(Number(value.value)) ? `{ ${field} = ${value.value} }` : undefined;
}

/** Text that is JSON, laid out; undefined where it is none or not worth it. */
export function prettyJson(text: string): string | undefined {
  if (!/^\s*[[{]/.test(text) || text.length > 200_000) return undefined;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return undefined;
  }
}

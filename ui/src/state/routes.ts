// Which page a path names.

export type Route =
  | { page: "traces" }
  | { page: "trace"; traceId: string }
  | { page: "map" }
  | { page: "findings" }
  | { page: "charts" }
  | { page: "compare" }
  | { page: "doctor" }
  | { page: "runs" }
  | { page: "run"; run: string }
  | { page: "missing"; path: string };

export function readRoute(path: string): Route {
  const parts = path.split("/").map(decodePart);
  switch (parts[0]) {
    case "":
    case "traces":
      return { page: "traces" };
    case "trace":
      return parts[1] ? { page: "trace", traceId: parts[1].toLowerCase() } : { page: "traces" };
    case "map":
    case "findings":
    case "charts":
    case "compare":
    case "doctor":
      return { page: parts[0] };
    case "evals": {
      // `evals/{suite}/runs/{run}`; `evals/{run}` is accepted too, since a run's id is enough.
      const run = parts[2] === "runs" ? parts[3] : parts[1];
      return run && parts.length !== 3 ? { page: "run", run } : { page: "runs" };
    }
    default:
      return { page: "missing", path };
  }
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function traceLink(traceId: string, spanId?: string): string {
  return `trace/${encodeURIComponent(traceId)}${spanId ? `?span=${encodeURIComponent(spanId)}` : ""}`;
}

export function runLink(suite: string, run: string): string {
  return `evals/${encodeURIComponent(suite)}/runs/${encodeURIComponent(run)}`;
}

export function tracesLink(q: string): string {
  return `traces?q=${encodeURIComponent(q)}`;
}

/** Text that names a trace: 32 hex digits, a `traceparent`, or a link to one of our pages. Undefined otherwise. */
export function readTraceReference(text: string): string | undefined {
  const trimmed = text.trim();
  if (/^[0-9a-f]{32}$/i.test(trimmed)) return traceLink(trimmed.toLowerCase());
  const parent = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/i.exec(trimmed);
  if (parent) return traceLink(parent[1]!.toLowerCase(), parent[2]!.toLowerCase());
  const link = /\/(trace\/[0-9a-f]{32}(?:\?[^#\s]*)?)/i.exec(trimmed);
  return link?.[1];
}

/** The page of findings in a selection; `selection` as it is written in its box. */
export function findingsLink(selection: string): string {
  return `findings?q=${encodeURIComponent(selection)}`;
}

/** The page that holds two selections against each other. */
export function compareLink(before: string, after: string): string {
  return `compare?a=${encodeURIComponent(before)}&b=${encodeURIComponent(after)}`;
}

/** TraceQL for traces that begin alike. */
export function rootSelector({ rootService, rootName }: { rootService: string; rootName: string }): string {
  return `{ rootServiceName = ${JSON.stringify(rootService)} && rootName = ${JSON.stringify(rootName)} }`;
}

/** The first digits of a trace id that tell it from others: ids of 64 bits begin with zeros. */
export function shortTraceId(traceId: string): string {
  return traceId.replace(/^0{16}/, "").slice(0, 8);
}

// The server's place in a report: the same questions, answered from the data that the file holds. A report's build has
// this file instead of `client.ts`, so that it cannot ask anybody anything.

import { decodeOutline, rowsOfSpan, type Outline } from "../engine/outline.ts";
import type { api as served } from "./client.ts";
import { ApiError } from "./error.ts";
import type { EvalRun, SpanDetail } from "./types.ts";

/** What stands in the report's data element; `ui/README.md` tells how it gets there. */
export interface ReportData {
  v: 1;
  /** The version of headwater that wrote it. */
  version: string;
  /** When it was written, nanoseconds since 1970. */
  written: string;
  /** The evaluation; null for a report of traces alone. */
  run: EvalRun | null;
  traces: ReportTrace[];
  /** What was left out, in words. */
  leftOut: string[];
}

/** Both values are base64, and gzipped before that or not. */
interface ReportTrace {
  traceId: string;
  /** The binary outline with its span ids. */
  outline: string;
  /** `SpanDetail[]` as JSON; null where they were left out. */
  spans: string | null;
}

export const isEmbedded: boolean = true;

export function serverOrigin(): string | undefined {
  return undefined;
}

/** The data, or in words why there are none. */
export function readReport(): ReportData | string {
  const text = document.getElementById("headwater-data")?.textContent ?? "";
  try {
    const data = JSON.parse(text) as ReportData | string;
    if (typeof data === "string") return "This is the template of a report; nobody has put results into it yet.";
    if (data.v !== 1) return `The report's data have version ${String(data.v)}; this page reads version 1.`;
    return data;
  } catch (error) {
    return `The report's data cannot be read: ${String(error)}`;
  }
}

let held: ReportData | undefined;

/** Answers from `data` from now on. */
export function answerFrom(data: ReportData): void {
  held = data;
}

function missing(what: string): ApiError {
  return new ApiError(404, { error: what, hint: null, place: null, problems: [] });
}

function traceOf(traceId: string): ReportTrace {
  const trace = held?.traces.find((candidate) => candidate.traceId === traceId);
  if (!trace) throw missing(held?.leftOut.join("; ") || "the report was written without it");
  return trace;
}

const isGzip = (bytes: Uint8Array) => bytes[0] === 0x1f && bytes[1] === 0x8b;

async function unpack(base64: string): Promise<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.codePointAt(0)!);
  if (!isGzip(bytes)) return bytes.buffer;
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

const outlines = new Map<string, Promise<Outline>>();

function outlineOf(traceId: string): Promise<Outline> {
  const known = outlines.get(traceId);
  if (known) return known;
  const outline = unpack(traceOf(traceId).outline).then(decodeOutline);
  outlines.set(traceId, outline);
  return outline;
}

let spansOf: { traceId: string; spans: Promise<SpanDetail[]> } | undefined;

async function spans(traceId: string): Promise<SpanDetail[]> {
  const { spans: packed } = traceOf(traceId);
  if (packed === null) throw missing("the details of this trace's spans were left out of the report");
  if (spansOf?.traceId !== traceId) spansOf = { traceId, spans: unpack(packed).then((bytes) => JSON.parse(new TextDecoder().decode(bytes)) as SpanDetail[]) };
  return spansOf.spans;
}

/** Every outline, for the list of traces. */
export function allOutlines(): Promise<Outline[]> {
  return Promise.all((held?.traces ?? []).map(({ traceId }) => outlineOf(traceId)));
}

type Used = Pick<typeof served, "outline" | "span" | "rowOf" | "find" | "run" | "otlpUrl" | "reportUrl" | "traceReportUrl">;

export const api: Used = {
  outline: async (traceId) => outlineOf(traceId),
  async span(traceId, row) {
    const detail = (await spans(traceId)).find((candidate) => candidate.row === row);
    if (!detail) throw missing("this span's details were left out of the report");
    return detail;
  },
  rowOf: async (traceId, spanId) => ({ rows: rowsOfSpan(await outlineOf(traceId), spanId) }),
  async find(traceId, q) {
    const wanted = q.toLowerCase();
    const found = (await spans(traceId)).filter(({ name, attributes, events, logs, resource }) => JSON.stringify([name, attributes, events, logs, resource]).toLowerCase().includes(wanted));
    return { rows: found.map(({ row }) => row), mode: "text", cut: false, remarks: [], cost: { elapsed: 0, rowsScanned: 0, bytesRead: 0 } };
  },
  async run() {
    if (!held?.run) throw missing("there is no evaluation in this report");
    return held.run;
  },
  otlpUrl: () => undefined,
  reportUrl: () => undefined,
  traceReportUrl: () => undefined,
};

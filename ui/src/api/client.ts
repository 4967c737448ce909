// Asks the server. Nothing else fetches. Addresses are relative to `<base>`, so a prefix in front changes nothing here.

import { ApiError } from "./error.ts";
import { decodeOutline, type Outline } from "../engine/outline.ts";
import { OUTLINE_MEDIA_TYPE, type CompareRequest, type Comparison, type Diagnosis, type EvalRun, type Explanation, type FindResult, type Info, type KeyList, type Problem, type RunAccepted, type RunList, type Selection, type SeriesList, type ServiceList, type ServiceMap, type SpanDetail, type SpanRow, type StartRun, type TraceClocks, type TraceList, type ValueList, type WhatIfAnswer, type WhatIfRequest } from "./types.ts";

/** Whether what is shown comes from this file rather than from a server: `embedded.ts` says so in a report. */
export const isEmbedded: boolean = false;

/** Where the server is, for commands that name it. */
export function serverOrigin(): string | undefined {
  return location.origin;
}

let onSignInNeeded: () => void = () => undefined;

/** Whom to tell that the server asks for a token. */
export function tellWhenSignInNeeded(tell: () => void): void {
  onSignInNeeded = tell;
}

type Parameters = Record<string, string | number | boolean | undefined>;

export function apiUrl(path: string, parameters: Parameters = {}): string {
  const url = new URL(`api/v1/${path}`, document.baseURI);
  for (const [key, value] of Object.entries(parameters)) if (value !== undefined && value !== "") url.searchParams.set(key, String(value));
  return url.href;
}

async function ask(path: string, parameters: Parameters, options: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(apiUrl(path, parameters), { credentials: "same-origin", ...options });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(0, { error: "the server cannot be reached", hint: "is headwater still running?", place: null, problems: [] });
  }
  if (response.status === 401 && path !== "sign-in") onSignInNeeded();
  if (!response.ok) throw new ApiError(response.status, await readProblem(response));
  return response;
}

async function readProblem(response: Response): Promise<Problem> {
  try {
    const body = (await response.json()) as Partial<Problem>;
    if (typeof body.error === "string") return { hint: null, place: null, problems: [], ...body, error: body.error };
  } catch {
    // Something in between answered; its words would not help.
  }
  return { error: `the server answered ${response.status} ${response.statusText}`.trim(), hint: null, place: null, problems: [] };
}

async function get<T>(path: string, parameters: Parameters, signal: AbortSignal | undefined): Promise<T> {
  const response = await ask(path, parameters, { signal: signal ?? null });
  return (await response.json()) as T;
}

function posting(body: object): RequestInit {
  return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

/** How far a long answer is: traces read, of how many. */
export interface Progress {
  read: number;
  of: number;
}

export type OnProgress = (progress: Progress) => void;
const ignore: OnProgress = () => undefined;

/** An answer over many traces: in lines that tell how far it is, the last of them the result. */
async function inLines<T>(path: string, parameters: Parameters, options: RequestInit, onProgress: OnProgress): Promise<T> {
  const response = await ask(path, parameters, { ...options, headers: { ...options.headers, accept: "application/x-ndjson" } });
  if (!response.headers.get("content-type")?.includes("ndjson") || !response.body) return (await response.json()) as T;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    const lines = (rest + (value ?? "")).split("\n");
    rest = lines.pop()!;
    for (const line of lines.filter(Boolean)) {
      const told = JSON.parse(line) as { progress?: Progress; result?: T; problem?: Problem };
      if (told.progress) onProgress(told.progress);
      // The status was sent before anything was known: what can be pointed at is a mistake of whoever asked.
      else if (told.problem) throw new ApiError(told.problem.place || told.problem.problems.length > 0 ? 422 : 409, told.problem);
      else return told.result as T;
    }
    if (done) throw new ApiError(0, { error: "the answer ended before its result", hint: "is headwater still running?", place: null, problems: [] });
  }
}

/** A selection of traces as query parameters. */
export type SelectionParameters = { [K in keyof Selection]?: NonNullable<Selection[K]> | undefined };

function tracePath(traceId: string, rest: string): string {
  return `trace/${encodeURIComponent(traceId)}/${rest}`;
}

/** How the clocks of a trace are seen: as received if not said. Rows are counted anew when they are adjusted. */
export type SeenClocks = Outline["clocks"];

export const api = {
  info: (signal?: AbortSignal) => get<Info>("info", {}, signal),
  traces: (parameters: { q?: string; start?: string | undefined; end?: string; sort?: string; limit?: number; cursor?: string; origin?: string | undefined }, signal?: AbortSignal) => get<TraceList>("traces", parameters, signal),
  keys: (parameters: { prefix?: string; limit?: number }, signal?: AbortSignal) => get<KeyList>("keys", parameters, signal),
  values: (parameters: { field: string; prefix?: string; limit?: number }, signal?: AbortSignal) => get<ValueList>("values", parameters, signal),
  async outline(traceId: string, signal?: AbortSignal, clocks?: SeenClocks): Promise<Outline> {
    const response = await ask(tracePath(traceId, "outline"), { clocks }, { signal: signal ?? null, headers: { accept: OUTLINE_MEDIA_TYPE } });
    return { ...decodeOutline(await response.arrayBuffer()), clocks };
  },
  span: (traceId: string, row: number, full: boolean, signal?: AbortSignal, clocks?: SeenClocks) => get<SpanDetail>(tracePath(traceId, `spans/${row}`), { full: full || undefined, clocks }, signal),
  rowOf: (traceId: string, spanId: string, signal?: AbortSignal, clocks?: SeenClocks) => get<SpanRow>(tracePath(traceId, "row"), { span: spanId, clocks }, signal),
  find: (traceId: string, q: string, signal?: AbortSignal, clocks?: SeenClocks) => get<FindResult>(tracePath(traceId, "find"), { q, clocks }, signal),
  clocks: (traceId: string, signal?: AbortSignal) => get<TraceClocks>(tracePath(traceId, "clocks"), {}, signal),
  map: (parameters: { since: string; service?: string | undefined; operation?: string | undefined }, signal?: AbortSignal) => get<ServiceMap>("map", parameters, signal),
  series: (parameters: { q: string; start?: string | undefined; end?: string | undefined; step?: string }, signal?: AbortSignal) => get<SeriesList>("series", parameters, signal),
  services: (signal?: AbortSignal) => get<ServiceList>("services", {}, signal),
  findings: (parameters: SelectionParameters & { suppress?: string; top?: number }, signal?: AbortSignal, onProgress = ignore) => inLines<Explanation>("findings", { ...parameters }, { signal: signal ?? null }, onProgress),
  doctor: (parameters: SelectionParameters, signal?: AbortSignal, onProgress = ignore) => inLines<Diagnosis>("doctor", { ...parameters }, { signal: signal ?? null }, onProgress),
  compare: (body: CompareRequest, signal?: AbortSignal, onProgress = ignore) => inLines<Comparison>("compare", {}, { ...posting(body), signal: signal ?? null }, onProgress),
  whatIf: (body: WhatIfRequest, signal?: AbortSignal, onProgress = ignore) => inLines<WhatIfAnswer>("what-if", {}, { ...posting(body), signal: signal ?? null }, onProgress),
  runs: (parameters: { cursor?: string; suite?: string }, signal?: AbortSignal) => get<RunList>("evals", parameters, signal),
  run: (id: string, signal?: AbortSignal) => get<EvalRun>(`evals/${encodeURIComponent(id)}`, {}, signal),
  /** Where the trace can be downloaded as OTLP JSON. */
  otlpUrl: (traceId: string): string | undefined => apiUrl(tracePath(traceId, "otlp")),
  /** Where the trace can be downloaded as one HTML file. */
  traceReportUrl: (traceId: string): string | undefined => apiUrl(tracePath(traceId, "report")),
  /** Where a run can be downloaded as one HTML file. */
  reportUrl: (run: string): string | undefined => apiUrl(`evals/${encodeURIComponent(run)}/report`),
  signIn: (token: string) => ask("sign-in", {}, posting({ token })),
  async startRun(body: StartRun): Promise<RunAccepted> {
    const response = await ask("evals/start", {}, posting(body));
    return (await response.json()) as RunAccepted;
  },
};

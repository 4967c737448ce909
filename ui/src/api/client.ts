// Asks the server. Nothing else fetches. Addresses are relative to `<base>`, so a prefix in front changes nothing here.

import { decodeOutline, type Outline } from "../engine/outline.ts";
import { OUTLINE_MEDIA_TYPE, type EvalRun, type FindResult, type Info, type KeyList, type Problem, type RunAccepted, type RunList, type ServiceMap, type SpanDetail, type SpanRow, type StartRun, type TraceList, type ValueList } from "./types.ts";

/** An answer that was no success, or none at all (`status` 0). */
export class ApiError extends Error {
  override name = "ApiError";

  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.error);
  }

  /** Whether asking again may help. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || (this.status >= 500 && this.status !== 501);
  }

  /** Whether what was asked cannot be read, rather than not answered. */
  get isMistake(): boolean {
    return this.status === 400 || this.status === 422;
  }
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

async function askJson<T>(path: string, parameters: Parameters = {}, options: RequestInit = {}): Promise<T> {
  const response = await ask(path, parameters, options);
  return (await response.json()) as T;
}

export const api = {
  info: (signal?: AbortSignal) => askJson<Info>("info", {}, { signal: signal ?? null }),
  traces: (parameters: { q?: string; start?: string | undefined; end?: string; sort?: string; limit?: number; cursor?: string; origin?: string | undefined }, signal?: AbortSignal) =>
    askJson<TraceList>("traces", parameters, { signal: signal ?? null }),
  keys: (parameters: { prefix?: string; limit?: number }, signal?: AbortSignal) => askJson<KeyList>("keys", parameters, { signal: signal ?? null }),
  values: (parameters: { field: string; prefix?: string; limit?: number }, signal?: AbortSignal) => askJson<ValueList>("values", parameters, { signal: signal ?? null }),
  async outline(traceId: string, signal?: AbortSignal): Promise<Outline> {
    const response = await ask(`trace/${encodeURIComponent(traceId)}/outline`, {}, { signal: signal ?? null, headers: { accept: OUTLINE_MEDIA_TYPE } });
    return decodeOutline(await response.arrayBuffer());
  },
  span: (traceId: string, row: number, full: boolean, signal?: AbortSignal) =>
    askJson<SpanDetail>(`trace/${encodeURIComponent(traceId)}/spans/${row}`, { full: full || undefined }, { signal: signal ?? null }),
  rowOf: (traceId: string, spanId: string, signal?: AbortSignal) => askJson<SpanRow>(`trace/${encodeURIComponent(traceId)}/row`, { span: spanId }, { signal: signal ?? null }),
  find: (traceId: string, q: string, signal?: AbortSignal) => askJson<FindResult>(`trace/${encodeURIComponent(traceId)}/find`, { q }, { signal: signal ?? null }),
  map: (parameters: { since: string; service?: string | undefined; operation?: string | undefined }, signal?: AbortSignal) => askJson<ServiceMap>("map", parameters, { signal: signal ?? null }),
  runs: (parameters: { cursor?: string }, signal?: AbortSignal) => askJson<RunList>("evals", parameters, { signal: signal ?? null }),
  run: (id: string, signal?: AbortSignal) => askJson<EvalRun>(`evals/${encodeURIComponent(id)}`, {}, { signal: signal ?? null }),
  /** Where the trace can be downloaded as OTLP JSON. */
  otlpUrl: (traceId: string) => apiUrl(`trace/${encodeURIComponent(traceId)}/otlp`),
  signIn: (token: string) => ask("sign-in", {}, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ token }) }),
  startRun: (body: StartRun) => askJson<RunAccepted>("evals/start", {}, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
};

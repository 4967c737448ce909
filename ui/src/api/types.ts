// The JSON of Headwater's HTTP API. Generated from the crate `wire` (`cargo xtask gen`); do not edit.

/** Something that is wrong. */
export interface Ailment {
  /** The same for the same thing at the same place. */
  id: string;
  /** What it is, such as `context-lost`. */
  kind: string;
  /** How bad it is. */
  severity: Severity;
  /** The service where it is to be mended. */
  service: string;
  /** The hop: caller, or what comes before; null where it is one service alone. */
  caller: string | null;
  /** One sentence: what is wrong, with figures. */
  what: string;
  /** The pattern that shows it. */
  pattern: string;
  /** How to mend it, for the language of the service where it is known. */
  remedy: string;
  /** In how many traces. */
  traceCount: number;
  /** Of how many. */
  traceTotal: number;
  /** Spans that show it, some of them. */
  evidence: FindingEvidence[];
}

/** Spans and log records that arrived together. */
export interface Arrival {
  /** When, by the server's clock; `"0"` where it was not noted because nobody watched the trace yet. */
  time: UnixNanos;
  /** Length of the OTLP TracesData. */
  tracesBytes: number;
  /** Length of the OTLP LogsData after it. */
  logsBytes: number;
}

/** What came of an assertion. */
export interface AssertionResult {
  /** Its key in the suite: `status`, `spans`, `fault_path`, … */
  kind: string;
  /** The assertion in one line, as the suite says it. */
  text: string;
  /** What came of it. */
  verdict: Verdict;
  /** What was expected, in words; empty when it held. */
  expected: string;
  /** What was found, in words. */
  found: string;
  /** Why it could not be judged; empty otherwise. */
  reason: string;
  /** The selectors it used. */
  selectors: string[];
  /** Spans that prove it. */
  evidence: EvidenceSpan[];
  /** The span that came nearest, where a selector found none. */
  nearest: EvidenceSpan | null;
  /** Line in the suite file, from 1; 0 when unknown. */
  line: number;
}

/** One execution of a scenario. */
export interface AttemptResult {
  /** From 0. */
  attempt: number;
  /** Over its assertions. */
  verdict: Verdict;
  /** The trace judged: 32 hex digits; null when nothing was sent. */
  traceId: string | null;
  /** When the judged request was sent. */
  started: UnixNanos;
  /** From sending to the answer, ns. */
  duration: number;
  /** From the answer to the judgement, ns: what waiting for the trace cost. */
  waited: number;
  /** Whether the trace was whole: `complete`, `quiet`, `timed out` or `no span`. */
  completeness: string;
  /** Why that is so. */
  completenessReasons: string[];
  /** Setup and main steps, in order. */
  steps: StepResult[];
  /** The assertions, in the order of the scenario. */
  assertions: AssertionResult[];
  /** What kept it from being driven; null when nothing did. */
  error: string | null;
}

/** A key and its value. */
export interface Attribute {
  /** The key; may be empty, may repeat. */
  key: string;
  /** The value. */
  value: AttributeValue;
}

/** A value that is more frequent on one side. */
export interface AttributeDifference {
  /** The attribute, such as `span.http.route`. */
  key: string;
  /** The value; null: the attribute is missing. */
  value: string | null;
  /** Share of the traces that have it, 0 to 1. */
  shareBefore: number;
  /** Share of the traces that have it, 0 to 1. */
  shareAfter: number;
  /** Others that come with it nearly always, as `key = value`. */
  togetherWith: string[];
}

/**
 * A typed value. Integers, doubles and bytes are text ("9223372036854775807", "NaN", base64), because JSON numbers
 * cannot hold them all. `cut` stands for a value too large to send unasked: ask with `full=true` for all of it.
 */
export type AttributeValue =
  | { type: "empty" }
  | { type: "string"; value: string }
  | { type: "bool"; value: boolean }
  | { type: "int"; value: string }
  | { type: "double"; value: string }
  | { type: "bytes"; value: string }
  | { type: "array"; value: AttributeValue[] }
  | { type: "map"; value: Attribute[] }
  | { type: "cut"; value: CutValue };

/** Why an analysis says nothing. */
export interface CannotTell {
  /** Which. */
  analysis: string;
  /** Why. */
  why: string;
}

/** A change. An operation is a span's name, or `SERVICE:NAME`. */
export interface Change {
  /** What is done. */
  kind: ChangeKind;
  /** To which operations; empty for `drop-retries` of all. */
  operations: string[];
  /**
   * `speed-up`: how many times as fast, 2 for twice; below 1 is slower. `cache`: which share of the calls hits, 0 to
   * 1; null for all. Null otherwise.
   */
  factor: number | null;
}

/** What one change does alone. */
export interface ChangeEffect {
  /** The change in words. */
  text: string;
  /** Spans that it was applied to. */
  spanCount: number;
  /** Traces that would change. */
  changedCount: number;
  /** How much sooner the traces would end that change. */
  saving: Spread;
}

/** What a change does. */
export type ChangeKind =
  /** The operations run side by side where they are siblings. */
  | "parallel"
  /** The operations are answered at once. */
  | "cache"
  /** The operations take a part of their time. */
  | "speed-up"
  /** Failed attempts that were tried again, and the pauses after them, do not happen. */
  | "drop-retries";

/** A trace that would change. */
export interface ChangedTrace {
  /** 32 hex digits. */
  traceId: string;
  /** Now, ns. */
  before: number;
  /** With all changes, ns. */
  after: number;
}

/** What calls prove about two clocks. */
export type ClockVerdict =
  /** Zero lies outside the bounds: they differ. */
  | "skewed"
  /** Zero lies inside the bounds: not proven to differ. */
  | "not-proven"
  /** No offset fits the calls: a clock jumped, or spans end late. */
  | "contradictory"
  /** Too few calls. */
  | "not-enough-calls";

/** The clocks of hosts. */
export interface Clocks {
  /** The time for which the offsets are told; they differ over time only where there is a drift. */
  at: UnixNanos;
  /** The hosts that call each other often enough, by name. */
  hosts: HostClock[];
  /** Every pair of hosts with calls, by name: what the hosts' clocks are solved from. */
  pairs: HostPair[];
}

/** `POST /api/v1/compare`. */
export interface CompareRequest {
  /** What is taken as normal. */
  before: Selection;
  /** What is held against it. */
  after: Selection;
}

/** One side of a comparison. */
export interface ComparedSide {
  /** The traces. */
  lookedAt: LookedAt;
  /** How long their first roots took. */
  duration: Spread;
  /** How long their first roots took, mean, ns; null without traces. */
  durationMean: number | null;
  /** Traces with an error. */
  errorCount: number;
}

/** The answer. */
export interface Comparison {
  /** The two sides. */
  before: ComparedSide;
  /** The other. */
  after: ComparedSide;
  /** Places in the tree of calls that are there more or less often, the outermost first. */
  structure: StructureDifference[];
  /** Operations that differ, the largest difference first. */
  operations: OperationDifference[];
  /**
   * Where requests spend more or less of their time: critical path, mean per trace; the largest difference first. The
   * differences of all operations add up to the difference of the mean durations.
   */
  critical: CriticalDifference[];
  /** Operations that were compared and do not differ. */
  sameCount: number;
  /** Operations of which there are too few measurements. */
  notEnoughCount: number;
  /** Which service made it slower. */
  rootCause: RootCauseAnswer;
  /** Attribute values that are more frequent on one side. */
  attributes: AttributeDifference[];
  /** What could not be told, and why. */
  remarks: string[];
  /** Whether everything selected was looked at. */
  completeness: Completeness;
  /** What it cost. */
  cost: Cost;
}

/** Whether an answer holds everything, and if not, why. */
export interface Completeness {
  /** Nothing was left out. */
  complete: boolean;
  /** What was left out and why; empty when complete. */
  reasons: string[];
}

/** `GET /api/v1/complete`: what may stand at the cursor of an unfinished query. */
export interface CompletionList {
  /** Where what is suggested begins, in bytes of the query; it replaces everything up to the cursor. */
  from: number;
  /** The most frequent first. */
  suggestions: Suggestion[];
  /** Whether all was looked at. */
  completeness: Completeness;
  /** What it cost. */
  cost: Cost;
}

/** What an answer cost. */
export interface Cost {
  /** From the request's arrival to the answer, ns. */
  elapsed: number;
  /** Rows looked at (spans or trace summaries, whichever the store walked). */
  rowsScanned: number;
  /** Bytes read from disk or cache, as far as the store counts them. */
  bytesRead: number;
}

/** An operation with its share of the critical path. */
export interface CriticalDifference {
  /** The service. */
  service: string;
  /** The operation. */
  operation: string;
  /** Mean per trace, ns. */
  meanBefore: number;
  /** Mean per trace, ns. */
  meanAfter: number;
}

/** The first part of a large value. */
export interface CutValue {
  /** The type of the whole value: `string`, `bytes`, `array` or `map`. */
  of: string;
  /** How it begins, as text for people. */
  head: string;
  /** How large the whole value is, in bytes of that text. */
  totalBytes: number;
}

/** `DELETE /api/v1/trace/{id}`. */
export interface Deleted {
  /** Spans that are gone. */
  spans: number;
}

/** `GET /api/v1/doctor`. */
export interface Diagnosis {
  /** The traces. */
  lookedAt: LookedAt;
  /** What is wrong, the worst first; empty when nothing is. */
  ailments: Ailment[];
  /** Who sends spans. */
  services: ServiceHealth[];
  /** The clocks of all hosts that call each other. */
  clocks: Clocks;
  /** What could not be told, and why. */
  remarks: string[];
  /** Whether everything selected was looked at. */
  completeness: Completeness;
  /** What it cost. */
  cost: Cost;
}

/** What the measurements of an operation prove. */
export type DifferenceVerdict =
  /** No difference that is both significant and of size. */
  | "same"
  /** The middle moved up. */
  | "slower"
  /** The middle moved down. */
  | "faster"
  /** The tail moved up; the middle did not. */
  | "slower-tail"
  /** The tail moved down; the middle did not. */
  | "faster-tail"
  /** Fails more often. */
  | "more-errors"
  /** Fails less often. */
  | "fewer-errors"
  /** Too few measurements on a side. */
  | "not-enough-data"
  /** Seen after only. */
  | "added"
  /** Seen before only. */
  | "removed";

/** Which evaluation caused a trace. */
export interface EvalMark {
  /** The suite. */
  suite: string;
  /** The run's id, as in `/api/v1/evals/{run}`. */
  run: string;
  /** The scenario. */
  scenario: string;
  /** Which repeat, from 0. */
  attempt: number;
  /** What came of it; null while it runs. */
  verdict: Verdict | null;
}

/** `GET /api/v1/evals/{run}` and `POST /api/v1/evals`: a run in full. */
export interface EvalRun {
  /** Its row. */
  summary: RunSummary;
  /** The scenarios, in the order of the suite. */
  scenarios: ScenarioResult[];
  /** What could not be done at all (target down, ports in use); empty when all went well. */
  errors: string[];
}

/** A span that proves something. The page opens `/trace/{traceId}?span={spanId}`. */
export interface EvidenceSpan {
  /** 32 hex digits. */
  traceId: string;
  /** 16 hex digits. */
  spanId: string;
  /** Its service. */
  service: string;
  /** Its name. */
  name: string;
  /** What about it, in words; empty when its being there is all. */
  note: string;
}

/** An exception, from an event or a log record. */
export interface ExceptionDetail {
  /** Its type; empty when not said. */
  exceptionType: string;
  /** Its message; empty when not said. */
  message: string;
  /** Its stack trace; empty when not said. */
  stackTrace: string;
}

/** A span that a number was made of. */
export interface Exemplar {
  /** Its trace. */
  traceId: string;
  /** The span. */
  spanId: string;
  /** When it began. */
  time: UnixNanos;
  /** The value measured of it. */
  value: number;
}

/** `GET /api/v1/findings`. */
export interface Explanation {
  /** The traces. */
  lookedAt: LookedAt;
  /** The findings, the most worthwhile first. */
  findings: Finding[];
  /** How many there are; more than `findings` where a limit was given. */
  findingCount: number;
  /** How many were left out because they are suppressed. */
  suppressedCount: number;
  /** Which values of whose answers reach whom, the most frequent first; of some fifty traces of each part that is read at once. */
  dataFlow: ValueFlow[];
  /** How many such flows there are; more than `dataFlow` where there are many. */
  dataFlowCount: number;
  /** Analyses that could not say anything, each with the reason. */
  cannotTell: CannotTell[];
  /** Remarks on the data: what is broken in it and how it was taken. */
  remarks: string[];
  /** Whether everything selected was looked at. */
  completeness: Completeness;
  /** What it cost. */
  cost: Cost;
}

/** How `q` of find was read. */
export type FindMode =
  /** As a TraceQL selector: it began with `{`. */
  | "selector"
  /** As text in names, services, ids, attribute keys and values, events and logs, whatever the case. */
  | "text";

/** `GET /api/v1/trace/{id}/find`: rows that match. */
export interface FindResult {
  /** Rows of the outline, in its order. */
  rows: number[];
  /** How `q` was read. */
  mode: FindMode;
  /** Whether rows beyond these match too. */
  cut: boolean;
  /** Remarks on the query that did not keep it from running. */
  remarks: QueryProblem[];
  /** What it cost. */
  cost: Cost;
}

/** A result for people. */
export interface Finding {
  /** The same from run to run for the same thing at the same place: what `suppress` takes. */
  id: string;
  /** What it is, such as `bottleneck`. */
  kind: string;
  /** What it is, in a few words for people. */
  title: string;
  /** Where. */
  place: FindingPlace;
  /** One sentence with the figures. */
  what: string;
  /** Further sentences: why it is as sure as that, what speaks for it and against it. */
  details: string[];
  /** In how many traces. */
  traceCount: number;
  /** Of how many. */
  traceTotal: number;
  /** Spans that show it, of the most telling trace first; some of them. */
  evidence: FindingEvidence[];
  /** What it costs in a trace that has it, median, ns; null where it costs no time. */
  cost: number | null;
  /** What a change could save in a trace that has it; null where nothing can be said. */
  saving: SavingBounds | null;
  /** Tokens that could be saved in all traces looked at; null where there are none. */
  tokensSaved: number | null;
  /** Money that could be saved in all traces looked at, US dollars by the price table; null where it is not known. */
  moneySaved: number | null;
  /** How sure it is. */
  confidence: FindingConfidence;
  /** What to do next. */
  nextStep: string;
  /** Share of the traces, or of the time of all traces, that is at stake, 0 to 1. Findings come by it. */
  impact: number;
  /** The figures of `what`, for programs. */
  figures: FindingFigure[];
}

/** How sure a finding is. */
export type FindingConfidence =
  /** The traces do not say whether the change can be made: somebody has to look. */
  | "cannot-tell"
  /** Seen in few traces. */
  | "hint"
  /** Seen in at least fifty traces, or true of every single trace that shows it. */
  | "evidence";

/** A span that shows a finding. The page opens `/trace/{traceId}?span={spanId}`. */
export interface FindingEvidence {
  /** 32 hex digits. */
  traceId: string;
  /** 16 hex digits; null where the whole trace shows it. */
  spanId: string | null;
}

/** A named number of a finding. */
export interface FindingFigure {
  /** What it is, such as `calls_median`. */
  name: string;
  /** How much. */
  value: number;
  /** `count`, `ns`, `share`, `tokens` or `usd`. */
  unit: string;
}

/** Where a finding is. */
export interface FindingPlace {
  /** What it is. */
  kind: PlaceKind;
  /** In words. */
  text: string;
  /** The service, or the caller of an edge; null where it is none. */
  service: string | null;
  /** The operation of that service; null where it does not matter. */
  operation: string | null;
  /** The callee of an edge; null where it is none. */
  callee: string | null;
  /** What is called there; null where it does not matter. */
  called: string | null;
}

/** One destination. */
export interface Forwarding {
  /** Its name. */
  name: string;
  /** Where it is; without user and password. */
  endpoint: string;
  /** `grpc`, `http/protobuf` or `http/json`. */
  protocol: string;
  /** What it is doing. */
  state: ForwardingState;
  /** Requests waiting. */
  queuedRequests: number;
  /** Bytes waiting, in memory and in its journal. */
  queuedBytes: number;
  /** Requests answered with success. */
  deliveredRequests: number;
  /** Spans in them. */
  deliveredSpans: number;
  /** Spans left out by the filter. */
  filteredSpans: number;
  /** Tries that failed and were tried again. */
  retried: number;
  /** Spans and log records that the destination said it rejected (`partial_success`). */
  rejectedByDestination: number;
  /** Requests given up. */
  droppedRequests: number;
  /** Spans in them. */
  droppedSpans: number;
  /** Why requests were given up, with counts, most frequent first. */
  droppedBecause: ReasonCount[];
  /** The last thing that went wrong. */
  lastError: string | null;
  /** When. */
  lastErrorTime: UnixNanos | null;
}

/** What a destination is doing. */
export type ForwardingState =
  /** Nothing waits. */
  | "idle"
  /** Sending. */
  | "delivering"
  /** The last try failed; it will try again. */
  | "retrying"
  /** It does not send at all; `lastError` says why. */
  | "stopped";

/** A span that was found. */
export interface FoundSpan {
  /** 16 hex digits. */
  spanId: string;
  /** Its name. */
  name: string;
  /** Its service. */
  service: string;
  /** When it began. */
  start: UnixNanos;
  /** How long it took, ns. */
  duration: number;
  /** What `select(…)` asked for, where there is something. */
  fields: SeriesLabel[];
}

/** Spans that were found together. */
export interface FoundSpanset {
  /** What `by(…)` grouped by. */
  group: SeriesLabel[];
  /** How many spans there are. */
  matched: number;
  /** The first of them, by start. */
  spans: FoundSpan[];
}

/** A trace and what the query found in it. */
export interface FoundTrace {
  /** The whole trace in a row. */
  row: TraceRow;
  /** Spans that were found together; several where the query groups. */
  spansets: FoundSpanset[];
}

/** The clock of a host against that of its group's reference. */
export interface HostClock {
  /** The host. */
  host: string;
  /** The host that it is compared with, directly or by way of others; itself, with an offset of zero, where it is that one. */
  reference: string;
  /** How far ahead it is, ns; negative where it is behind. */
  offset: number;
  /** The least offset that the calls allow, ns. */
  least: number;
  /** The greatest offset that the calls allow, ns. */
  most: number;
  /** Nanoseconds that it gains each second; null where a constant offset fits the calls. */
  drift: number | null;
  /** Its spans are moved where clocks are adjusted: it is proven to be off, or its calls to one that is would not fit. */
  isMoved: boolean;
  /** Calls between it and other hosts. */
  calls: number;
  /** What may be concluded. */
  verdict: ClockVerdict;
}

/** The clocks of two hosts, by the calls between them in both directions. */
export interface HostPair {
  /** A host. */
  one: string;
  /** Another one. */
  other: string;
  /** How far the other one's clock is ahead, ns; negative where it is behind. */
  offset: number;
  /** The least offset that the calls allow, ns. */
  least: number;
  /** The greatest offset that the calls allow, ns. */
  most: number;
  /** Nanoseconds that the other one gains each second; null where a constant offset fits. */
  drift: number | null;
  /** Calls. */
  calls: number;
  /** What may be concluded. */
  verdict: ClockVerdict;
}

/** `GET /api/v1/info`: fixed while the server runs. */
export interface Info {
  /** Always `headwater`. */
  product: string;
  /** The version, such as `0.1.0`. */
  version: string;
  /** The version of this API: 1. */
  apiVersion: number;
  /** Identifies the embedded page; equals `<meta name="headwater-ui-build">` of the page that came with it. */
  uiBuild: string;
  /** When the server started. */
  started: UnixNanos;
  /** The server's clock at the answer. */
  now: UnixNanos;
  /** OTLP over gRPC is taken here, `host:port`; null when it is not listening. */
  otlpGrpc: string | null;
  /** OTLP over HTTP is taken here, `host:port`; null when it is not listening. */
  otlpHttp: string | null;
  /** The page and this API are served here, `host:port`. */
  api: string;
  /** The data folder; null when traces are held in memory only. */
  dataFolder: string | null;
  /** How long traces are kept, ns; null for ever. */
  retentionAge: number | null;
  /** How many bytes are kept; null without bound. */
  retentionBytes: number | null;
  /** Suites that may be started from the page: those named on the command line. */
  suites: string[];
}

/** `GET /api/v1/keys`: keys seen, most frequent first. */
export interface KeyList {
  /** The keys. */
  keys: KnownKey[];
  /** Whether all were looked at. */
  completeness: Completeness;
  /** What it cost. */
  cost: Cost;
}

/** A key that spans carry. */
export interface KnownKey {
  /** As it is written in TraceQL: `resource.service.name`, `span.http.route`, `name`. */
  field: string;
  /** `resource`, `span`, `event`, `link`, `instrumentation` or `intrinsic`. */
  scope: string;
  /** The types its values have: `string`, `int`, … */
  types: string[];
  /** Roughly how many spans carry it. */
  count: number;
}

/** A value of a key. */
export interface KnownValue {
  /** The value. */
  value: AttributeValue;
  /** As it is written in TraceQL: `"rag"`, `42`, `error`. */
  text: string;
  /** Roughly how many spans carry it. */
  count: number;
}

/** Quantiles of durations, ns; null without calls. From a sketch: within 1 % of the true value. */
export interface Latency {
  /** Median. */
  p50: number | null;
  /** 95th percentile. */
  p95: number | null;
  /** 99th percentile. */
  p99: number | null;
  /** Longest. */
  max: number | null;
}

/** `event: evals` of `GET /api/v1/live`: runs that began, went on or ended. */
export interface LiveEvals {
  /** Their summaries as they are now. */
  runs: RunSummary[];
}

/** `event: gap` of `GET /api/v1/live`: events between `Last-Event-ID` and now are lost; load the list again. */
export interface LiveGap {
  /** Why. */
  reason: string;
}

/** `event: status` of `GET /api/v1/live`. */
export interface LiveStatus {
  /** The counters now. */
  status: Status;
}

/** `event: traces` of `GET /api/v1/live`: traces that got new spans since the last event. */
export interface LiveTraces {
  /** Their rows as they are now; the newest is last. */
  traces: TraceRow[];
  /** The look of every service in `traces`. */
  services: ServiceStyle[];
  /** Traces that changed too but are not among `traces`, because too many did. */
  leftOut: number;
}

/** A retrieved document. */
export interface LlmDocument {
  /** Its id; empty when not said. */
  id: string;
  /** Its score; null when not said. */
  score: number | null;
  /** Its text; empty when not sent. */
  text: string;
}

/** One message of a conversation. */
export interface LlmMessage {
  /** Where it stands. */
  side: LlmSide;
  /** `system`, `user`, `assistant`, `tool`, … */
  role: string;
  /** Its parts, in order. */
  parts: LlmPart[];
}

/** A part of a message. */
export interface LlmPart {
  /** `text`, `tool_call`, `tool_call_response`, `reasoning`, `blob`, `file`, `uri`, … */
  kind: string;
  /** The text, or the JSON text of arguments or result. */
  text: string;
  /** The tool's name; empty where there is none. */
  name: string;
  /** The call's id; empty where there is none. */
  id: string;
}

/** Where a message stands. */
export type LlmSide =
  /** Standing instructions. */
  | "system"
  /** What was sent. */
  | "input"
  /** What came back. */
  | "output";

/** Tokens of a call. */
export interface LlmTokens {
  /** In, cached ones included. */
  input: number | null;
  /** Out, reasoning included. */
  output: number | null;
  /** Of the input, read from the provider's cache. */
  cachedInput: number | null;
  /** Of the output, spent on reasoning. */
  reasoningOutput: number | null;
}

/** A call to a model, a retrieval, an embedding, a tool or an agent, whatever dialect described it. */
export interface LlmView {
  /** `chat`, `embeddings`, `retrieval`, `execute_tool`, `invoke_agent`, … */
  operation: string;
  /** Which conventions described it: `gen_ai`, `openinference`, `traceloop`, … */
  dialect: string;
  /** `openai`, `anthropic`, …; empty when not said. */
  provider: string;
  /** The model asked for; empty when not said. */
  requestModel: string;
  /** The model that answered; empty when not said. */
  responseModel: string;
  /** Temperature and the like, in the order sent. */
  parameters: Attribute[];
  /** The conversation, in order. */
  messages: LlmMessage[];
  /** Tokens; null where not said. */
  tokens: LlmTokens;
  /** US dollars, where the sender said it; null otherwise. */
  costUsd: number | null;
  /** From start to the first token, ns; null where not said. */
  timeToFirstToken: number | null;
  /** Output tokens a second over the span; null where it cannot be said. */
  tokensPerSecond: number | null;
  /** Why it stopped. */
  finishReasons: string[];
  /** What was retrieved, best first. */
  documents: LlmDocument[];
  /** The query of a retrieval; empty when not said. */
  query: string;
  /** The tool's name; empty when it is not a tool's. */
  tool: string;
}

/** A log record. */
export interface LogDetail {
  /** When it happened (when it was observed, if that was not said). */
  time: UnixNanos;
  /** From the span's start, ns. */
  offset: number;
  /** OTLP's severity number; 0 if not said. */
  severityNumber: number;
  /** The sender's word, or the name of the number; empty when neither was said. */
  severity: string;
  /** The record itself. */
  body: AttributeValue;
  /** The event's name; empty for an ordinary record. */
  eventName: string;
  /** Attributes in the order sent. */
  attributes: Attribute[];
  /** How many attributes the sender left out. */
  droppedAttributes: number;
  /** The instrumentation's name; empty when unknown. */
  scope: string;
  /** The exception, when it is one. */
  exception: ExceptionDetail | null;
}

/** What was looked at. */
export interface LookedAt {
  /** The selection in words. */
  text: string;
  /** Traces that were read. */
  traceCount: number;
  /** Their spans. */
  spanCount: number;
  /** When the first of them started; null without traces. */
  first: UnixNanos | null;
  /** When the last of them started; null without traces. */
  last: UnixNanos | null;
}

/** Calls from one node to another. */
export interface MapEdge {
  /** The caller's name. */
  from: string;
  /** The callee's name. */
  to: string;
  /** Sent without waiting (producer to consumer). */
  asynchronous: boolean;
  /** How many calls. */
  calls: number;
  /** How many of them failed. */
  errors: number;
  /** How many there were before sampling, by what the spans say of it; `calls` where they say nothing. */
  callsEstimated: number;
  /** Likewise, how many failed. */
  errorsEstimated: number;
  /** How long they took, seen by the caller where it has a span. */
  latency: Latency;
  /** A trace with such a call; the slowest one kept. */
  exampleTraceId: string | null;
  /** A trace where such a call failed. */
  errorTraceId: string | null;
}

/** A service, or something that only its callers tell of. */
export interface MapNode {
  /** Its name, unique in this map. */
  name: string;
  /** What it is. */
  kind: NodeKind;
  /** No span of its own was received: only its callers tell of it. */
  inferred: boolean;
  /** Spans that answer a call (server and consumer), roots included. */
  calls: number;
  /** How many of them failed. */
  errors: number;
  /** How many there were before sampling, by what the spans say of it; `calls` where they say nothing. */
  callsEstimated: number;
  /** Likewise, how many failed. */
  errorsEstimated: number;
  /** How long they took. */
  latency: Latency;
  /** Self time of all its spans, ns. */
  selfTime: number;
}

/** What a node is. */
export type NodeKind =
  /** A service. */
  | "service"
  /** A database. */
  | "database"
  /** A queue or topic. */
  | "queue"
  /** A language model. */
  | "llm"
  /** A cache. */
  | "cache"
  /** Something else outside. */
  | "external";

/** A remark on broken data. */
export interface OddityDetail {
  /** Its short name, such as `missing-parent`. */
  kind: string;
  /** The remark for people. */
  text: string;
  /** How many spans it concerns. */
  count: number;
}

/** An operation that differs. */
export interface OperationDifference {
  /** The service. */
  service: string;
  /** The operation. */
  operation: string;
  /** What may be concluded. */
  verdict: DifferenceVerdict;
  /** Median, ns. */
  medianBefore: number;
  /** Median, ns. */
  medianAfter: number;
  /** 95th percentile, ns. */
  p95Before: number;
  /** 95th percentile, ns. */
  p95After: number;
  /** Spans. */
  countBefore: number;
  /** Spans. */
  countAfter: number;
  /** Spans that failed. */
  errorsBefore: number;
  /** Spans that failed. */
  errorsAfter: number;
}

/** One column of the binary outline. */
export interface OutlineColumn {
  /** Its name: a field of `OutlineColumns`. */
  name: string;
  /** `f64`, `u32`, `i32`, `u16` or `u8`. */
  of: string;
  /** Bytes from the end of the header; a multiple of 8. */
  offset: number;
  /** How many numbers. */
  length: number;
}

/** The columns, in JSON lists and in the binary form alike. Times are ns from t0. */
export interface OutlineColumns {
  /** Start; f64. */
  start: number[];
  /** Duration; f64. Never negative (0 and flag `odd` instead); of an unfinished span, until its subtree ends. */
  dur: number[];
  /** Earliest start in the subtree; f64. */
  subStart: number[];
  /** Latest end in the subtree: children may outlive their parents; f64. */
  subEnd: number[];
  /** Time not covered by children; f64. */
  selfTime: number[];
  /** Row of the parent, -1 for none; i32. */
  parent: number[];
  /** Rows in the subtree, this one included: `row + sub[row]` is the next row outside it; u32. */
  sub: number[];
  /** Index into `names`; u32. */
  name: number[];
  /** Index into `services`; u16. */
  svc: number[];
  /** Index into `hosts`; u16. */
  host: number[];
  /** Depth, roots 0; stops at 65535; u16. */
  depth: number[];
  /** Bits, see `OutlineFlag`; u16. */
  flags: number[];
  /** Critical path: the row each segment lies on, segments by time; u32. */
  critRow: number[];
  /** Where each segment begins; f64. */
  critStart: number[];
  /** Where each segment ends; f64. */
  critEnd: number[];
  /** With `sections=spanId` only: 8 bytes a row; u8 (in JSON one string of 16 hex digits a row). */
  spanId: string[];
  /** With `sections=skew` only: what to add to start and end in adjusted mode; f64. */
  skew: number[];
}

/** The JSON header of a trace outline. */
export interface OutlineHeader {
  /** Version of the format: 1. */
  v: number;
  /** 32 hex digits. */
  traceId: string;
  /** How many rows. */
  n: number;
  /** What all times in the columns count from. */
  t0UnixNano: UnixNanos;
  /** From t0 to the latest end, ns. */
  duration: number;
  /** What `svc` refers to. */
  services: ServiceStyle[];
  /** What `name` refers to. */
  names: string[];
  /** What `host` refers to; the first is "" for spans that name no host. */
  hosts: string[];
  /** Whether rows were left out; `partialReason` says why. */
  partial: boolean;
  /** Why rows were left out; empty otherwise. */
  partialReason: string;
  /** Whether no span without a parent was received. */
  rootMissing: boolean;
  /** The trace's row in lists. */
  summary: TraceRow;
  /** Remarks on broken data, folded by kind. */
  oddities: OutlineOddity[];
  /** What follows, and where. */
  columns: OutlineColumn[];
}

/** The outline as JSON (`Accept: application/json`). `header.columns` is empty. */
export interface OutlineJson {
  /** The header. */
  header: OutlineHeader;
  /** The columns. */
  columns: OutlineColumns;
}

/** Remarks of one kind. */
export interface OutlineOddity {
  /** Its short name, such as `missing-parent`. */
  kind: string;
  /** The remark for people. */
  text: string;
  /** At how many spans. */
  count: number;
  /** The first rows concerned. */
  rows: number[];
  /** Whether this is a broken trace rather than an everyday irregularity. */
  broken: boolean;
}

/** A place in something that a person wrote. */
export interface Place {
  /** Which parameter or file: `q`, `cursor`, `headwater.yaml`. */
  of: string;
  /** Line, from 1. */
  line: number;
  /** Column in characters, from 1. */
  column: number;
  /** Offset in UTF-16 units from the start, as JavaScript counts. */
  offset: number;
  /** How many UTF-16 units; 0 for a point. */
  length: number;
}

/** What a place is. */
export type PlaceKind =
  /** A service as a whole. */
  | "service"
  /** An operation. */
  | "operation"
  /** From a service, or an operation of it, to calls. */
  | "edge"
  /** Between two machines: `service` and `callee` name them. */
  | "hosts"
  /** The traces as a whole. */
  | "traces";

/** The body of every answer with a 4xx or 5xx status (`application/problem+json`). */
export interface Problem {
  /** What was wrong, with what was read. */
  error: string;
  /** What to do about it, when we know. */
  hint: string | null;
  /** Where in what was sent, when it can be said. */
  place: Place | null;
  /** Everything that was wrong, where one answer can hold several (a query, a suite); the first is also above. */
  problems: QueryProblem[];
}

/** One problem in a query. */
export interface QueryProblem {
  /** What was wrong. */
  error: string;
  /** What to do about it. */
  hint: string | null;
  /** Where. */
  place: Place | null;
  /** Whether the query can still run (a remark, not a mistake). */
  isWarning: boolean;
}

/** A reason and how often it applied. */
export interface ReasonCount {
  /** The reason. */
  reason: string;
  /** How often. */
  count: number;
}

/** What came in. */
export interface Receiving {
  /** Requests that were read, whatever the answer. */
  requests: number;
  /** Requests refused as a whole (wrong path, type, encoding, size, broken body). */
  requestsRejected: number;
  /** Requests told to come again (429 / RESOURCE_EXHAUSTED). */
  requestsThrottled: number;
  /** Bytes of the bodies as received. */
  bytes: number;
  /** Spans accepted. */
  spans: number;
  /** Spans rejected one by one. */
  spansRejected: number;
  /** Log records accepted. */
  logs: number;
  /** Log records not kept for want of a trace id. */
  logsWithoutTrace: number;
  /** Log records rejected one by one. */
  logsRejected: number;
  /** Metric data points answered and not kept. */
  metricsNotKept: number;
  /** Spans a second over the last few seconds. */
  spansPerSecond: number;
  /** The last thing refused, if any. */
  lastRejection: Rejection | null;
}

/** Something that was refused. */
export interface Rejection {
  /** When. */
  time: UnixNanos;
  /** Who sent it, `host:port`; empty when unknown. */
  peer: string;
  /** What was wrong. */
  error: string;
  /** What to do. */
  hint: string | null;
}

/** Who produced a span. */
export interface ResourceDetail {
  /** Attributes in the order sent. */
  attributes: Attribute[];
  /** How many attributes the sender left out. */
  droppedAttributes: number;
  /** Schema URL; empty when none. */
  schemaUrl: string;
}

/** Which service made it slower, or "cannot tell". */
export interface RootCauseAnswer {
  /** The service; null: cannot tell. */
  answer: string | null;
  /** Why that is the answer, or why there is none. */
  why: string;
  /** What a score had to exceed; null where it could not be fixed. */
  threshold: number | null;
  /** The worst spot of each service, worst first. */
  suspects: RootCauseSuspect[];
}

/** A spot that became slower. */
export interface RootCauseSuspect {
  /** Who answers for it. */
  service: string;
  /** The operation, or the edge. */
  place: string;
  /** Rise in units of its normal variation. */
  score: number;
  /** 90th percentile of the time spent there, ns. */
  p90Before: number;
  /** 90th percentile of the time spent there, ns. */
  p90After: number;
}

/** A root operation. */
export interface RootOperation {
  /** Its service. */
  service: string;
  /** Its name. */
  name: string;
  /** Traces that begin with it. */
  count: number;
}

/** The answer to a run that was submitted or started. */
export interface RunAccepted {
  /** The run's id. */
  run: string;
}

/** `GET /api/v1/evals`: runs, newest first. */
export interface RunList {
  /** The runs. */
  runs: RunSummary[];
  /** Give it as `cursor` to go on; null at the end. */
  nextCursor: string | null;
  /** What it cost. */
  cost: Cost;
}

/** A run in one row. */
export interface RunSummary {
  /** The run's id. */
  run: string;
  /** The suite's name. */
  suite: string;
  /** When it began. */
  started: UnixNanos;
  /** How long it took, ns; so far, while it runs. */
  duration: number;
  /** Whether it still runs. */
  running: boolean;
  /** The worst verdict of its scenarios; null while it runs. */
  verdict: Verdict | null;
  /** Scenarios by verdict. */
  counts: VerdictCounts;
  /** Hash of the suite as it was run. */
  configurationHash: string;
  /** The commit it was run on; null when not known. */
  commit: string | null;
  /** The branch; null when not known. */
  branch: string | null;
  /** The exit code it ended with; null while it runs. */
  exitCode: number | null;
}

/** Bounds of a saving in a trace, ns. */
export interface SavingBounds {
  /** At least. */
  least: number;
  /** The median over the traces. */
  median: number;
  /** The 95th percentile over the traces. */
  p95: number;
  /** At most. */
  most: number;
}

/** What came of a scenario. */
export interface ScenarioResult {
  /** Its name. */
  name: string;
  /** Over all attempts. */
  verdict: Verdict;
  /** The attempts, in order. */
  attempts: AttemptResult[];
}

/** Which instrumentation made a span. */
export interface ScopeDetail {
  /** Its name; empty when unknown. */
  name: string;
  /** Its version; empty when unknown. */
  version: string;
  /** Attributes in the order sent. */
  attributes: Attribute[];
  /** How many attributes the sender left out. */
  droppedAttributes: number;
  /** Schema URL; empty when none. */
  schemaUrl: string;
}

/** `GET /api/v1/search`: one page of traces with the spans that were found in them. */
export interface SearchList {
  /** The traces, in the order asked for. */
  traces: FoundTrace[];
  /** Give it as `cursor` to go on; null at the end. */
  nextCursor: string | null;
  /** The query as it was understood. */
  query: string;
  /** Whether everything asked for was looked at. */
  completeness: Completeness;
  /** What it cost. */
  cost: Cost;
}

/** Which traces are meant. Everything may be left out; `trace` and `run` go before `query`. */
export interface Selection {
  /** One trace, by id. */
  trace: string | null;
  /** All traces that an evaluation's run judged, by the run's id. */
  run: string | null;
  /** TraceQL; bare words search span names. */
  query: string | null;
  /** How far back: `1h`. */
  since: string | null;
  /** From here on, as in query parameters. */
  start: string | null;
  /** Up to here. */
  end: string | null;
  /** How many traces at most, newest first. */
  limit: number | null;
}

/** Numbers over time that share labels. */
export interface Series {
  /** What its spans have in common. */
  labels: SeriesLabel[];
  /** One for each step; null where there is nothing to compute from. */
  points: (number | null)[];
  /** Spans that the numbers were made of. */
  exemplars: Exemplar[];
}

/** One label of a series. */
export interface SeriesLabel {
  /** The expression, such as `resource.service.name`. */
  name: string;
  /** Its value; `nil` where there was none. */
  value: string;
}

/** `GET /api/v1/series`: a metrics query. */
export interface SeriesList {
  /** The series, by labels. */
  series: Series[];
  /** The first moment of the first step. */
  start: UnixNanos;
  /** The first moment after the last step. */
  end: UnixNanos;
  /** How long a step is, ns. */
  step: number;
  /** Spans that were counted. */
  spans: number;
  /** The query as it was understood. */
  query: string;
  /** Whether everything asked for was looked at, and counted. */
  completeness: Completeness;
  /** What it cost. */
  cost: Cost;
}

/** A service that sends spans, or is only told of. */
export interface ServiceHealth {
  /** Its name; empty where spans do not name it. */
  service: string;
  /** Spans in the traces looked at. */
  spanCount: number;
  /** Traces it is in. */
  traceCount: number;
  /** `telemetry.sdk.language`; null where it is not said. */
  language: string | null;
  /** `telemetry.sdk.name` and version; null where it is not said. */
  sdk: string | null;
  /** Instrumentation scopes, the most frequent first. */
  scopes: string[];
  /** The start of its newest span. */
  lastSeen: UnixNanos;
  /** No span of its own: only its callers tell of it. */
  silent: boolean;
}

/** `GET /api/v1/services`: every service seen, with its look. */
export interface ServiceList {
  /** By name. */
  services: ServiceStyle[];
}

/** `GET /api/v1/map`: who calls whom. */
export interface ServiceMap {
  /** The window looked at: its start. */
  start: UnixNanos;
  /** And its end. */
  end: UnixNanos;
  /** By name. */
  nodes: MapNode[];
  /** By caller, then callee. */
  edges: MapEdge[];
  /** The look of every node that is a service. */
  services: ServiceStyle[];
  /** Root operations in the window, most frequent first: choices for the `root` filter. */
  roots: RootOperation[];
  /** Traces looked at. */
  traceCount: number;
  /** Traces of which a span says, by `tracestate` or an attribute, that others were not kept. */
  sampledTraceCount: number;
  /** Whether everything in the window was looked at. */
  completeness: Completeness;
  /** What it cost. */
  cost: Cost;
}

/** One service's part of a trace. */
export interface ServiceShare {
  /** The service. */
  name: string;
  /** How many spans. */
  spanCount: number;
  /** How many of them have status error. */
  errorCount: number;
  /** Time on the critical path, ns; 0 until computed. */
  critical: number;
}

/** How a service looks on every page: assigned by the server once and kept. */
export interface ServiceStyle {
  /** The service. */
  name: string;
  /** 0-7 plain palette slots, 8-15 the same hues hatched, 16-23 dotted. */
  slot: number;
  /** Two letters, unique among the services of this server. */
  monogram: string;
}

/** How bad something is. */
export type Severity =
  /** Traces are broken. */
  | "broken"
  /** Something is missing or misleading. */
  | "warning"
  /** Good to know. */
  | "note";

/** `GET /api/v1/trace/{id}/spans/{row}`: everything about one span. */
export interface SpanDetail {
  /** Its row in the outline. */
  row: number;
  /** 32 hex digits. */
  traceId: string;
  /** 16 hex digits. */
  spanId: string;
  /** As sent; null for a root. */
  parentSpanId: string | null;
  /** The row of the parent; null for a root and where the parent was not received. */
  parentRow: number | null;
  /** Rows of the children. */
  childRows: number[];
  /** The operation. */
  name: string;
  /** The service. */
  service: string;
  /** `internal`, `server`, `client`, `producer`, `consumer` or `unspecified`. */
  kind: string;
  /** When it began. */
  start: UnixNanos;
  /** When it ended; `"0"` if never. */
  end: UnixNanos;
  /** `end - start`, ns; negative where a clock ran backwards. */
  duration: number;
  /** Time not covered by children, ns. */
  selfTime: number;
  /** Time on the critical path, ns. */
  critical: number;
  /** `unset`, `ok` or `error`. */
  status: string;
  /** The sender's words; empty when none. */
  statusMessage: string;
  /** W3C `tracestate` as sent; empty when none. */
  traceState: string;
  /** The flags as sent. */
  flags: number;
  /** The W3C sampled bit. */
  sampled: boolean;
  /** Whether the parent context was remote; null when not said. */
  parentIsRemote: boolean | null;
  /** Attributes in the order sent. */
  attributes: Attribute[];
  /** How many attributes the sender left out. */
  droppedAttributes: number;
  /** What happened during the span. */
  events: SpanEvent[];
  /** How many events the sender left out. */
  droppedEvents: number;
  /** Other spans this one refers to. */
  links: SpanLink[];
  /** How many links the sender left out. */
  droppedLinks: number;
  /** Who produced it. */
  resource: ResourceDetail;
  /** Which instrumentation made it. */
  scope: ScopeDetail;
  /** Log records that name this span, by time. */
  logs: LogDetail[];
  /** Log records that name it beyond those in `logs`. */
  logsLeftOut: number;
  /** The span as a call to a model, a retrieval or a tool, when it is one. */
  llm: LlmView | null;
  /** Remarks on broken data at this span. */
  oddities: OddityDetail[];
  /** Whether some value above is a `cut`. */
  cut: boolean;
}

/** Something that happened at one moment. */
export interface SpanEvent {
  /** When. */
  time: UnixNanos;
  /** From the span's start, ns. */
  offset: number;
  /** What, such as `exception`. */
  name: string;
  /** Attributes in the order sent. */
  attributes: Attribute[];
  /** How many attributes the sender left out. */
  droppedAttributes: number;
  /** The exception, when it is one. */
  exception: ExceptionDetail | null;
}

/** A reference to another span. */
export interface SpanLink {
  /** 32 hex digits. */
  traceId: string;
  /** 16 hex digits. */
  spanId: string;
  /** Its row, when it is in this trace. */
  row: number | null;
  /** W3C `tracestate`; empty when none. */
  traceState: string;
  /** The flags as sent. */
  flags: number;
  /** Attributes in the order sent. */
  attributes: Attribute[];
  /** How many attributes the sender left out. */
  droppedAttributes: number;
}

/** `GET /api/v1/trace/{id}/row?span=`: the row of a span id. */
export interface SpanRow {
  /** Rows with this id, usually one. */
  rows: number[];
}

/** Quantiles, ns; null where nothing was measured. */
export interface Spread {
  /** Measurements. */
  count: number;
  /** Median. */
  p50: number | null;
  /** 95th percentile. */
  p95: number | null;
  /** 99th percentile. */
  p99: number | null;
}

/** `POST /api/v1/evals/start`: starts a suite that was named on the command line. */
export interface StartRun {
  /** The suite's name, one of `Info.suites`. */
  suite: string;
  /** Scenarios to run; empty for all. */
  scenarios: string[];
}

/** `GET /api/v1/status`: counters since the server started. */
export interface Status {
  /** The server's clock at the answer. */
  now: UnixNanos;
  /** What came in. */
  receiving: Receiving;
  /** What is kept. */
  storing: Storing;
  /** What is sent on, one entry a destination. */
  forwarding: Forwarding[];
}

/** One request of an attempt. */
export interface StepResult {
  /** `setup[0]`, `main`. */
  name: string;
  /** 32 hex digits. */
  traceId: string;
  /** The status of the answer (HTTP, exit code); null when there was none. */
  status: number | null;
  /** From sending to the answer, ns. */
  duration: number;
  /** What kept it from an answer; null when nothing did. */
  error: string | null;
}

/** What is kept. */
export interface Storing {
  /** Spans stored now. */
  spans: number;
  /** Traces stored now. */
  traces: number;
  /** Bytes on disk. */
  bytes: number;
  /** Earliest start of a stored span; null when there is none. */
  oldest: UnixNanos | null;
  /** Latest start of a stored span; null when there is none. */
  newest: UnixNanos | null;
  /** Traces dropped by retention since start. */
  tracesDroppedByRetention: number;
  /** Why nothing can be stored just now (a full disk, an unwritable folder); null when all is well. */
  fault: string | null;
}

/** What is different about a place. */
export type StructureChange =
  /** Only after. */
  | "added"
  /** Only before. */
  | "removed"
  /** More often. */
  | "more"
  /** Less often. */
  | "fewer";

/** A place in the tree of calls: services and operations from the root. */
export interface StructureDifference {
  /** `SERVICE:NAME` from the root, joined by ` > `. */
  path: string;
  /** The last service of the path. */
  service: string;
  /** The last operation of the path. */
  operation: string;
  /** What is different. */
  change: StructureChange;
  /** Share of the traces that have it, 0 to 1. */
  shareBefore: number;
  /** Share of the traces that have it, 0 to 1. */
  shareAfter: number;
  /** How often it is in a trace, mean over all traces. */
  meanBefore: number;
  /** How often it is in a trace, mean over all traces. */
  meanAfter: number;
  /** The trace that has it most often, of the side with more of it in a trace; null where no trace has it. */
  example: string | null;
}

/** Something that may stand there. */
export interface Suggestion {
  /** The text to insert. */
  text: string;
  /** What it is: `string`, `int`, `field`, `function`, `operator`, … */
  kind: string;
  /** Roughly how many spans have it; none where that is not counted. */
  count: number | null;
}

/** `GET /api/v1/trace/{id}/clocks`: the clocks of the hosts in a trace, by the calls of all traces around it. */
export interface TraceClocks {
  /** The traces that the offsets are estimated from. */
  lookedAt: LookedAt;
  /** The clocks of the trace's hosts; empty where too few calls between known hosts were seen. */
  clocks: Clocks;
  /** Whether everything around the trace was looked at. */
  completeness: Completeness;
  /** What it cost. */
  cost: Cost;
}

/** `GET /api/v1/traces`: one page of a list. */
export interface TraceList {
  /** The traces, in the order asked for. */
  traces: TraceRow[];
  /** The look of every service in `traces`. */
  services: ServiceStyle[];
  /** Give it as `cursor` to go on; null at the end. */
  nextCursor: string | null;
  /** The query as it was understood (bare words become a selector); empty without one. */
  query: string;
  /** Remarks on the query that did not keep it from running. */
  remarks: QueryProblem[];
  /** Whether everything asked for was looked at. */
  completeness: Completeness;
  /** What it cost. */
  cost: Cost;
}

/** A trace in one row. */
export interface TraceRow {
  /** 32 hex digits. */
  traceId: string;
  /** Earliest start of any span. */
  start: UnixNanos;
  /** Latest end minus earliest start, ns. */
  duration: number;
  /** Service of the root (of the earliest span, if no root was received). */
  rootService: string;
  /** Name of the root (of the earliest span, if no root was received). */
  rootName: string;
  /** Whether a span without a parent was received. */
  rootReceived: boolean;
  /** How many spans. */
  spanCount: number;
  /** How many spans have status error. */
  errorCount: number;
  /** How many log records. */
  logCount: number;
  /** Each service with its share, by name. */
  services: ServiceShare[];
  /** How many remarks on broken data. */
  oddityCount: number;
  /** Spans that matched the query; null without a query or where the store did not count. */
  matchedSpans: number | null;
  /** The evaluation that caused this trace, if one did. */
  eval: EvalMark | null;
}

/** `sort` of `GET /api/v1/traces`. */
export type TraceSort =
  /** Newest start first (the default). */
  | "-start"
  /** Oldest start first. */
  | "start"
  /** Longest first. */
  | "-duration"
  /** Shortest first. */
  | "duration"
  /** Most errors first. */
  | "-errors"
  /** Most spans first. */
  | "-spans";

/** Nanoseconds since the Unix epoch as decimal digits; read with `BigInt`. */
export type UnixNanos = string;

/** Values in the answers of one operation that are found in what another is given later. */
export interface ValueFlow {
  /** The service that answers. */
  fromService: string;
  /** Its operation. */
  fromOperation: string;
  /** The attribute of the answer. */
  fromKey: string;
  /** The service that is given the values. */
  toService: string;
  /** Its operation. */
  toOperation: string;
  /** The attribute that they are given in. */
  toKey: string;
  /** In how many traces. */
  traceCount: number;
  /** Of how many that were followed. */
  traceTotal: number;
  /** Different values, each counted once a trace. */
  values: number;
  /** One of them, cut. */
  example: string;
  /** Spans of both sides in some of the traces. */
  evidence: FindingEvidence[];
}

/** `GET /api/v1/values`: values of one key, most frequent first. */
export interface ValueList {
  /** The field asked for. */
  field: string;
  /** The values. */
  values: KnownValue[];
  /** Whether all were looked at. */
  completeness: Completeness;
  /** What it cost. */
  cost: Cost;
}

/** What came of an assertion, an attempt, a scenario or a run. */
export type Verdict =
  /** Held. */
  | "pass"
  /** Did not hold. */
  | "fail"
  /** Could not be judged on what was received. */
  | "not-evaluable"
  /** Could not be driven. */
  | "error"
  /** Held in some attempts only. */
  | "flaky"
  /** Worse than the baseline. */
  | "regressed"
  /** Better than the baseline. */
  | "improved"
  /** Too few attempts to tell. */
  | "insufficient";

/** How many scenarios came to each verdict. */
export interface VerdictCounts {
  /** Held in every attempt. */
  pass: number;
  /** Failed. */
  fail: number;
  /** Could not be judged. */
  notEvaluable: number;
  /** Could not be driven. */
  error: number;
  /** Held in some attempts only. */
  flaky: number;
  /** Worse than the baseline. */
  regressed: number;
  /** Better than the baseline. */
  improved: number;
  /** Too few attempts to tell. */
  insufficient: number;
}

/** What came since the last answer. */
export interface WatchHeader {
  /** Give it as `cursor` in the next request. */
  cursor: string;
  /** Whether what follows is everything the trace has (then it replaces what was known) rather than what is new. */
  fromStart: boolean;
  /** What arrived, in that order. */
  arrivals: Arrival[];
  /** Spans and log records that were left out because a bound was reached. */
  leftOut: number;
  /** The server's clock at the answer. */
  now: UnixNanos;
}

/** The answer. */
export interface WhatIfAnswer {
  /** The traces. */
  lookedAt: LookedAt;
  /** How long requests take now. */
  before: Spread;
  /** How long they would take with all changes. */
  after: Spread;
  /** How much sooner they would end, over the traces that change. */
  saving: Spread;
  /** Traces that would change. */
  changedCount: number;
  /** Each change alone. They do not add up: together they may hide each other. */
  changes: ChangeEffect[];
  /** Some of the traces that would change most. */
  examples: ChangedTrace[];
  /** What was assumed, and what could not be done. */
  remarks: string[];
  /** Whether everything selected was looked at. */
  completeness: Completeness;
  /** What it cost. */
  cost: Cost;
}

/** `POST /api/v1/what-if`: what a change would do to a selection of traces. */
export interface WhatIfRequest {
  /** The traces. */
  selection: Selection;
  /** The changes; they are made together. */
  changes: Change[];
}

/** Media type of the binary outline. */
export const OUTLINE_MEDIA_TYPE = "application/x-headwater-trace-outline";

/** Bits of the outline's `flags` column. */
export const OutlineFlag = {
  error: 1,
  critical: 2,
  server: 4,
  client: 8,
  producer: 16,
  consumer: 32,
  llm: 64,
  events: 128,
  links: 256,
  synthetic: 512,
  skewed: 1024,
  unfinished: 2048,
  logs: 4096,
  odd: 8192,
  exception: 16384,
} as const;

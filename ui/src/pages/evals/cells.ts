// A run as rows of cells: one row an attempt, one cell an assertion; and where each cell leads.

import type { AssertionResult, AttemptResult, EvalRun, ScenarioResult } from "../../api/types.ts";
import { traceLink } from "../../state/routes.ts";

export interface AttemptRow {
  scenario: ScenarioResult;
  attempt: AttemptResult;
  /** The first row of its scenario carries its name. */
  first: boolean;
}

export function attemptRows(run: EvalRun, show: "all" | "failing"): AttemptRow[] {
  return run.scenarios
    .filter(({ verdict }) => show === "all" || (verdict !== "pass" && verdict !== "improved"))
    .flatMap((scenario) => scenario.attempts.map((attempt, at) => ({ scenario, attempt, first: at === 0 })));
}

/** Every verdict opens its trace, at the span that proves it where there is one. */
export function linkOf(attempt: AttemptResult, assertion?: AssertionResult): string | undefined {
  const span = assertion?.evidence[0] ?? assertion?.nearest ?? undefined;
  if (span) return traceLink(span.traceId, span.spanId);
  return attempt.traceId === null ? undefined : traceLink(attempt.traceId);
}

/** The assertion a reader looks for first: one that failed, else one that could not be judged, else the first. */
export function firstOfInterest(attempt: AttemptResult): number {
  for (const wanted of [["fail", "regressed"], ["error", "not-evaluable", "flaky", "insufficient"]]) {
    const at = attempt.assertions.findIndex(({ verdict }) => wanted.includes(verdict));
    if (at >= 0) return at;
  }
  return attempt.assertions.length > 0 ? 0 : -1;
}

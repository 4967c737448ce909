//! Evaluations: `/api/v1/evals`, `/api/v1/evals/{run}`.

use crate::{Cost, UnixNanos, shape, words};

shape! {
    /// `GET /api/v1/evals`: runs, newest first.
    pub struct RunList {
        /// The runs.
        pub runs: Vec<RunSummary>,
        /// Give it as `cursor` to go on; null at the end.
        pub next_cursor: Option<String>,
        /// What it cost.
        pub cost: Cost,
    }

    /// A run in one row.
    pub struct RunSummary {
        /// The run's id.
        pub run: String,
        /// The suite's name.
        pub suite: String,
        /// When it began.
        pub started: UnixNanos,
        /// How long it took, ns; so far, while it runs.
        pub duration: i64,
        /// Whether it still runs.
        pub running: bool,
        /// The worst verdict of its scenarios; null while it runs.
        pub verdict: Option<Verdict>,
        /// Scenarios by verdict.
        pub counts: VerdictCounts,
        /// Hash of the suite as it was run.
        pub configuration_hash: String,
        /// The commit it was run on; null when not known.
        pub commit: Option<String>,
        /// The branch; null when not known.
        pub branch: Option<String>,
        /// The exit code it ended with; null while it runs.
        pub exit_code: Option<i32>,
    }

    /// How many scenarios came to each verdict.
    pub struct VerdictCounts {
        /// Held in every attempt.
        pub pass: u32,
        /// Failed.
        pub fail: u32,
        /// Could not be judged.
        pub not_evaluable: u32,
        /// Could not be driven.
        pub error: u32,
        /// Held in some attempts only.
        pub flaky: u32,
        /// Worse than the baseline.
        pub regressed: u32,
        /// Better than the baseline.
        pub improved: u32,
        /// Too few attempts to tell.
        pub insufficient: u32,
    }

    /// `GET /api/v1/evals/{run}` and `POST /api/v1/evals`: a run in full.
    pub struct EvalRun {
        /// Its row.
        pub summary: RunSummary,
        /// The scenarios, in the order of the suite.
        pub scenarios: Vec<ScenarioResult>,
        /// What could not be done at all (target down, ports in use); empty when all went well.
        pub errors: Vec<String>,
    }

    /// What came of a scenario.
    pub struct ScenarioResult {
        /// Its name.
        pub name: String,
        /// Over all attempts.
        pub verdict: Verdict,
        /// The attempts, in order.
        pub attempts: Vec<AttemptResult>,
    }

    /// One execution of a scenario.
    pub struct AttemptResult {
        /// From 0.
        pub attempt: u32,
        /// Over its assertions.
        pub verdict: Verdict,
        /// The trace judged: 32 hex digits; null when nothing was sent.
        pub trace_id: Option<String>,
        /// When the judged request was sent.
        pub started: UnixNanos,
        /// From sending to the answer, ns.
        pub duration: i64,
        /// From the answer to the judgement, ns: what waiting for the trace cost.
        pub waited: i64,
        /// Whether the trace was whole: `complete`, `quiet`, `timed out` or `no span`.
        pub completeness: String,
        /// Why that is so.
        pub completeness_reasons: Vec<String>,
        /// Setup and main steps, in order.
        pub steps: Vec<StepResult>,
        /// The assertions, in the order of the scenario.
        pub assertions: Vec<AssertionResult>,
        /// What kept it from being driven; null when nothing did.
        pub error: Option<String>,
    }

    /// One request of an attempt.
    pub struct StepResult {
        /// `setup[0]`, `main`.
        pub name: String,
        /// 32 hex digits.
        pub trace_id: String,
        /// The status of the answer (HTTP, exit code); null when there was none.
        pub status: Option<i32>,
        /// From sending to the answer, ns.
        pub duration: i64,
        /// What kept it from an answer; null when nothing did.
        pub error: Option<String>,
    }

    /// What came of an assertion.
    pub struct AssertionResult {
        /// Its key in the suite: `status`, `spans`, `fault_path`, …
        pub kind: String,
        /// The assertion in one line, as the suite says it.
        pub text: String,
        /// What came of it.
        pub verdict: Verdict,
        /// What was expected, in words; empty when it held.
        pub expected: String,
        /// What was found, in words.
        pub found: String,
        /// Why it could not be judged; empty otherwise.
        pub reason: String,
        /// The selectors it used.
        pub selectors: Vec<String>,
        /// Spans that prove it.
        pub evidence: Vec<EvidenceSpan>,
        /// The span that came nearest, where a selector found none.
        pub nearest: Option<EvidenceSpan>,
        /// Line in the suite file, from 1; 0 when unknown.
        pub line: u32,
    }

    /// A span that proves something. The page opens `/trace/{traceId}?span={spanId}`.
    pub struct EvidenceSpan {
        /// 32 hex digits.
        pub trace_id: String,
        /// 16 hex digits.
        pub span_id: String,
        /// Its service.
        pub service: String,
        /// Its name.
        pub name: String,
        /// What about it, in words; empty when its being there is all.
        pub note: String,
    }

    /// `POST /api/v1/evals/start`: starts a suite that was named on the command line.
    pub struct StartRun {
        /// The suite's name, one of `Info.suites`.
        pub suite: String,
        /// Scenarios to run; empty for all.
        pub scenarios: Vec<String>,
    }

    /// The answer to a run that was submitted or started.
    pub struct RunAccepted {
        /// The run's id.
        pub run: String,
    }
}

words! {
    /// What came of an assertion, an attempt, a scenario or a run.
    pub enum Verdict {
        /// Held.
        Pass = "pass",
        /// Did not hold.
        Fail = "fail",
        /// Could not be judged on what was received.
        NotEvaluable = "not-evaluable",
        /// Could not be driven.
        Error = "error",
        /// Held in some attempts only.
        Flaky = "flaky",
        /// Worse than the baseline.
        Regressed = "regressed",
        /// Better than the baseline.
        Improved = "improved",
        /// Too few attempts to tell.
        Insufficient = "insufficient",
    }
}

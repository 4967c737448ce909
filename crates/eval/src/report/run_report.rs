//! A run in full, as reports tell it. This is the published JSON format (`--output json`): add fields, never change their
//! meaning; [`SCHEMA_VERSION`] rises when a reader of the old one would be wrong.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The version of the format, in [`RunReport::schema`].
pub const SCHEMA_VERSION: &str = "headwater.run/1";

/// What came of an assertion, an attempt, a scenario or a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Held.
    Pass,
    /// Did not hold.
    Fail,
    /// Could not be judged on what was received.
    NotEvaluable,
    /// Could not be driven.
    Error,
    /// Held in some attempts only.
    Flaky,
    /// Worse than the baseline.
    Regressed,
    /// Better than the baseline.
    Improved,
    /// Too few attempts to tell.
    Insufficient,
}

impl Verdict {
    /// The word used in files, as serialised.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NotEvaluable => "not-evaluable",
            Self::Error => "error",
            Self::Flaky => "flaky",
            Self::Regressed => "regressed",
            Self::Improved => "improved",
            Self::Insufficient => "insufficient",
        }
    }

    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NotEvaluable => "not evaluable",
            other => other.name(),
        }
    }

    /// Of several verdicts about one thing, the one that counts: error, fail, not evaluable, insufficient, pass.
    #[must_use]
    pub fn worst(verdicts: impl IntoIterator<Item = Self>) -> Option<Self> {
        verdicts.into_iter().max_by_key(|verdict| match verdict {
            Self::Improved => 0,
            Self::Pass => 1,
            Self::Insufficient => 2,
            Self::NotEvaluable => 3,
            Self::Flaky => 4,
            Self::Regressed => 5,
            Self::Fail => 6,
            Self::Error => 7,
        })
    }
}

/// Nanoseconds since the Unix epoch; in JSON a string of digits, since they are past 2^53.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixNanos(pub u64);

impl Serialize for UnixNanos {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl JsonSchema for UnixNanos {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "UnixNanos".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[0-9]+$", "description": "Nanoseconds since the Unix epoch."})
    }
}

impl<'de> Deserialize<'de> for UnixNanos {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map(Self)
            .map_err(|_| serde::de::Error::custom(format!("expected nanoseconds as decimal digits, read {text:.40?}")))
    }
}

/// The JSON Schema of [`RunReport`].
#[must_use]
pub fn run_schema() -> serde_json::Value {
    schemars::schema_for!(RunReport).to_value()
}

/// A run in full. Durations are whole nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RunReport {
    /// [`SCHEMA_VERSION`].
    pub schema: String,
    /// The run's id: 16 hex digits.
    pub run: String,
    /// The suite's name.
    pub suite: String,
    /// The suite's file as it was named; empty when it came from elsewhere.
    pub file: String,
    /// SHA-256 of the suite file as it was run, hex. Secrets are not part of it: variables are hashed by name.
    pub configuration_hash: String,
    /// The version of Headwater that ran it.
    pub version: String,
    /// When it began.
    pub started: UnixNanos,
    /// How long it took; so far, while it runs.
    pub duration: i64,
    /// Whether it still runs.
    pub running: bool,
    /// Whether it was interrupted; attempts not begun are then missing.
    pub interrupted: bool,
    /// Seed of the order of attempts.
    pub seed: Option<u64>,
    /// Whether a flaky scenario was allowed.
    pub flaky_allowed: bool,
    /// Whether assertions on traces were left out (`--no-trace`).
    pub without_traces: bool,
    /// The commit it was run on, where known.
    pub commit: Option<String>,
    /// The branch, where known.
    pub branch: Option<String>,
    /// Where its traces can be looked at: the address of a page that goes on running; none when it ends with the run.
    pub page: Option<String>,
    /// Remarks for people, such as how many assertions were left out.
    pub remarks: Vec<String>,
    /// What happened on the calls that have a proxy, since it stands there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub proxies: Vec<ProxiedEdge>,
    /// What could not be done at all (target down, ports in use).
    pub errors: Vec<String>,
    /// The worst verdict of its scenarios; none while it runs or when nothing ran.
    pub verdict: Option<Verdict>,
    /// Scenarios by verdict.
    pub counts: VerdictCounts,
    /// The exit code; none while it runs.
    pub exit_code: Option<u8>,
    /// Set-up and teardown of the suite, and of attempts that were given up.
    pub hooks: Vec<StepReport>,
    /// The scenarios, in the order of the suite.
    pub scenarios: Vec<ScenarioReport>,
}

impl RunReport {
    /// Errors that belong to no attempt: what a teardown failed at.
    #[must_use]
    pub fn errors_beside(&self) -> Vec<&str> {
        let attempts = || self.scenarios.iter().flat_map(|scenario| &scenario.attempts);
        let beside = |error: &&String| attempts().all(|attempt| attempt.error.as_ref() != Some(*error));
        self.errors.iter().filter(beside).map(String::as_str).collect()
    }

    /// Where a trace can be looked at, if anywhere.
    #[must_use]
    pub fn link(&self, trace_id: &str) -> Option<String> {
        self.page.as_deref().map(|page| format!("{}/trace/{trace_id}", page.trim_end_matches('/')))
    }
}

/// What happened on a call that has a proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ProxiedEdge {
    /// The call: `caller -> callee`.
    pub edge: String,
    /// Requests that crossed it.
    pub requests: u64,
    /// Of them, those without a trace context: no fault of a scenario can hit them.
    pub without_context: u64,
    /// Of them, those that a fault hit.
    pub hit: u64,
    /// Faults by kind: `delay`, `status`, `drop`, `truncate`, `strip`; only those that happened.
    pub faults: std::collections::BTreeMap<String, u64>,
    /// Requests for which the callee could not be reached.
    pub unreachable: u64,
    /// Requests whose connection the callee dropped by itself.
    pub broken: u64,
}

/// How many scenarios came to each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
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

impl VerdictCounts {
    /// Counts one more.
    pub fn add(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Pass => &mut self.pass,
            Verdict::Fail => &mut self.fail,
            Verdict::NotEvaluable => &mut self.not_evaluable,
            Verdict::Error => &mut self.error,
            Verdict::Flaky => &mut self.flaky,
            Verdict::Regressed => &mut self.regressed,
            Verdict::Improved => &mut self.improved,
            Verdict::Insufficient => &mut self.insufficient,
        } += 1;
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.pass
            + self.fail
            + self.not_evaluable
            + self.error
            + self.flaky
            + self.regressed
            + self.improved
            + self.insufficient
    }
}

/// What came of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScenarioReport {
    /// Its name.
    pub name: String,
    /// Line in the suite file, from 1; 0 when unknown.
    pub line: u32,
    /// Over all attempts.
    pub verdict: Verdict,
    /// The attempts, in order; warm-ups are not among them.
    pub attempts: Vec<AttemptReport>,
    /// What was judged over all attempts together (`faster_than`, thresholds over runs).
    #[serde(default)]
    pub over_attempts: Vec<AssertionReport>,
    /// How the attempts spread, where there are several.
    #[serde(default)]
    pub statistics: Option<Statistics>,
    /// Structure and latency, where a baseline asked for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<crate::baseline::Profile>,
}

/// How the attempts of a scenario spread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Statistics {
    /// Attempts that passed, of how many that were judged.
    pub passed: u32,
    /// Attempts judged.
    pub judged: u32,
    /// Lower bound of the pass rate (Wilson score interval, 95 %).
    pub pass_rate_low: f64,
    /// Upper bound of the pass rate.
    pub pass_rate_high: f64,
    /// How likely it is that at least one of k attempts passes (pass@k), for k = 1, 2, …
    #[serde(default)]
    pub pass_at: Vec<f64>,
    /// How likely it is that all of k attempts pass (pass^k), for k = 1, 2, …
    #[serde(default)]
    pub pass_all: Vec<f64>,
    /// Median of the time to the answer, ns.
    pub duration_median: i64,
    /// 95th percentile (nearest rank) of the time to the answer, ns.
    pub duration_p95: i64,
    /// Interval of the median (bootstrap, 95 %), ns: low, high.
    pub duration_median_interval: (i64, i64),
}

/// One execution of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptReport {
    /// From 0.
    pub attempt: u32,
    /// Over its assertions.
    pub verdict: Verdict,
    /// The trace judged: 32 hex digits; none when nothing was sent.
    pub trace_id: Option<String>,
    /// When the judged request was sent.
    pub started: UnixNanos,
    /// From sending the judged request to its answer.
    pub duration: i64,
    /// From the answer to the judgement: what waiting for the trace cost.
    pub waited: i64,
    /// Setup and main steps, in order.
    pub steps: Vec<StepReport>,
    /// The assertions, in the order of the scenario.
    pub assertions: Vec<AssertionReport>,
    /// What kept it from being driven; none when nothing did.
    #[serde(default)]
    pub error: Option<String>,
}

/// One request of an attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    /// `setup[0]`, `main`, or the name it was given.
    pub name: String,
    /// 32 hex digits.
    pub trace_id: String,
    /// The status of the answer (HTTP, exit code); none when there was no answer.
    pub status: Option<i32>,
    /// From sending to the answer.
    pub duration: i64,
    /// What kept it from an answer; none when nothing did.
    pub error: Option<String>,
    /// Whether the trace was whole; none where no assertion needed it.
    pub completeness: Option<CompletenessReport>,
}

/// How whole a trace was when it was judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompletenessReport {
    /// Complete, quiet, timed out or no span.
    pub outcome: Outcome,
    /// Why, in words.
    pub reasons: Vec<String>,
    /// What is there: spans by service.
    pub services: Vec<ServiceSpans>,
    /// Spans received, the runner's own left out.
    pub span_count: u32,
}

/// The spans of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceSpans {
    /// The service.
    pub service: String,
    /// How many.
    pub spans: u32,
}

/// How the wait for a trace ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Outcome {
    /// Evidence says that it is whole.
    #[serde(rename = "complete")]
    Complete,
    /// Nothing more came, and something is known to be missing.
    #[serde(rename = "quiet")]
    Quiet,
    /// The deadline passed while more could still come.
    #[serde(rename = "timed out")]
    TimedOut,
    /// Nothing came at all.
    #[serde(rename = "no span")]
    NoSpan,
}

impl Outcome {
    /// The words of `evals.md`, as serialised.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Quiet => "quiet",
            Self::TimedOut => "timed out",
            Self::NoSpan => "no span",
        }
    }
}

/// What came of an assertion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssertionReport {
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
    /// The span that came nearest, where a selector found none; its note says which clause left it out.
    pub nearest: Option<EvidenceSpan>,
    /// Line in the suite file, from 1; 0 when unknown.
    pub line: u32,
}

/// A span that proves something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
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

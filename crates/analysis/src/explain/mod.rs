//! Findings over many traces: fed trace by trace, mergeable, of bounded memory.
//!
//! ```
//! use analysis::{Explanation, ExplainOptions};
//! let mut explanation = Explanation::new(ExplainOptions::default());
//! # let traces: Vec<model::Trace> = Vec::new();
//! traces.iter().for_each(|trace| explanation.add(trace));
//! let explained = explanation.finish();
//! assert!(explained.findings.is_empty()); // nothing was looked at
//! assert!(!explained.cannot_tell.is_empty()); // and it says so
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `view.rs` | a trace made ready for every collector |
//! | `bottlenecks.rs` | where the time goes, and where the tail goes |
//! | `repeats.rs` | the same call again and again, chatty pairs |
//! | `errors.rs` | errors, time-outs, handled errors, in groups |
//! | `retrying.rs` | retries, hedges, storms |
//! | `families.rs` | who calls whom as a rule: missing spans, lost context, work after the answer |
//! | `sequential.rs` | calls that wait for each other: independent, dependent, or cannot tell |
//! | `caching.rs` | calls whose answers could be kept, caches that seldom have them |
//! | `prompts.rs` | prompts that begin alike, passages that reached no prompt |
//! | `flowing.rs` | which values of whose answers reach whom |
//! | `skewed.rs` | clocks of machines that differ |
//! | `broken.rs` | spans that are broken in themselves |

mod bottlenecks;
mod broken;
mod caching;
mod errors;
mod families;
mod flowing;
mod prompts;
mod repeats;
mod retrying;
mod sequential;
mod skewed;
mod view;

use model::{Duration, Text, Trace};

use crate::finding::{Confidence, Evidence, Figure, Finding, FindingKind, Place, Saving, Unit, Waste, id_of};
use crate::names::{Names, OperationId};
use crate::peer::Peers;
use crate::prices::PriceTable;
use crate::skew::ClockOffsets;
use bottlenecks::Bottlenecks;
use broken::Broken;
use caching::Caching;
use errors::Errors;
pub use errors::normalised_message;
use families::Families;
pub use families::{MissingPlace, MissingSpan};
use flowing::Flowing;
pub use flowing::ValueFlow;
use prompts::Prompts;
pub use repeats::REPEATS_MIN;
use repeats::Repeats;
use retrying::Retrying;
use sequential::Sequential;
use view::View;

/// What a reader may configure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExplainOptions {
    /// Attributes that say whether a cache was hit, believed before [`crate::CACHE_HIT_KEYS`].
    pub cache_hit_keys: Vec<Text>,
    /// What tokens cost.
    pub prices: PriceTable,
}

/// Collects what traces show. The order in which they are added does not matter to what is found.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    options: ExplainOptions,
    names: Names,
    total: Total,
    peers: Peers,
    bottlenecks: Bottlenecks,
    repeats: Repeats,
    errors: Errors,
    retrying: Retrying,
    families: Families,
    broken: Broken,
    sequential: Sequential,
    caching: Caching,
    prompts: Prompts,
    skewed: ClockOffsets,
    flowing: Flowing,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Total {
    pub(crate) traces: u64,
    pub(crate) spans: u64,
    /// The durations of all first roots, ns.
    pub(crate) time: i128,
}

/// What traces showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// Traces that were looked at.
    pub traces: u64,
    /// Their spans.
    pub spans: u64,
    /// What was found, by impact.
    pub findings: Vec<Finding>,
    /// Which values of whose answers reach whom, the most frequent first.
    pub data_flow: Vec<ValueFlow>,
    /// What could not be told, and why.
    pub cannot_tell: Vec<CannotTell>,
    /// What is broken in the traces, and how it was taken.
    pub remarks: Vec<String>,
    /// What was counted and left out because there was too much of it.
    pub left_out: Vec<LeftOut>,
}

/// An analysis that the traces do not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CannotTell {
    /// What would have been looked for.
    pub kinds: Vec<FindingKind>,
    /// Why it could not be told.
    pub why: String,
}

/// What was left out because of a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// What it is.
    pub what: &'static str,
    /// How many.
    pub count: u64,
}

impl Explanation {
    /// Nothing seen.
    #[must_use]
    pub fn new(options: ExplainOptions) -> Self {
        Self { options, ..Self::default() }
    }

    /// What was configured.
    #[must_use]
    pub fn options(&self) -> &ExplainOptions {
        &self.options
    }

    /// The clocks of machines against each other, as far as the traces tell.
    #[must_use]
    pub fn clock_offsets(&self) -> &ClockOffsets {
        &self.skewed
    }

    /// Which service answers at which address, as far as the traces tell.
    #[must_use]
    pub fn peers(&self) -> &Peers {
        &self.peers
    }

    /// What is missing in `trace` by the rules that the traces added so far make.
    #[must_use]
    pub fn missing_in(&self, trace: &Trace) -> Vec<MissingSpan> {
        let mut names = self.names.clone();
        View::of(trace, &mut names).map(|view| self.families.missing_in(&names, &view)).unwrap_or_default()
    }

    /// Adds a trace.
    pub fn add(&mut self, trace: &Trace) {
        self.total.traces += 1;
        self.total.spans += trace.spans().len() as u64;
        let Some(view) = View::of(trace, &mut self.names) else { return };
        self.total.time += i128::from(view.duration());
        self.peers.learn(trace);
        self.bottlenecks.add(&view);
        self.repeats.add(&view);
        self.errors.add(&view, &self.peers);
        self.retrying.add(&view, &self.peers);
        self.families.add(&view, &mut self.names, &self.peers);
        self.broken.add(&view);
        self.sequential.add(&view);
        self.caching.add(&view, &self.options.cache_hit_keys, &self.options.prices);
        self.prompts.add(&view, &mut self.names);
        self.skewed.add_on(trace, &view.times);
        self.flowing.add(&view);
    }

    /// Adds everything that `other` has seen.
    pub fn merge(&mut self, other: Self) {
        let numbers = self.names.absorb(&other.names);
        self.total.traces += other.total.traces;
        self.total.spans += other.total.spans;
        self.total.time += other.total.time;
        self.bottlenecks.merge(other.bottlenecks, &numbers);
        self.repeats.merge(other.repeats, &numbers);
        self.peers.merge(other.peers);
        self.errors.merge(other.errors);
        self.retrying.merge(other.retrying, &numbers);
        self.families.merge(other.families, &numbers);
        self.broken.merge(other.broken);
        self.sequential.merge(other.sequential, &numbers);
        self.caching.merge(other.caching, &numbers);
        self.prompts.merge(other.prompts, &numbers);
        self.skewed.merge(other.skewed);
        self.flowing.merge(other.flowing, &numbers);
    }

    /// What the traces showed so far.
    #[must_use]
    pub fn finish(&self) -> Explained {
        let (names, total) = (&self.names, &self.total);
        let mut findings = self.bottlenecks.findings(names, total);
        findings.extend(self.repeats.findings(names, total));
        findings.extend(self.errors.findings(total));
        findings.extend(self.retrying.findings(names, total));
        findings.extend(self.families.findings(names, total));
        findings.extend(self.broken.findings(total));
        findings.extend(self.sequential.findings(names, total));
        findings.extend(self.caching.findings(names, total));
        findings.extend(self.prompts.findings(names, total, &self.options.prices));
        findings.extend(skewed::findings(&self.skewed, total));
        findings.sort_by(|a, b| b.impact.total_cmp(&a.impact).then_with(|| a.id.cmp(&b.id)));
        Explained {
            traces: total.traces,
            spans: total.spans,
            findings,
            data_flow: self.flowing.flows(names),
            cannot_tell: self.cannot_tell(),
            remarks: self.broken.remarks(),
            left_out: self.left_out(),
        }
    }

    fn cannot_tell(&self) -> Vec<CannotTell> {
        let mut untold = Vec::new();
        let least = crate::happens_before::TRACES_MIN;
        if self.total.traces < least {
            untold.push(CannotTell {
                kinds: vec![FindingKind::SequentialCalls],
                why: format!(
                    "which calls wait for each other takes {least} traces, and there are {}",
                    self.total.traces
                ),
            });
        }
        if self.caching.silent > 0 {
            let all = self.caching.silent + self.caching.asked;
            untold.push(CannotTell {
                kinds: vec![FindingKind::CacheableCalls],
                why: format!(
                    "{} of {all} client spans change something or do not say what they ask (no URL, statement with parameters, prompt)",
                    self.caching.silent
                ),
            });
        }
        if self.prompts.without_content > 0 {
            untold.push(CannotTell {
                kinds: vec![FindingKind::PromptPrefix, FindingKind::UnusedPassages],
                why: format!(
                    "{} calls to models or retrievals carry no prompt or no passages: recording of content is off",
                    self.prompts.without_content
                ),
            });
        }
        untold
    }

    fn left_out(&self) -> Vec<LeftOut> {
        let all = [
            ("spans of operations beyond the number kept apart", self.names.left_out),
            ("sums of slow and usual requests", self.bottlenecks.left_out),
            ("places of repeated calls", self.repeats.left_out),
            ("groups of errors", self.errors.left_out),
            ("edges with retries", self.retrying.left_out),
            ("pairs of operations", self.families.left_out),
            ("kinds of broken spans", self.broken.left_out),
            ("calls with their arguments", self.caching.left_out),
            ("prompts", self.prompts.left_out),
            ("calls between hosts", self.skewed.left_out()),
            ("call paths and pairs of siblings", self.sequential.orders.left_out + self.sequential.left_out),
            ("addresses of services", self.peers.not_learned()),
            ("values that flow", self.flowing.left_out),
        ];
        all.into_iter().filter(|(_, count)| *count > 0).map(|(what, count)| LeftOut { what, count }).collect()
    }
}

pub(crate) fn operation_place(names: &Names, operation: OperationId) -> Place {
    Place::Operation { service: names.service_of(operation).clone(), operation: names.name_of(operation).clone() }
}

/// A finding being written: what most have in common is filled in.
pub(crate) struct Draft {
    pub(crate) kind: FindingKind,
    pub(crate) place: Place,
    pub(crate) title: String,
    pub(crate) what: String,
    pub(crate) seen: u64,
    pub(crate) of: u64,
    pub(crate) cost: Duration,
    pub(crate) saving: Option<Saving>,
    pub(crate) waste: Option<Waste>,
    pub(crate) confidence: Confidence,
    pub(crate) reason: String,
    pub(crate) next_step: String,
    pub(crate) impact: f64,
    pub(crate) figures: Vec<(&'static str, f64, Unit)>,
    pub(crate) evidence: Vec<Evidence>,
    /// Told apart from others of its kind and place by this.
    pub(crate) variant: String,
}

impl Draft {
    pub(crate) fn new(total: &Total) -> Self {
        Self {
            kind: FindingKind::Bottleneck,
            place: Place::Traces,
            title: String::new(),
            what: String::new(),
            seen: 0,
            of: total.traces,
            cost: Duration::ZERO,
            saving: None,
            waste: None,
            confidence: Confidence::Hint,
            reason: String::new(),
            next_step: String::new(),
            impact: 0.0,
            figures: Vec::new(),
            evidence: Vec::new(),
            variant: String::new(),
        }
    }

    pub(crate) fn finding(self) -> Finding {
        let place = format!("{}\0{}", self.place, self.variant);
        Finding {
            id: id_of(self.kind, place.trim_end_matches('\0')),
            kind: self.kind,
            title: self.title,
            place: self.place,
            what: self.what,
            traces: (self.seen.min(self.of), self.of),
            evidence: self.evidence,
            cost: self.cost,
            saving: self.saving,
            waste: self.waste,
            confidence: self.confidence,
            reason: self.reason,
            next_step: self.next_step,
            impact: self.impact.clamp(0.0, 1.0),
            figures: self.figures.into_iter().map(|(name, value, unit)| Figure { name, value, unit }).collect(),
        }
    }
}

//! From signs to ailments: each names the hop, the pattern that shows it, and how to mend it.

use analysis::{PeerKind, SkewVerdict};
use model::{OddityKind, SpanId, Text, TraceId};

use super::{Diagnosis, Doctor, EntrySigns, Seen, ServiceHealth, ServiceSigns, remedy};
use crate::limits::SCOPES_MAX;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ailment {
    /// What it is.
    pub kind: AilmentKind,
    /// How bad it is.
    pub severity: Severity,
    /// Where it is to be mended.
    pub service: Text,
    /// What comes before on the hop.
    pub caller: Option<Text>,
    /// One sentence with the figures.
    pub what: String,
    /// The pattern that shows it.
    pub pattern: String,
    /// How to mend it.
    pub remedy: String,
    /// In how many traces.
    pub traces: u64,
    /// Some of the spans that show it.
    pub evidence: Vec<(TraceId, SpanId)>,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Traces are broken.
    Broken,
    /// Something is missing or misleading.
    Warning,
    /// Good to know.
    Note,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AilmentKind {
    /// A service's spans begin traces of their own although somebody called it.
    ContextLost,
    /// Spans name parents that never come.
    MissingParent,
    /// A service is called and sends no span.
    NoSpans,
    /// A service sends spans, and for some calls none.
    CalleeMissing,
    /// Some services of a trace are sampled, others are not.
    SampledMismatch,
    /// Clocks differ.
    ClockSkew,
    /// `service.name` is missing.
    Unnamed,
    /// Trace ids of 64 bits.
    ShortIds,
    /// One trace under two ids: of 64 bits, and of 128 that end in them.
    SplitIds,
    /// Spans arrive long after they ended: told by whoever receives them.
    LateExporter,
    /// Spans that share an id, lead round in a circle, or never end.
    BrokenSpans,
}

impl AilmentKind {
    /// The name used in our API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ContextLost => "context-lost",
            Self::MissingParent => "missing-parent",
            Self::NoSpans => "no-spans",
            Self::CalleeMissing => "callee-missing",
            Self::SampledMismatch => "sampled-mismatch",
            Self::ClockSkew => "clock-skew",
            Self::Unnamed => "unnamed-service",
            Self::ShortIds => "short-ids",
            Self::SplitIds => "split-ids",
            Self::LateExporter => "late-exporter",
            Self::BrokenSpans => "broken-spans",
        }
    }
}

/// An operation that has a caller this often is no entry of the system: the rest lost its context.
const CALLED_SHARE_MIN: f64 = 0.5;

/// What databases, caches and queues are called: nobody expects spans of them.
const INFRASTRUCTURE: &[&str] = &[
    "mysql",
    "mariadb",
    "postgres",
    "memcache",
    "redis",
    "valkey",
    "mongo",
    "kafka",
    "rabbitmq",
    "cassandra",
    "elastic",
    "opensearch",
    "dynamo",
    "sqlite",
    "clickhouse",
    "sqs",
    "s3",
    "nats",
];

fn is_infrastructure(name: &str) -> bool {
    let name = name.to_lowercase();
    name.split(|c: char| !c.is_alphanumeric()).any(|word| INFRASTRUCTURE.iter().any(|known| word.starts_with(known)))
}

/// Fewer unanswered calls of a hop than this share are left alone: single spans get lost.
const UNANSWERED_SHARE_MIN: f64 = 0.02;

impl Doctor {
    /// What the signs say.
    #[must_use]
    pub fn diagnose(&self) -> Diagnosis {
        let mut ailments = self.lost_contexts();
        ailments.extend(self.unanswered());
        for (service, signs) in &self.services {
            ailments.extend(self.of_service(service, signs));
        }
        ailments.extend(self.skews());
        ailments.extend(self.broken());
        ailments.extend(self.short_ids());
        ailments.extend(self.split_ids());
        ailments.sort_by(|a, b| {
            (a.severity, std::cmp::Reverse(a.traces), a.kind, &a.service).cmp(&(
                b.severity,
                std::cmp::Reverse(b.traces),
                b.kind,
                &b.service,
            ))
        });
        let clocks = self.clocks.hosts();
        Diagnosis {
            ailments,
            services: self.services.iter().map(|(name, signs)| health(name, signs)).collect(),
            silent: self.silent(),
            left_out: self.left_out + self.clocks.left_out() + clocks.left_out,
            clocks,
        }
    }

    fn language(&self, service: &str) -> Option<&str> {
        self.services.get(service)?.language.as_deref()
    }

    /// Callers whose calls of `service` found nobody.
    fn unanswered_callers(&self, service: &str) -> Vec<&Text> {
        let hops = self.hops.iter().filter(|((_, callee), hop)| **callee == *service && hop.unanswered.spans > 0);
        hops.map(|((caller, _), _)| caller).collect()
    }

    fn lost_contexts(&self) -> Vec<Ailment> {
        let mut by_service: std::collections::BTreeMap<&Text, (Seen, Vec<&Text>, u64)> = Default::default();
        for ((service, name), entry) in &self.entries {
            if self.is_lost(service, entry) {
                let known = by_service.entry(service).or_default();
                known.0.spans += entry.roots.spans;
                known.0.traces += entry.roots.traces;
                known.0.evidence.extend(&entry.roots.evidence);
                known.0.evidence.truncate(crate::limits::EVIDENCE_MAX);
                known.1.push(name);
                known.2 += entry.called;
            }
        }
        by_service
            .into_iter()
            .map(|(service, (seen, names, called))| self.lost_context(service, &seen, &names, called))
            .collect()
    }

    /// Begins traces although it mostly has a caller, or although callers of this service find nobody.
    fn is_lost(&self, service: &Text, entry: &EntrySigns) -> bool {
        let (roots, called) = (entry.roots.spans, entry.called);
        let mostly_called = called as f64 / (roots + called).max(1) as f64 >= CALLED_SHARE_MIN;
        roots > 0 && ((called > 0 && mostly_called) || !self.unanswered_callers(service).is_empty())
    }

    fn lost_context(&self, service: &Text, seen: &Seen, names: &[&Text], called: u64) -> Ailment {
        let suspects = self.unanswered_callers(service);
        let usual = self.services.get(service).and_then(|signs| most(&signs.called_by));
        let caller = suspects.first().copied().or(usual).cloned();
        let listed: Vec<&str> = names.iter().take(3).map(|name| &***name).collect();
        let before = caller.as_ref().map_or_else(String::new, |caller| format!(" between {caller} and {service}"));
        let pattern = match (suspects.is_empty(), called) {
            (false, _) => format!(
                "{} has client spans that call {service} and have nothing below them, and {service} has server spans that \
                 begin traces",
                joined(&suspects)
            ),
            (true, called) => {
                format!(
                    "the same operation has a caller {called} times: where it begins a trace, its parent was dropped"
                )
            }
        };
        Ailment {
            kind: AilmentKind::ContextLost,
            severity: Severity::Broken,
            service: service.clone(),
            what: format!(
                "the context is lost{before}: {} server spans of {service} ({}) begin traces of their own",
                seen.spans,
                listed.join(", ")
            ),
            pattern,
            remedy: remedy::context_lost(
                service,
                self.language(service),
                caller.as_deref().map(|caller| (caller, self.language(caller))),
            ),
            caller,
            traces: seen.traces,
            evidence: seen.evidence.clone(),
        }
    }

    /// Services that are called, are no databases or addresses, and send nothing.
    fn silent(&self) -> Vec<Text> {
        let mut silent: Vec<Text> = self
            .hops
            .iter()
            .filter(|((_, callee), hop)| {
                hop.kind == Some(PeerKind::Service)
                    && hop.both == 0
                    && !self.services.contains_key(callee)
                    && !is_infrastructure(callee)
            })
            .map(|((_, callee), _)| callee.clone())
            .collect();
        silent.sort();
        silent.dedup();
        silent
    }

    fn unanswered(&self) -> Vec<Ailment> {
        let mut ailments: Vec<Ailment> = self.silent().iter().map(|callee| self.no_spans(callee)).collect();
        for ((caller, callee), hop) in &self.hops {
            let (missing, all) = (hop.unanswered.spans, hop.unanswered.spans + hop.both);
            if missing == 0 || hop.kind != Some(PeerKind::Service) {
                continue;
            }
            if !self.services.contains_key(callee) {
                continue;
            }
            // Where the callee's spans begin traces of their own, that says it all.
            let lost =
                self.entries.iter().any(|((service, _), entry)| service == callee && self.is_lost(service, entry));
            if lost || (missing as f64) < UNANSWERED_SHARE_MIN * all as f64 {
                continue;
            }
            ailments.push(Ailment {
                kind: AilmentKind::CalleeMissing,
                severity: Severity::Warning,
                service: callee.clone(),
                caller: Some(caller.clone()),
                what: format!("{missing} of {all} calls from {caller} to {callee} have no server span"),
                pattern: format!(
                    "client spans of {caller} that succeeded and have nothing below them, while {callee} sends spans"
                ),
                remedy: remedy::callee_missing(callee, self.language(callee)),
                traces: hop.unanswered.traces,
                evidence: hop.unanswered.evidence.clone(),
            });
        }
        ailments
    }

    /// One ailment for all that call it.
    fn no_spans(&self, callee: &Text) -> Ailment {
        let hops = || self.hops.iter().filter(|((_, other), hop)| other == callee && hop.unanswered.spans > 0);
        let callers: Vec<&Text> = hops().map(|((caller, _), _)| caller).collect();
        let most = hops().map(|(_, hop)| &hop.unanswered).max_by_key(|seen| seen.traces);
        let calls: u64 = hops().map(|(_, hop)| hop.unanswered.spans).sum();
        Ailment {
            kind: AilmentKind::NoSpans,
            severity: Severity::Warning,
            service: callee.clone(),
            caller: callers.first().map(|caller| (*caller).clone()),
            what: format!(
                "{callee} is called by {} ({calls} times) and sends no span",
                listed(callers.iter().copied())
            ),
            pattern: format!("client spans name {callee} as the far side, and nothing by that name arrives"),
            remedy: remedy::no_spans(callee),
            traces: most.map_or(0, |seen| seen.traces),
            evidence: most.map(|seen| seen.evidence.clone()).unwrap_or_default(),
        }
    }

    fn of_service(&self, service: &Text, signs: &ServiceSigns) -> Vec<Ailment> {
        let mut found = Vec::new();
        let mut add = |kind, severity, seen: &Seen, caller: Option<Text>, what, pattern: &str, remedy| {
            found.push(Ailment {
                kind,
                severity,
                service: service.clone(),
                caller,
                what,
                pattern: pattern.to_owned(),
                remedy,
                traces: seen.traces,
                evidence: seen.evidence.clone(),
            });
        };
        let language = signs.language.as_deref();
        if signs.orphans.spans > 0 {
            let usual = most(&signs.called_by).cloned();
            let before = usual.as_ref().map_or_else(|| "somebody".to_owned(), |caller| caller.to_string());
            let what = format!(
                "{} of {} spans of {service} name a parent that never came (usually {before})",
                signs.orphans.spans, signs.spans
            );
            let remedy = remedy::missing_parent(service, usual.as_deref());
            let pattern = "the context arrives, so whoever is above passes it on but its own span does not reach us";
            add(AilmentKind::MissingParent, Severity::Broken, &signs.orphans, usual, what, pattern, remedy);
        }
        if signs.unsampled.spans > 0 {
            let what =
                format!("{} spans of {service} are not sampled in traces where others are", signs.unsampled.spans);
            let pattern = "the sampled flag is set on some spans of a trace and not on others";
            let remedy = remedy::sampled(service);
            add(AilmentKind::SampledMismatch, Severity::Warning, &signs.unsampled, None, what, pattern, remedy);
        }
        if signs.unnamed.spans > 0 {
            let what = format!("{} spans do not say which service sent them", signs.unnamed.spans);
            let pattern = "the resource has no service.name, so all of them look like one service";
            add(
                AilmentKind::Unnamed,
                Severity::Warning,
                &signs.unnamed,
                None,
                what,
                pattern,
                remedy::unnamed(language),
            );
        }
        found
    }

    /// One ailment for all services: the ids are made where the traces begin.
    fn short_ids(&self) -> Option<Ailment> {
        let with = || self.services.iter().filter(|(_, signs)| signs.short_ids.spans > 0);
        let (service, first) = with().max_by_key(|(_, signs)| signs.short_ids.traces)?;
        let spans: u64 = with().map(|(_, signs)| signs.short_ids.spans).sum();
        Some(Ailment {
            kind: AilmentKind::ShortIds,
            severity: Severity::Note,
            service: service.clone(),
            caller: None,
            what: format!(
                "{spans} spans of {} are in traces whose id has 64 bits",
                listed(with().map(|(service, _)| service))
            ),
            pattern: "the first 16 of the 32 digits are zero, as older B3 and Jaeger clients make them".to_owned(),
            remedy: remedy::short_ids(),
            traces: first.short_ids.traces,
            evidence: first.short_ids.evidence.clone(),
        })
    }

    /// Traces that fell apart because one side writes 64 bits of an id where the other writes 128.
    fn split_ids(&self) -> Vec<Ailment> {
        let mut by_services: std::collections::BTreeMap<(&Text, &Text), Seen> = Default::default();
        for halves in self.halves.values() {
            let (Some(short), Some(full)) = (&halves.short, &halves.full) else { continue };
            let seen = by_services.entry((&full.2, &short.2)).or_default();
            seen.add(full.0, full.1);
            seen.add(short.0, short.1);
        }
        let ailment = |((full, short), seen): ((&Text, &Text), Seen)| Ailment {
            kind: AilmentKind::SplitIds,
            severity: Severity::Broken,
            service: short.clone(),
            caller: Some(full.clone()),
            what: format!(
                "{} traces came in two parts: spans of {short} are under the last 64 bits of an id that {full} has in full",
                seen.traces / 2
            ),
            pattern: "two traces whose ids have the last 16 digits in common, one of them with zeros before them"
                .to_owned(),
            remedy: remedy::short_ids(),
            traces: seen.traces,
            evidence: seen.evidence,
        };
        by_services.into_iter().map(ailment).collect()
    }

    /// Broken spans, one ailment for each way of being broken.
    fn broken(&self) -> Vec<Ailment> {
        let kinds: std::collections::BTreeSet<OddityKind> = self.oddities.keys().map(|(_, kind)| *kind).collect();
        let of_kind = |kind| self.oddities.iter().filter(move |((_, other), _)| *other == kind);
        kinds
            .into_iter()
            .filter_map(|kind| broken(kind, of_kind(kind).map(|((service, _), seen)| (service, seen))))
            .collect()
    }

    fn skews(&self) -> Vec<Ailment> {
        let skewed = self.clocks.offsets().into_iter().filter(|offset| offset.verdict == SkewVerdict::Skewed);
        skewed
            .map(|offset| Ailment {
                kind: AilmentKind::ClockSkew,
                severity: Severity::Warning,
                service: offset.callee.0.clone(),
                caller: Some(offset.caller.0.clone()),
                what: format!(
                    "the clock of {} is {} {} that of {} (between {} and {})",
                    offset.callee.1,
                    model::Duration(offset.offset.0.saturating_abs()),
                    if offset.offset.0 < 0 { "behind" } else { "ahead of" },
                    offset.caller.1,
                    offset.bounds.0,
                    offset.bounds.1
                ),
                pattern: format!(
                    "in {} of {} calls from {} to {} the server's span does not lie within the client's",
                    offset.violations, offset.calls, offset.caller.0, offset.callee.0
                ),
                remedy: remedy::clock(&offset.callee.1, &offset.caller.1),
                traces: offset.violations as u64,
                evidence: Vec::new(),
            })
            .collect()
    }
}

fn broken<'a>(kind: OddityKind, of: impl Iterator<Item = (&'a Text, &'a Seen)> + Clone) -> Option<Ailment> {
    let (severity, hint) = match kind {
        // Told as orphans and lost contexts already, with the hop.
        OddityKind::MissingParent | OddityKind::SeveralRoots => return None,
        OddityKind::Duplicate => (
            Severity::Note,
            "an exporter or collector sends again what was taken already: look at its retries and at doubled pipelines",
        ),
        OddityKind::SharedId => (
            Severity::Warning,
            "two spans carry one id: client and server of one call (Zipkin's shared spans), or a random generator that was \
             forked",
        ),
        OddityKind::Unfinished => (
            Severity::Warning,
            "the span was exported before it ended: end it on every path out, errors and time-outs too",
        ),
        OddityKind::NegativeDuration => (Severity::Warning, "take the end from the same monotonic clock as the start"),
        _ => (Severity::Warning, "the ids are made or copied wrongly: let the SDK make them"),
    };
    let (service, worst) = of.clone().max_by_key(|(_, seen)| seen.spans)?;
    let spans: u64 = of.clone().map(|(_, seen)| seen.spans).sum();
    Some(Ailment {
        kind: AilmentKind::BrokenSpans,
        severity,
        service: service.clone(),
        caller: None,
        what: format!("{spans} spans of {}: {kind}", listed(of.map(|(service, _)| service))),
        pattern: kind.name().replace('-', " "),
        remedy: hint.to_owned(),
        traces: worst.traces,
        evidence: worst.evidence.clone(),
    })
}

/// Services named in a sentence; the rest are counted.
const NAMED_MAX: usize = 4;

/// `a, b, c and 3 more services`
fn listed<'a>(names: impl Iterator<Item = &'a Text>) -> String {
    let names: Vec<&str> = names.map(|name| if name.is_empty() { "(unknown)" } else { &**name }).collect();
    match names.len().saturating_sub(NAMED_MAX) {
        0 => names.join(", "),
        more => format!("{} and {more} more services", names[..NAMED_MAX].join(", ")),
    }
}

fn most(counts: &std::collections::BTreeMap<Text, u64>) -> Option<&Text> {
    counts.iter().max_by_key(|(name, count)| (**count, std::cmp::Reverse(*name))).map(|(name, _)| name)
}

fn joined(names: &[&Text]) -> String {
    let names: Vec<&str> = names.iter().map(|name| &***name).collect();
    names.join(", ")
}

fn health(name: &Text, signs: &ServiceSigns) -> ServiceHealth {
    let mut scopes: Vec<(&Text, u64)> = signs.scopes.iter().map(|(scope, count)| (scope, *count)).collect();
    scopes.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    ServiceHealth {
        service: name.clone(),
        spans: signs.spans,
        traces: signs.traces,
        language: signs.language.clone(),
        sdk: signs.sdk.clone(),
        scopes: scopes.into_iter().take(SCOPES_MAX).map(|(scope, _)| scope.clone()).collect(),
        last_seen: signs.last_seen,
    }
}

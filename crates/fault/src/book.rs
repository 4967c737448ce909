//! The rules of one edge, and what becomes of a request that crosses it.
//!
//! ```text
//! rules of the request's trace ┐
//!                              ├─ those that choose it ── Doom: wait, strip, end ── what came about is counted
//! rules for every request      ┘
//! ```

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;

use model::{Duration, TraceId};
use stdx::{Random as _, SeededRandom};

use crate::counters::EdgeCounters;
use crate::fault::{Drop, InjectedAnswer, Kind};
use crate::limits::{RULES_MAX, TRACES_COUNTED_MAX};
use crate::rule::Rule;

/// A rule in a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(u64);

/// What a rule did so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleHits {
    /// The rule as text.
    pub rule: String,
    /// Requests in its reach: those of its trace; all of them, if it is for all.
    pub seen: u64,
    /// Requests that it hit.
    pub hits: u64,
}

/// The book is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyRules;

impl fmt::Display for TooManyRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an edge holds at most {RULES_MAX} rules at once")
    }
}

impl std::error::Error for TooManyRules {}

/// What is to become of a request; nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doom {
    /// Wait so long first.
    pub delay: Duration,
    /// Who asked for the wait.
    pub delayed_by: Vec<RuleId>,
    /// Bytes a second of the answer's body, and who asked; the slowest goes first.
    pub bandwidth: Option<(u64, RuleId)>,
    /// Headers to take from the request, lower case, each with who asked.
    pub strip: Vec<(String, RuleId)>,
    /// How it ends, and who asked; sent on and answered as usual if none.
    pub end: Option<(End, RuleId)>,
}

/// How a request ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With this answer, not sent on.
    Answer(InjectedAnswer),
    /// Without an answer, not sent on.
    DropRequest,
    /// Sent on; its answer is thrown away.
    DropAnswer,
    /// Sent on; its answer is cut.
    Cut(Cut),
}

/// How an answer's body is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// After so many bytes.
    pub after: u64,
    /// As if that were all, or with a dropped connection.
    pub kind: Kind,
}

#[derive(Debug)]
struct Active {
    rule: Rule,
    trace: Option<TraceId>,
    /// Monotonic nanoseconds.
    expires: Option<u64>,
    hits: u64,
    seen: u64,
    /// Requests by trace, of a rule for every request.
    by_trace: HashMap<TraceId, u64>,
    /// The same in the order of their first request.
    oldest: VecDeque<TraceId>,
}

/// The rules of one edge, with what happened on it.
#[derive(Debug)]
pub struct RuleBook {
    random: SeededRandom,
    rules: HashMap<RuleId, Active>,
    of_trace: HashMap<TraceId, Vec<RuleId>>,
    standing: Vec<RuleId>,
    /// When rules expire, the earliest first.
    expiring: BTreeSet<(u64, RuleId)>,
    next: u64,
    counters: EdgeCounters,
}

impl RuleBook {
    /// An empty book; the seed decides shares and jitter.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            random: SeededRandom::new(seed),
            rules: HashMap::new(),
            of_trace: HashMap::new(),
            standing: Vec::new(),
            expiring: BTreeSet::new(),
            next: 0,
            counters: EdgeCounters::default(),
        }
    }

    /// Adds a rule at `now` for one trace, or for every request; until `expires` (both monotonic nanoseconds), or until it
    /// is ended.
    ///
    /// # Errors
    /// When there are too many that are not over.
    pub fn add(
        &mut self,
        rule: Rule,
        trace: Option<TraceId>,
        expires: Option<u64>,
        now: u64,
    ) -> Result<RuleId, TooManyRules> {
        self.expire(now);
        if self.rules.len() >= RULES_MAX {
            return Err(TooManyRules);
        }
        let id = RuleId(self.next);
        self.next += 1;
        match trace {
            Some(trace) => self.of_trace.entry(trace).or_default().push(id),
            None => self.standing.push(id),
        }
        self.expiring.extend(expires.map(|expires| (expires, id)));
        let (by_trace, oldest) = Default::default();
        self.rules.insert(id, Active { rule, trace, expires, hits: 0, seen: 0, by_trace, oldest });
        Ok(id)
    }

    /// Ends a rule; what it did, or none if it is over already.
    pub fn end(&mut self, id: RuleId) -> Option<RuleHits> {
        let active = self.rules.remove(&id)?;
        if let Some(expires) = active.expires {
            self.expiring.remove(&(expires, id));
        }
        match active.trace {
            Some(trace) => {
                if let Some(rules) = self.of_trace.get_mut(&trace) {
                    rules.retain(|other| *other != id);
                    if rules.is_empty() {
                        self.of_trace.remove(&trace);
                    }
                }
            }
            None => self.standing.retain(|other| *other != id),
        }
        Some(active.told())
    }

    /// What every rule that is on did so far, the oldest first.
    #[cfg(test)]
    fn told(&self) -> Vec<RuleHits> {
        let mut rules: Vec<_> = self.rules.iter().collect();
        rules.sort_unstable_by_key(|(id, _)| **id);
        rules.into_iter().map(|(_, active)| active.told()).collect()
    }

    /// What happened so far.
    #[must_use]
    pub fn counters(&self) -> EdgeCounters {
        self.counters
    }

    /// What is to become of a request of `trace` that comes at `now` (monotonic nanoseconds). Of two rules that end a request, the one for
    /// its trace goes first, then the older one.
    pub fn meet(&mut self, trace: Option<TraceId>, now: u64) -> Doom {
        self.expire(now);
        self.counters.requests += 1;
        self.counters.without_context += u64::from(trace.is_none());
        let of_trace = trace.and_then(|trace| self.of_trace.get(&trace));
        let in_reach: Vec<RuleId> = of_trace.into_iter().flatten().chain(&self.standing).copied().collect();
        let mut doom = Doom::default();
        for id in in_reach {
            let Some(active) = self.rules.get_mut(&id) else { continue };
            if active.chooses(trace, &self.random) {
                doom.add(id, &active.rule, &self.random);
            }
        }
        doom
    }

    /// Counts that something came about for a request.
    pub fn came_about(&mut self, id: RuleId, kind: Kind) {
        self.counters.faults.add(kind);
        if let Some(active) = self.rules.get_mut(&id)
            && active.rule.fault.decisive() == Some(kind)
        {
            active.hits += 1;
        }
    }

    /// Counts a request that any fault hit.
    pub fn was_hit(&mut self) {
        self.counters.hit += 1;
    }

    /// Counts a request for which the callee could not be reached.
    pub fn was_unreachable(&mut self) {
        self.counters.unreachable += 1;
    }

    /// Counts a request whose connection the callee dropped.
    pub fn was_broken(&mut self) {
        self.counters.broken += 1;
    }

    fn expire(&mut self, now: u64) {
        while let Some(&(expires, id)) = self.expiring.first()
            && expires <= now
        {
            self.end(id);
        }
    }
}

impl Active {
    fn told(&self) -> RuleHits {
        RuleHits { rule: self.rule.to_string(), seen: self.seen, hits: self.hits }
    }

    /// Whether it hits the request that now comes; counts it.
    fn chooses(&mut self, trace: Option<TraceId>, random: &SeededRandom) -> bool {
        self.seen += 1;
        let number = match trace.filter(|_| self.trace.is_none() && self.counts()) {
            Some(trace) => self.number_in(trace),
            None => self.seen,
        };
        let in_turn = self.rule.times.is_none_or(|times| number <= u64::from(times))
            && self.rule.attempt.is_none_or(|attempt| number == u64::from(attempt));
        // Drawn for every request, so that who came before does not depend on turns.
        let drawn = self.rule.share.is_none_or(|share| unit(random) < share);
        in_turn && drawn
    }

    fn counts(&self) -> bool {
        self.rule.times.is_some() || self.rule.attempt.is_some()
    }

    /// The request's number within its trace, from 1.
    fn number_in(&mut self, trace: TraceId) -> u64 {
        if !self.by_trace.contains_key(&trace) {
            if self.oldest.len() >= TRACES_COUNTED_MAX
                && let Some(oldest) = self.oldest.pop_front()
            {
                self.by_trace.remove(&oldest);
            }
            self.oldest.push_back(trace);
        }
        let number = self.by_trace.entry(trace).or_default();
        *number += 1;
        *number
    }
}

impl Doom {
    /// Whether nothing is to become of it.
    #[cfg(test)]
    fn is_none(&self) -> bool {
        *self == Self::default()
    }

    fn add(&mut self, id: RuleId, rule: &Rule, random: &SeededRandom) {
        let fault = &rule.fault;
        if fault.delay.is_some() || fault.jitter.is_some() {
            let jitter = fault.jitter.map_or(0, |jitter| random.below(u64::try_from(jitter.nanos()).unwrap_or(0) + 1));
            self.delay += fault.delay.unwrap_or_default() + Duration(i64::try_from(jitter).unwrap_or(i64::MAX));
            self.delayed_by.push(id);
        }
        self.strip.extend(fault.strip.iter().map(|name| (name.clone(), id)));
        if let Some(rate) = fault.bandwidth.filter(|rate| self.bandwidth.is_none_or(|(slowest, _)| *rate < slowest)) {
            self.bandwidth = Some((rate, id));
        }
        if self.end.is_some() {
            return;
        }
        let cut = |after, kind| End::Cut(Cut { after, kind });
        let dropped = fault.drop.map(|drop| match drop {
            Drop::Request => End::DropRequest,
            Drop::Answer => End::DropAnswer,
            Drop::After(bytes) => cut(bytes, Kind::Drop),
        });
        let end = fault.answer.clone().map(End::Answer).or(dropped);
        self.end = end.or(fault.truncate.map(|bytes| cut(bytes, Kind::Truncate))).map(|end| (end, id));
    }
}

/// A number from 0 up to, but not including, 1.
fn unit(random: &SeededRandom) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: TraceId = TraceId([1; 16]);
    const OTHER: TraceId = TraceId([2; 16]);

    fn rule(text: &str) -> Rule {
        format!("a -> b: {text}").parse().expect("a rule")
    }

    /// Which of ten requests of these traces, in turn, a rule hits.
    fn hit(text: &str, scope: Option<TraceId>, traces: &[Option<TraceId>]) -> String {
        let mut book = RuleBook::new(7);
        book.add(rule(text), scope, None, 0).expect("room");
        (0..10).map(|n| if book.meet(traces[n % traces.len()], 0).is_none() { '.' } else { 'x' }).collect()
    }

    #[test]
    fn a_rule_chooses_its_requests() {
        assert_eq!(hit("status=503", None, &[None]), "xxxxxxxxxx");
        assert_eq!(hit("status=503 times=3", None, &[None]), "xxx.......");
        assert_eq!(hit("status=503 times=2", None, &[Some(ONE), Some(OTHER)]), "xxxx......");
        assert_eq!(hit("status=503 attempt=2", None, &[Some(ONE), Some(OTHER)]), "..xx......");
        assert_eq!(hit("status=503 share=50%", None, &[None]), hit("status=503 share=0.5", None, &[None]));
        let shared = hit("status=503 share=50%", None, &[None]);
        assert!(shared.contains('x') && shared.contains('.'), "{shared}");
    }

    #[test]
    fn a_rule_for_a_trace_hits_no_other_and_none_without_context() {
        assert_eq!(hit("status=503", Some(ONE), &[Some(ONE), Some(OTHER), None]), "x..x..x..x");
        assert_eq!(hit("status=503 attempt=2", Some(ONE), &[Some(OTHER), Some(ONE)]), "...x......");
    }

    #[test]
    fn what_several_rules_ask_for_comes_together_and_the_traces_own_end_goes_first() {
        let mut book = RuleBook::new(7);
        let all = book.add(rule("delay=1s status=500"), None, None, 0).expect("room");
        let own = book.add(rule("delay=2s drop=request"), Some(ONE), None, 0).expect("room");
        let doom = book.meet(Some(ONE), 0);
        assert_eq!((doom.delay, doom.end), (Duration::from_secs(3), Some((End::DropRequest, own))));
        let doom = book.meet(Some(OTHER), 0);
        assert_eq!((doom.delay, doom.delayed_by), (Duration::from_secs(1), vec![all]));
    }

    #[test]
    fn a_rule_is_over_when_it_ends_or_expires() {
        let mut book = RuleBook::new(7);
        let ended = book.add(rule("status=503"), Some(ONE), Some(100), 0).expect("room");
        book.add(rule("status=500"), Some(ONE), Some(50), 0).expect("room");
        let doom = book.meet(Some(ONE), 0);
        let (_, id) = doom.end.expect("an end");
        book.came_about(id, Kind::Status);
        assert_eq!(book.end(ended), Some(RuleHits { rule: "a -> b: status=503".to_owned(), seen: 1, hits: 1 }));
        assert!(!book.meet(Some(ONE), 49).is_none());
        assert!(book.meet(Some(ONE), 50).is_none());
        assert_eq!((book.end(ended), book.told()), (None, vec![]));
        assert_eq!(book.of_trace.len() + book.rules.len() + book.expiring.len(), 0);
    }

    #[test]
    fn a_full_book_has_room_again_once_rules_are_over() {
        let mut book = RuleBook::new(7);
        for _ in 0..RULES_MAX {
            book.add(rule("status=503"), Some(ONE), Some(100), 0).expect("room");
        }
        assert_eq!(book.add(rule("status=503"), None, None, 99), Err(TooManyRules));
        let id = book.add(rule("status=503"), None, Some(200), 100).expect("all others are over");
        book.end(id).expect("is on");
        assert_eq!(book.rules.len() + book.expiring.len(), 0);
    }

    #[test]
    fn only_what_decides_makes_a_hit() {
        let mut book = RuleBook::new(7);
        let id = book.add(rule("delay=1s truncate=5"), None, None, 0).expect("room");
        book.came_about(id, Kind::Delay);
        assert_eq!(book.told()[0].hits, 0);
        book.came_about(id, Kind::Truncate);
        assert_eq!(book.told()[0].hits, 1);
        assert_eq!((book.counters().faults.delay, book.counters().faults.truncate), (1, 1));
    }
}

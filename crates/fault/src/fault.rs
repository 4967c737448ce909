//! What goes wrong with a request.

use model::Duration;

use crate::limits::{BODY_BYTES_MAX, DELAY_MAX, STRIPPED_MAX};

/// What goes wrong with a request: any of these together, but one end at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// The request waits so long before anything else.
    pub delay: Option<Duration>,
    /// And up to so long more, evenly spread.
    pub jitter: Option<Duration>,
    /// Its answer's body comes with so many bytes a second.
    pub bandwidth: Option<u64>,
    /// It is answered with this instead of being sent on.
    pub answer: Option<InjectedAnswer>,
    /// The connection is dropped.
    pub drop: Option<Drop>,
    /// The answer's body ends after so many bytes as if that were all: no error is seen below, trailers are left out.
    pub truncate: Option<u64>,
    /// These headers are taken from the request; lower case.
    pub strip: Vec<String>,
}

/// An answer that the callee never gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InjectedAnswer {
    /// The HTTP status; to a gRPC request the status that stands for it, in an answer of HTTP 200.
    pub status: u16,
    /// Its body; one that says what was injected if none is given.
    pub body: Option<String>,
    /// The gRPC status, over the one that `status` stands for.
    pub grpc_status: Option<u8>,
}

/// When a connection is dropped. Of HTTP/2, which carries many requests on one, the request's stream is reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drop {
    /// Before the callee sees the request.
    Request,
    /// After the callee did its work: its answer is thrown away.
    Answer,
    /// After so many bytes of the answer's body.
    After(u64),
}

/// A kind of fault, as it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The request waited.
    Delay,
    /// Its answer came slowly.
    Bandwidth,
    /// It was answered in the callee's place.
    Status,
    /// Its connection was dropped.
    Drop,
    /// Its answer was cut.
    Truncate,
    /// It lost headers.
    Strip,
}

impl Kind {
    /// Every kind, in the order in which they are told.
    pub const ALL: [Self; 6] = [Self::Delay, Self::Bandwidth, Self::Status, Self::Drop, Self::Truncate, Self::Strip];

    /// The word for it, as in a suite.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Delay => "delay",
            Self::Bandwidth => "bandwidth",
            Self::Status => "status",
            Self::Drop => "drop",
            Self::Truncate => "truncate",
            Self::Strip => "strip",
        }
    }
}

impl Fault {
    /// What it does, in the order in which a request meets it.
    #[must_use]
    pub fn kinds(&self) -> Vec<Kind> {
        let has = |kind: &Kind| match kind {
            Kind::Delay => self.delay.is_some() || self.jitter.is_some(),
            Kind::Bandwidth => self.bandwidth.is_some(),
            Kind::Status => self.answer.is_some(),
            Kind::Drop => self.drop.is_some(),
            Kind::Truncate => self.truncate.is_some(),
            Kind::Strip => !self.strip.is_empty(),
        };
        Kind::ALL.into_iter().filter(has).collect()
    }

    /// The kind that must come about for a request to count as hit: the end, if it has one; else what it strips; else
    /// the slowness; else the wait.
    #[must_use]
    pub fn decisive(&self) -> Option<Kind> {
        let rank = |kind: &Kind| match kind {
            Kind::Delay => 0,
            Kind::Bandwidth => 1,
            Kind::Strip => 2,
            Kind::Status | Kind::Drop | Kind::Truncate => 3,
        };
        self.kinds().into_iter().max_by_key(rank)
    }

    /// Everything about it that cannot be meant, each with what to do.
    #[must_use]
    pub fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let kinds = self.kinds();
        let ends: Vec<&str> = kinds
            .iter()
            .filter(|kind| matches!(kind, Kind::Status | Kind::Drop | Kind::Truncate))
            .map(|kind| kind.name())
            .collect();
        if kinds.is_empty() {
            mistakes.push("this fault does nothing: say delay, bandwidth, status, drop, truncate or strip".to_owned());
        }
        if ends.len() > 1 {
            mistakes.push(format!("{} exclude one another: a request ends in one way", ends.join(" and ")));
        }
        let not_sent = self.answer.is_some() || self.drop == Some(Drop::Request);
        if not_sent && !self.strip.is_empty() {
            mistakes.push("strip can do nothing where the request is not sent on".to_owned());
        }
        if self.bandwidth.is_some() && (not_sent || self.drop == Some(Drop::Answer)) {
            mistakes.push("bandwidth can do nothing where the callee's answer does not come".to_owned());
        }
        if self.bandwidth == Some(0) {
            mistakes.push("a bandwidth is at least a byte a second; `delay` and `drop` let nothing come".to_owned());
        }
        if let Some(answer) = &self.answer {
            if !(200..=599).contains(&answer.status) {
                mistakes.push(format!("{} is no status of an answer: it is from 200 to 599", answer.status));
            }
            if answer.body.as_ref().is_some_and(|body| body.len() > BODY_BYTES_MAX) {
                mistakes.push(format!("a body may have {BODY_BYTES_MAX} bytes"));
            }
            if answer.grpc_status.is_some_and(|status| status > 16) {
                mistakes.push("a gRPC status is from 0 to 16".to_owned());
            }
        }
        if [self.delay, self.jitter].into_iter().flatten().any(|time| time < Duration::ZERO || time > DELAY_MAX) {
            mistakes.push(format!("a delay is at most {DELAY_MAX}"));
        }
        for name in self.strip.iter().filter(|name| !is_header_name(name)) {
            mistakes.push(format!("{name:?} is no name of a header"));
        }
        if self.strip.len() > STRIPPED_MAX {
            mistakes.push(format!("at most {STRIPPED_MAX} headers can be stripped"));
        }
        mistakes
    }
}

/// A token of RFC 9110, section 5.6.2.
fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

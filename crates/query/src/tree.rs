//! The syntax tree of a query. `parse(print(tree))` is the same tree.

use std::fmt;

use model::{Duration, SpanKind, StatusCode, Text};

/// A query: spansets, and stages that they flow through.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Where spansets come from.
    pub source: Spansets,
    /// What they flow through, in order.
    pub stages: Vec<Stage>,
    /// `with(…)`: kept, printed and handed on; none changes what a query finds.
    pub hints: Vec<Hint>,
}

/// `most_recent=true` of `with(most_recent=true)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Hint {
    /// Its name.
    pub name: Text,
    /// Its value.
    pub value: Literal,
}

/// An expression that yields spansets.
#[derive(Clone, Debug, PartialEq)]
pub enum Spansets {
    /// `{ … }`: the spans for which the expression holds; all, without one.
    Selector(Option<FieldExpression>),
    /// Two spansets combined.
    Combined {
        /// How.
        operator: SpansetOperator,
        /// Left.
        left: Box<Spansets>,
        /// Right.
        right: Box<Spansets>,
    },
    /// `( … | … )`.
    Pipeline(Box<Query>),
}

/// How two spansets are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpansetOperator {
    /// `&&`: both must be there.
    And,
    /// `||`: either.
    Or,
    /// `>`, `>>`, `<`, `<<`, `~`, each plain, negated with `!` or as a union with `&`.
    Structural(Relation, Form),
}

/// How a span on the right lies to one on the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// `>`: its child.
    Child,
    /// `>>`: its descendant.
    Descendant,
    /// `<`: its parent.
    Parent,
    /// `<<`: its ancestor.
    Ancestor,
    /// `~`: its sibling.
    Sibling,
}

/// What a structural operator yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// The spans on the right that lie so.
    Plain,
    /// `!`: the spans on the right that do not.
    Negated,
    /// `&`: the spans of both sides that lie so.
    Union,
}

/// A step that spansets flow through.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// `| { … }`: of each spanset the spans that are selected.
    Filter(Spansets),
    /// `| count() > 2`: the spansets for which it holds.
    Aggregate(AggregateFilter),
    /// `| select(…)`: fields to show.
    Select(Vec<Field>),
    /// `| by(…)`: one spanset for each value.
    By(Vec<FieldExpression>),
    /// `| coalesce()`: all spansets of a trace as one.
    Coalesce,
}

/// A comparison of two aggregates.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateFilter {
    /// Left.
    pub left: Scalar,
    /// How they compare; one of the comparisons.
    pub operator: Operator,
    /// Right.
    pub right: Scalar,
}

/// A number made of a spanset.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// A constant.
    Literal(Literal),
    /// `count()`, `max(duration)`.
    Aggregate {
        /// Which.
        function: AggregateFunction,
        /// Of what; none for `count()`.
        of: Option<Box<FieldExpression>>,
        /// The quantile, 0 to 1, of `quantile(x, 0.95)`.
        quantile: Option<f64>,
    },
    /// Arithmetic.
    Binary {
        /// `+ - * / % ^`.
        operator: Operator,
        /// Left.
        left: Box<Scalar>,
        /// Right.
        right: Box<Scalar>,
    },
}

/// How a spanset becomes a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateFunction {
    /// How many spans.
    Count,
    /// Smallest value.
    Min,
    /// Largest value.
    Max,
    /// Mean.
    Avg,
    /// Sum.
    Sum,
    /// A quantile (ours).
    Quantile,
}

/// An expression over the fields of one span.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldExpression {
    /// A constant.
    Literal(Literal),
    /// A field.
    Field(Field),
    /// `!x`, `-x`.
    Unary {
        /// [`Operator::Not`] or [`Operator::Subtract`].
        operator: Operator,
        /// Of what.
        of: Box<FieldExpression>,
    },
    /// `x = y`.
    Binary {
        /// How.
        operator: Operator,
        /// Left.
        left: Box<FieldExpression>,
        /// Right.
        right: Box<FieldExpression>,
    },
    /// `x =~ "…"`, `x !~ "…"`: the whole text must match.
    Matches {
        /// What.
        of: Box<FieldExpression>,
        /// With what.
        pattern: Pattern,
        /// `!~`.
        negated: bool,
    },
}

/// A regular expression that must match the whole text.
#[derive(Clone)]
pub struct Pattern {
    /// As it was written.
    pub text: Text,
    pub(crate) compiled: regex::Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.text)
    }
}

/// Operators within `{ }` and between aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is its name")]
pub enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    Not,
}

impl Operator {
    /// As it is written.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Or => "||",
            Self::And => "&&",
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Power => "^",
            Self::Not => "!",
        }
    }

    /// Whether it compares two values.
    #[must_use]
    pub fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Equal | Self::NotEqual | Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual
        )
    }

    /// Higher binds tighter; the order of `||`, `&&`, comparisons, `+ -`, `* / %`, `^`.
    pub(crate) fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Add | Self::Subtract => 4,
            Self::Multiply | Self::Divide | Self::Modulo => 5,
            Self::Power => 6,
            Self::Not => 7,
            _ => 3,
        }
    }
}

/// A field of a span.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// An attribute.
    Attribute(AttributeField),
    /// Something every span or trace has.
    Intrinsic(Intrinsic),
}

/// An attribute by scope and key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AttributeField {
    /// Of the parent span instead of the span itself.
    pub of_parent: bool,
    /// Where it stands.
    pub scope: Scope,
    /// Its key.
    pub key: Text,
}

/// Where an attribute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// `.key`: the span's, else the resource's, else the scope's, else any event's, else any link's.
    Any,
    /// `span.key`.
    Span,
    /// `resource.key`.
    Resource,
    /// `instrumentation.key`.
    Instrumentation,
    /// `event.key`: of any event.
    Event,
    /// `link.key`: of any link.
    Link,
}

impl Scope {
    /// As it is written before the dot.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Span => "span",
            Self::Resource => "resource",
            Self::Instrumentation => "instrumentation",
            Self::Event => "event",
            Self::Link => "link",
        }
    }
}

macro_rules! intrinsics {
    ($($(#[doc = $doc:literal])* $variant:ident = $($name:literal),+;)*) => {
        /// What every span or trace has.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Intrinsic {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Intrinsic {
            /// Every name with its intrinsic; the first name of each is the one it is printed with.
            pub const NAMES: &[(&str, Self)] = &[$($(($name, Self::$variant),)+)*];

            /// The name it is printed with.
            #[must_use]
            pub fn name(self) -> &'static str {
                Self::NAMES.iter().find(|(_, intrinsic)| *intrinsic == self).map_or("", |(name, _)| name)
            }
        }
    };
}

intrinsics! {
    /// End minus start.
    Duration = "duration", "span:duration";
    /// The span's name.
    Name = "name", "span:name";
    /// `ok`, `error`, `unset`.
    Status = "status", "span:status";
    /// The status message.
    StatusMessage = "statusMessage", "span:statusMessage";
    /// `server`, `client`, …
    Kind = "kind", "span:kind";
    /// How many children the span has.
    ChildCount = "childCount", "span:childCount";
    /// The span's id in hex.
    SpanId = "span:id";
    /// The parent's id in hex; nil for a root.
    ParentId = "span:parentID";
    /// The parent, to be compared with nil.
    Parent = "parent";
    /// Ours: time spent outside children.
    SelfTime = "span:self";
    /// Ours: time on the critical path.
    Critical = "span:critical";
    /// The trace's id in hex.
    TraceId = "trace:id";
    /// Latest end minus earliest start.
    TraceDuration = "traceDuration", "trace:duration";
    /// The root's name.
    RootName = "rootName", "trace:rootName";
    /// The root's service.
    RootServiceName = "rootServiceName", "trace:rootService";
    /// Ours: spans in the trace.
    TraceSpans = "trace:spans";
    /// Ours: spans with status error in the trace.
    TraceErrors = "trace:errors";
    /// Ours: services in the trace.
    TraceServices = "trace:services";
    /// An event's name.
    EventName = "event:name";
    /// Time from the span's start to an event.
    EventTimeSinceStart = "event:timeSinceStart";
    /// The id of a linked trace in hex.
    LinkTraceId = "link:traceID";
    /// The id of a linked span in hex.
    LinkSpanId = "link:spanID";
    /// The instrumentation scope's name.
    InstrumentationName = "instrumentation:name";
    /// The instrumentation scope's version.
    InstrumentationVersion = "instrumentation:version";
    /// Left number of the span in a nested-set numbering.
    NestedSetLeft = "nestedSetLeft";
    /// Right number.
    NestedSetRight = "nestedSetRight";
    /// Left number of the parent; -1 for a root.
    NestedSetParent = "nestedSetParent";
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `nil`.
    Nil,
    /// `"text"`.
    String(Text),
    /// `42`.
    Int(i64),
    /// `0.5`.
    Float(f64),
    /// `true`, `false`.
    Bool(bool),
    /// `100ms`.
    Duration(Duration),
    /// `ok`, `error`, `unset`.
    Status(StatusCode),
    /// `server`, …
    Kind(SpanKind),
}

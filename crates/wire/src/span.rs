//! One span in full: `/api/v1/trace/{id}/spans/{row}`, and find: `/api/v1/trace/{id}/find`.

use crate::{Attribute, AttributeValue, Cost, QueryProblem, UnixNanos, shape, words};

shape! {
    /// `GET /api/v1/trace/{id}/spans/{row}`: everything about one span.
    pub struct SpanDetail {
        /// Its row in the outline.
        pub row: u32,
        /// 32 hex digits.
        pub trace_id: String,
        /// 16 hex digits.
        pub span_id: String,
        /// As sent; null for a root.
        pub parent_span_id: Option<String>,
        /// The row of the parent; null for a root and where the parent was not received.
        pub parent_row: Option<u32>,
        /// Rows of the children.
        pub child_rows: Vec<u32>,
        /// The operation.
        pub name: String,
        /// The service.
        pub service: String,
        /// `internal`, `server`, `client`, `producer`, `consumer` or `unspecified`.
        pub kind: String,
        /// When it began.
        pub start: UnixNanos,
        /// When it ended; `"0"` if never.
        pub end: UnixNanos,
        /// `end - start`, ns; negative where a clock ran backwards.
        pub duration: i64,
        /// Time not covered by children, ns.
        pub self_time: i64,
        /// Time on the critical path, ns.
        pub critical: i64,
        /// `unset`, `ok` or `error`.
        pub status: String,
        /// The sender's words; empty when none.
        pub status_message: String,
        /// W3C `tracestate` as sent; empty when none.
        pub trace_state: String,
        /// The flags as sent.
        pub flags: u32,
        /// The W3C sampled bit.
        pub sampled: bool,
        /// Whether the parent context was remote; null when not said.
        pub parent_is_remote: Option<bool>,
        /// Attributes in the order sent.
        pub attributes: Vec<Attribute>,
        /// How many attributes the sender left out.
        pub dropped_attributes: u32,
        /// What happened during the span.
        pub events: Vec<SpanEvent>,
        /// How many events the sender left out.
        pub dropped_events: u32,
        /// Other spans this one refers to.
        pub links: Vec<SpanLink>,
        /// How many links the sender left out.
        pub dropped_links: u32,
        /// Who produced it.
        pub resource: ResourceDetail,
        /// Which instrumentation made it.
        pub scope: ScopeDetail,
        /// Log records that name this span, by time.
        pub logs: Vec<LogDetail>,
        /// Log records that name it beyond those in `logs`.
        pub logs_left_out: u32,
        /// The span as a call to a model, a retrieval or a tool, when it is one.
        pub llm: Option<LlmView>,
        /// Remarks on broken data at this span.
        pub oddities: Vec<OddityDetail>,
        /// Whether some value above is a `cut`.
        pub cut: bool,
    }

    /// Something that happened at one moment.
    pub struct SpanEvent {
        /// When.
        pub time: UnixNanos,
        /// From the span's start, ns.
        pub offset: i64,
        /// What, such as `exception`.
        pub name: String,
        /// Attributes in the order sent.
        pub attributes: Vec<Attribute>,
        /// How many attributes the sender left out.
        pub dropped_attributes: u32,
        /// The exception, when it is one.
        pub exception: Option<ExceptionDetail>,
    }

    /// An exception, from an event or a log record.
    pub struct ExceptionDetail {
        /// Its type; empty when not said.
        pub exception_type: String,
        /// Its message; empty when not said.
        pub message: String,
        /// Its stack trace; empty when not said.
        pub stack_trace: String,
    }

    /// A reference to another span.
    pub struct SpanLink {
        /// 32 hex digits.
        pub trace_id: String,
        /// 16 hex digits.
        pub span_id: String,
        /// Its row, when it is in this trace.
        pub row: Option<u32>,
        /// W3C `tracestate`; empty when none.
        pub trace_state: String,
        /// The flags as sent.
        pub flags: u32,
        /// Attributes in the order sent.
        pub attributes: Vec<Attribute>,
        /// How many attributes the sender left out.
        pub dropped_attributes: u32,
    }

    /// Who produced a span.
    pub struct ResourceDetail {
        /// Attributes in the order sent.
        pub attributes: Vec<Attribute>,
        /// How many attributes the sender left out.
        pub dropped_attributes: u32,
        /// Schema URL; empty when none.
        pub schema_url: String,
    }

    /// Which instrumentation made a span.
    pub struct ScopeDetail {
        /// Its name; empty when unknown.
        pub name: String,
        /// Its version; empty when unknown.
        pub version: String,
        /// Attributes in the order sent.
        pub attributes: Vec<Attribute>,
        /// How many attributes the sender left out.
        pub dropped_attributes: u32,
        /// Schema URL; empty when none.
        pub schema_url: String,
    }

    /// A log record.
    pub struct LogDetail {
        /// When it happened (when it was observed, if that was not said).
        pub time: UnixNanos,
        /// From the span's start, ns.
        pub offset: i64,
        /// OTLP's severity number; 0 if not said.
        pub severity_number: i32,
        /// The sender's word, or the name of the number; empty when neither was said.
        pub severity: String,
        /// The record itself.
        pub body: AttributeValue,
        /// The event's name; empty for an ordinary record.
        pub event_name: String,
        /// Attributes in the order sent.
        pub attributes: Vec<Attribute>,
        /// How many attributes the sender left out.
        pub dropped_attributes: u32,
        /// The instrumentation's name; empty when unknown.
        pub scope: String,
        /// The exception, when it is one.
        pub exception: Option<ExceptionDetail>,
    }

    /// A remark on broken data.
    pub struct OddityDetail {
        /// Its short name, such as `missing-parent`.
        pub kind: String,
        /// The remark for people.
        pub text: String,
        /// How many spans it concerns.
        pub count: u32,
    }

    /// A call to a model, a retrieval, an embedding, a tool or an agent, whatever dialect described it.
    pub struct LlmView {
        /// `chat`, `embeddings`, `retrieval`, `execute_tool`, `invoke_agent`, …
        pub operation: String,
        /// Which conventions described it: `gen_ai`, `openinference`, `traceloop`, …
        pub dialect: String,
        /// `openai`, `anthropic`, …; empty when not said.
        pub provider: String,
        /// The model asked for; empty when not said.
        pub request_model: String,
        /// The model that answered; empty when not said.
        pub response_model: String,
        /// Temperature and the like, in the order sent.
        pub parameters: Vec<Attribute>,
        /// The conversation, in order.
        pub messages: Vec<LlmMessage>,
        /// Tokens; null where not said.
        pub tokens: LlmTokens,
        /// US dollars, where the sender said it; null otherwise.
        pub cost_usd: Option<f64>,
        /// From start to the first token, ns; null where not said.
        pub time_to_first_token: Option<i64>,
        /// Output tokens a second over the span; null where it cannot be said.
        pub tokens_per_second: Option<f64>,
        /// Why it stopped.
        pub finish_reasons: Vec<String>,
        /// What was retrieved, best first.
        pub documents: Vec<LlmDocument>,
        /// The query of a retrieval; empty when not said.
        pub query: String,
        /// The tool's name; empty when it is not a tool's.
        pub tool: String,
    }

    /// One message of a conversation.
    pub struct LlmMessage {
        /// Where it stands.
        pub side: LlmSide,
        /// `system`, `user`, `assistant`, `tool`, …
        pub role: String,
        /// Its parts, in order.
        pub parts: Vec<LlmPart>,
    }

    /// A part of a message.
    pub struct LlmPart {
        /// `text`, `tool_call`, `tool_call_response`, `reasoning`, `blob`, `file`, `uri`, …
        pub kind: String,
        /// The text, or the JSON text of arguments or result.
        pub text: String,
        /// The tool's name; empty where there is none.
        pub name: String,
        /// The call's id; empty where there is none.
        pub id: String,
    }

    /// Tokens of a call.
    pub struct LlmTokens {
        /// In, cached ones included.
        pub input: Option<u64>,
        /// Out, reasoning included.
        pub output: Option<u64>,
        /// Of the input, read from the provider's cache.
        pub cached_input: Option<u64>,
        /// Of the output, spent on reasoning.
        pub reasoning_output: Option<u64>,
    }

    /// A retrieved document.
    pub struct LlmDocument {
        /// Its id; empty when not said.
        pub id: String,
        /// Its score; null when not said.
        pub score: Option<f64>,
        /// Its text; empty when not sent.
        pub text: String,
    }

    /// `GET /api/v1/trace/{id}/find`: rows that match.
    pub struct FindResult {
        /// Rows of the outline, in its order.
        pub rows: Vec<u32>,
        /// How `q` was read.
        pub mode: FindMode,
        /// Whether rows beyond these match too.
        pub cut: bool,
        /// Remarks on the query that did not keep it from running.
        pub remarks: Vec<QueryProblem>,
        /// What it cost.
        pub cost: Cost,
    }

    /// `GET /api/v1/trace/{id}/row?span=`: the row of a span id.
    pub struct SpanRow {
        /// Rows with this id, usually one.
        pub rows: Vec<u32>,
    }
}

words! {
    /// How `q` of find was read.
    pub enum FindMode {
        /// As a TraceQL selector: it began with `{`.
        Selector = "selector",
        /// As text in names, services, ids, attribute keys and values, events and logs, whatever the case.
        Text = "text",
    }

    /// Where a message stands.
    pub enum LlmSide {
        /// Standing instructions.
        System = "system",
        /// What was sent.
        Input = "input",
        /// What came back.
        Output = "output",
    }
}

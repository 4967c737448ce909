//! The page's shape of a call to a model, a retrieval, a tool or an agent; what it means is read by `analysis`.

use analysis::{LlmCall, LlmMessage as Message, LlmSide as Side, llm_call};
use model::{LogRecord, Span};
use wire::{Attribute, LlmDocument, LlmMessage, LlmPart, LlmSide, LlmTokens, LlmView};

use crate::values::Values;

/// The span as such a call, if it is one. Messages may also stand in `logs`, the log records that name the span.
#[must_use]
pub fn llm_view(span: &Span, logs: &[&LogRecord]) -> Option<LlmView> {
    let call = llm_call(span, logs)?;
    let seconds = span.duration().0 as f64 / 1e9;
    let tokens_per_second = call.tokens.output.filter(|&out| out > 0 && seconds > 0.0).map(|out| out as f64 / seconds);
    Some(LlmView { parameters: parameters(&call), tokens_per_second, ..view_of(call) })
}

fn parameters(call: &LlmCall) -> Vec<Attribute> {
    let mut values = Values::new(false);
    let parameter =
        |(key, value): &(model::Text, model::Value)| Attribute { key: key.to_string(), value: values.value(value) };
    call.parameters.iter().map(parameter).collect()
}

fn view_of(call: LlmCall) -> LlmView {
    let LlmCall { tokens, documents, messages, .. } = call;
    LlmView {
        operation: call.operation,
        dialect: call.dialect.to_owned(),
        provider: call.provider,
        request_model: call.request_model,
        response_model: call.response_model,
        parameters: Vec::new(),
        messages: messages.into_iter().map(message).collect(),
        tokens: LlmTokens {
            input: tokens.input,
            output: tokens.output,
            cached_input: tokens.cached_input,
            reasoning_output: tokens.reasoning_output,
        },
        cost_usd: call.cost_usd,
        time_to_first_token: call.time_to_first_token.map(|time| time.0),
        tokens_per_second: None,
        finish_reasons: call.finish_reasons,
        documents: documents
            .into_iter()
            .map(|document| LlmDocument { id: document.id, score: document.score, text: document.text })
            .collect(),
        query: call.query,
        tool: call.tool,
    }
}

fn message(message: Message) -> LlmMessage {
    let side = match message.side {
        Side::System => LlmSide::System,
        Side::Input => LlmSide::Input,
        Side::Output => LlmSide::Output,
    };
    let part = |part: analysis::LlmPart| LlmPart { kind: part.kind, text: part.text, name: part.name, id: part.id };
    LlmMessage { side, role: message.role, parts: message.parts.into_iter().map(part).collect() }
}

//! Prompts that begin alike and are paid for in full each time, and passages that were retrieved for nothing.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use model::{SpanIndex, TraceId};

use super::view::View;
use super::{Draft, Total, operation_place};
use crate::finding::{Confidence, EvidenceSet, Finding, FindingKind, Unit, Waste};
use crate::limits::{PASSAGES_MAX, PROMPT_BLOCKS_MAX, PROMPT_BLOCKS_OF_ONE_MAX};
use crate::llm::{LlmCall, LlmDocument, LlmSide, is_llm, llm_call};
use crate::names::{NameId, Names, OperationId, Renumbered};
use crate::prices::PriceTable;

/// Bytes of a prompt that are compared as one: about 128 tokens, which is the step of providers' caches.
const BLOCK_BYTES: usize = 512;
/// Providers keep a prefix for some minutes after its last use.
const KEPT_NANOS: u64 = 5 * 60 * 1_000_000_000;
/// Fewer calls say nothing; a smaller share of shared tokens is not worth the trouble.
const PREFIX_MIN: (usize, f64) = (10, 0.25);
/// Fewer traces say nothing of passages; a smaller share of unused ones is what a reranker is for.
const PASSAGES_MIN: (u64, f64) = (3, 0.2);
/// Characters at the beginning of a passage that must stand in the prompt.
const BEGINNING: usize = 80;

/// Prompts by operation and model, passages by retrieving operation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prompts {
    calls: HashMap<(OperationId, NameId), Vec<Prompt>>,
    blocks: usize,
    passages: HashMap<OperationId, Passages>,
    pub(crate) left_out: u64,
    /// Calls to models and retrievals, and how many of them carry no content.
    pub(crate) calls_seen: u64,
    pub(crate) without_content: u64,
}

#[derive(Clone, Debug)]
struct Prompt {
    start: u64,
    trace: TraceId,
    /// Each block's hash includes all before it.
    blocks: Vec<u64>,
    input: Option<u64>,
    cached: u64,
}

#[derive(Clone, Debug, Default)]
struct Passages {
    traces: u64,
    retrieved: u64,
    unused: u64,
    cut: u64,
    twice: u64,
    evidence: EvidenceSet,
}

impl Prompts {
    pub(crate) fn add(&mut self, view: &View<'_>, names: &mut Names) {
        let mut calls: Vec<(SpanIndex, LlmCall)> = Vec::new();
        for index in 0..view.len() {
            let span = view.trace.span(index);
            if !span.attributes.is_empty() && is_llm(span) {
                calls.extend(llm_call(span, &[]).map(|call| (index, call)));
            }
        }
        let asks_model =
            |call: &LlmCall| matches!(call.operation.as_str(), "chat" | "text_completion" | "generate_content");
        let mut prompts: Vec<(SpanIndex, String)> = Vec::new();
        for (index, call) in calls.iter().filter(|(_, call)| asks_model(call)) {
            self.calls_seen += 1;
            let text = format!("{}\n{}", call.text(LlmSide::System), call.text(LlmSide::Input));
            if text.trim().is_empty() {
                self.without_content += 1;
                continue;
            }
            // A framework's span around the model's own would be counted twice.
            let wraps =
                calls.iter().any(|(other, inner)| view.trace.parent(*other) == Some(*index) && asks_model(inner));
            if !wraps {
                self.add_prompt(view, names, *index, call, &text);
            }
            prompts.push((*index, squeezed(&text)));
        }
        for (index, call) in calls.iter().filter(|(_, call)| !call.documents.is_empty()) {
            self.add_passages(view, *index, &call.documents, &prompts);
        }
    }

    fn add_prompt(&mut self, view: &View<'_>, names: &mut Names, index: SpanIndex, call: &LlmCall, text: &str) {
        if self.blocks >= PROMPT_BLOCKS_MAX {
            self.left_out += 1;
            return;
        }
        let mut hasher = DefaultHasher::new();
        let mut blocks = Vec::new();
        // Whole blocks only: what is left at the end is new in any case.
        for block in text.as_bytes().chunks_exact(BLOCK_BYTES).take(PROMPT_BLOCKS_OF_ONE_MAX) {
            block.hash(&mut hasher);
            blocks.push(hasher.finish());
        }
        self.blocks += blocks.len() + 1;
        let model = names.name(call.model());
        self.calls.entry((view.operation(index), model)).or_default().push(Prompt {
            start: view.trace.span(index).start.0,
            trace: view.trace.id(),
            blocks,
            input: call.tokens.input,
            cached: call.tokens.cached_input.unwrap_or(0),
        });
    }

    fn add_passages(
        &mut self,
        view: &View<'_>,
        index: SpanIndex,
        documents: &[LlmDocument],
        prompts: &[(SpanIndex, String)],
    ) {
        // Only prompts that were sent when the passages were there can have them.
        let later: Vec<&str> = prompts
            .iter()
            .filter(|(prompt, _)| view.times.start(*prompt) >= view.times.start(index))
            .map(|(_, text)| text.as_str())
            .collect();
        let texts: Vec<String> = documents.iter().take(PASSAGES_MAX).map(|document| squeezed(&document.text)).collect();
        if later.is_empty() || texts.iter().all(|text| text.chars().count() < 20) {
            self.without_content += 1;
            return;
        }
        let passages = self.passages.entry(view.operation(index)).or_default();
        passages.traces += 1;
        let mut unused = 0;
        for (position, text) in texts.iter().enumerate().filter(|(_, text)| text.chars().count() >= 20) {
            passages.retrieved += 1;
            passages.twice += u64::from(texts[..position].contains(text));
            let begins: String = text.chars().take(BEGINNING).collect();
            if !later.iter().any(|prompt| prompt.contains(&begins)) {
                unused += 1;
            } else if !later.iter().any(|prompt| prompt.contains(text.as_str())) {
                passages.cut += 1;
            }
        }
        passages.unused += unused;
        if unused > 0 {
            passages.evidence.add(unused as i64, view.trace.id(), || view.ids(&[index]));
        }
    }

    pub(crate) fn merge(&mut self, other: Self, numbers: &Renumbered) {
        self.left_out += other.left_out;
        self.calls_seen += other.calls_seen;
        self.without_content += other.without_content;
        self.blocks += other.blocks;
        for ((operation, model), theirs) in other.calls {
            let key = (numbers.operations[operation as usize], numbers.names[model as usize]);
            self.calls.entry(key).or_default().extend(theirs);
        }
        for (operation, theirs) in other.passages {
            let ours = self.passages.entry(numbers.operations[operation as usize]).or_default();
            ours.traces += theirs.traces;
            ours.retrieved += theirs.retrieved;
            ours.unused += theirs.unused;
            ours.cut += theirs.cut;
            ours.twice += theirs.twice;
            ours.evidence.merge(theirs.evidence);
        }
    }

    pub(crate) fn findings(&self, names: &Names, total: &Total, prices: &PriceTable) -> Vec<Finding> {
        let prefixes = self.calls.iter().filter_map(|(&key, calls)| prefix(names, total, prices, key, calls));
        let passages =
            self.passages.iter().filter_map(|(&operation, passages)| unused(names, total, operation, passages));
        prefixes.chain(passages).collect()
    }
}

/// Text in lower case with single spaces: prompts are put together with line breaks of their own.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

fn prefix(
    names: &Names,
    total: &Total,
    prices: &PriceTable,
    (operation, model): (OperationId, NameId),
    calls: &[Prompt],
) -> Option<Finding> {
    let mut calls: Vec<&Prompt> = calls.iter().collect();
    calls.sort_by_key(|call| (call.start, call.trace));
    let mut last_use: HashMap<u64, u64> = HashMap::new();
    let (mut all, mut shared, mut tokens, mut cached) = (0_u64, 0_u64, 0.0, 0_u64);
    let mut evidence = EvidenceSet::default();
    for call in &calls {
        let warm = |hash: &&u64| last_use.get(*hash).is_some_and(|&used| call.start.saturating_sub(used) <= KEPT_NANOS);
        let hits = call.blocks.iter().take_while(warm).count();
        last_use.extend(call.blocks.iter().map(|&hash| (hash, call.start)));
        all += call.blocks.len() as u64 + 1;
        shared += hits as u64;
        cached += call.cached;
        if let Some(input) = call.input {
            tokens += input as f64 * hits as f64 / (call.blocks.len() + 1) as f64;
        }
        evidence.add(hits as i64, call.trace, Vec::new);
    }
    let share = shared as f64 / all.max(1) as f64;
    let paid = (tokens as u64).saturating_sub(cached);
    let all_cached = tokens > 0.0 && paid * 4 < tokens as u64;
    if calls.len() < PREFIX_MIN.0 || share < PREFIX_MIN.1 || all_cached {
        return None;
    }
    let name = names.text(model);
    let usd = prices.of(name).map(|price| paid as f64 * (price.input - price.cached_input) / 1e6);
    let money = match (paid, usd) {
        (0, _) => String::new(),
        (paid, Some(usd)) => {
            format!(": about {paid} tokens at full price, {usd:.4} USD more than from the provider's cache")
        }
        (paid, None) => format!(": about {paid} tokens at full price"),
    };
    let draft = Draft {
        kind: FindingKind::PromptPrefix,
        place: operation_place(names, operation),
        title: format!("prompts to {name} begin alike"),
        what: format!(
            "{:.0} % of {} prompts stands at the beginning of one sent within five minutes before{money}; {cached} tokens were read \
             from the provider's cache",
            share * 100.0,
            calls.len()
        ),
        seen: calls.len() as u64,
        waste: (paid > 0).then_some(Waste { tokens: paid, usd }),
        confidence: Confidence::of(calls.len() as u64),
        reason: format!("compared in blocks of {BLOCK_BYTES} bytes, each with all before it"),
        next_step: "put what is the same first (instructions, tools, examples) and what changes last; mark it for the provider's \
                    cache where it asks for that, and mind its least length"
            .into(),
        impact: 0.05 * share,
        figures: vec![("shared_share", share, Unit::Share), ("tokens", paid as f64, Unit::Tokens)],
        evidence: evidence.list(),
        variant: name.to_string(),
        ..Draft::new(total)
    };
    Some(draft.finding())
}

fn unused(names: &Names, total: &Total, operation: OperationId, passages: &Passages) -> Option<Finding> {
    let share = passages.unused as f64 / passages.retrieved.max(1) as f64;
    if passages.traces < PASSAGES_MIN.0 || share < PASSAGES_MIN.1 {
        return None;
    }
    let draft = Draft {
        kind: FindingKind::UnusedPassages,
        place: operation_place(names, operation),
        title: format!("passages that {} found did not reach a prompt", names.full_name(operation)),
        what: format!(
            "{} of {} passages ({:.0} %) stand in no prompt sent afterwards; {} reached one cut, {} were found twice",
            passages.unused,
            passages.retrieved,
            share * 100.0,
            passages.cut,
            passages.twice
        ),
        seen: passages.traces,
        confidence: Confidence::of(passages.traces),
        reason: format!(
            "the first {BEGINNING} characters of each passage were searched in the prompts of the same trace"
        ),
        next_step:
            "retrieve as many as are used; or look whether the prompt is cut, filtered or built from something else"
                .into(),
        impact: 0.03 * share,
        figures: vec![
            ("retrieved", passages.retrieved as f64, Unit::Count),
            ("unused", passages.unused as f64, Unit::Count),
            ("cut", passages.cut as f64, Unit::Count),
            ("twice", passages.twice as f64, Unit::Count),
        ],
        evidence: passages.evidence.list(),
        ..Draft::new(total)
    };
    Some(draft.finding())
}

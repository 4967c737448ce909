//! What spans tell of retrieval and generation: passages, prompts, answers, tool calls; and measures of them.
//!
//! | file | what |
//! | --- | --- |
//! | `told.rs` | passages, prompts, answers and tool calls, by the OpenTelemetry, OpenInference and OpenLLMetry conventions |
//! | `measure.rs` | recall, precision, MRR, nDCG, hand-over, grounding, refusal |

mod measure;
mod told;

pub(crate) use measure::{
    Share, duplicates, grounded_citations, grounded_numbers, grounded_quotations, handed_over, is_refusal, mrr, ndcg,
    precision, recall,
};
pub(crate) use told::{Passage, Told, told};

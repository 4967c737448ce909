//! Every bound of this crate, with its reason.

/// Spans whose attributes are searched upwards for a name. Wrapping client spans nest two or three deep in practice; a
/// chain of thousands is an attack on a loop.
pub const WRAPPERS_MAX: usize = 8;

/// Attempts kept of one retry group; later ones are counted in `attempts` and their spans left out.
pub const ATTEMPTS_KEPT_MAX: usize = 1_000;

/// Names and addresses that [`crate::Peers`] remembers; further ones are counted and not learned.
pub const PEERS_MAX: usize = 100_000;

/// Nodes and edges of a [`crate::ServiceGraph`], each; further ones are counted and left out.
pub const GRAPH_MAX: usize = 20_000;

/// Call paths that [`crate::SiblingOrders`] keeps apart; ids in operation names would make their number endless.
pub const CALL_PATHS_MAX: usize = 50_000;

/// Different operations among the children of one span whose pairs are compared; the work grows with the square.
pub const SIBLING_OPERATIONS_MAX: usize = 200;

/// Pairs seen fewer times than this in one order say nothing about it.
pub const PAIRS_SEEN_MIN: u64 = 5;

/// Measurements kept of one operation or edge; of more, every so many are kept, and how many were left out is counted.
/// A P99 rests on 200 of them then.
pub const SAMPLES_MAX: usize = 20_000;

/// Operations, edges and host pairs that the comparisons keep apart.
pub const KEYS_MAX: usize = 50_000;

/// Traces that a finding names as evidence: enough to look at, few enough to read.
pub const EVIDENCE_MAX: usize = 10;

/// Spans of each of those traces that a finding names.
pub const EVIDENCE_SPANS_MAX: usize = 20;

/// Sums of critical time by operation and by how slow the whole request was; further ones are counted and left out.
pub const SLICES_MAX: usize = 500_000;

/// Groups of errors that are kept apart; further ones are counted and left out.
pub const ERROR_GROUPS_MAX: usize = 5_000;

/// Different paths that are counted of each group of errors: the most frequent is shown.
pub const ERROR_PATHS_MAX: usize = 16;

/// Characters of an error's message that tell it from others.
pub const MESSAGE_LENGTH_MAX: usize = 160;

/// Pairs of sibling operations, over all call paths, whose order is counted; further ones are counted and left out.
pub const SIBLING_PAIRS_MAX: usize = 500_000;

/// Telling values kept of one span's attributes.
pub const VALUES_MAX: usize = 256;

/// Characters of an attribute that are searched for telling values.
pub const VALUE_TEXT_MAX: usize = 8_192;

/// Traces in which a pair of sequential calls is looked at closely: four times what is needed for evidence.
pub const LOOKED_AT_MAX: u64 = 200;

/// Spans above and below a call that are searched for where its arguments came from.
pub const LOOKED_SPANS_MAX: usize = 100;

/// Messages and documents kept of one LLM span.
pub const LLM_ITEMS_MAX: usize = 1_000;

/// How deep nested values of messages are read; deeper ones are left out. OTLP decoders cap nesting too.
pub const LLM_VALUE_DEPTH_MAX: usize = 64;

/// Calls kept with their arguments, over all operations: replaying them through caches needs each. About 100 bytes each.
pub const ACCESSES_MAX: usize = 500_000;

/// Calls kept of one operation, so that one does not take the place of all.
pub const ACCESSES_OF_ONE_MAX: usize = 50_000;

/// Blocks of prompts kept, over all calls: 8 bytes each.
pub const PROMPT_BLOCKS_MAX: usize = 2_000_000;

/// Blocks of one prompt that are compared: half a megabyte of text.
pub const PROMPT_BLOCKS_OF_ONE_MAX: usize = 1_000;

/// Passages of one retrieval that are searched in prompts.
pub const PASSAGES_MAX: usize = 100;

/// Resources of one trace that are remembered while its calls are read; others are looked at again each time.
pub const RESOURCES_KNOWN_MAX: usize = 64;

/// Traces of either side whose attributes are compared; further ones are counted and left out.
pub const ATTRIBUTE_TRACES_MAX: usize = 10_000;

/// Different attribute values of a set of traces; further ones are counted and left out.
pub const ATTRIBUTE_VALUES_MAX: usize = 200_000;

/// Longer attribute values are texts: nobody compares how frequent they are.
pub const ATTRIBUTE_VALUE_LENGTH_MAX: usize = 200;

/// Hosts whose clocks are solved together: shortest ways between them take their number times that of their pairs.
pub const HOSTS_MAX: usize = 2_000;

/// Windows of time that the calls of a pair of hosts are parted into to see whether a clock drifts.
pub const CLOCK_WINDOWS: usize = 16;

/// Rounds in which the offsets of hosts are improved; a spanning tree is where they begin, so that few are needed.
pub const CLOCK_SWEEPS_MAX: usize = 500;

/// Different values of answers that are followed through a trace.
pub const FLOW_VALUES_MAX: usize = 100_000;

/// Data flows told of a trace, and kept apart over many.
pub const FLOWS_MAX: usize = 2_000;

/// Characters of a value that is shown as an example.
pub const FLOW_WORD_LENGTH_MAX: usize = 60;

/// Traces whose data flow is followed, in each part of a selection that is read by a thread of its own: reading every word of every prompt takes longer than all other findings together.
pub const FLOW_TRACES_MAX: u64 = 50;

/// As many spans one span stands for at most: more than one in a thousand million is a mistake of whoever says so.
pub const WEIGHT_MAX: u64 = 1_000_000_000;

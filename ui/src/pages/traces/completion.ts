// What can be completed at a place in a query: a field, a value of a field, or a stage after `|`. Reading is loose on purpose: half-written
// queries are the normal case, and the server alone judges whole ones.

type Completable = { kind: "field"; prefix: string; from: number } | { kind: "argument"; prefix: string; from: number } | { kind: "stage"; prefix: string; from: number } | { kind: "value"; field: string; prefix: string; from: number };

/** What stands before `caret`; undefined where nothing can be completed (outside braces words search names). */
export function completableAt(text: string, caret: number): Completable | undefined {
  const before = text.slice(0, caret);
  const open = before.lastIndexOf("{");
  if (open < 0) return undefined;
  if (before.lastIndexOf("}") > open) return outside(before, caret);
  const inside = before.slice(open + 1);
  const value = /([A-Za-z_.][\w.:-]*)\s*(?:=~|!~|!=|>=|<=|=|>|<)\s*("[^"]*|[^\s"&|(){}]*)$/.exec(inside);
  if (value) {
    const typed = value[2]!;
    return { kind: "value", field: value[1]!, prefix: typed.replace(/^"/, ""), from: caret - typed.length };
  }
  const field = /(?:^|&&|\|\||[(,!])\s*([A-Za-z_.][\w.:-]*|)$/.exec(inside);
  return field ? { kind: "field", prefix: field[1]!, from: caret - field[1]!.length } : undefined;
}

/** Behind a selector: a stage, or a field that one works on. */
function outside(before: string, caret: number): Completable | undefined {
  const stage = /[^|]\|\s*([a-z_0-9]*)$/.exec(before);
  if (stage) return { kind: "stage", prefix: stage[1]!, from: caret - stage[1]!.length };
  const grouping = /\)\s+(b?y?)$/.exec(before);
  if (grouping) return { kind: "stage", prefix: grouping[1]!, from: caret - grouping[1]!.length };
  const argument = /\w\(\s*(?:[^(){}]*,\s*)?([A-Za-z_.][\w.:-]*|)$/.exec(before);
  return argument ? { kind: "argument", prefix: argument[1]!, from: caret - argument[1]!.length } : undefined;
}

interface Stage {
  /** What is inserted; the caret goes between the parentheses where something belongs there. */
  text: string;
  what: string;
}

/** Stages and metrics functions, as `headwater help query` tells them. */
const stages: readonly Stage[] = [
  { text: "rate()", what: "spans a second" }, { text: "count_over_time()", what: "spans in each step" }, { text: "quantile_over_time(duration, 0.5, 0.95)", what: "quantiles" },
  { text: "avg_over_time(", what: "mean" }, { text: "sum_over_time(", what: "sum" }, { text: "min_over_time(", what: "least" }, { text: "max_over_time(", what: "largest" }, { text: "histogram_over_time(duration)", what: "how many in each bucket" },
  { text: "by(", what: "group" }, { text: "count()", what: "spans of the trace" }, { text: "avg(", what: "mean in the trace" }, { text: "sum(", what: "sum in the trace" }, { text: "min(", what: "least in the trace" }, { text: "max(", what: "largest in the trace" }, { text: "p95(", what: "quantile in the trace" },
  { text: "select(", what: "fields to show" }, { text: "topk(5)", what: "the largest series" }, { text: "bottomk(5)", what: "the smallest series" }, { text: "compare({ status = error }, 5)", what: "attributes in the selection and in the rest" },
];

export function stagesFor(prefix: string): readonly Stage[] {
  return stages.filter(({ text }) => text.startsWith(prefix));
}

/** The query with `insert` instead of what was typed from `from` to `caret`, and where the caret goes. */
export function complete(text: string, from: number, caret: number, insert: string): { text: string; caret: number } {
  // A quotation mark that closed the half-written value goes with it.
  const rest = text.slice(caret).replace(/^[^"\s&|{}]*"/, (tail) => (insert.startsWith('"') && text[from] === '"' ? "" : tail));
  return { text: text.slice(0, from) + insert + rest, caret: from + insert.length };
}

/** What to write after a field was chosen: the comparison that its type invites. */
export function comparisonFor(types: readonly string[]): string {
  return types.includes("duration") ? " > " : " = ";
}

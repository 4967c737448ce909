// What can be completed at a place in a query: a field, or a value of a field. Reading is loose on purpose: half-written
// queries are the normal case, and the server alone judges whole ones.

type Completable = { kind: "field"; prefix: string; from: number } | { kind: "value"; field: string; prefix: string; from: number };

/** What stands before `caret`; undefined where nothing can be completed (outside braces words search names). */
export function completableAt(text: string, caret: number): Completable | undefined {
  const before = text.slice(0, caret);
  const open = before.lastIndexOf("{");
  if (open < 0 || before.lastIndexOf("}") > open) return undefined;
  const inside = before.slice(open + 1);
  const value = /([A-Za-z_.][\w.:-]*)\s*(?:=~|!~|!=|>=|<=|=|>|<)\s*("[^"]*|[^\s"&|(){}]*)$/.exec(inside);
  if (value) {
    const typed = value[2]!;
    return { kind: "value", field: value[1]!, prefix: typed.replace(/^"/, ""), from: caret - typed.length };
  }
  const field = /(?:^|&&|\|\||[(,!])\s*([A-Za-z_.][\w.:-]*|)$/.exec(inside);
  return field ? { kind: "field", prefix: field[1]!, from: caret - field[1]!.length } : undefined;
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

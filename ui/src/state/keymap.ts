// The key of every command, once: this table feeds the handlers, the help and the tooltips, and a test looks for clashes.
// What moves within one control (tabs, a splitter, a list of completions) is the control's own, as ARIA has it.

export type Scope = "everywhere" | "list" | "trace" | "span" | "map" | "run";

export interface Binding {
  scope: Scope;
  /** Names of commands within the scope. */
  command: string;
  /** Alternatives, each as `keyName` makes it; chords are two keys with a space between. */
  keys: string[];
  help: string;
}

const scope = (name: Scope, entries: [command: string, keys: string[], help: string][]): Binding[] =>
  entries.map(([command, keys, help]) => ({ scope: name, command, keys, help }));

export const keymap: readonly Binding[] = [
  ...scope("everywhere", [
    ["palette", ["Ctrl+k", "Meta+k"], "Go to a page, a trace id or a command"],
    ["search", ["/"], "Search or find"],
    ["help", ["?"], "Keys of this page"],
    ["goTraces", ["g t"], "Traces"],
    ["goMap", ["g m"], "Service map"],
    ["goEvals", ["g e"], "Evaluations"],
    ["goCharts", ["g h"], "Charts"],
    ["goFindings", ["g f"], "Findings"],
    ["goCompare", ["g c"], "Compare"],
    ["goDoctor", ["g d"], "Doctor"],
    ["live", ["."], "Pause or resume the live list"],
    ["copyLink", ["L"], "Copy a link to what is shown"],
    ["table", ["T"], "Chart as a table, and back"],
    ["escape", ["Escape"], "One step back: popover, selection, filter"],
  ]),
  ...scope("list", [
    ["down", ["ArrowDown", "j"], "Next row"],
    ["up", ["ArrowUp", "k"], "Row before"],
    ["open", ["Enter"], "Open"],
    ["first", ["Home"], "First row"],
    ["last", ["End"], "Last row"],
    ["pageDown", ["PageDown"], "A page down"],
    ["pageUp", ["PageUp"], "A page up"],
    ["newRows", ["n"], "Show new traces"],
    ["mark", ["x"], "Mark for a comparison; the second opens it"],
  ]),
  ...scope("trace", [
    ["down", ["ArrowDown", "j"], "Next row"],
    ["up", ["ArrowUp", "k"], "Row before"],
    ["right", ["ArrowRight"], "Expand, or go to the first child"],
    ["left", ["ArrowLeft"], "Collapse, or go to the parent"],
    ["expandSubtree", ["Shift+ArrowRight"], "Expand everything below"],
    ["collapseSubtree", ["Shift+ArrowLeft"], "Collapse everything below"],
    ["collapseAll", ["["], "Collapse all"],
    ["expandAll", ["]"], "Expand all"],
    ["first", ["Home"], "First row"],
    ["last", ["End"], "Last row"],
    ["pageDown", ["PageDown"], "A page down"],
    ["pageUp", ["PageUp"], "A page up"],
    ["inspect", ["Enter", "i"], "To the span's details"],
    ["zoomSpan", ["z"], "Zoom to the span"],
    ["fit", ["0"], "Whole trace"],
    ["zoomIn", ["+", "=", "w"], "Zoom in"],
    ["zoomOut", ["-", "s"], "Zoom out"],
    ["panLeft", ["a"], "Move the window earlier"],
    ["panRight", ["d"], "Move the window later"],
    ["nextMatch", ["n"], "Next match"],
    ["previousMatch", ["N"], "Match before"],
    ["nextError", ["e"], "Next error"],
    ["previousError", ["E"], "Error before"],
    ["nextCritical", ["p"], "Next span of the critical path"],
    ["previousCritical", ["P"], "Span of the critical path before"],
    ["longestChild", ["l"], "Longest child"],
    ["waterfall", ["1"], "Shown as a waterfall"],
    ["flame", ["2"], "Shown as a flame graph"],
    ["table", ["3"], "Shown as figures by operation"],
    ["findings", ["f"], "Findings of this trace, and back"],
    ["group", ["r"], "Fold or unfold siblings alike"],
  ]),
  ...scope("span", [
    ["tab1", ["1"], "Overview"],
    ["tab2", ["2"], "Attributes"],
    ["tab3", ["3"], "Events"],
    ["tab4", ["4"], "Links"],
    ["tab5", ["5"], "Logs"],
    ["tab6", ["6"], "LLM"],
    ["tab7", ["7"], "Raw"],
    ["back", ["Escape"], "Back to the rows"],
  ]),
  ...scope("map", [
    ["right", ["ArrowRight"], "To a service called"],
    ["left", ["ArrowLeft"], "To a caller"],
    ["down", ["ArrowDown"], "Next service"],
    ["up", ["ArrowUp"], "Service before"],
  ]),
  ...scope("run", [
    ["down", ["ArrowDown", "j"], "Next scenario"],
    ["up", ["ArrowUp", "k"], "Scenario before"],
    ["right", ["ArrowRight", "l"], "Next assertion"],
    ["left", ["ArrowLeft", "h"], "Assertion before"],
    ["open", ["Enter"], "Open the trace at the evidence"],
  ]),
];

export const scopeNames: Record<Scope, string> = { everywhere: "Everywhere", list: "Lists", trace: "Waterfall", span: "Span details", map: "Service map", run: "Evaluation run" };

/** The parts of a keyboard event that name a key. */
export type KeyLike = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">;

/** `Ctrl+k`, `Shift+ArrowLeft`, `N`: shift is named only where the key itself does not tell of it. */
export function keyName(event: KeyLike): string {
  const shift = event.shiftKey && event.key.length > 1 ? "Shift+" : "";
  return `${event.ctrlKey ? "Ctrl+" : ""}${event.metaKey ? "Meta+" : ""}${event.altKey ? "Alt+" : ""}${shift}${event.key}`;
}

/** The command of a key in a scope. */
export function commandOf(scopeName: Scope, key: string): string | undefined {
  return keymap.find((binding) => binding.scope === scopeName && binding.keys.includes(key))?.command;
}

/** Whether `key` may begin a chord. */
export function beginsChord(key: string): boolean {
  return keymap.some((binding) => binding.keys.some((keys) => keys.startsWith(`${key} `)));
}

const shown: Record<string, string> = { ArrowDown: "↓", ArrowUp: "↑", ArrowLeft: "←", ArrowRight: "→", Escape: "Esc", PageDown: "PgDn", PageUp: "PgUp", "-": "−" };

/** A key for people: `Shift-→`, `g t`. */
export function keyLabel(keys: string): string {
  return keys.split(" ").map((key) => key.split(/\+(?=.)/).map((part) => shown[part] ?? part).join("-")).join(" ");
}

/** The first key of a command, for tooltips. */
export function hint(scopeName: Scope, command: string): string {
  const binding = keymap.find((candidate) => candidate.scope === scopeName && candidate.command === command);
  return binding ? keyLabel(binding.keys[0]!) : "";
}

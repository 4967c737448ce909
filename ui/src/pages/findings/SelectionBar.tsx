// Which traces: a query with completion, a run or a trace; and the time range.

import { useEffect, useRef, useState } from "react";
import type { QueryProblem } from "../../api/types.ts";
import type { Range } from "../../state/codecs.ts";
import { useCommands } from "../../state/keys.ts";
import { hasRange } from "../../state/selection.ts";
import { Icon } from "../../ui/Icon.tsx";
import { RangeSelect } from "../../ui/RangeSelect.tsx";
import { QueryNote } from "../traces/FilterBar.tsx";
import { QueryInput } from "../traces/QueryInput.tsx";

/** How the bar speaks of what is asked. */
export interface Wording {
  label?: string;
  placeholder?: string;
  action?: string;
}

interface SelectionBarProps extends Wording {
  text: string;
  range: Range;
  problems: readonly QueryProblem[];
  loading: boolean;
  onText: (text: string) => void;
  onRange: (range: Range) => void;
}

export function SelectionBar({ text, range, problems, loading, onText, onRange, label = "Traces: TraceQL, words, trace:ID or run:ID", placeholder = "All traces; or TraceQL, words, trace:ID, run:ID", action = "Look" }: SelectionBarProps) {
  const [draft, setDraft] = useState(text);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => setDraft(text), [text]);
  useCommands({ search: () => input.current?.focus() });
  return (
    <form className="bar filter" role="search" onSubmit={(event) => { event.preventDefault(); onText(draft.trim()); }}>
      <div className="filter-query grow">
        <Icon name="search" />
        <QueryInput input={input} text={draft} isInvalid={problems.length > 0 && draft === text} onText={setDraft} onEscape={() => (draft ? setDraft("") : input.current?.blur())} label={label} placeholder={placeholder} />
      </div>
      {hasRange(draft) && <RangeSelect range={range} onRange={onRange} />}
      <button type="submit" className="button" disabled={loading}>{action}</button>
      <div id="query-notes" className="filter-notes">{draft === text && problems.map((problem) => <QueryNote key={problem.error} query={text} problem={problem} />)}</div>
    </form>
  );
}

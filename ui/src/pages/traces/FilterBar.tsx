// The query, the time range, live or not; and what the server says is wrong with the query, under the place.

import { useEffect, useRef, useState } from "react";
import type { Problem, QueryProblem } from "../../api/types.ts";
import type { Range } from "../../state/codecs.ts";
import { hint } from "../../state/keymap.ts";
import { useCommands } from "../../state/keys.ts";
import { plotShown } from "../../state/preferences.ts";
import { useValue } from "../../state/signals.ts";
import { Icon } from "../../ui/Icon.tsx";
import { RangeSelect } from "../../ui/RangeSelect.tsx";
import { QueryInput } from "./QueryInput.tsx";

type Origin = "all" | "real" | "eval";

interface FilterBarProps {
  query: string;
  range: Range;
  live: boolean;
  /** Which traffic: all, what an evaluation caused, or the rest. */
  origin: Origin;
  /** The query as the server understood it. */
  understood: string;
  problems: readonly QueryProblem[];
  onQuery: (query: string) => void;
  onRange: (range: Range) => void;
  onOrigin: (origin: Origin) => void;
  onLive: (live: boolean) => void;
}

export function FilterBar({ query, range, live, origin, understood, problems, onQuery, onRange, onOrigin, onLive }: FilterBarProps) {
  const [text, setText] = useState(query);
  const input = useRef<HTMLInputElement>(null);
  const hasPlot = useValue(plotShown);
  useEffect(() => setText(query), [query]);
  useCommands({ search: () => input.current?.focus(), live: () => onLive(!live) });
  const mistakes = problems.filter((problem) => !problem.isWarning);
  return (
    <form className="bar filter" role="search" onSubmit={(event) => { event.preventDefault(); onQuery(text.trim()); }}>
      <div className="filter-query grow">
        <Icon name="search" />
        <QueryInput
          input={input} text={text} isInvalid={mistakes.length > 0 && text === query} onText={setText}
          onEscape={() => { if (text) { setText(""); onQuery(""); } else input.current?.blur(); }}
        />
        {text && <button type="button" className="button quiet icon" aria-label="Clear the filter" onClick={() => { setText(""); onQuery(""); input.current?.focus(); }}><Icon name="close" /></button>}
      </div>
      <RangeSelect range={range} onRange={onRange} />
      <select className="input" aria-label="Traffic" value={origin} onChange={(event) => onOrigin(event.currentTarget.value as Origin)}>
        <option value="all">All traffic</option><option value="real">Without evaluations</option><option value="eval">Evaluations only</option>
      </select>
      <button type="button" className="button" aria-pressed={live} title={`Pause or resume the live list (${hint("everywhere", "live")})`} onClick={() => onLive(!live)}><Icon name={live ? "pause" : "play"} />{live ? "Live" : "Paused"}</button>
      <button type="button" className="button" aria-pressed={hasPlot} title="Traces by time and duration, above the list" onClick={() => (plotShown.value = !hasPlot)}><Icon name="plot" />Plot</button>
      <div id="query-notes" className="filter-notes">
        {problems.length > 0 && text === query ? problems.map((problem) => <QueryNote key={problem.error} query={query} problem={problem} />)
          : understood && understood !== query && <span className="muted">Understood as <code>{understood}</code></span>}
      </div>
    </form>
  );
}

/** The problem in words, and the query with a caret under the place. */
export function QueryNote({ query, problem }: { query: string; problem: QueryProblem }) {
  const { place } = problem;
  const pointed = place && place.line === 1 && place.offset <= query.length;
  return (
    <div className={problem.isWarning ? "warn-text" : "error-text"} role={problem.isWarning ? "status" : "alert"}>
      {/* A long query scrolls; a keyboard must be able to do that. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      {pointed && <pre className="query-caret" tabIndex={0}>{query}{"\n"}{" ".repeat(place.offset)}{"^".repeat(Math.max(1, Math.min(place.length, query.length - place.offset)))}</pre>}
      <Icon name={problem.isWarning ? "warn" : "error"} /> {problem.error}{problem.hint && <span className="muted"> · {problem.hint}</span>}
    </div>
  );
}

/** What a refused query says, as notes at the query. */
export function problemsOf(problem: Problem): QueryProblem[] {
  if (problem.problems.length > 0) return problem.problems;
  return [{ error: problem.error, hint: problem.hint, place: problem.place, isWarning: false }];
}

// Two selections of traces beside each other: what was added, removed, slower, fails more; and who made it so.

import { useEffect, useState } from "react";
import { api } from "../../api/client.ts";
import { ApiError } from "../../api/error.ts";
import type { Comparison, QueryProblem } from "../../api/types.ts";
import { rangeCodec, rangeStart, type Range } from "../../state/codecs.ts";
import { hasRange, readSelection, whole } from "../../state/selection.ts";
import { useServices } from "../../state/services.ts";
import { useValue } from "../../state/signals.ts";
import { changeQuery, place } from "../../state/url.ts";
import { Icon } from "../../ui/Icon.tsx";
import { RangeSelect } from "../../ui/RangeSelect.tsx";
import { ProgressLine, useLongResource } from "../../ui/ProgressLine.tsx";
import { Scroll } from "../../ui/Scroll.tsx";
import { Empty, Incomplete, Loaded } from "../../ui/States.tsx";
import { useTitle } from "../../ui/title.ts";
import { problemsOf, QueryNote } from "../traces/FilterBar.tsx";
import { AttributeTable, CriticalTable, OperationTable, StructureTable } from "./DifferenceTables.tsx";
import { RootCause } from "./RootCause.tsx";
import { Sides } from "./Sides.tsx";

/** One side as it stands in the address bar. */
interface Side {
  text: string;
  range: Range;
}

export function ComparePage() {
  useTitle("Compare");
  const { query } = useValue(place);
  const a: Side = { text: query["a"] ?? "", range: rangeCodec.read(query["ta"]) };
  const b: Side = { text: query["b"] ?? "", range: rangeCodec.read(query["tb"]) };
  // Windows of the same query: what came before the newer window is the normal.
  const isWindow = query["a"] === undefined && query["tb"] !== undefined && b.range !== "all";
  const asked = query["b"] !== undefined && (query["a"] !== undefined || isWindow);
  return (
    <div className="page">
      <h1 className="vh">Compare</h1>
      <SidesForm a={a} b={b} isWindow={isWindow} />
      {asked ? <Result key={JSON.stringify([a, b, isWindow])} a={a} b={b} isWindow={isWindow} /> : <Start />}
    </div>
  );
}

function Start() {
  return (
    <Empty title="Two selections, held against each other">
      <p>Normal above, what is held against it below: traces of a query, of a run (<code>run:ID</code>), or one trace (<code>trace:ID</code>). Leave the first empty to compare the last minutes or hours with the same time before.</p>
      <p>In the list of traces, <kbd>x</kbd> marks two traces for this page.</p>
    </Empty>
  );
}

function SidesForm({ a, b, isWindow }: { a: Side; b: Side; isWindow: boolean }) {
  const [[before, after], setTexts] = useState([a.text, b.text]);
  const [[rangeBefore, rangeAfter], setRanges] = useState<[Range, Range]>([a.range, b.range]);
  useEffect(() => setTexts([a.text, b.text]), [a.text, b.text]);
  useEffect(() => setRanges([a.range, b.range]), [a.range, b.range]);
  const [same, setSame] = useState(isWindow);
  const write = (first: Side, second: Side, isBefore: boolean) => {
    // An empty query is one too: it is written as the query that matches everything.
    changeQuery({ a: isBefore ? undefined : first.text || "{ }", b: second.text || "{ }", ta: isBefore ? undefined : rangeCodec.write(first.range), tb: isBefore && second.range === "all" ? "1h" : rangeCodec.write(second.range) }, "push");
  };
  const submit = () => write({ text: before, range: rangeBefore }, { text: after, range: rangeAfter }, same);
  return (
    <form className="bar compare-form" role="search" aria-label="What is compared" onSubmit={(event) => { event.preventDefault(); submit(); }}>
      <label className="compare-side"><span>Normal</span><input className="input mono-input grow" disabled={same} value={same ? "the same time before" : before} placeholder="all traces; or TraceQL, trace:ID, run:ID" onInput={(event) => setTexts([event.currentTarget.value, after])} /></label>
      {!same && hasRange(before) && <RangeSelect range={rangeBefore} onRange={(next) => setRanges([next, rangeAfter])} />}
      <label className="check"><input type="checkbox" checked={same} onChange={(event) => setSame(event.currentTarget.checked)} />the same time before</label>
      <span className="compare-break" />
      <label className="compare-side"><span>Held against it</span><input className="input mono-input grow" value={after} placeholder="all traces; or TraceQL, trace:ID, run:ID" onInput={(event) => setTexts([before, event.currentTarget.value])} /></label>
      {hasRange(after) && <RangeSelect range={same && rangeAfter === "all" ? "1h" : rangeAfter} onRange={(next) => setRanges([rangeBefore, next])} />}
      <button type="submit" className="button primary">Compare</button>
      {!same && <button type="button" className="button" onClick={() => write({ text: after, range: rangeAfter }, { text: before, range: rangeBefore }, false)}>Swap</button>}
    </form>
  );
}

/** The window of the same length before the one that ends now. */
function windowBefore(text: string, range: Range, now: Date) {
  const from = BigInt(rangeStart(range, now)!);
  const end = BigInt(now.getTime()) * 1_000_000n;
  return { ...readSelection(text, "all", now), start: String(2n * from - end), end: String(from) };
}

function Result({ a, b, isWindow }: { a: Side; b: Side; isWindow: boolean }) {
  const compared = useLongResource("compare", (signal, onProgress) => {
    const now = new Date();
    const before = isWindow ? windowBefore(b.text, b.range, now) : readSelection(a.text, a.range, now);
    return api.compare({ before: whole(before), after: whole(readSelection(b.text, b.range, now)) }, signal, onProgress);
  });
  if (compared.error instanceof ApiError && compared.error.isMistake) return <Refused problems={problemsOf(compared.error.problem)} texts={[a.text, b.text]} />;
  return (
    <>
      <ProgressLine progress={compared.progress} />
      <Loaded resource={compared}>{(data) => <Differences of={data} />}</Loaded>
    </>
  );
}

/** The caret goes under the side whose text reaches as far as the place. */
function Refused({ problems, texts }: { problems: readonly QueryProblem[]; texts: readonly string[] }) {
  return <div className="pad">{problems.map((problem) => <QueryNote key={problem.error} query={texts.findLast((text) => text.includes("{")) ?? texts[1]!} problem={problem} />)}</div>;
}

function Differences({ of }: { of: Comparison }) {
  const services = useServices();
  const { structure, operations, attributes, remarks, completeness, sameCount, notEnoughCount } = of;
  return (
    <Scroll className="page-scroll compare" label="Differences">
      <Incomplete of={completeness} />
      <Sides before={of.before} after={of.after} />
      <RootCause of={of.rootCause} services={services} />
      <CriticalTable rows={of.critical} before={of.before.durationMean} after={of.after.durationMean} services={services} />
      <OperationTable rows={operations} services={services} sameCount={sameCount} notEnoughCount={notEnoughCount} />
      <StructureTable rows={structure} services={services} />
      <AttributeTable rows={attributes} />
      {remarks.length > 0 && <section className="compare-part"><h2>Remarks</h2><ul className="finding-details">{remarks.map((remark) => <li key={remark}><Icon name="info" /> {remark}</li>)}</ul></section>}
    </Scroll>
  );
}

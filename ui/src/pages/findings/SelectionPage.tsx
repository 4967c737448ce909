// The frame of pages that answer about a selection of traces: what is asked, how far the answer is, what was wrong with
// the question, and the answer with what it leaves out.

import type { ReactNode } from "react";
import { ApiError } from "../../api/error.ts";
import type { Progress } from "../../api/client.ts";
import type { Completeness } from "../../api/types.ts";
import { rangeCodec, type Range } from "../../state/codecs.ts";
import type { Resource } from "../../state/resource.ts";
import { useValue } from "../../state/signals.ts";
import { changeQuery, place } from "../../state/url.ts";
import { ProgressLine } from "../../ui/ProgressLine.tsx";
import { Scroll } from "../../ui/Scroll.tsx";
import { Empty, Incomplete, Loaded } from "../../ui/States.tsx";
import { useTitle } from "../../ui/title.ts";
import { problemsOf } from "../traces/FilterBar.tsx";
import { SelectionBar, type Wording } from "./SelectionBar.tsx";

interface Asked {
  text: string;
  range: Range;
}

/** What is asked, as it stands in the address bar. */
export function useAsked(byDefault = ""): Asked {
  const { query } = useValue(place);
  return { text: query["q"] || byDefault, range: rangeCodec.read(query["t"]) };
}

interface SelectionPageProps<T> {
  title: string;
  asked: Asked;
  answer: Resource<T> & { progress?: Progress | undefined };
  wording?: Wording;
  /** What stands between the question and the answer. */
  tools?: ReactNode;
  /** What the answer is called. */
  label: string;
  children: (data: T) => ReactNode;
}

export function SelectionPage<T extends { completeness: Completeness }>({ title, asked: { text, range }, answer, wording, tools, label, children }: SelectionPageProps<T>) {
  useTitle(title);
  const refusal = answer.error instanceof ApiError && answer.error.isMistake ? answer.error.problem : undefined;
  return (
    <div className="page">
      <h1 className="vh">{title}</h1>
      <SelectionBar
        text={text} range={range} loading={answer.loading} problems={refusal ? problemsOf(refusal) : []} {...wording}
        onText={(next) => (next === text ? answer.reload() : changeQuery({ q: next }, "push"))} onRange={(next) => changeQuery({ t: rangeCodec.write(next) }, "push")}
      />
      <ProgressLine progress={answer.progress} />
      {tools}
      {refusal ? <Empty title="The query could not be read"><p>What is wrong with it stands above, under its place.</p></Empty> : (
        <Loaded resource={answer}>{(data) => <Scroll label={label}><Incomplete of={data.completeness} />{children(data)}</Scroll>}</Loaded>
      )}
    </div>
  );
}

// A run: scenarios and their attempts against their assertions, and everything about the one that is picked.

import { useEffect } from "react";
import { api, isEmbedded, serverOrigin } from "../../api/client.ts";
import type { EvalRun } from "../../api/types.ts";
import { formatAgo, formatDuration, formatFullTime } from "../../engine/time.ts";
import { wordCodec } from "../../state/codecs.ts";
import { onLive } from "../../state/live.ts";
import { useResource } from "../../state/resource.ts";
import { compareLink, findingsLink } from "../../state/routes.ts";
import { useValue } from "../../state/signals.ts";
import { changeQuery, place } from "../../state/url.ts";
import { Copy } from "../../ui/Copy.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { Link } from "../../ui/Link.tsx";
import { Banner, Empty, Loaded } from "../../ui/States.tsx";
import { useTitle } from "../../ui/title.ts";
import { AttemptPanel } from "./AttemptPanel.tsx";
import { attemptRows, firstOfInterest } from "./cells.ts";
import { Counts } from "./counts.tsx";
import { RunMatrix } from "./RunMatrix.tsx";
import { RunVerdict } from "./RunVerdict.tsx";

const showCodec = wordCodec(["all", "failing"]);

export function RunPage({ run: id }: { run: string }) {
  const run = useResource(id, (signal) => api.run(id, signal));
  useTitle(run.data ? `${run.data.summary.verdict ?? "running"} · ${run.data.summary.suite} ${id}` : "Run");
  const { reload } = run;
  useEffect(() => onLive("evals", ({ runs }) => runs.some((changed) => changed.run === id) && reload()), [id, reload]);
  useEffect(() => onLive("gap", reload), [reload]);
  return <>{!run.data && <h1 className="vh">Run</h1>}<Loaded resource={run}>{(data) => <RunBody run={data} />}</Loaded></>;
}

function RunBody({ run }: { run: EvalRun }) {
  const { query } = useValue(place);
  const show = showCodec.read(query["show"]);
  const rows = attemptRows(run, show);
  // A scenario's name may hold the mark that joins the parts.
  const [, scenario, assertion, attempt] = /^(.*)~(\d*)~(\d+)$/.exec(query["cell"] ?? "") ?? [];
  const chosen = rows.findIndex((row) => row.scenario.name === scenario && String(row.attempt.attempt) === (attempt ?? "0"));
  const at = chosen >= 0 ? chosen : Math.max(0, rows.findIndex((row) => row.attempt.verdict !== "pass"));
  const row = rows[at];
  const cell = chosen >= 0 && assertion !== undefined && assertion !== "" ? Number(assertion) : row ? firstOfInterest(row.attempt) : -1;
  const pick = (rowAt: number, cellAt: number) => {
    const next = rows[rowAt];
    if (next) changeQuery({ cell: `${next.scenario.name}~${cellAt < 0 ? "" : cellAt}~${next.attempt.attempt}` }, "replace");
  };
  return (
    <div className="page">
      <RunFacts run={run} show={show} />
      {run.errors.map((error) => <Banner key={error} kind="error"><span>{error}</span></Banner>)}
      {rows.length === 0 ? (
        <Empty title={run.summary.running ? "No scenario has ended yet" : "Nothing to show"}>{show === "failing" && <p>Every scenario passed.</p>}</Empty>
      ) : (
        <div className="run-panes">
          <RunMatrix rows={rows} at={at} cell={cell} onPick={pick} />
          {row && <AttemptPanel key={`${row.scenario.name} ${row.attempt.attempt}`} row={row} cell={cell} />}
        </div>
      )}
    </div>
  );
}

/** The command that runs again what did not pass. */
function commandFor(run: EvalRun): string {
  const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const filters = run.scenarios.filter(({ verdict }) => verdict !== "pass").map(({ name }) => ` --filter ${quoted(name)}`);
  const origin = serverOrigin();
  return `headwater eval headwater.yaml${origin ? ` --server ${origin}` : ""}${filters.join("")}`;
}

/** The run of the same suite before this one. */
function useRunBefore({ suite, run }: EvalRun["summary"]): string | undefined {
  const runs = useResource(`before ${suite} ${run}`, (signal) => (isEmbedded ? Promise.resolve(undefined) : api.runs({ suite }, signal))).data?.runs ?? [];
  const at = runs.findIndex((other) => other.run === run);
  return at < 0 ? undefined : runs.slice(at + 1).find((other) => other.suite === suite && !other.running)?.run;
}

function RunFacts({ run, show }: { run: EvalRun; show: "all" | "failing" }) {
  const { summary } = run;
  const command = commandFor(run);
  const report = api.reportUrl(summary.run);
  const before = useRunBefore(summary);
  return (
    <header className="bar run-facts">
      <h1><Link to="evals">{summary.suite}</Link> <span className="muted">{summary.run}</span></h1>
      <RunVerdict verdict={summary.verdict} />
      <Counts counts={summary.counts} />
      <span className="muted" title={formatFullTime(BigInt(summary.started))}>{formatAgo(BigInt(summary.started), new Date())} · took {formatDuration(summary.duration)}{summary.exitCode !== null && ` · exit ${summary.exitCode}`}{summary.commit && <> · <code>{summary.commit.slice(0, 8)}</code> {summary.branch}</>}</span>
      <span className="bar-end">
        <span className="segmented" role="group" aria-label="Scenarios shown">
          <button type="button" className="button" aria-pressed={show === "all"} onClick={() => changeQuery({ show: showCodec.write("all") }, "push")}>All</button>
          <button type="button" className="button" aria-pressed={show === "failing"} onClick={() => changeQuery({ show: showCodec.write("failing") }, "push")}>Not passed</button>
        </span>
        {before && <Link to={compareLink(`run:${before}`, `run:${summary.run}`)} className="button quiet" title={`Hold its traces against those of the run before, ${before}`}><Icon name="compare" />Compare</Link>}
        {!isEmbedded && <Link to={findingsLink(`run:${summary.run}`)} className="button quiet"><Icon name="bulb" />Findings</Link>}
        {report && <a className="button quiet" href={report} download={`${summary.run}.html`} title="Download as one HTML file with the traces inside"><Icon name="external" />Report</a>}
        <span className="copyable muted">Command<Copy text={command} label={`Copy the command: ${command}`} /></span>
      </span>
    </header>
  );
}

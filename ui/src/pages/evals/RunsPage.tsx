// Runs of evaluations, newest first; those that run now change in place.

import { useEffect, useState } from "react";
import { api } from "../../api/client.ts";
import { toError } from "../../api/error.ts";
import type { RunList, RunSummary } from "../../api/types.ts";
import { formatAgo, formatDuration, formatFullTime } from "../../engine/time.ts";
import { onLive } from "../../state/live.ts";
import { useResource } from "../../state/resource.ts";
import { runLink } from "../../state/routes.ts";
import { go } from "../../state/url.ts";
import { Code } from "../../ui/Code.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { Link } from "../../ui/Link.tsx";
import { Empty, Loaded } from "../../ui/States.tsx";
import { useTitle } from "../../ui/title.ts";
import { say } from "../../ui/Toast.tsx";
import { Counts, totalOf } from "./counts.tsx";
import { RunVerdict } from "./RunVerdict.tsx";

export function RunsPage() {
  useTitle("Evaluations");
  const runs = useResource("runs", (signal) => api.runs({}, signal));
  const { reload } = runs;
  useEffect(() => onLive("gap", reload), [reload]);
  return (
    <div className="page">
      <div className="bar"><h1>Evaluations</h1><StartSuites /></div>
      <Loaded resource={runs}>{(list) => <Runs key={runs.version} list={list} />}</Loaded>
    </div>
  );
}

/** Suites may be started from here only if they were named on the server's command line. */
function StartSuites() {
  const info = useResource("info", api.info).data;
  const start = async (suite: string) => {
    try {
      const { run } = await api.startRun({ suite, scenarios: [] });
      go(runLink(suite, run));
    } catch (error) {
      say(toError(error).message);
    }
  };
  return <span className="bar-end">{info?.suites.map((suite) => <button key={suite} type="button" className="button" onClick={() => start(suite)}><Icon name="play" />Run {suite}</button>)}</span>;
}

function Runs({ list }: { list: RunList }) {
  const [runs, setRuns] = useState(list.runs);
  const [cursor, setCursor] = useState(list.nextCursor);
  useEffect(() => onLive("evals", (changed) => setRuns((before) => merge(before, changed.runs))), []);
  const more = async () => {
    try {
      const next = await api.runs({ cursor: cursor ?? "" });
      setRuns((before) => [...before, ...next.runs]);
      setCursor(next.nextCursor);
    } catch (error) {
      say(toError(error).message);
    }
  };
  if (runs.length === 0) {
    return (
      <Empty title="No evaluation was run yet">
        <p>A suite drives a live system and judges its answers and its traces.</p>
        <Code card text={`headwater init my-suite
headwater eval my-suite/headwater.yaml --server http://${location.host}`} label="Copy these lines" />
      </Empty>
    );
  }
  const now = new Date();
  return (
    <div className="page-scroll">
      <table className="grid-table runs">
        <thead><tr><th scope="col">Verdict</th><th scope="col">Suite and run</th><th scope="col">Scenarios</th><th scope="col">Started</th><th scope="col" className="num">Took</th><th scope="col" className="wide-only">Commit</th></tr></thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.run}>
              <td><RunVerdict verdict={run.verdict} /></td>
              <td><Link to={runLink(run.suite, run.run)} className="run-name">{run.suite}</Link> <span className="muted">{run.run}</span></td>
              <td>{totalOf(run.counts) > 0 ? <Counts counts={run.counts} /> : <span className="muted">none yet</span>}</td>
              <td className="nowrap" title={formatFullTime(BigInt(run.started))}>{formatAgo(BigInt(run.started), now)}</td>
              <td className="num">{formatDuration(run.duration)}</td>
              <td className="wide-only">{run.commit ? <><code>{run.commit.slice(0, 8)}</code> <span className="muted">{run.branch}</span></> : <span className="muted">–</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <div className="list-end">{cursor && <button type="button" className="button" onClick={more}>Older runs</button>}</div>
    </div>
  );
}

/** Known runs change in place, new ones come first. */
function merge(before: RunSummary[], changed: RunSummary[]): RunSummary[] {
  const byId = new Map(changed.map((run) => [run.run, run]));
  const known = before.map((run) => {
    const now = byId.get(run.run) ?? run;
    byId.delete(run.run);
    return now;
  });
  return [...[...byId.values()].toReversed(), ...known];
}

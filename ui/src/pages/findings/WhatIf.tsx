// What if: changes that somebody thinks of, and how long requests would take with all of them.

import { useState } from "react";
import { api } from "../../api/client.ts";
import { toError } from "../../api/error.ts";
import type { Change, ChangeKind, WhatIfAnswer } from "../../api/types.ts";
import { formatCount, formatDuration } from "../../engine/time.ts";
import { shortTraceId, traceLink } from "../../state/routes.ts";
import { readSelection, whole } from "../../state/selection.ts";
import { Icon } from "../../ui/Icon.tsx";
import { Link } from "../../ui/Link.tsx";
import { useAsked } from "./SelectionPage.tsx";
import { SpreadRow } from "./SpreadRow.tsx";

interface Draft {
  kind: ChangeKind;
  operations: string;
  factor: string;
}

const kinds: Record<ChangeKind, string> = { parallel: "run side by side", cache: "answer from a cache", "speed-up": "make faster", "drop-retries": "drop retries of" };
const first: Draft = { kind: "speed-up", operations: "", factor: "2" };

function changeOf({ kind, operations, factor }: Draft): Change {
  const names = operations.split(",").map((name) => name.trim()).filter(Boolean);
  const amount = Number(factor.replace(",", "."));
  return { kind, operations: names, factor: kind === "speed-up" ? amount : kind === "cache" ? amount / 100 : null };
}

/** What keeps a draft from being asked; empty when nothing does. */
function mistakeIn({ kind, operations, factor }: Draft): string {
  const names = operations.split(",").filter((name) => name.trim()).length;
  const amount = Number(factor.replace(",", "."));
  if (kind === "speed-up" && !(amount > 0)) return "how many times as fast?";
  if (kind === "cache" && !(amount > 0 && amount <= 100)) return "how many of a hundred calls hit?";
  if (kind === "parallel" && names < 2) return "name two operations or more, with a comma between";
  return kind !== "drop-retries" && names < 1 ? "name an operation" : "";
}

export function WhatIf() {
  const { text, range } = useAsked();
  /** An answer is about the selection that was shown when it was asked for, not about the next one. */
  const selected = JSON.stringify([text, range]);
  const [drafts, setDrafts] = useState<Draft[]>([first]);
  const [answer, setAnswer] = useState<{ selected: string; data: WhatIfAnswer } | undefined>(undefined);
  const [failure, setFailure] = useState("");
  const [busy, setBusy] = useState(false);
  const change = (at: number, part: Partial<Draft>) => setDrafts(drafts.map((draft, index) => (index === at ? { ...draft, ...part } : draft)));
  const ask = async () => {
    const mistake = drafts.map(mistakeIn).find(Boolean);
    setFailure(mistake ?? "");
    if (mistake) return;
    setBusy(true);
    try {
      setAnswer({ selected, data: await api.whatIf({ selection: whole(readSelection(text, range, new Date())), changes: drafts.map(changeOf) }) });
    } catch (error) {
      setFailure(toError(error).message);
    }
    setBusy(false);
  };
  return (
    <section className="finding what-if" aria-labelledby="what-if">
      <h2 id="what-if">What if …</h2>
      <form onSubmit={(event) => { event.preventDefault(); void ask(); }}>
        {drafts.map((draft, at) => (
          <div key={at} className="what-if-change">
            <select className="input" aria-label={`Change ${at + 1}`} value={draft.kind} onChange={(event) => { const kind = event.currentTarget.value as ChangeKind; change(at, { kind, factor: kind === "cache" ? "100" : "2" }); }}>
              {(Object.keys(kinds) as ChangeKind[]).map((kind) => <option key={kind} value={kind}>{kinds[kind]}</option>)}
            </select>
            <input className="input grow mono-input" aria-label={`Operations of change ${at + 1}`} placeholder={draft.kind === "drop-retries" ? "all operations, or some" : "operation, or service:operation; several with commas"} value={draft.operations} onInput={(event) => change(at, { operations: event.currentTarget.value })} />
            {draft.kind === "speed-up" && <label className="what-if-factor"><input className="input" inputMode="decimal" aria-label={`How many times as fast, change ${at + 1}`} value={draft.factor} onInput={(event) => change(at, { factor: event.currentTarget.value })} /> times</label>}
            {draft.kind === "cache" && <label className="what-if-factor"><input className="input" inputMode="decimal" aria-label={`How many of a hundred calls hit, change ${at + 1}`} value={draft.factor} onInput={(event) => change(at, { factor: event.currentTarget.value })} /> % hit</label>}
            {drafts.length > 1 && <button type="button" className="button quiet icon" aria-label={`Remove change ${at + 1}`} onClick={() => setDrafts(drafts.filter((_, index) => index !== at))}><Icon name="close" /></button>}
          </div>
        ))}
        <p className="actions">
          <button type="submit" className="button primary" disabled={busy}>{busy ? "Computing…" : "Compute"}</button>
          <button type="button" className="button" onClick={() => setDrafts([...drafts, first])}>Another change</button>
          {failure && <span className="error-text" role="alert"><Icon name="error" /> {failure}</span>}
        </p>
      </form>
      {answer?.selected === selected && <Answer of={answer.data} />}
    </section>
  );
}

function Answer({ of: { before, after, saving, changedCount, changes, examples, remarks, lookedAt, completeness } }: { of: WhatIfAnswer }) {
  return (
    <div role="status">
      <table className="grid-table spreads">
        <caption className="vh">How long requests take</caption>
        <thead><tr><th scope="col">Requests</th><th scope="col" className="num">Count</th><th scope="col" className="num">p50</th><th scope="col" className="num">p95</th><th scope="col" className="num">p99</th></tr></thead>
        <tbody>
          <SpreadRow label="Now" of={before} /><SpreadRow label="With all changes" of={after} against={before} /><SpreadRow label="Sooner, where it changes" of={saving} />
          {changes.map((change) => <SpreadRow key={change.text} label={`alone: ${change.text} (${formatCount(change.spanCount)} spans)`} of={change.saving} />)}
        </tbody>
      </table>
      <p>{formatCount(changedCount)} of {formatCount(lookedAt.traceCount)} traces would change{examples.length > 0 && <>, such as {examples.slice(0, 5).map((example) => <span key={example.traceId}><Link to={traceLink(example.traceId)}>{shortTraceId(example.traceId)}</Link> <span className="muted">{formatDuration(example.before)} → {formatDuration(example.after)}</span>{" "}</span>)}</>}</p>
      {[...remarks, ...completeness.reasons].map((remark) => <p key={remark} className="muted small">{remark}</p>)}
    </div>
  );
}

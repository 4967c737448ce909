// Remarks on broken data, in one line; each leads to where it was seen.

import { useState } from "react";
import { formatCount } from "../../engine/time.ts";
import type { TraceView } from "../../state/trace-view.ts";
import { Banner } from "../../ui/States.tsx";

export function OddityBanner({ view }: { view: TraceView }) {
  const { oddities, rootMissing } = view.outline.header;
  const [turn, setTurn] = useState<Record<string, number>>({});
  const broken = oddities.filter((oddity) => oddity.broken);
  if (broken.length === 0 && !rootMissing) return null;
  const goNext = (kind: string, rows: number[]) => {
    const at = turn[kind] ?? 0;
    view.select(rows[at % rows.length]!);
    setTurn({ ...turn, [kind]: at + 1 });
  };
  return (
    <Banner kind="warn">
      <strong>This trace is not whole:</strong>
      {rootMissing && <span>no root span was received</span>}
      {broken.map(({ kind, text, count, rows }) => (
        <button key={kind} type="button" className="button quiet tight" disabled={rows.length === 0} title={rows.length > 0 ? "Go to the next such span" : undefined} onClick={() => goNext(kind, rows)}>
          {formatCount(count)} {count === 1 ? "span" : "spans"}: {text}
        </button>
      ))}
    </Banner>
  );
}

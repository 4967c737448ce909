// What hovers beside the pointer over a bar.

import { useLayoutEffect, useRef } from "react";
import { Flag, nameOf, serviceOf } from "../../engine/outline.ts";
import { formatDuration } from "../../engine/time.ts";
import type { TraceView } from "../../state/trace-view.ts";
import { Monogram } from "../../ui/Service.tsx";

export function RowTip({ view, row, x, y }: { view: TraceView; row: number; x: number; y: number }) {
  const tip = useRef<HTMLDivElement>(null);
  const { outline } = view;
  const flags = outline.flags[row]!;
  useLayoutEffect(() => {
    const box = tip.current!.getBoundingClientRect();
    tip.current!.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - box.width - 8))}px`;
    tip.current!.style.top = `${y + 18 + box.height > innerHeight ? y - box.height - 10 : y + 18}px`;
  });
  const total = view.all.to - view.all.from;
  return (
    <div className="row-tip" ref={tip} role="presentation">
      <div className="copyable"><Monogram look={serviceOf(outline, row)} /><strong className="clip">{nameOf(outline, row)}</strong></div>
      <dl>
        <dt>Duration</dt><dd>{flags & Flag.unfinished ? "no end" : `${formatDuration(outline.dur[row]!)} · ${((100 * outline.dur[row]!) / total).toFixed(1)} % of the trace`}</dd>
        <dt>Self</dt><dd>{formatDuration(outline.self[row]!)}</dd>
        <dt>Starts</dt><dd>{formatDuration(outline.start[row]!)}</dd>
      </dl>
      {(flags & Flag.error) !== 0 && <div className="error-text">error</div>}
      {(flags & Flag.critical) !== 0 && <div className="muted">on the critical path</div>}
    </div>
  );
}

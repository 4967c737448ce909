// The axis above the bars: round times; drag to zoom to a range.

import { useMemo, useRef, useState } from "react";
import { axisTicks, formatTick, type Nanos } from "../../engine/time.ts";
import { DRAG_PX_MIN, lengthOf, type Window } from "../../engine/viewport.ts";
import type { TraceView } from "../../state/trace-view.ts";

const TICK_PX_MIN = 90;
/** A label needs this much room before the edge. */
const LABEL_PX = 52;

export function ticksFor(window: Window, width: number): Nanos[] {
  return axisTicks(window.from, window.to, Math.max(2, Math.floor(width / TICK_PX_MIN)));
}

export function Axis({ view, window, width }: { view: TraceView; window: Window; width: number }) {
  const holder = useRef<HTMLDivElement>(null);
  const start = useRef<number | undefined>(undefined);
  const [range, setRange] = useState<{ left: number; right: number } | undefined>(undefined);
  const ticks = useMemo(() => ticksFor(window, width), [window, width]);
  const step = ticks.length > 1 ? ticks[1]! - ticks[0]! : lengthOf(window);
  const x = (event: PointerEvent) => Math.min(Math.max(event.clientX - holder.current!.getBoundingClientRect().left, 0), width);
  const time = (at: number) => window.from + (at / width) * lengthOf(window);
  return (
    <div
      ref={holder} className="axis" aria-hidden="true"
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = x(event);
      }}
      onPointerMove={(event) => start.current !== undefined && setRange({ left: Math.min(start.current, x(event)), right: Math.max(start.current, x(event)) })}
      onPointerUp={() => {
        if (range && range.right - range.left >= DRAG_PX_MIN) view.goTo({ from: time(range.left), to: time(range.right) });
        start.current = undefined;
        setRange(undefined);
      }}
      onPointerCancel={() => { start.current = undefined; setRange(undefined); }}
    >
      {ticks.map((tick) => {
        const left = ((tick - window.from) / lengthOf(window)) * width;
        return left < width - LABEL_PX && <span key={tick} style={{ left }}>{formatTick(tick, step)}</span>;
      })}
      {range && <i style={{ left: range.left, width: range.right - range.left }} />}
    </div>
  );
}

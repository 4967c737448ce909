// The flame graph: all spans on lanes by time, on one canvas; only lanes in view are drawn.

import { useLayoutEffect, useMemo, useRef, useState, type RefObject } from "react";
import { fitCanvas } from "../../engine/canvas.ts";
import { drawFlame, flameRowAt, packFlame } from "../../engine/flame.ts";
import { nameOf, serviceOf } from "../../engine/outline.ts";
import { formatCount } from "../../engine/time.ts";
import { theme } from "../../state/preferences.ts";
import { useValue } from "../../state/signals.ts";
import type { TraceView } from "../../state/trace-view.ts";
import { usePixelRatio, useSize } from "../../ui/use-size.ts";
import { Axis } from "./Axis.tsx";
import { describeRow } from "./describe-row.ts";
import { RowTip } from "./RowTip.tsx";
import { useWheel } from "./use-wheel.ts";

const LANE_PX = 20;
const MARGIN_PX = 10;

export function FlameGraph({ view, element }: { view: TraceView; element: RefObject<HTMLDivElement | null> }) {
  const window = useValue(view.window);
  const selected = useValue(view.selected);
  const hovered = useValue(view.hovered);
  const showCritical = useValue(view.showCritical);
  const findText = useValue(view.findText);
  const matches = useValue(view.matchSet);
  const stressed = useValue(view.stressed);
  const shown = useValue(theme);
  const ratio = usePixelRatio();
  const size = useSize(element);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [scrollTop, setScrollTop] = useState(0);
  const [tip, setTip] = useState<{ row: number; x: number; y: number } | undefined>(undefined);
  const flame = useMemo(() => packFlame(view.outline), [view]);

  const width = Math.max(size.width - MARGIN_PX, 10);
  const firstLane = Math.floor(scrollTop / LANE_PX);
  const laneCount = Math.min(Math.ceil(size.height / LANE_PX) + 1, flame.lanes - firstLane);
  const apart = findText.trim() === "" ? stressed : matches;
  useLayoutEffect(() => {
    const context = canvas.current && size.width > 0 ? fitCanvas(canvas.current, width, Math.max(1, laneCount * LANE_PX), ratio) : null;
    if (context) drawFlame(context, { outline: view.outline, flame, width, laneHeight: LANE_PX, firstLane, laneCount, window, theme: shown, selected, hovered, segments: showCritical ? view.segments : undefined, ...(apart ? { matches: apart } : {}) });
  });
  useLayoutEffect(() => {
    const scroll = element.current;
    if (!scroll || selected < 0) return;
    const top = flame.lane[selected]! * LANE_PX;
    if (top < scroll.scrollTop) scroll.scrollTop = Math.max(0, top - LANE_PX);
    else if (top + LANE_PX > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = top + 2 * LANE_PX - scroll.clientHeight;
  }, [selected, flame, element]);
  useWheel(view, element, 0, width);

  const rowAt = (event: MouseEvent) => {
    const box = element.current!.getBoundingClientRect();
    return flameRowAt({ outline: view.outline, flame, window, width }, Math.floor((event.clientY - box.top + element.current!.scrollTop) / LANE_PX), event.clientX - box.left);
  };
  return (
    <div className="waterfall">
      <div className="waterfall-head"><Axis view={view} window={window} width={width} /></div>
      {/* Arrows move the selection as in the waterfall; the selected span is told below. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <div
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        ref={element} className="rows" role="application" tabIndex={0} aria-label={`Flame graph of ${formatCount(view.outline.n)} spans on ${formatCount(flame.lanes)} lanes; arrows move between spans`}
        onScroll={(event) => { setScrollTop(event.currentTarget.scrollTop); setTip(undefined); }}
        onPointerMove={(event) => {
          const row = rowAt(event);
          view.hovered.value = row;
          setTip(row >= 0 && event.buttons === 0 ? { row, x: event.clientX, y: event.clientY } : undefined);
        }}
        onPointerLeave={() => { view.hovered.value = -1; setTip(undefined); }}
        onClick={(event) => { const row = rowAt(event); if (row >= 0) view.inspect(row); }}
        onDblClick={(event) => { const row = rowAt(event); if (row >= 0) view.zoomToSpan(row); }}
        onKeyDown={() => undefined}
      >
        <div className="rows-space" role="presentation" style={{ height: flame.lanes * LANE_PX }}>
          <canvas ref={canvas} className="bars" aria-hidden="true" style={{ transform: `translateY(${firstLane * LANE_PX}px)` }} />
        </div>
      </div>
      {tip && <RowTip view={view} row={tip.row} x={tip.x} y={tip.y} />}
      <p className="vh" role="status">{selected >= 0 ? `${serviceOf(view.outline, selected).name} ${nameOf(view.outline, selected)}, ${describeRow(view, selected)}` : ""}</p>
    </div>
  );
}

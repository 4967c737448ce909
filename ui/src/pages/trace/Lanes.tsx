// One lane per service over the whole trace, with errors and the critical path; drag to zoom, arrows move the window.

import { useEffect, useMemo, useRef, useState } from "react";
import { fitCanvas } from "../../engine/canvas.ts";
import { drawLanes, LANE_HEIGHT, lanesHeight } from "../../engine/draw-lanes.ts";
import { laneUse } from "../../engine/lanes.ts";
import { formatDuration } from "../../engine/time.ts";
import { DRAG_PX_MIN, isWhole, type Window } from "../../engine/viewport.ts";
import { namesWithin, nameWidth, theme } from "../../state/preferences.ts";
import { useValue } from "../../state/signals.ts";
import type { TraceView } from "../../state/trace-view.ts";
import { slotClass } from "../../ui/Service.tsx";
import { usePixelRatio, useSize } from "../../ui/use-size.ts";

/** Lanes are counted in buckets of this many pixels. */
const BUCKET_PX = 2;

export function Lanes({ view }: { view: TraceView }) {
  const holder = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const whole = useRef<HTMLDivElement>(null);
  const { width } = useSize(holder);
  const all = useSize(whole);
  const ratio = usePixelRatio();
  const window = useValue(view.window);
  const shown = useValue(theme);
  const names = useValue(nameWidth);
  const [brush, setBrush] = useState<Window | undefined>(undefined);
  const drag = useRef<{ x: number; at: number } | undefined>(undefined);
  const lanes = useMemo(() => laneUse(view.outline, Math.max(1, Math.floor(width / BUCKET_PX))), [view, width]);

  useEffect(() => {
    const context = canvas.current && width > 0 ? fitCanvas(canvas.current, width, lanesHeight(lanes), ratio) : null;
    if (context) drawLanes(context, { outline: view.outline, lanes, width, theme: shown });
  }, [view, lanes, width, shown, ratio]);

  const percentOf = (time: number) => `${(100 * (time - view.all.from)) / (view.all.to - view.all.from)}%`;
  const timeAt = (event: PointerEvent) => {
    const box = holder.current!.getBoundingClientRect();
    const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    return view.all.from + share * (view.all.to - view.all.from);
  };
  const finish = (event: PointerEvent) => {
    const begun = drag.current;
    drag.current = undefined;
    setBrush(undefined);
    if (!begun) return;
    const at = timeAt(event);
    if (Math.abs(event.clientX - begun.x) >= DRAG_PX_MIN) view.goTo({ from: Math.min(begun.at, at), to: Math.max(begun.at, at) });
    else {
      // A click: the window is centred there.
      const half = (window.to - window.from) / 2;
      view.pan((at - half - window.from) / (window.to - window.from));
    }
  };
  return (
    <div className="lanes" ref={whole}>
      <ul className="lane-names" aria-label="Services of the lanes" style={{ width: namesWithin(all.width, names) }}>
        {lanes.lanes.map((lane) => (
          <li key={lane.label} style={{ height: LANE_HEIGHT }}><span className={`lane-dot ${lane.slot < 0 ? "" : slotClass(lane.slot)}`} /><span className="clip">{lane.label}</span></li>
        ))}
      </ul>
      <div
        ref={holder} className="lanes-canvas" role="slider" tabIndex={0} aria-label="Window of time over the whole trace" aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round((100 * (window.from - view.all.from)) / (view.all.to - view.all.from))}
        aria-valuetext={`${formatDuration(window.from)} to ${formatDuration(window.to)} of ${formatDuration(view.all.to)}`}
        onKeyDown={(event) => {
          const act = { ArrowLeft: () => view.panStep(false), ArrowRight: () => view.panStep(true), ArrowUp: () => view.zoom(true), ArrowDown: () => view.zoom(false), Home: () => view.fit() }[event.key];
          if (!act) return;
          event.preventDefault();
          act();
        }}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          drag.current = { x: event.clientX, at: timeAt(event) };
        }}
        onPointerMove={(event) => {
          const begun = drag.current;
          if (!begun || Math.abs(event.clientX - begun.x) < DRAG_PX_MIN) return;
          const at = timeAt(event);
          setBrush({ from: Math.min(begun.at, at), to: Math.max(begun.at, at) });
        }}
        onPointerUp={finish} onPointerCancel={() => { drag.current = undefined; setBrush(undefined); }}
      >
        <canvas ref={canvas} aria-hidden="true" />
        {!isWhole(window, view.all) && <><i className="lane-shade" style={{ left: 0, width: percentOf(window.from) }} /><i className="lane-shade after" style={{ left: percentOf(window.to), right: 0 }} /></>}
        {brush && <i className="lane-brush" style={{ left: percentOf(brush.from), width: `${(100 * (brush.to - brush.from)) / (view.all.to - view.all.from)}%` }} />}
      </div>
    </div>
  );
}

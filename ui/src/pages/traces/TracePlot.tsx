// Traces as points, when against how long: a click opens one, a dragged rectangle selects some.

import { useEffect, useMemo, useRef, useState } from "react";
import { clockTicks, tickLabel } from "../../engine/chart.ts";
import { fitCanvas } from "../../engine/canvas.ts";
import { areaBetween, frameOf, isInside, pointAt, xOf, yOf, type PlotArea, type PlotFrame, type PlotPoint } from "../../engine/plot.ts";
import { formatCount, formatDuration } from "../../engine/time.ts";
import { colour, type Theme } from "../../engine/tokens.ts";
import { DRAG_PX_MIN } from "../../engine/viewport.ts";
import { theme } from "../../state/preferences.ts";
import { traceLink } from "../../state/routes.ts";
import { useValue } from "../../state/signals.ts";
import { go } from "../../state/url.ts";
import { usePixelRatio, useSize } from "../../ui/use-size.ts";

const REACH_PX = 8;
const TICK_PX = 120;
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
/** Where the picture lies in its frame, as charts.css has it. */
const AT = { left: 64, top: 4 };

export function TracePlot({ points, area, onArea }: { points: readonly PlotPoint[]; area: PlotArea | undefined; onArea: (area: PlotArea | undefined) => void }) {
  const holder = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height } = useSize(holder);
  const ratio = usePixelRatio();
  const shown = useValue(theme);
  const frame = useMemo(() => frameOf(points), [points]);
  const [drag, setDrag] = useState<{ a: { x: number; y: number }; b: { x: number; y: number } } | undefined>(undefined);
  const [near, setNear] = useState<PlotPoint | undefined>(undefined);
  useEffect(() => {
    const context = canvas.current && width > 0 ? fitCanvas(canvas.current, width, height, ratio) : null;
    if (context) draw(context, points, frame, area, { width, height, theme: shown });
  }, [points, frame, area, width, height, ratio, shown]);

  const at = (event: PointerEvent) => {
    const box = holder.current!.getBoundingClientRect();
    return { x: Math.min(Math.max(event.clientX - box.left, 0), width), y: Math.min(Math.max(event.clientY - box.top, 0), height) };
  };
  const finish = (event: PointerEvent) => {
    const end = at(event);
    if (drag && Math.hypot(end.x - drag.a.x, end.y - drag.a.y) >= DRAG_PX_MIN) onArea(areaBetween(frame, drag.a, end, width, height));
    else if (near) go(traceLink(near.id));
    else onArea(undefined);
    setDrag(undefined);
  };
  const label = tickLabel(frame.fromMs, frame.toMs);
  const box = drag ?? (area && { a: { x: xOf(frame, area.fromMs, width), y: yOf(frame, area.most, height) }, b: { x: xOf(frame, area.toMs, width), y: yOf(frame, area.least, height) } });
  const failed = points.filter((point) => point.failed).length;
  return (
    <div className="plot" role="img" aria-label={`${formatCount(points.length)} traces by time and duration, from ${formatDuration(frame.least)} to ${formatDuration(frame.most)}; ${failed} with an error. The list below has the same; traceDuration in the filter narrows it.`}>
      <svg className="plot-axis" width={width + AT.left + 12} height={height + 24} aria-hidden="true">
        {powers(frame).map((power) => <g key={power}><line className="chart-grid" x1={AT.left} x2={AT.left + width} y1={yOf(frame, power, height)} y2={yOf(frame, power, height)} /><text x={AT.left - 8} y={Math.min(Math.max(yOf(frame, power, height) + 4, 9), height)} textAnchor="end">{power >= 1e9 ? `${power / 1e9} s` : formatDuration(power)}</text></g>)}
        {clockTicks(frame.fromMs, frame.toMs, Math.max(2, Math.floor(width / TICK_PX))).map((tick) => <text key={tick} x={AT.left + xOf(frame, tick, width)} y={height + 16} textAnchor="middle">{label.format(tick)}</text>)}
      </svg>
      <div
        ref={holder} className="plot-canvas" title={near ? `${formatDuration(near.duration)} at ${clock.format(near.ms)}: click to open, drag to select` : undefined}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          setDrag({ a: at(event), b: at(event) });
        }}
        onPointerMove={(event) => (drag ? setDrag({ a: drag.a, b: at(event) }) : setNear(pointAt(points, frame, at(event), width, height, REACH_PX)))}
        onPointerUp={finish} onPointerCancel={() => setDrag(undefined)} onPointerLeave={() => !drag && setNear(undefined)}
      >
        <canvas ref={canvas} aria-hidden="true" />
        {box && <i className="plot-brush" style={{ left: Math.min(box.a.x, box.b.x), top: Math.min(box.a.y, box.b.y), width: Math.abs(box.a.x - box.b.x), height: Math.abs(box.a.y - box.b.y) }} />}
      </div>
    </div>
  );
}

/** Powers of ten, thinned so that they have room. */
function powers({ least, most }: PlotFrame): number[] {
  const all: number[] = [];
  for (let power = least; power <= most * 1.001; power *= 10) all.push(power);
  const step = Math.ceil(all.length / 7);
  return all.filter((_, at) => at % step === 0);
}

/** Failed traces are triangles on top; what is not selected steps back. */
function draw(context: CanvasRenderingContext2D, points: readonly PlotPoint[], frame: PlotFrame, area: PlotArea | undefined, view: { width: number; height: number; theme: Theme }): void {
  for (const failed of [false, true]) {
    context.fillStyle = colour(failed ? "error" : "accent", view.theme);
    context.strokeStyle = colour("bg", view.theme);
    for (const point of points) {
      if (point.failed !== failed) continue;
      context.globalAlpha = area && !isInside(point, area) ? 0.2 : failed ? 1 : 0.55;
      const [x, y] = [xOf(frame, point.ms, view.width), yOf(frame, point.duration, view.height)];
      context.beginPath();
      if (failed) {
        context.moveTo(x, y - 5);
        context.lineTo(x + 4.5, y + 3.5);
        context.lineTo(x - 4.5, y + 3.5);
        context.closePath();
        context.stroke();
      } else context.arc(x, y, 3, 0, 2 * Math.PI);
      context.fill();
    }
  }
  context.globalAlpha = 1;
}

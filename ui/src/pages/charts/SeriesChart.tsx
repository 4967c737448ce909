// Lines over time as one SVG, with a crosshair that pointer and arrows move; the figures under it stand in the legend.

import { useMemo, useRef, useState } from "react";
import type { SeriesList, ServiceStyle } from "../../api/types.ts";
import { clockTicks, runs, tickLabel, valueScale } from "../../engine/chart.ts";
import { formatClock } from "../../engine/time.ts";
import { traceLink } from "../../state/routes.ts";
import { go } from "../../state/url.ts";
import { useSize } from "../../ui/use-size.ts";
import { lookOfSeries, nameOfSeries, writerFor } from "./labels.ts";

const HEIGHT = 320;
const PAD = { left: 64, right: 14, top: 10, bottom: 24 };
/** More lines than this tell nobody anything: the table has them all. */
const LINES_MAX = 40;
const TICK_PX = 110;

export function SeriesChart({ list, services }: { list: SeriesList; services: readonly ServiceStyle[] }) {
  const holder = useRef<HTMLDivElement>(null);
  const { width } = useSize(holder);
  const [at, setAt] = useState<number | undefined>(undefined);
  const [hidden, setHidden] = useState<ReadonlySet<number>>(new Set());
  const shown = useMemo(() => list.series.map((series, index) => ({ series, index, size: sizeOf(series.points) })).toSorted((a, b) => b.size - a.size).slice(0, LINES_MAX), [list]);
  const lines = shown.filter(({ index }) => !hidden.has(index));
  const steps = Math.max(0, ...list.series.map(({ points }) => points.length));
  const [startMs, endMs, stepMs] = [Number(BigInt(list.start) / 1_000_000n), Number(BigInt(list.end) / 1_000_000n), list.step / 1e6];
  const scale = valueScale(lines.flatMap(({ series }) => series.points.filter((point) => point !== null)));
  const write = writerFor(list.query);
  const [innerWidth, innerHeight] = [Math.max(width - PAD.left - PAD.right, 10), HEIGHT - PAD.top - PAD.bottom];
  // A step's point stands in its middle: what lies in the first and the last half of a step is on the picture too.
  const x = (step: number) => PAD.left + ((step + 0.5) / Math.max(steps, 1)) * innerWidth;
  const xOfMs = (ms: number) => x((ms - startMs) / stepMs - 0.5);
  const y = (value: number) => PAD.top + innerHeight - ((value - scale.from) / (scale.to - scale.from)) * innerHeight;
  const timeOf = (step: number) => BigInt(list.start) + BigInt(Math.round(step)) * BigInt(list.step);
  const label = tickLabel(startMs, endMs);
  const move = (to: number) => setAt(Math.min(Math.max(to, 0), steps - 1));
  return (
    <div className="chart">
      <div
        ref={holder} className="chart-picture" role="slider" tabIndex={0} aria-label={`Chart of ${list.series.length} series over time; arrows move through it`} aria-valuemin={0} aria-valuemax={Math.max(steps - 1, 0)} aria-valuenow={at ?? 0}
        aria-valuetext={at === undefined ? "nowhere" : `${formatClock(timeOf(at), new Date())}: ${lines.map(({ series }) => `${nameOfSeries(series)} ${figure(series.points[at] ?? null, write)}`).join(", ")}`}
        onPointerMove={(event) => move(Math.floor(((event.clientX - holder.current!.getBoundingClientRect().left - PAD.left) / innerWidth) * steps))} onPointerLeave={() => setAt(undefined)}
        onKeyDown={(event) => {
          const step = { ArrowLeft: (at ?? steps) - 1, ArrowRight: (at ?? -1) + 1, Home: 0, End: steps - 1 }[event.key];
          if (step === undefined) return;
          event.preventDefault();
          move(step);
        }}
      >
        {width > 0 && (
          <svg width={width} height={HEIGHT} aria-hidden="true">
            {scale.ticks.map((tick) => <g key={tick}><line className="chart-grid" x1={PAD.left} x2={width - PAD.right} y1={y(tick)} y2={y(tick)} /><text x={PAD.left - 8} y={y(tick) + 4} textAnchor="end">{write(tick)}</text></g>)}
            {clockTicks(startMs, endMs, Math.max(2, Math.floor(innerWidth / TICK_PX))).map((tick) => xOfMs(tick) >= PAD.left && xOfMs(tick) <= width - PAD.right && <g key={tick}><line className="chart-grid" x1={xOfMs(tick)} x2={xOfMs(tick)} y1={PAD.top} y2={HEIGHT - PAD.bottom} /><text x={xOfMs(tick)} y={HEIGHT - 7} textAnchor="middle">{label.format(tick)}</text></g>)}
            {lines.map(({ series, index }) => {
              const look = lookOfSeries(series, index, services);
              return (
                <g key={index} className={`s${look.slot}`}>
                  {runs(series.points).map((run) => run.values.length === 1
                    ? <circle key={run.at} className="chart-dot" cx={x(run.at)} cy={y(run.values[0]!)} r={2.5} />
                    : <polyline key={run.at} className="chart-line" strokeDasharray={look.dash} points={run.values.map((value, offset) => `${x(run.at + offset).toFixed(1)},${y(value).toFixed(1)}`).join(" ")} />)}
                  {series.exemplars.map(({ traceId, spanId, time, value }) => (
                    // The table has the same as links.
                    <circle key={spanId} className="chart-exemplar" cx={xOfMs(Number(BigInt(time) / 1_000_000n))} cy={y(Math.min(Math.max(value, scale.from), scale.to))} r={4} onClick={() => go(traceLink(traceId, spanId))}><title>{write(value)}: open the trace</title></circle>
                  ))}
                </g>
              );
            })}
            {at !== undefined && <line className="chart-cross" x1={x(at)} x2={x(at)} y1={PAD.top} y2={HEIGHT - PAD.bottom} />}
          </svg>
        )}
      </div>
      <p className="chart-time muted">{at === undefined ? `${shown.length === list.series.length ? "" : `the largest ${LINES_MAX} of ${list.series.length} series are drawn · `}newest figures` : formatClock(timeOf(at), new Date())}</p>
      <ul className="chart-legend" aria-label="Series">
        {shown.map(({ series, index }) => {
          const look = lookOfSeries(series, index, services);
          const value = at === undefined ? (series.points.findLast((point) => point !== null) ?? null) : (series.points[at] ?? null);
          return (
            <li key={index}>
              <button type="button" className="button quiet tight" aria-pressed={!hidden.has(index)} title={hidden.has(index) ? "Show this line" : "Hide this line"} onClick={() => setHidden(new Set(hidden.has(index) ? [...hidden].filter((one) => one !== index) : [...hidden, index]))}>
                <svg className={`s${look.slot}`} width="22" height="8" aria-hidden="true"><line className="chart-line" x1="0" x2="22" y1="4" y2="4" strokeDasharray={look.dash} /></svg>
                <span className="clip">{nameOfSeries(series)}</span> <strong>{figure(value, write)}</strong>
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function sizeOf(points: readonly (number | null)[]): number {
  return points.reduce<number>((sum, point) => sum + Math.abs(point ?? 0), 0);
}

function figure(value: number | null, write: (value: number) => string): string {
  return value === null ? "–" : write(value);
}

// Scales and figures of charts of series over time.

/** Round values from 0 (or below) to at least the largest. */
interface ValueScale {
  from: number;
  to: number;
  ticks: number[];
}

const TICKS_MOST = 5;

export function valueScale(values: Iterable<number>): ValueScale {
  let [least, most] = [0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  if (most === least) most = least + 1;
  const raw = (most - least) / TICKS_MOST;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = unit * ([1, 2, 5, 10].find((factor) => factor * unit >= raw) ?? 10);
  const from = Math.floor(least / step) * step;
  const ticks = [tidy(from)];
  while (ticks.at(-1)! < most) ticks.push(tidy(from + ticks.length * step));
  return { from, to: ticks.at(-1)!, ticks };
}

/** Without the dust of binary fractions. */
function tidy(value: number): number {
  return Number(value.toPrecision(12));
}

/** A number to three digits: `0.0123`, `1.5`, `12 300`, `4.2 M`. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${tidyDigits(value / 1e6)} M`;
  if (size >= 1000) return Math.round(value).toLocaleString("en").replaceAll(",", "\u202F");
  return tidyDigits(value);
}

function tidyDigits(value: number): string {
  return value === 0 ? "0" : String(Number(value.toPrecision(3)));
}

/** Points as runs without gaps: a null ends a run. */
export function runs(points: readonly (number | null)[]): { at: number; values: number[] }[] {
  const found: { at: number; values: number[] }[] = [];
  let open = false;
  for (const [at, value] of points.entries()) {
    if (value === null) open = false;
    else if (open) found.at(-1)!.values.push(value);
    else {
      found.push({ at, values: [value] });
      open = true;
    }
  }
  return found;
}

/** Instants in milliseconds at which an axis has a label, at round local times, about `most` of them. */
export function clockTicks(fromMs: number, toMs: number, most: number): number[] {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_592_000, 7_776_000, ...[1, 2, 5, 10, 20, 50, 100].map((years) => years * 31_556_952)].map((seconds) => seconds * 1000);
  const step = steps.find((one) => (toMs - fromMs) / one <= most) ?? steps.at(-1)!;
  const zone = new Date(fromMs).getTimezoneOffset() * 60_000;
  const ticks: number[] = [];
  for (let at = Math.ceil((fromMs - zone) / step) * step + zone; at <= toMs && ticks.length <= most + 1; at += step) ticks.push(at);
  return ticks;
}

const shortClock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dayClock = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const dayAlone = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const monthAlone = new Intl.DateTimeFormat("en-GB", { month: "short", year: "numeric" });

/** How ticks that lie so far apart are labelled. */
export function tickLabel(fromMs: number, toMs: number): Intl.DateTimeFormat {
  const days = (toMs - fromMs) / 86_400_000;
  if (days > 300) return monthAlone;
  return days > 8 ? dayAlone : days > 0.8 ? dayClock : shortClock;
}

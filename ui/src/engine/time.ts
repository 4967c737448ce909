// Time as types, and how it is written. Nothing here reads a clock.

/** Nanoseconds since a trace's `t0`, or a length in nanoseconds. Exact to 104 days. */
export type Nanos = number;
/** Nanoseconds since the Unix epoch. */
export type UnixTime = bigint;

const units: readonly (readonly [string, number])[] = [
  ["h", 3_600_000_000_000],
  ["min", 60_000_000_000],
  ["s", 1_000_000_000],
  ["ms", 1_000_000],
  ["µs", 1_000],
  ["ns", 1],
];

const grouped = new Intl.NumberFormat("en", { useGrouping: true, maximumFractionDigits: 0 });

/** A count with thousands separators: `1 204` with a thin no-break space. */
export function formatCount(count: number): string {
  return grouped.format(count).replaceAll(",", "\u202f");
}

function threeDigits(value: number): string {
  if (value >= 1000) return formatCount(Math.round(value));
  const text = value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** A duration to three digits with its unit: `1.42 s`, `250 ms`, `−3 µs`. */
export function formatDuration(nanos: Nanos): string {
  if (!Number.isFinite(nanos)) return "–";
  if (nanos < 0) return `−${formatDuration(-nanos)}`;
  if (nanos === 0) return "0 ns";
  // From the unit in which it is at least 1; half a step below counts, so that 999 999 ns is 1 ms.
  const [name, size] = units.find(([, unit]) => nanos >= unit * 0.9995) ?? units.at(-1)!;
  if (name === "h" || name === "min") {
    const lower = units[units.findIndex(([unit]) => unit === name) + 1]!;
    const rounded = Math.round(nanos / lower[1]) * lower[1];
    const whole = Math.floor(rounded / size);
    const rest = (rounded - whole * size) / lower[1];
    return rest > 0 ? `${whole} ${name} ${rest} ${lower[0]}` : `${whole} ${name}`;
  }
  return `${threeDigits(nanos / size)} ${name}`;
}

const number = String.raw`(\d+(?:\.\d+)?)`;
const unitWord = "(ns|us|µs|ms|s|min|m|h)";
const parts = new RegExp(String.raw`${number}\s*${unitWord}?`, "g");
// A unit must end each part but a lone number: two numbers in a row could be cut in exponentially many ways.
const whole = new RegExp(String.raw`^\s*[-−]?\s*(?:${number}|(?:${number}\s*${unitWord}\s*)+)\s*$`);

/** Reads `250ms`, `1.5 s`, `3µs`, `2m`, `1 min 20 s`; a bare number is milliseconds. Undefined when it is none of these. */
export function parseDuration(text: string): Nanos | undefined {
  const tidy = text.replaceAll(/[\u202f\u00a0]/g, "");
  if (tidy.length > 40 || !whole.test(tidy)) return undefined;
  let nanos = 0;
  for (const [, count, unit] of tidy.matchAll(parts)) {
    const name = { us: "µs", m: "min" }[unit ?? ""] ?? unit ?? "ms";
    nanos += Number(count) * units.find(([known]) => known === name)![1];
  }
  return Math.round(/^\s*[-−]/.test(tidy) ? -nanos : nanos);
}

/** Instants for an axis from `from` to `to`, at most `most` of them, at round steps. */
export function axisTicks(from: Nanos, to: Nanos, most: number): Nanos[] {
  const length = to - from;
  if (!(length > 0) || most < 1) return [];
  const raw = length / most;
  const unit = raw >= 60_000_000_000 ? 60_000_000_000 : 10 ** Math.floor(Math.log10(Math.max(raw, 1)));
  const factors = unit === 60_000_000_000 ? [1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440] : [1, 2, 5, 10];
  const step = unit * (factors.find((factor) => factor * unit >= raw) ?? Math.ceil(raw / unit));
  const ticks: Nanos[] = [];
  for (let index = Math.ceil(from / step); index * step <= to && ticks.length <= most + 1; index++) ticks.push(index * step);
  return ticks;
}

/** A tick's label: all ticks of one axis share the unit that `step` asks for. */
export function formatTick(tick: Nanos, step: Nanos): string {
  if (tick === 0) return "0";
  if (step >= 60_000_000_000) return `${tick < 0 ? "−" : ""}${Math.abs(tick) / 60_000_000_000} min`;
  const [name, size] = units.find(([unit, value]) => unit !== "h" && unit !== "min" && Math.abs(tick) >= value) ?? units.at(-1)!;
  const digits = Math.max(0, Math.min(6, Math.ceil(-Math.log10(step / size) - 1e-9)));
  const sign = tick < 0 ? "−" : "";
  return `${sign}${(Math.abs(tick) / size).toFixed(digits)} ${name}`;
}

const clockTime = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const dayAndYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
const full = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "long" });

function toDate(time: UnixTime): Date {
  return new Date(Number(time / 1_000_000n));
}

/** Whether the local day is `now`'s. */
export function isToday(time: UnixTime, now: Date): boolean {
  return toDate(time).toDateString() === now.toDateString();
}

/** Local time of day; with the day when it is not `now`'s, with the year (and no milliseconds) when that is another. */
export function formatClock(time: UnixTime, now: Date): string {
  const date = toDate(time);
  if (date.getFullYear() !== now.getFullYear()) return dayAndYear.format(date);
  const text = clockTime.format(date);
  return isToday(time, now) ? text : `${day.format(date)} ${text}`;
}

/** Local time with zone, then UTC, then nanoseconds since the epoch. */
export function formatFullTime(time: UnixTime): string {
  const date = toDate(time);
  if (Number.isNaN(date.getTime())) return `${time} ns since 1970`;
  return `${full.format(date)} · ${date.toISOString()} · ${time} ns`;
}

/** `12 s ago`, `3 min ago`, `2 d ago`. */
export function formatAgo(time: UnixTime, now: Date): string {
  const seconds = Math.round(now.getTime() / 1000 - Number(time / 1_000_000_000n));
  if (seconds < 0) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** Bytes with a binary unit: `312 MB` as people write it, 1 MB = 1 000 000. */
export function formatBytes(bytes: number): string {
  for (const [name, size] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]] as const) {
    if (bytes >= size) return `${threeDigits(bytes / size)} ${name}`;
  }
  return `${bytes} B`;
}

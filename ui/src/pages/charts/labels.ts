// Series in words, and how they look.

import type { Series, ServiceStyle } from "../../api/types.ts";
import { formatNumber } from "../../engine/chart.ts";
import { formatDuration } from "../../engine/time.ts";

/** `search`, `search · error`; a series without labels is all spans. */
export function nameOfSeries({ labels }: Series): string {
  return labels.map(({ name, value }) => (name === "p" ? `p${Number((100 * Number(value)).toFixed(3))}` : name === "__bucket" ? `≤ ${formatDuration(1e9 * Number(value))}` : value)).join(" · ") || "all";
}

/** The style class and the dash of a line: a service's own colour where the series is of one service. */
export function lookOfSeries(series: Series, at: number, services: readonly ServiceStyle[]): { slot: number; dash: string } {
  const service = series.labels.find(({ name }) => name === "resource.service.name")?.value;
  const slot = services.find(({ name }) => name === service)?.slot ?? at;
  // A line is told by its dash as well, where a colour comes again or one service has several lines.
  const turn = service === undefined ? Math.floor(at / 8) : Math.floor(slot / 8) + series.labels.length - 1;
  return { slot: slot % 8, dash: ["", "7 3", "2 3", "9 3 2 3"][turn % 4]! };
}

/** How a query's numbers are written: durations count seconds. */
export function writerFor(query: string): (value: number) => string {
  const of = /(?:_over_time|quantile_over_time)\(\s*([\w.:]+)/.exec(query)?.[1] ?? "";
  const isDuration = /(^|[.:])(duration|self|critical|timeSinceStart)$|traceDuration/i.test(of) && !/\/|\bcount_over_time|histogram_over_time/.test(query);
  if (isDuration) return (value) => formatDuration(1e9 * value);
  return /\brate\(\)/.test(query) && !query.includes("/ (") ? (value) => `${formatNumber(value)}/s` : formatNumber;
}

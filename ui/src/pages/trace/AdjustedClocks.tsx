// What was taken out of the times of a trace: the offsets of its hosts' clocks, with bounds.

import { api } from "../../api/client.ts";
import type { HostClock } from "../../api/types.ts";
import { formatCount, formatDuration } from "../../engine/time.ts";
import { useResource } from "../../state/resource.ts";
import { changeQuery } from "../../state/url.ts";
import { Banner, FailureBanner } from "../../ui/States.tsx";

export function AdjustedClocks({ traceId }: { traceId: string }) {
  const told = useResource(traceId, (signal) => api.clocks(traceId, signal));
  if (!told.data) return <FailureBanner resource={told} />;
  const { lookedAt, clocks: { hosts } } = told.data;
  const moved = hosts.filter(({ isMoved }) => isMoved);
  return (
    <Banner kind="info">
      <strong>{moved.length > 0 ? "Clocks are adjusted:" : "No clock is proven to be off:"}</strong>
      {moved.map((clock) => <span key={clock.host}>{offsetOf(clock)}</span>)}
      {hosts.length === 0 && <span>too few calls between named hosts were seen to compare any;</span>}
      <span className="muted">{hosts.length > moved.length && moved.length > 0 ? "the others are left as they are; " : ""}from {formatCount(lookedAt.traceCount)} traces around this one</span>
      <button type="button" className="button" onClick={() => changeQuery({ clocks: undefined }, "push")}>As received</button>
    </Banner>
  );
}

/** `node-2 was 1.30 ms ahead of node-1 (652 µs to 1.94 ms)` */
function offsetOf({ host, reference, offset, least, most, drift }: HostClock): string {
  const [near, far] = [Math.abs(least), Math.abs(most)].toSorted((a, b) => a - b);
  const bounds = least < 0 && most > 0 ? "not proven itself, moved with what it calls" : `${formatDuration(near!)} to ${formatDuration(far!)}`;
  const drifts = drift === null ? "" : `, ${drift < 0 ? "losing" : "gaining"} ${formatDuration(Math.abs(drift))} each second`;
  return `${host} was ${formatDuration(Math.abs(offset))} ${offset < 0 ? "behind" : "ahead of"} ${reference} (${bounds}${drifts})`;
}

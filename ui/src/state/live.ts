// What the live feed last said, for whoever shows it.

import { listen, type LiveEvents } from "../api/live.ts";
import type { Receiving, Status } from "../api/types.ts";
import { signal } from "./signals.ts";

export const connected = signal<boolean | undefined>(undefined);
export const status = signal<Status | undefined>(undefined);

/** Everything that was sent and not taken: whole requests, and single spans and log records of others. */
export function refusedOf({ requestsRejected, requestsThrottled, spansRejected, logsRejected }: Receiving): number {
  return requestsRejected + requestsThrottled + spansRejected + logsRejected;
}

type Handlers = { [K in keyof LiveEvents]: Set<(data: LiveEvents[K]) => void> };
const handlers: Handlers = { traces: new Set(), status: new Set(), evals: new Set(), gap: new Set() };

/** Calls `handler` with each event of `kind`, until the returned function is called. */
export function onLive<K extends keyof LiveEvents>(kind: K, handler: (data: LiveEvents[K]) => void): () => void {
  handlers[kind].add(handler);
  return () => handlers[kind].delete(handler);
}

export function followLive(): () => void {
  return listen({
    event(kind, data) {
      if (kind === "status") status.value = (data as LiveEvents["status"]).status;
      for (const handler of handlers[kind]) handler(data);
    },
    connected: (now) => (connected.value = now),
  });
}

// The server's live events: one connection for the whole page, closed while the tab is hidden.

import { apiUrl } from "./client.ts";
import type { LiveEvals, LiveGap, LiveStatus, LiveTraces } from "./types.ts";

export interface LiveEvents {
  traces: LiveTraces;
  status: LiveStatus;
  evals: LiveEvals;
  gap: LiveGap;
}

interface LiveListener {
  event<K extends keyof LiveEvents>(kind: K, data: LiveEvents[K]): void;
  connected(connected: boolean): void;
}

/** Listens until the returned function is called. The browser connects again by itself, from the last event on. */
export function listen(listener: LiveListener): () => void {
  let source: EventSource | undefined;
  let wasOpen = false;
  const open = () => {
    source = new EventSource(apiUrl("live"));
    source.onopen = () => listener.connected(true);
    source.onerror = () => listener.connected(false);
    for (const kind of ["traces", "status", "evals", "gap"] as const) {
      source.addEventListener(kind, (event) => {
        const data = parse<LiveEvents[typeof kind]>((event as MessageEvent<string>).data);
        if (data) listener.event(kind, data);
      });
    }
  };
  const follow = () => {
    if (document.hidden) {
      source?.close();
      source = undefined;
    } else if (!source || source.readyState === EventSource.CLOSED) {
      // A connection of its own knows nothing of the events before it.
      if (wasOpen) listener.event("gap", { reason: "not listening for a while" });
      open();
      wasOpen = true;
    }
  };
  document.addEventListener("visibilitychange", follow);
  const watch = setInterval(follow, 5000);
  follow();
  return () => {
    clearInterval(watch);
    document.removeEventListener("visibilitychange", follow);
    source?.close();
  };
}

/** Listens for traces that a query finds, beside the one connection for all else; until the returned function is called. */
export function listenForTraces(q: string, take: (traces: LiveTraces) => void, missed: () => void): () => void {
  const source = new EventSource(apiUrl("live", { q }));
  source.addEventListener("traces", (event) => {
    const data = parse<LiveTraces>((event as MessageEvent<string>).data);
    if (data) take(data);
  });
  source.addEventListener("gap", missed);
  return () => source.close();
}

function parse<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

// Starts our workers under Trusted Types: their scripts are the page's own files and nothing else.

import layoutUrl from "./layout.ts?worker&url";
import type { GraphAnswer, GraphRequest } from "./layout.ts";

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): { createScriptURL(url: string): string };
}

const policy = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy("headwater", {
  createScriptURL(url) {
    const script = new URL(url, document.baseURI);
    if (script.origin !== location.origin) throw new TypeError(`not a script of this page: ${url}`);
    return script.href;
  },
});

let worker: Worker | undefined;
let asked = 0;
const waiting = new Map<number, { resolve: (answer: GraphAnswer) => void; reject: (error: Error) => void }>();

function start(): Worker {
  const started = new Worker(policy ? policy.createScriptURL(layoutUrl) : layoutUrl, { type: "module" });
  started.onmessage = (event: MessageEvent<GraphAnswer>) => {
    waiting.get(event.data.id)?.resolve(event.data);
    waiting.delete(event.data.id);
  };
  started.onerror = (event) => {
    for (const { reject } of waiting.values()) reject(new Error(event.message || "the layout worker failed"));
    waiting.clear();
    worker = undefined;
  };
  return started;
}

/** Places a graph in the worker. */
export function placeGraph(request: Omit<GraphRequest, "id">): Promise<GraphAnswer> {
  worker ??= start();
  const id = ++asked;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker!.postMessage({ id, ...request } satisfies GraphRequest);
  });
}

// A span as an assertion of a suite: that spans like it are there, and how many.

import { Flag, nameOf, serviceOf } from "../../engine/outline.ts";
import type { TraceView } from "../../state/trace-view.ts";

const kinds: [number, string][] = [[Flag.server, "server"], [Flag.client, "client"], [Flag.producer, "producer"], [Flag.consumer, "consumer"]];

/** One line of a scenario's `assert:`, as `docs/suite.md` has it. */
export function assertionOf({ outline }: TraceView, row: number): string {
  // An outline does not tell an internal span from one that names no kind.
  const kind = kinds.find(([flag]) => outline.flags[row]! & flag)?.[1];
  const kindFlags = kinds.reduce((all, [flag]) => all | flag, 0);
  let count = 0;
  for (let other = 0; other < outline.n; other++) {
    const isAlike = outline.svc[other] === outline.svc[row] && outline.name[other] === outline.name[row] && (outline.flags[other]! & kindFlags) === (outline.flags[row]! & kindFlags);
    if (isAlike && !(outline.flags[other]! & Flag.synthetic)) count++;
  }
  const selector = `{ resource.service.name = ${JSON.stringify(serviceOf(outline, row).name)} && name = ${JSON.stringify(nameOf(outline, row))}${kind ? ` && kind = ${kind}` : ""} }`;
  // YAML's single quotes double what they hold.
  return `- { spans: '${selector.replaceAll("'", "''")}', count: ${count} }`;
}

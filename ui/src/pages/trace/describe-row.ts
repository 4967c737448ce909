// A row in words, for those who cannot see the bar.

import { groupFacts } from "../../engine/groups.ts";
import { Flag } from "../../engine/outline.ts";
import { formatDuration } from "../../engine/time.ts";
import type { TraceView } from "../../state/trace-view.ts";

export function describeRow(view: TraceView, row: number): string {
  const { outline } = view;
  const flags = outline.flags[row]!;
  const group = view.foldedGroup(row);
  if (group) {
    const { count, median, longest, errors } = groupFacts(outline, group.rows);
    return `${count} siblings alike, half within ${formatDuration(median)}, the longest ${formatDuration(longest)}${errors > 0 ? `, ${errors} with an error` : ""}`;
  }
  const parts = [`starts at ${formatDuration(outline.start[row]!)}`, flags & Flag.unfinished ? "has no end" : `lasts ${formatDuration(outline.dur[row]!)}`];
  if (flags & Flag.critical) parts.push("on the critical path");
  if (flags & Flag.error) parts.push("error");
  if (flags & Flag.synthetic) parts.push("stands for a parent that was not received");
  return parts.join(", ");
}

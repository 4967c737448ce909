// How many scenarios came to each verdict, as glyphs with numbers and words.

import type { Verdict, VerdictCounts } from "../../api/types.ts";
import { VerdictMark } from "../../ui/Verdict.tsx";

const order: [keyof VerdictCounts, Verdict][] = [
  ["fail", "fail"], ["regressed", "regressed"], ["error", "error"], ["notEvaluable", "not-evaluable"], ["flaky", "flaky"], ["insufficient", "insufficient"], ["improved", "improved"], ["pass", "pass"],
];

export function totalOf(counts: VerdictCounts): number {
  return order.reduce((sum, [key]) => sum + counts[key], 0);
}

export function Counts({ counts }: { counts: VerdictCounts }) {
  return (
    <span className="counts">
      {order.filter(([key]) => counts[key] > 0).map(([key, verdict]) => (
        <VerdictMark key={key} verdict={verdict} count={counts[key]} />
      ))}
    </span>
  );
}

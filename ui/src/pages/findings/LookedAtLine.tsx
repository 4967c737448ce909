// What an answer is about.

import type { ReactNode } from "react";
import type { LookedAt } from "../../api/types.ts";
import { formatClock, formatCount } from "../../engine/time.ts";

export function LookedAtLine({ of, children }: { of: LookedAt; children?: ReactNode }) {
  const now = new Date();
  return (
    <p className="looked-at">
      {children} <span className="muted">in {formatCount(of.traceCount)} {of.traceCount === 1 ? "trace" : "traces"} ({formatCount(of.spanCount)} spans){of.first && of.last && of.first !== of.last && <> from {formatClock(BigInt(of.first), now)} to {formatClock(BigInt(of.last), now)}</>}: {of.text}</span>
    </p>
  );
}

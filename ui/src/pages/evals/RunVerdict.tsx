// A run's verdict, or that it has none yet.

import type { Verdict } from "../../api/types.ts";
import { Icon } from "../../ui/Icon.tsx";
import { VerdictMark } from "../../ui/Verdict.tsx";

export function RunVerdict({ verdict }: { verdict: Verdict | null }) {
  return verdict ? <VerdictMark verdict={verdict} /> : <span className="verdict muted"><Icon name="play" />running</span>;
}

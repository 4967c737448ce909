// Where the time went: parts of the critical path by service, as a bar and in words.

import type { ServiceStyle } from "../api/types.ts";
import { formatDuration } from "../engine/time.ts";
import { slotClass } from "./Service.tsx";

interface SharePart {
  look: ServiceStyle;
  nanos: number;
}

/** Parts below this share are folded into the words, not the bar. */
const PART_MIN = 0.01;

function shareText(parts: readonly SharePart[]): string {
  const total = parts.reduce((sum, part) => sum + part.nanos, 0);
  if (total === 0) return "critical path not computed yet";
  return parts.map(({ look, nanos }) => `${look.name} ${Math.round((100 * nanos) / total)} % (${formatDuration(nanos)})`).join(", ");
}

export function ShareBar({ parts }: { parts: readonly SharePart[] }) {
  const total = parts.reduce((sum, part) => sum + part.nanos, 0);
  const text = shareText(parts);
  return (
    <span className="share" role="img" aria-label={text} title={text}>
      {total > 0 && parts.filter(({ nanos }) => nanos / total >= PART_MIN).map(({ look, nanos }) => (
        <span key={look.name} className={slotClass(look.slot)} style={{ flexGrow: nanos / total, flexBasis: 0 }} aria-hidden="true">
          {nanos / total > 0.14 ? look.monogram : ""}
        </span>
      ))}
    </span>
  );
}

// How far long work is.

import { useState } from "react";
import type { Progress } from "../api/client.ts";
import { formatCount } from "../engine/time.ts";

/** What a request tells while it is worked on; nothing is kept of it afterwards. */
export function useProgress(): [Progress | undefined, (progress: Progress) => void] {
  return useState<Progress | undefined>(undefined);
}

export function ProgressLine({ loading, progress }: { loading: boolean; progress: Progress | undefined }) {
  const text = !loading || !progress || progress.of === 0 ? "" : `${formatCount(progress.read)} of ${formatCount(progress.of)} traces read`;
  return (
    <div className="progress-line" role="status">
      {text && <><span className="muted">{text}</span><progress value={progress!.read} max={progress!.of} aria-label={text} /></>}
    </div>
  );
}

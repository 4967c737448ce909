// How far long work is.

import { useState } from "react";
import type { OnProgress, Progress } from "../api/client.ts";
import { formatCount } from "../engine/time.ts";
import { useResource, type Resource } from "../state/resource.ts";

/** What takes long, and how far it is: undefined while nothing is known of it. */
interface LongResource<T> extends Resource<T> {
  progress: Progress | undefined;
}

/** As `useResource`, for an answer that tells how far it is; old data are shown while a new key is fetched. */
export function useLongResource<T>(key: string, load: (signal: AbortSignal, onProgress: OnProgress) => Promise<T>): LongResource<T> {
  const [progress, setProgress] = useState<Progress | undefined>(undefined);
  const resource = useResource(key, (signal) => {
    // How far the one before was says nothing of this one.
    setProgress(undefined);
    return load(signal, setProgress);
  }, true);
  return { ...resource, progress: resource.loading ? progress : undefined };
}

export function ProgressLine({ progress }: { progress: Progress | undefined }) {
  const text = !progress || progress.of === 0 ? "" : `${formatCount(progress.read)} of ${formatCount(progress.of)} traces read`;
  return (
    <div className="progress-line" role="status">
      {text && <><span className="muted">{text}</span><progress value={progress!.read} max={progress!.of} aria-label={text} /></>}
    </div>
  );
}

// Something fetched, and how its fetching goes: the last data stay while they are fetched again, and a failure that may
// pass is tried again after 2, 4, 8 … 30 seconds.

import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError, toError } from "../api/error.ts";

const RETRY_FIRST_MS = 2000;
const RETRY_MOST_MS = 30_000;

export interface Resource<T> {
  data: T | undefined;
  error: Error | undefined;
  loading: boolean;
  /** When the next try comes, milliseconds of `Date.now()`. */
  retryAt: number | undefined;
  /** How many answers there were: a new one has a new number. */
  version: number;
  reload: () => void;
}

type Held<T> = Omit<Resource<T>, "reload"> & { key: string };

/** Fetches with `load` whenever `key` changes. `keep` says whether old data are shown while a new key is fetched. */
export function useResource<T>(key: string, load: (signal: AbortSignal) => Promise<T>, keep = false): Resource<T> {
  const [held, setHeld] = useState<Held<T>>({ key, data: undefined, error: undefined, loading: true, retryAt: undefined, version: 0 });
  const [turn, setTurn] = useState(0);
  const failures = useRef(0);
  const latest = useRef(load);
  latest.current = load;

  useEffect(() => {
    failures.current = 0;
  }, [key]);

  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    setHeld((before) => ({ ...before, key, data: keep || before.key === key ? before.data : undefined, error: before.key === key ? before.error : undefined, loading: true, retryAt: undefined }));
    latest.current(controller.signal).then(
      (data) => {
        if (controller.signal.aborted) return;
        failures.current = 0;
        setHeld((before) => ({ key, data, error: undefined, loading: false, retryAt: undefined, version: before.version + 1 }));
      },
      (error: unknown) => {
        if (controller.signal.aborted) return;
        const problem = toError(error);
        const pause = problem instanceof ApiError && problem.isPassing ? Math.min(RETRY_FIRST_MS * 2 ** failures.current++, RETRY_MOST_MS) : undefined;
        if (pause !== undefined) timer = setTimeout(() => setTurn((now) => now + 1), pause);
        setHeld((before) => ({ ...before, key, error: problem, loading: false, retryAt: pause === undefined ? undefined : Date.now() + pause }));
      },
    );
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [key, turn, keep]);

  const reload = useCallback(() => setTurn((now) => now + 1), []);
  // Between a change of key and the effect, the old data must not pass for the new.
  if (held.key !== key && !keep) return { data: undefined, error: undefined, loading: true, retryAt: undefined, version: held.version, reload };
  return { data: held.data, error: held.error, loading: held.loading, retryAt: held.retryAt, version: held.version, reload };
}

// Signals, and the one hook through which components read them: nothing outside `state` knows the library.

import { batch, computed, effect, signal, type ReadonlySignal, type Signal } from "@preact/signals-core";
import { useCallback, useSyncExternalStore } from "react";

export { batch, computed, effect, signal, type ReadonlySignal, type Signal };

/** The value of a signal; the component renders again when it changes. */
export function useValue<T>(source: ReadonlySignal<T>): T {
  const subscribe = useCallback((changed: () => void) => source.subscribe(changed), [source]);
  return useSyncExternalStore(subscribe, () => source.peek());
}

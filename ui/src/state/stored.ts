// Small settings kept in this browser. Reading never fails: storage may be forbidden or hold anything.

import { signal, type Signal } from "./signals.ts";

/** A setting under `key`; `read` makes a value of whatever text is there. */
export function stored<T>(key: string, read: (text: string | null) => T): Signal<T> {
  const name = `headwater.${key}`;
  let text: string | null = null;
  try {
    text = localStorage.getItem(name);
  } catch {
    // Without storage the setting lasts as long as the page.
  }
  const setting = signal(read(text));
  setting.subscribe((value) => {
    try {
      localStorage.setItem(name, String(value));
    } catch {
      // See above.
    }
  });
  return setting;
}

export interface Bounds {
  least: number;
  most: number;
}

/** A number of pixels within bounds. */
export function storedWidth(key: string, byDefault: number, { least, most }: Bounds): Signal<number> {
  return stored(key, (text) => {
    const width = Number(text ?? Number.NaN);
    return width >= least && width <= most ? width : byDefault;
  });
}

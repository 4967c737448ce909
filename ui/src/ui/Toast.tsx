// A line that says what just happened and goes away.

import { signal, useValue } from "../state/signals.ts";

const SHOWN_MS = 2500;
const message = signal("");
let timer: ReturnType<typeof setTimeout> | undefined;

export function say(text: string): void {
  message.value = text;
  clearTimeout(timer);
  timer = setTimeout(() => (message.value = ""), SHOWN_MS);
}

export function Toast() {
  const text = useValue(message);
  return <div role="status" aria-live="polite">{text && <div className="toast">{text}</div>}</div>;
}

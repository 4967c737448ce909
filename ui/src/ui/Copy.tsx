// Copying text, and saying so: with a button, or in a line at the bottom.

import { useState } from "react";
import { shareableUrl } from "../state/url.ts";
import { Icon } from "./Icon.tsx";
import { say } from "./Toast.tsx";

const NOT_ALLOWED = "The browser does not allow copying here";

export function Copy({ text, label }: { text: string; label: string }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    if (!(await copyText(text))) return say(NOT_ALLOWED);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
    return undefined;
  };
  return (
    <button type="button" className="button quiet icon" title={label} aria-label={done ? "Copied" : label} onClick={copy}>
      <Icon name={done ? "pass" : "copy"} />
    </button>
  );
}

/** Copies, and says `done` or why not. */
export async function copyAndSay(text: string, done: string): Promise<void> {
  say((await copyText(text)) ? done : NOT_ALLOWED);
}

export function copyLink(): Promise<void> {
  return copyAndSay(shareableUrl(), "Link copied");
}

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

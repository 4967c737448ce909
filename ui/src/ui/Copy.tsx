// A button that copies text and says so.

import { useState } from "react";
import { Icon } from "./Icon.tsx";
import { say } from "./Toast.tsx";

export function Copy({ text, label }: { text: string; label: string }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    if (!(await copyText(text))) return say("The browser does not allow copying here");
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

export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

// Text that may be long: its beginning, and a button for the rest. Always text, never markup.

import { useState } from "react";
import { formatBytes } from "../../engine/time.ts";

const SHOWN_LETTERS = 2000;

export function LongText({ text, className = "" }: { text: string; className?: string }) {
  const [all, setAll] = useState(false);
  if (all || text.length <= SHOWN_LETTERS) return <span className={`long-text ${className}`}>{text}</span>;
  return (
    <span className={`long-text ${className}`}>
      {text.slice(0, SHOWN_LETTERS)}… <button type="button" className="button quiet tight" onClick={() => setAll(true)}>Show all ({formatBytes(text.length)})</button>
    </span>
  );
}

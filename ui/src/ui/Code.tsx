// Lines to copy.

import { Copy } from "./Copy.tsx";

export function Code({ text, label, card = false }: { text: string; label: string; card?: boolean }) {
  return (
    <div className={`code-block${card ? " card" : ""}`}>
      {/* Long lines scroll inside; a keyboard must be able to do that. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0}>{text}</pre>
      <Copy text={text} label={label} />
    </div>
  );
}

// Ctrl-K: go to a page, run a command, or open what was pasted (a trace id, a traceparent, a link).

import { useId, useMemo, useState } from "react";
import { hint, keyLabel, keymap } from "../state/keymap.ts";
import { isOffered, runCommand } from "../state/keys.ts";
import { themeChoice, type ThemeChoice } from "../state/preferences.ts";
import { readTraceReference, tracesLink } from "../state/routes.ts";
import { go } from "../state/url.ts";
import { Dialog } from "../ui/Dialog.tsx";

interface Entry {
  label: string;
  note: string;
  run: () => void;
}

function entriesFor(text: string, onHelp: () => void): Entry[] {
  const trimmed = text.trim();
  const reference = readTraceReference(trimmed);
  const found: Entry[] = reference ? [{ label: `Open ${reference}`, note: "trace", run: () => go(reference) }] : [];
  const fixed: Entry[] = [
    ...keymap.filter(({ scope, command }) => scope === "everywhere" && !["palette", "help", "search"].includes(command) && isOffered(command))
      .map(({ command, help, keys }) => ({ label: help, note: keyLabel(keys[0]!), run: () => void runCommand(command) })),
    { label: "Keys of this page", note: hint("everywhere", "help"), run: onHelp },
    ...(["auto", "light", "dark"] as ThemeChoice[]).map((choice) => ({ label: `Theme: ${choice}`, note: "", run: () => (themeChoice.value = choice) })),
  ];
  found.push(...fixed.filter(({ label }) => label.toLowerCase().includes(trimmed.toLowerCase())));
  if (trimmed && !reference) found.push({ label: `Traces matching “${trimmed}”`, note: "search", run: () => go(tracesLink(trimmed)) });
  return found;
}

export function Palette({ onClose, onHelp }: { onClose: () => void; onHelp: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const list = useId();
  const entries = useMemo(() => entriesFor(text, onHelp), [text, onHelp]);
  const chosen = Math.min(at, entries.length - 1);
  const run = (entry: Entry | undefined) => {
    if (!entry) return;
    onClose();
    entry.run();
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Enter") run(entries[chosen]);
    else if (event.key === "ArrowDown") setAt(Math.min(chosen + 1, entries.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(chosen - 1, 0));
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Go to" onClose={onClose} className="palette">
      <input
        className="input" role="combobox" aria-expanded="true" aria-controls={list} aria-activedescendant={entries[chosen] ? `${list}-${chosen}` : undefined} aria-autoComplete="list"
        aria-label="A page, a command, a trace id, a traceparent or words to search for" placeholder="Page, command, trace id, traceparent, words…" value={text}
        onInput={(event) => { setText(event.currentTarget.value); setAt(0); }} onKeyDown={onKey}
      />
      <ul role="listbox" id={list} aria-label="Choices">
        {entries.map((entry, index) => (
          // The combobox handles the keys.
          // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
          <li key={entry.label} id={`${list}-${index}`} role="option" aria-selected={index === chosen} onClick={() => run(entry)}>
            <span>{entry.label}</span><span className="muted">{entry.note}</span>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

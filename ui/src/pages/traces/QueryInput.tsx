// The query line: a combobox that offers fields and their values as one types, with how often each occurs.

import { useEffect, useId, useRef, useState, type RefObject } from "react";
import { api } from "../../api/client.ts";
import { formatCount } from "../../engine/time.ts";
import { comparisonFor, completableAt, complete, stagesFor } from "./completion.ts";

const ASK_MS = 120;
const OPTIONS_MAX = 12;

interface Option {
  label: string;
  insert: string;
  note: string;
  /** How often it occurs, where that is known. */
  count?: number;
}

interface QueryInputProps {
  input: RefObject<HTMLInputElement | null>;
  text: string;
  isInvalid: boolean;
  onText: (text: string) => void;
  onEscape: () => void;
  label?: string;
  placeholder?: string;
}

export function QueryInput({ input, text, isInvalid, onText, onEscape, label = "Filter traces: TraceQL or words", placeholder = 'Words, or TraceQL: { resource.service.name = "rag" && duration > 500ms }' }: QueryInputProps) {
  const list = useId();
  const [caret, setCaret] = useState<number | undefined>(undefined);
  const [options, setOptions] = useState<Option[]>([]);
  const [at, setAt] = useState(-1);
  const isOpen = options.length > 0;

  useOptions(text, caret, (found) => {
    setOptions(found);
    setAt(-1);
  });

  const close = () => {
    setOptions([]);
    setCaret(undefined);
  };
  const take = (option: Option) => {
    const place = completableAt(text, caret ?? text.length);
    if (!place) return;
    const done = complete(text, place.from, caret ?? text.length, option.insert);
    // At once, not after the next rendering: whoever types on without a pause types behind the completion.
    if (input.current) {
      input.current.value = done.text;
      input.current.setSelectionRange(done.caret, done.caret);
    }
    onText(done.text);
    setOptions([]);
    setCaret(place.kind === "field" || (place.kind === "stage" && option.insert.endsWith("(")) ? done.caret : undefined);
    input.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (isOpen && step !== undefined) setAt(at + step >= options.length ? -1 : at + step < -1 ? options.length - 1 : at + step);
    else if (isOpen && (event.key === "Tab" || event.key === "Enter") && at >= 0) take(options[at]!);
    else if (isOpen && event.key === "Tab" && !event.shiftKey) take(options[0]!);
    else if (event.key === "Escape" && isOpen) close();
    else if (event.key === "Escape") onEscape();
    else if (event.key === "Enter") return close();
    else return undefined;
    event.preventDefault();
    return undefined;
  };
  return (
    <>
      <input
        ref={input} className="input mono-input" type="text" role="combobox" spellcheck={false} autocomplete="off" autocapitalize="off" aria-label={label} aria-autocomplete="list" aria-expanded={isOpen} aria-controls={list} aria-activedescendant={at >= 0 ? `${list}-${at}` : undefined}
        aria-invalid={isInvalid} aria-describedby="query-notes" value={text} placeholder={placeholder}
        onInput={(event) => { onText(event.currentTarget.value); setCaret(event.currentTarget.selectionStart ?? undefined); }}
        onClick={(event) => isOpen && setCaret(event.currentTarget.selectionStart ?? undefined)} onKeyDown={onKeyDown} onBlur={() => setTimeout(close, 150)}
      />
      <ul id={list} role="listbox" aria-label="Completions" className="completions" hidden={!isOpen}>
        {options.map((option, index) => (
          // The combobox handles the keys; pressing must not take the focus from it.
          // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
          <li key={option.insert} id={`${list}-${index}`} role="option" aria-selected={index === at} onPointerDown={(event) => event.preventDefault()} onClick={() => take(option)}>
            <code className="clip">{option.label}</code><span className="muted">{option.note}</span>{option.count !== undefined && <span className="muted num">{formatCount(option.count)}</span>}
          </li>
        ))}
      </ul>
    </>
  );
}

/** Asks for what fits at the caret, once typing pauses. A server that cannot say is no reason to disturb. */
function useOptions(text: string, caret: number | undefined, show: (options: Option[]) => void): void {
  const latest = useRef(show);
  latest.current = show;
  useEffect(() => {
    const place = caret === undefined ? undefined : completableAt(text, caret);
    if (!place) {
      latest.current([]);
      return undefined;
    }
    const controller = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const found = await optionsFor(place, controller.signal);
        if (!controller.signal.aborted) latest.current(found);
      } catch {
        if (!controller.signal.aborted) latest.current([]);
      }
    }, ASK_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [text, caret]);
}

async function optionsFor(place: NonNullable<ReturnType<typeof completableAt>>, signal: AbortSignal): Promise<Option[]> {
  switch (place.kind) {
    case "stage": return stagesFor(place.prefix).map(({ text, what }) => ({ label: text, insert: text, note: what }));
    case "value": return values(place.field, place.prefix, signal);
    case "field": return fields(place.prefix, comparisonFor, signal);
    case "argument": return fields(place.prefix, () => "", signal);
  }
}

async function fields(prefix: string, behind: (types: readonly string[]) => string, signal: AbortSignal): Promise<Option[]> {
  const { keys } = await api.keys({ prefix, limit: OPTIONS_MAX }, signal);
  return keys.slice(0, OPTIONS_MAX).map(({ field, types, count }) => ({ label: field, insert: field + behind(types), note: types.join(", "), count }));
}

async function values(field: string, prefix: string, signal: AbortSignal): Promise<Option[]> {
  const found = await api.values({ field, prefix, limit: OPTIONS_MAX }, signal);
  return found.values.slice(0, OPTIONS_MAX).map(({ text, value, count }) => ({ label: text, insert: text, note: value.type, count }));
}

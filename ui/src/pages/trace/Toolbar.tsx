// Find, errors, zoom: the tools above the waterfall.

import { useEffect, useState, type RefObject } from "react";
import { api, isEmbedded } from "../../api/client.ts";
import type { Outline } from "../../engine/outline.ts";
import { answersItself } from "../../engine/search.ts";
import { positionOf } from "../../engine/visible.ts";
import { isWhole } from "../../engine/viewport.ts";
import { formatCount, formatDuration, parseDuration } from "../../engine/time.ts";
import { seenClocks } from "../../state/clocks.ts";
import { hint } from "../../state/keymap.ts";
import { useCommands } from "../../state/keys.ts";
import { useValue } from "../../state/signals.ts";
import { pictures, type Picture, type TraceView } from "../../state/trace-view.ts";
import { changeQuery } from "../../state/url.ts";
import { Icon } from "../../ui/Icon.tsx";

/** Typing must pause this long before the server is asked to look into attributes, events and logs. */
const ASK_SERVER_MS = 250;
const ASK_SERVER_LETTERS_MIN = 2;

export function Toolbar({ view, input, toRows }: { view: TraceView; input: RefObject<HTMLInputElement | null>; toRows: () => void }) {
  const text = useValue(view.findText);
  const matches = useValue(view.matches);
  const selected = useValue(view.selected);
  const window = useValue(view.window);
  const hideOutside = useValue(view.hideOutside);
  const showCritical = useValue(view.showCritical);
  const picture = useValue(view.picture);
  const findingsOpen = useValue(view.findingsOpen);
  const clocks = useValue(seenClocks);
  const whole = isWhole(window, view.all);
  useCommands({ search: () => input.current?.select() });
  useServerFind(view, text);
  const at = positionOf(matches, selected);
  return (
    <div className="toolbar" role="toolbar" aria-label="Tools of the trace">
      <div className="segmented" role="group" aria-label="Shown as">
        {pictures.map((one) => <button key={one} type="button" className="button" aria-pressed={picture === one} title={`${pictureNames[one]} (${hint("trace", one)})`} onClick={() => (view.picture.value = one)}>{pictureNames[one]}</button>)}
      </div>
      <div className="find">
        <Icon name="search" />
        <input
          ref={input} className="input" type="text" spellcheck={false} placeholder="Find: words, error, dur>200ms" aria-label="Find spans: words, error, dur>200ms, svc:name" value={text}
          onInput={(event) => (view.findText.value = event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") view.jump(view.matches.value, event.shiftKey);
            else if (event.key === "Escape" && text) view.findText.value = "";
            else if (event.key === "Escape" || event.key === "ArrowDown") toRows();
            else return;
            event.preventDefault();
            event.stopPropagation();
          }}
        />
        {text && <span className="find-count" role="status">{matches.length === 0 ? "none" : `${at >= 0 ? at + 1 : "–"}/${formatCount(matches.length)}`}</span>}
        <button type="button" className="button quiet icon" aria-label="Match before" title={`Match before (${hint("trace", "previousMatch")})`} disabled={matches.length === 0} onClick={() => view.jump(matches, true)}><Icon name="chevronUp" /></button>
        <button type="button" className="button quiet icon" aria-label="Next match" title={`Next match (${hint("trace", "nextMatch")})`} disabled={matches.length === 0} onClick={() => view.jump(matches, false)}><Icon name="chevronDown" /></button>
      </div>
      {!isEmbedded && <button type="button" className="button" aria-pressed={findingsOpen} title={`What is slow, fails or is done twice in this trace (${hint("trace", "findings")})`} onClick={() => (view.findingsOpen.value = !findingsOpen)}><Icon name="bulb" />Findings</button>}
      <label className="check"><input type="checkbox" checked={showCritical} onChange={(event) => (view.showCritical.value = event.currentTarget.checked)} />Critical path</label>
      {!isEmbedded && severalHosts(view.outline) && <label className="check" title="Take out what the clocks of its hosts are proven to be off, by the calls of all traces around this one"><input type="checkbox" checked={clocks === "adjusted"} onChange={(event) => changeQuery({ clocks: event.currentTarget.checked ? "adjusted" : undefined }, "push")} />Adjust clocks</label>}
      {picture === "waterfall" && <label className="check" title="While zoomed: hide rows that lie outside the window"><input type="checkbox" checked={hideOutside} onChange={(event) => (view.hideOutside.value = event.currentTarget.checked)} />Rows in window</label>}
      {picture !== "table" && <div className="toolbar-end">
        <Trail view={view} />
        <WindowFields view={view} />
        <button type="button" className="button quiet icon" aria-label="Zoom out" title={`Zoom out (${hint("trace", "zoomOut")})`} disabled={whole} onClick={() => view.zoom(false)}>−</button>
        <button type="button" className="button quiet icon" aria-label="Zoom in" title={`Zoom in (${hint("trace", "zoomIn")})`} onClick={() => view.zoom(true)}>+</button>
        <button type="button" className="button" title={`Whole trace (${hint("trace", "fit")})`} disabled={whole} onClick={() => view.fit()}>Fit</button>
        {picture === "waterfall" && <><button type="button" className="button quiet" title={`Collapse all (${hint("trace", "collapseAll")})`} onClick={() => view.setAll(true)}>Collapse</button>
        <button type="button" className="button quiet" title={`Expand all (${hint("trace", "expandAll")})`} onClick={() => view.setAll(false)}>Expand</button></>}
      </div>}
    </div>
  );
}

/** Only clocks of different hosts can differ. */
function severalHosts({ hosts }: Outline): boolean {
  return hosts.filter(Boolean).length > 1;
}

const pictureNames: Record<Picture, string> = { waterfall: "Waterfall", flame: "Flame", table: "Table" };

/** Asks the server for matches in what the outline does not hold. */
function useServerFind(view: TraceView, text: string): void {
  useEffect(() => {
    view.serverMatches.value = [];
    const wanted = text.trim();
    if (wanted.length < ASK_SERVER_LETTERS_MIN || answersItself(wanted)) return undefined;
    const controller = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const found = await api.find(view.outline.header.traceId, wanted, controller.signal, view.outline.clocks);
        if (!controller.signal.aborted) view.serverMatches.value = found.rows;
      } catch {
        // What the outline holds is found all the same.
      }
    }, ASK_SERVER_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [view, text]);
}

/** Windows zoomed from; each leads back. */
function Trail({ view }: { view: TraceView }) {
  const trail = useValue(view.trail);
  if (trail.length === 0) return null;
  return (
    <nav className="trail" aria-label="Zoomed from">
      {trail.map((window, index) => (
        <button key={`${window.from} ${window.to}`} type="button" className="button quiet tight" onClick={() => view.backTo(index)}>{isWhole(window, view.all) ? "all" : formatDuration(window.to - window.from)}<Icon name="chevronRight" /></button>
      ))}
    </nav>
  );
}

/** The window in numbers: what dragging does, for keys. */
function WindowFields({ view }: { view: TraceView }) {
  const window = useValue(view.window);
  const set = (change: Partial<typeof window>) => {
    const next = { ...window, ...change };
    if (next.to > next.from) view.goTo(next);
  };
  return (
    <span className="window-fields">
      <TimeField label="Window from" value={window.from} onChange={(from) => set({ from })} />
      <span aria-hidden="true">–</span>
      <TimeField label="Window to" value={window.to} onChange={(to) => set({ to })} />
    </span>
  );
}

function TimeField({ label, value, onChange }: { label: string; value: number; onChange: (value: number) => void }) {
  const [draft, setDraft] = useState<string | undefined>(undefined);
  const take = () => {
    const parsed = draft === undefined ? undefined : parseDuration(draft);
    setDraft(undefined);
    if (parsed !== undefined) onChange(parsed);
  };
  return (
    <input
      className="input" type="text" aria-label={label} title={`${label}: 12.5ms, 1.2s`} value={draft ?? formatDuration(value)} onInput={(event) => setDraft(event.currentTarget.value)} onBlur={take}
      onKeyDown={(event) => { if (event.key === "Enter") take(); if (event.key === "Escape") setDraft(undefined); }}
    />
  );
}

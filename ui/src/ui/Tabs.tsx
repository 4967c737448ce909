// Tabs after the ARIA pattern: one tab stop, arrows move, the panel is named by its tab.

import { type ReactNode, useEffect, useId, useRef } from "react";

export interface Tab<T extends string> {
  id: T;
  label: string;
  count?: number | undefined;
}

export function Tabs<T extends string>({ tabs, selected, onSelect, label, children }: {
  tabs: readonly Tab<T>[]; selected: T; onSelect: (id: T) => void; label: string; children: ReactNode;
}) {
  const base = useId();
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => list.current?.querySelector(`[data-tab="${selected}"]`)?.scrollIntoView({ block: "nearest", inline: "nearest" }), [selected]);
  const step = (event: KeyboardEvent) => {
    const at = tabs.findIndex((tab) => tab.id === selected);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const tab = tabs[(next + tabs.length) % tabs.length]!;
    onSelect(tab.id);
    list.current?.querySelector<HTMLElement>(`[data-tab="${tab.id}"]`)?.focus();
  };
  return (
    <>
      <div className="tabs" role="tablist" aria-label={label} ref={list} onKeyDown={step}>
        {tabs.map((tab) => (
          <button key={tab.id} type="button" role="tab" id={`${base}-${tab.id}`} data-tab={tab.id} aria-selected={tab.id === selected} aria-controls={`${base}-panel`} tabIndex={tab.id === selected ? 0 : -1} onClick={() => onSelect(tab.id)}>
            {tab.label}{tab.count !== undefined && <span className="count">{tab.count}</span>}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${base}-panel`} className="tab-panel" aria-labelledby={`${base}-${selected}`} tabIndex={0}>{children}</div>
    </>
  );
}

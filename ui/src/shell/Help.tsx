// The keys of the page that is shown; searchable; with the switch for single-letter keys.

import { useState } from "react";
import { keyLabel, keymap, scopeNames, type Binding, type Scope } from "../state/keymap.ts";
import { isOffered } from "../state/keys.ts";
import { shortcutsOn } from "../state/preferences.ts";
import type { Route } from "../state/routes.ts";
import { useValue } from "../state/signals.ts";
import { Dialog } from "../ui/Dialog.tsx";

const scopesOf: Record<Route["page"], Scope[]> = {
  traces: ["list", "everywhere"], trace: ["trace", "span", "everywhere"], map: ["map", "everywhere"], findings: ["everywhere"], charts: ["everywhere"], compare: ["everywhere"], doctor: ["everywhere"], runs: ["everywhere"], run: ["run", "everywhere"], missing: ["everywhere"],
};

/** Escape is taken by whatever is open; the rest of what holds everywhere needs somebody on this page to do it. */
function isOf({ scope, command }: Binding): boolean {
  return scope !== "everywhere" || command === "escape" || isOffered(command);
}

export function Help({ route, onClose }: { route: Route; onClose: () => void }) {
  const [filter, setFilter] = useState("");
  const on = useValue(shortcutsOn);
  const wanted = filter.toLowerCase();
  return (
    <Dialog title="Keys" onClose={onClose} className="help">
      <div className="help-bar">
        <input className="input grow" type="search" placeholder="Find a key or a command" aria-label="Find a key or a command" value={filter} onInput={(event) => setFilter(event.currentTarget.value)} />
        <label className="check"><input type="checkbox" checked={on} onChange={(event) => (shortcutsOn.value = event.currentTarget.checked)} />Single-letter keys</label>
      </div>
      <div className="help-columns">
        {scopesOf[route.page].map((scope) => {
          const bindings = keymap.filter((binding) => binding.scope === scope && isOf(binding) && `${binding.help} ${binding.keys.join(" ")}`.toLowerCase().includes(wanted));
          return bindings.length > 0 && (
            <section key={scope}>
              <h3>{scopeNames[scope]}</h3>
              <dl>
                {bindings.map((binding) => (
                  <div key={binding.command}>
                    <dt>{binding.keys.map((keys) => <kbd key={keys}>{keyLabel(keys)}</kbd>)}</dt>
                    <dd>{binding.help}</dd>
                  </div>
                ))}
              </dl>
            </section>
          );
        })}
        {scopesOf[route.page].includes("trace") && (
          <section>
            <h3>Pointer</h3>
            <dl>
              {[["Wheel", "Scroll the rows"], ["Ctrl-wheel, pinch", "Zoom at the pointer"], ["Shift-wheel", "Move the window"], ["Drag on the axis or the lanes", "Zoom to a range"], ["Double click", "Zoom to the span"]].map(([how, what]) => (
                <div key={how}><dt><span className="muted">{how}</span></dt><dd>{what}</dd></div>
              ))}
            </dl>
          </section>
        )}
      </div>
    </Dialog>
  );
}

// Turns key presses into commands of the keymap.

import { useEffect, useRef } from "react";
import { beginsChord, commandOf, keyName, type KeyLike, type Scope } from "./keymap.ts";
import { shortcutsOn } from "./preferences.ts";

type Commands = Record<string, () => void>;

/** A chord's second key must follow within this time. */
const CHORD_MS = 1200;

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
    || (target instanceof HTMLInputElement && !["checkbox", "radio", "button"].includes(target.type)));
}

/** Single characters are commands only where nothing is typed and only if wanted. */
function isAllowed(event: KeyLike, target: EventTarget | null): boolean {
  if (event.ctrlKey || event.metaKey) return true;
  if (isTyping(target)) return event.key === "Escape";
  return event.key.length > 1 || shortcutsOn.peek();
}

/** An `onKeyDown` for a view: runs the command that the scope gives to the key. */
export function keyHandler(scope: Scope, commands: Commands): (event: KeyboardEvent) => void {
  return (key) => {
    if (key.defaultPrevented || !isAllowed(key, key.target)) return;
    // Enter and Space on a control inside the view belong to the control.
    if (key.target !== key.currentTarget && key.target instanceof HTMLElement && key.target.closest("a,button,summary") && (key.key === "Enter" || key.key === " ")) return;
    const command = commands[commandOf(scope, keyName(key)) ?? ""];
    if (!command) return;
    key.preventDefault();
    command();
  };
}

const everywhere: Commands[] = [];

/** Offers commands of the scope `everywhere` while the component is shown; the newest offer wins. */
export function useCommands(commands: Commands): void {
  const latest = useRef(commands);
  latest.current = commands;
  useEffect(() => {
    const proxy: Commands = new Proxy({}, { get: (_, name: string) => latest.current[name], has: (_, name: string) => name in latest.current });
    everywhere.push(proxy);
    return () => void everywhere.splice(everywhere.indexOf(proxy), 1);
  }, []);
}

/** Whether a command of the scope `everywhere` does anything on the page that is shown. */
export function isOffered(name: string): boolean {
  return everywhere.some((offered) => name in offered);
}

/** Runs a command of the scope `everywhere`, as its key would. Returns whether anyone offers it. */
export function runCommand(name: string): boolean {
  const command = everywhere.findLast((offered) => name in offered)?.[name];
  command?.();
  return command !== undefined;
}

/** Listens for keys that nobody nearer took. */
export function followKeys(): void {
  let first: { key: string; time: number } | undefined;
  window.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || !isAllowed(event, event.target) || document.querySelector("dialog[open]")) return;
    const key = keyName(event);
    const chord = first && event.timeStamp - first.time < CHORD_MS ? `${first.key} ${key}` : key;
    first = undefined;
    const command = commandOf("everywhere", chord);
    if (command && runCommand(command)) event.preventDefault();
    else if (beginsChord(key)) first = { key, time: event.timeStamp };
  });
}

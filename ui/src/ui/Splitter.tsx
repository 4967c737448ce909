// A bar between two panes: dragged, or moved with the arrow keys.

import { useRef } from "react";
import type { Signal } from "../state/signals.ts";
import { useValue } from "../state/signals.ts";
import type { Bounds } from "../state/stored.ts";

const STEP = 24;

/** `side` is the pane whose width this sets. */
export function Splitter({ width, least, most, side, label }: Bounds & { width: Signal<number>; side: "left" | "right"; label: string }) {
  const value = useValue(width);
  const start = useRef<{ x: number; width: number } | undefined>(undefined);
  const set = (to: number) => (width.value = Math.round(Math.min(most, Math.max(least, to))));
  const sign = side === "left" ? 1 : -1;
  return (
    <div
      className="splitter" role="separator" aria-orientation="vertical" aria-label={label} aria-valuenow={value} aria-valuemin={least} aria-valuemax={most} tabIndex={0}
      onKeyDown={(event) => {
        const by = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
        if (by === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        set(value + sign * by);
      }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = { x: event.clientX, width: value };
      }}
      onPointerMove={(event) => start.current && set(start.current.width + sign * (event.clientX - start.current.x))}
      onPointerUp={() => (start.current = undefined)}
      onPointerCancel={() => (start.current = undefined)}
    />
  );
}

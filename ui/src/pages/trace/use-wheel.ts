// The wheel over a picture of a trace.

import { useEffect, useRef, type RefObject } from "react";
import { lengthOf } from "../../engine/viewport.ts";
import type { TraceView } from "../../state/trace-view.ts";

const WHEEL_ZOOM = 0.0022;

/** Ctrl-wheel (and pinching, which arrives as such) zooms at the pointer; Shift-wheel and sideways moves the window. */
export function useWheel(view: TraceView, element: RefObject<HTMLDivElement | null>, names: number, width: number): void {
  const latest = useRef({ names, width });
  latest.current = { names, width };
  useEffect(() => {
    const target = element.current;
    if (!target) return undefined;
    const onWheel = (event: WheelEvent) => {
      const window = view.window.peek();
      if (event.ctrlKey || event.metaKey) {
        const share = Math.min(Math.max((event.clientX - target.getBoundingClientRect().left - latest.current.names) / latest.current.width, 0), 1);
        view.zoomAt(window.from + share * lengthOf(window), Math.exp(event.deltaY * WHEEL_ZOOM * (event.deltaMode === 1 ? 16 : 1)));
      } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        view.pan((event.deltaX || event.deltaY) / latest.current.width);
      } else return;
      event.preventDefault();
    };
    // Not passive: the browser's own zoom must be kept from happening.
    target.addEventListener("wheel", onWheel, { passive: false });
    return () => target.removeEventListener("wheel", onWheel);
  }, [view, element]);
}

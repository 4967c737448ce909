// The size of an element, followed; and the screen's pixel ratio, which changes with zoom.

import { useEffect, useLayoutEffect, useState, type RefObject } from "react";

interface Size {
  width: number;
  height: number;
}

export function useSize(element: RefObject<HTMLElement | null>): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const target = element.current;
    if (!target) return undefined;
    const read = () => setSize((before) => (before.width === target.clientWidth && before.height === target.clientHeight ? before : { width: target.clientWidth, height: target.clientHeight }));
    const observer = new ResizeObserver(read);
    observer.observe(target);
    read();
    return () => observer.disconnect();
  }, [element]);
  return size;
}

export function usePixelRatio(): number {
  const [ratio, setRatio] = useState(devicePixelRatio);
  useEffect(() => {
    const query = matchMedia(`(resolution: ${ratio}dppx)`);
    const read = () => setRatio(devicePixelRatio);
    query.addEventListener("change", read);
    return () => query.removeEventListener("change", read);
  }, [ratio]);
  return ratio;
}

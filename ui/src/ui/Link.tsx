// A link within the page: an ordinary `href`, relative to `<base>`, followed without loading the page again.

import type { ReactNode } from "react";
import { go, hrefOf } from "../state/url.ts";

interface LinkProps {
  to: string;
  children: ReactNode;
  className?: string;
  title?: string;
  tabIndex?: number;
  "aria-label"?: string;
  "aria-current"?: "page" | undefined;
  onClick?: (event: MouseEvent) => void;
}

export function Link({ to, children, onClick, ...rest }: LinkProps) {
  return (
    <a
      href={hrefOf(to)}
      {...rest}
      onClick={(event) => {
        onClick?.(event);
        if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        go(to || "./");
      }}
    >
      {children}
    </a>
  );
}

// A part of a page that scrolls by itself.

import type { ReactNode } from "react";

/** Keys scroll what has the focus, so it can have it. */
export function Scroll({ label, className = "page-scroll", children }: { label: string; className?: string; children: ReactNode }) {
  // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
  return <div className={className} tabIndex={0} role="region" aria-label={label}>{children}</div>;
}

// Our icons: 16-unit drawings, always beside a word or with a name of their own.

const drawings = {
  error: "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13zM8 4.6v4.2M8 11.2v.2",
  warn: "M8 1.8L15 14H1zM8 6.2v3.6M8 11.8v.2",
  info: "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13zM8 7.4v4M8 4.7v.2",
  pass: "M2.8 8.6l3.4 3.6L13.2 4.4",
  fail: "M3.6 3.6l8.8 8.8M12.4 3.6l-8.8 8.8",
  unknown: "M5.3 5.6a2.8 2.8 0 1 1 4 2.9C8.4 8.9 8 9.4 8 10.200M8 12.600v.2",
  flaky: "M1.5 9.500c2-6 4-6 6.5-1.500s4.5 4.5 6.5-1.5",
  down: "M2.5 4.500l5.5 8 5.5-8z",
  up: "M2.5 11.500l5.5-8 5.5 8z",
  few: "M2.5 6h11M2.5 10h6",
  broken: "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13zM3.6 12.400l8.8-8.8",
  chevronDown: "M4 6l4 4.500L12 6",
  chevronUp: "M4 10l4-4.500L12 10",
  chevronRight: "M6 4l4.5 4L6 12",
  search: "M7 2.500a4.5 4.5 0 1 0 0 9a4.5 4.5 0 0 0 0-9zM10.4 10.400L14 14",
  close: "M4 4l8 8M12 4l-8 8",
  copy: "M6 5.500h7.500v8H6zM10 5.500V2.500H2.500v8H6",
  link: "M6.5 9.500l3-3M7.2 4.800l1.6-1.600a2.9 2.9 0 0 1 4.1 4.100l-1.7 1.600M8.8 11.200l-1.6 1.600a2.9 2.9 0 0 1-4.1-4.100l1.7-1.6",
  pause: "M5.5 3.500v9M10.5 3.500v9",
  play: "M4.5 3l8 5-8 5z",
  sun: "M8 5a3 3 0 1 0 0 6a3 3 0 0 0 0-6zM8 1v1.600M8 13.400V15M1 8h1.600M13.4 8H15M3 3l1.2 1.200M11.8 11.800L13 13M13 3l-1.2 1.200M4.2 11.800L3 13",
  moon: "M13.5 9.700A6 6 0 0 1 6.3 2.500a6 6 0 1 0 7.2 7.200z",
  auto: "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13zM8 1.500v13M10 3v10M12 4.500v7",
  help: "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13zM6.2 6.300a1.9 1.9 0 1 1 2.7 1.900c-.6.3-.9.7-.9 1.300M8 11.300v.2",
  database: "M2.8 4c0-1.3 2.3-2.3 5.2-2.300s5.2 1 5.2 2.300v8c0 1.3-2.3 2.3-5.2 2.300S2.8 13.3 2.8 12zM2.8 4c0 1.3 2.3 2.3 5.2 2.300s5.2-1 5.2-2.300M2.8 8c0 1.3 2.3 2.3 5.2 2.300s5.2-1 5.2-2.3",
  queue: "M2 4h12v8H2zM6 4v8M10 4v8",
  llm: "M8 1.500l1.7 4.800L14.5 8l-4.8 1.700L8 14.500l-1.7-4.800L1.5 8l4.8-1.700z",
  cache: "M9 1.500L3.5 9H8l-1 5.500L12.5 7H8z",
  external: "M6 3H3v10h10v-3M9 2.500h4.500V7M13.5 2.500L7.5 8.5",
  service: "M8 1.500l5.7 3.250v6.500L8 14.500l-5.7-3.250v-6.500z",
  flask: "M6 1.500h4M7 1.500v4.800L2.6 13a1 1 0 0 0 .9 1.500h9a1 1 0 0 0 .9-1.500L9 6.300V1.500M4.6 10h6.8",
  bulb: "M6 12.500h4M6.500 14.500h3M5.800 10.500c0-1.500-2-2.400-2-4.800a4.200 4.200 0 0 1 8.400 0c0 2.400-2 3.300-2 4.800z",
  compare: "M5.500 2.500L2.500 5.500l3 3M2.500 5.500h8M10.500 7.500l3 3-3 3M13.500 10.500h-8",
  plot: "M2.500 2v11.500H14M5.500 10.500v.1M8 7v.1M8.500 11v.1M11 4.500v.1M12 8v.1",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  zoomSpan: "M2 4v8M14 4v8M4.5 8h7M6.5 6l-2 2 2 2M9.5 6l2 2-2 2",
} as const;

export type IconName = keyof typeof drawings;

const filled = new Set<IconName>(["down", "up"]);

/** An icon; `label` names it where no word stands beside it. */
export function Icon({ name, label }: { name: IconName; label?: string }) {
  const painted = filled.has(name);
  return (
    <svg className="icon-inline" viewBox="0 0 16 16" fill={painted ? "currentColor" : "none"} stroke={painted ? "none" : "currentColor"} strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round" {...(label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" })}>
      <path d={drawings[name]} />
    </svg>
  );
}

// The address bar: the single source of truth for what is shown. A path names an object, the query the view of it.

import { computed, signal } from "./signals.ts";

/** Continuous changes (typing, zooming) reach the address bar after this pause, so that history stays usable. */
const REPLACE_PAUSE_MS = 250;

export interface Place {
  /** Path below the base, without leading slash: `trace/0af7…`. */
  path: string;
  query: Readonly<Record<string, string>>;
}

/** Where the page is served, with a slash at its end; the server writes it into `<base>`. */
function basePath(): string {
  return new URL(document.baseURI).pathname.replace(/[^/]*$/, "");
}

/** Reads a place from a URL. */
export function readPlace(url: URL, base: string): Place {
  const path = url.pathname.startsWith(base) ? url.pathname.slice(base.length) : url.pathname.slice(1);
  return { path: path.replace(/\/+$/, ""), query: Object.fromEntries(url.searchParams) };
}

/** Writes a place as a URL relative to the base; keys in order, so that equal places give equal text. */
export function writePlace({ path, query }: Place): string {
  const text = Object.keys(query).toSorted().map((key) => `${encodeURIComponent(key)}=${readable(query[key]!)}`).join("&");
  return text ? `${path}?${text}` : path;
}

/** Percent-encoding that leaves what people read alone. */
function readable(value: string): string {
  return encodeURIComponent(value).replaceAll("%3A", ":").replaceAll("%2C", ",").replaceAll("%20", "+").replaceAll("%2F", "/");
}

const current = signal<Place>({ path: "", query: {} });
export const place = computed(() => current.value);
/** The path alone: zooming and typing change the query many times a second, which must not render every page again. */
export const path = computed(() => current.value.path);

/** Grows when the place changes by more than the page's own view of it: back and forward, a link, the palette. */
export const arrivals = signal(0);

let pending: ReturnType<typeof setTimeout> | undefined;

/** Starts following the address bar. */
export function followAddress(): void {
  const read = () => (current.value = readPlace(new URL(location.href), basePath()));
  window.addEventListener("popstate", () => {
    clearTimeout(pending);
    read();
    arrivals.value++;
  });
  read();
}

function write(next: Place, how: "push" | "replace"): void {
  clearTimeout(pending);
  const url = basePath() + writePlace(next);
  if (how === "push") history.pushState(null, "", url);
  else history.replaceState(null, "", url);
}

/** Goes to a place, given as `path?query` relative to the base. */
export function go(to: string, how: "push" | "replace" = "push"): void {
  current.value = readPlace(new URL(to, document.baseURI), basePath());
  write(current.peek(), how);
  arrivals.value++;
}

/** Changes keys of the query and keeps the others; an empty value removes its key. `soon` replaces after a pause. */
export function changeQuery(changes: Record<string, string | undefined>, how: "push" | "replace" | "soon"): void {
  const query = { ...current.peek().query };
  for (const [key, value] of Object.entries(changes)) {
    if (value) query[key] = value;
    else delete query[key];
  }
  const next = { ...current.peek(), query };
  if (writePlace(next) === writePlace(current.peek())) return;
  current.value = next;
  if (how !== "soon") return write(next, how);
  clearTimeout(pending);
  pending = setTimeout(() => write(current.peek(), "replace"), REPLACE_PAUSE_MS);
}

/** The full URL of what is shown, for sharing. */
export function shareableUrl(): string {
  return new URL(writePlace(current.peek()), document.baseURI).href;
}

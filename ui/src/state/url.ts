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

/** How a place stands in the browser's address. */
interface Address {
  read(): Place;
  href(to: string): string;
}

/** As path and query below the base: the page of a server. */
const inPath: Address = {
  read: () => readPlace(new URL(location.href), basePath()),
  href: (to) => basePath() + to,
};

/** Behind the `#`: a report is one file, wherever it lies. */
const inHash: Address = {
  read: () => readPlace(new URL(location.hash.slice(1), "file:///"), "/"),
  href: (to) => `#${to}`,
};

let address = inPath;

/** The `href` of a link to a place, given as `path?query`. */
export function hrefOf(to: string): string {
  return address === inPath ? to || "./" : address.href(to);
}

const current = signal<Place>({ path: "", query: {} });
export const place = computed(() => current.value);
/** The path alone: zooming and typing change the query many times a second, which must not render every page again. */
export const path = computed(() => current.value.path);

/** Grows when the place changes by more than the page's own view of it: back and forward, a link, the palette. */
export const arrivals = signal(0);

let pending: ReturnType<typeof setTimeout> | undefined;

/** Starts following the address bar. */
export function followAddress(how: "path" | "hash" = "path"): void {
  address = how === "path" ? inPath : inHash;
  const read = () => (current.value = address.read());
  window.addEventListener("popstate", () => {
    clearTimeout(pending);
    read();
    arrivals.value++;
  });
  read();
}

function write(next: Place, how: "push" | "replace"): void {
  clearTimeout(pending);
  const url = address.href(writePlace(next));
  if (how === "push") history.pushState(null, "", url);
  else history.replaceState(null, "", url);
}

/** Goes to a place, given as `path?query` relative to the base. */
export function go(to: string, how: "push" | "replace" = "push"): void {
  current.value = address === inPath ? readPlace(new URL(to, document.baseURI), basePath()) : readPlace(new URL(to, "file:///"), "/");
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
  return new URL(address.href(writePlace(current.peek())), document.baseURI).href;
}

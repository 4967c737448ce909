// Decodes the binary outline of a trace (`application/x-headwater-trace-outline`), little endian:
//
//   "TRC1"  u32 header length  header JSON (padded to 8)  columns, each 8-byte aligned
//
// Rows stand depth first, siblings by start: walking the tree is walking arrays. The columns are views into the
// bytes that came; nothing is copied but what is out of line.

import { OutlineFlag, type OutlineColumns, type OutlineHeader } from "../api/types.ts";
import type { Nanos, UnixTime } from "./time.ts";

export const Flag = OutlineFlag;

/** A trace as columns; see `OutlineColumns` for what each holds. */
export interface Outline {
  header: OutlineHeader;
  n: number;
  t0: UnixTime;
  services: OutlineHeader["services"];
  names: string[];
  hosts: string[];
  start: Float64Array;
  dur: Float64Array;
  subStart: Float64Array;
  subEnd: Float64Array;
  self: Float64Array;
  parent: Int32Array;
  sub: Uint32Array;
  name: Uint32Array;
  svc: Uint16Array;
  host: Uint16Array;
  depth: Uint16Array;
  flags: Uint16Array;
  critical: CriticalSegments;
  /** The ids of the spans, 8 bytes a row, where the outline was asked for with them. */
  spanId: Uint8Array | undefined;
  /** Earliest start and latest end of any row: what "the whole trace" is on the axis. */
  from: Nanos;
  to: Nanos;
  /** `adjusted` where what the hosts' clocks are proven to be off is taken out of the times; as received otherwise. */
  clocks?: "adjusted" | undefined;
}

/** The critical path as pieces of spans, by time. */
interface CriticalSegments {
  row: Uint32Array;
  t0: Float64Array;
  t1: Float64Array;
}

/** The service of a row. */
export function serviceOf(outline: Outline, row: number): OutlineHeader["services"][number] {
  return outline.services[outline.svc[row]!]!;
}

/** The name of a row's span; it may be empty. */
export function nameOf(outline: Outline, row: number): string {
  return outline.names[outline.name[row]!]!;
}

/** The rows of a span: several where its id was used more than once. None in an outline without ids. */
export function rowsOfSpan(outline: Outline, id: string): number[] {
  const wanted = id.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? [];
  const { spanId } = outline;
  const rows: number[] = [];
  if (!spanId || wanted.length !== 8) return rows;
  for (let row = 0; row < outline.n; row++) {
    if (wanted.every((byte, at) => spanId[8 * row + at] === byte)) rows.push(row);
  }
  return rows;
}

/** Bytes that are no outline, with what was wrong. */
export class OutlineError extends Error {
  override name = "OutlineError";
}

const arrays = { f64: Float64Array, u32: Uint32Array, i32: Int32Array, u16: Uint16Array, u8: Uint8Array } as const;
type Arrays = { [K in keyof typeof arrays]: InstanceType<(typeof arrays)[K]> };

/** Names and types of the columns every outline must have; those of the critical path have a length of their own. */
const required = {
  start: "f64", dur: "f64", subStart: "f64", subEnd: "f64", selfTime: "f64", parent: "i32", sub: "u32", name: "u32",
  svc: "u16", host: "u16", depth: "u16", flags: "u16", critRow: "u32", critStart: "f64", critEnd: "f64",
} as const satisfies Partial<Record<keyof OutlineColumns, keyof typeof arrays>>;

/** Decodes and checks: whatever the bytes, the outline that comes out can be walked without leaving its arrays. */
export function decodeOutline(bytes: ArrayBuffer): Outline {
  const { header, base } = decodeHeader(bytes);
  const column = <K extends keyof typeof required>(name: K, length?: number): Arrays[(typeof required)[K]] =>
    readColumn(bytes, base, header, name, required[name], length);
  const { n } = header;
  const outline: Outline = {
    header,
    n,
    t0: BigInt(header.t0UnixNano),
    services: header.services,
    names: header.names,
    hosts: header.hosts,
    start: column("start", n),
    dur: column("dur", n),
    subStart: column("subStart", n),
    subEnd: column("subEnd", n),
    self: column("selfTime", n),
    parent: column("parent", n),
    sub: column("sub", n),
    name: column("name", n),
    svc: column("svc", n),
    host: column("host", n),
    depth: column("depth", n),
    flags: column("flags", n),
    critical: { row: column("critRow"), t0: column("critStart"), t1: column("critEnd") },
    spanId: header.columns.some(({ name }) => name === "spanId") ? readColumn(bytes, base, header, "spanId", "u8", 8 * n) : undefined,
    from: 0,
    to: 0,
  };
  check(outline);
  return outline;
}

function decodeHeader(bytes: ArrayBuffer): { header: OutlineHeader; base: number } {
  if (bytes.byteLength < 8) throw new OutlineError(`an outline of ${bytes.byteLength} bytes is cut short`);
  const view = new DataView(bytes);
  if (view.getUint32(0) !== 0x54524331) throw new OutlineError("expected an outline, read other bytes at its start");
  const length = view.getUint32(4, true);
  const base = 8 + length;
  if (base > bytes.byteLength || length % 8 !== 0) throw new OutlineError(`the header is said to be ${length} bytes long`);
  const text = new TextDecoder().decode(new Uint8Array(bytes, 8, length));
  try {
    const header = JSON.parse(text) as OutlineHeader;
    if (header.v !== 1) throw new OutlineError(`the outline has version ${header.v}; this page reads version 1: reload it`);
    return { header, base };
  } catch (error) {
    if (error instanceof OutlineError) throw error;
    throw new OutlineError(`cannot read the header: ${String(error)}`);
  }
}

function readColumn<T extends keyof typeof arrays>(
  bytes: ArrayBuffer, base: number, header: OutlineHeader, name: string, of: T, length?: number,
): Arrays[T] {
  const column = header.columns.find((candidate) => candidate.name === name);
  if (!column) throw new OutlineError(`the column ${name} is missing`);
  if (column.of !== of) throw new OutlineError(`the column ${name} holds ${column.of}, expected ${of}`);
  if (length !== undefined && column.length !== length) {
    throw new OutlineError(`the column ${name} has ${column.length} rows, expected ${length}`);
  }
  const kind = arrays[of];
  const at = base + column.offset;
  if (column.offset % 8 !== 0 || at + column.length * kind.BYTES_PER_ELEMENT > bytes.byteLength) {
    throw new OutlineError(`the column ${name} lies outside the ${bytes.byteLength} bytes`);
  }
  return new kind(bytes, at, column.length) as Arrays[T];
}

/** Every index within its table, every subtree within its parent's; and the extent of the whole. */
function check(outline: Outline): void {
  const { n, parent, sub, name, svc, host, critical } = outline;
  let from = 0;
  let to = outline.header.duration;
  for (let row = 0; row < n; row++) {
    const inside = parent[row]! < row && parent[row]! >= -1 && sub[row]! >= 1 && row + sub[row]! <= n;
    const known = name[row]! < outline.names.length && svc[row]! < outline.services.length && host[row]! < outline.hosts.length;
    if (!inside || !known) throw new OutlineError(`row ${row} refers to something that is not there`);
    from = Math.min(from, outline.start[row]!);
    to = Math.max(to, outline.start[row]! + outline.dur[row]!);
  }
  for (const row of critical.row) if (row >= n) throw new OutlineError(`the critical path names row ${row} of ${n}`);
  outline.from = from;
  outline.to = to > from ? to : from + 1;
}

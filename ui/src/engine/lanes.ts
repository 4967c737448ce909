// How busy each service is over time, for the lanes above the waterfall.

import { Flag, type Outline } from "./outline.ts";

/** More services than this share the last lane. */
const LANES_MAX = 8;

export interface Lanes {
  /** Services by lane; the last lane may stand for several. */
  lanes: { label: string; monogram: string; slot: number; services: number }[];
  /** Busy share per lane and bucket, 0 to 1, lane after lane. */
  busy: Float32Array;
  /** Errors per lane and bucket. */
  errors: Uint16Array;
  /** Service on the critical path per bucket, as an index of `outline.services`; −1 for none. */
  critical: Int32Array;
  buckets: number;
}

/** Services by the time their spans take themselves, longest first. */
function servicesBySelf(outline: Outline): number[] {
  const totals = new Float64Array(outline.services.length);
  for (let row = 0; row < outline.n; row++) totals[outline.svc[row]!]! += Math.max(0, outline.self[row]!);
  return [...totals.keys()].toSorted((a, b) => totals[b]! - totals[a]!);
}

/** Adds `amount` times the share of each bucket that [from, to] covers, through a difference array: O(1) a span. */
function cover(difference: Float64Array, offset: number, buckets: number, from: number, to: number): void {
  const first = Math.min(Math.max(Math.floor(from), 0), buckets - 1);
  const last = Math.min(Math.max(Math.floor(to), first), buckets - 1);
  difference[offset + first]! += 1;
  difference[offset + last + 1]! -= 1;
}

/** Lanes of the whole trace in `buckets` equal parts. */
export function laneUse(outline: Outline, buckets: number): Lanes {
  const order = servicesBySelf(outline);
  const own = order.length > LANES_MAX ? LANES_MAX - 1 : order.length;
  const laneOf = new Uint16Array(outline.services.length).fill(own);
  // In the order in which services first appear, so that the caller stands above the called.
  const shown = order.slice(0, own).toSorted((a, b) => a - b);
  for (const [lane, service] of shown.entries()) laneOf[service] = lane;
  const lanes = shown.map((service) => {
    const look = outline.services[service]!;
    return { label: look.name, monogram: look.monogram, slot: look.slot, services: 1 };
  });
  if (order.length > own) lanes.push({ label: `${order.length - own} others`, monogram: "··", slot: -1, services: order.length - own });

  const scale = buckets / Math.max(outline.to - outline.from, 1);
  const stride = buckets + 1;
  const difference = new Float64Array(lanes.length * stride);
  const errors = new Uint16Array(lanes.length * buckets);
  for (let row = 0; row < outline.n; row++) {
    if (outline.flags[row]! & Flag.synthetic) continue;
    const lane = laneOf[outline.svc[row]!]!;
    const from = (outline.start[row]! - outline.from) * scale;
    cover(difference, lane * stride, buckets, from, from + Math.max(0, outline.dur[row]!) * scale);
    if (outline.flags[row]! & Flag.error) {
      const end = Math.min(buckets - 1, Math.max(0, Math.floor(from + Math.max(0, outline.dur[row]!) * scale)));
      errors[lane * buckets + end]!++;
    }
  }
  return { lanes, busy: normalise(difference, lanes.length, buckets), errors, critical: criticalBuckets(outline, buckets, scale), buckets };
}

/** Per lane, against its own busiest bucket: one crowded service must not wash out the rest. */
function normalise(difference: Float64Array, lanes: number, buckets: number): Float32Array {
  const busy = new Float32Array(lanes * buckets);
  for (let lane = 0; lane < lanes; lane++) {
    let sum = 0;
    let most = 0;
    for (let bucket = 0; bucket < buckets; bucket++) {
      sum += difference[lane * (buckets + 1) + bucket]!;
      busy[lane * buckets + bucket] = sum;
      most = Math.max(most, sum);
    }
    if (most > 0) for (let bucket = 0; bucket < buckets; bucket++) busy[lane * buckets + bucket]! /= most;
  }
  return busy;
}

function criticalBuckets(outline: Outline, buckets: number, scale: number): Int32Array {
  const critical = new Int32Array(buckets).fill(-1);
  const { row, t0, t1 } = outline.critical;
  for (let at = 0; at < row.length; at++) {
    const first = Math.max(0, Math.floor((t0[at]! - outline.from) * scale));
    const last = Math.min(buckets - 1, Math.ceil((t1[at]! - outline.from) * scale) - 1);
    for (let bucket = first; bucket <= last; bucket++) critical[bucket] = outline.svc[row[at]!]!;
  }
  return critical;
}

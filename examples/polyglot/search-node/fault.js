// Faults carried in baggage, as the services in Rust honour them: only with DEMO_FAULTS=on.
"use strict";

const { propagation, context, trace } = require("@opentelemetry/api");

const FAULT_COUNTS_MAX = 10_000;
const acted = new Map();
const on = ["on", "true", "1"].includes(process.env.DEMO_FAULTS);

const number = (text) => (/^\d+$/.test(text) ? Number(text) : NaN);

// Reads `edge=rag->llm,status=503,delay=500ms,times=2`; null for what is none.
function read(text) {
  const fault = { caller: "", callee: "", status: 0, delayMs: 0, times: Infinity, text: text.trim() };
  for (const part of text.split(",")) {
    const [spaced, value = ""] = part.split(/=(.*)/s);
    const key = spaced.trim();
    if (key === "edge") [fault.caller, fault.callee] = value.split("->").map((name) => name.trim());
    else if (key === "status") fault.status = number(value);
    else if (key === "delay") fault.delayMs = value.endsWith("ms") ? number(value.slice(0, -2)) : NaN;
    else if (key === "times") fault.times = number(value);
    else return null;
  }
  const numbers = [fault.status, fault.delayMs, fault.times];
  return fault.callee && !numbers.some(Number.isNaN) ? fault : null;
}

function count(caller) {
  const key = `${trace.getActiveSpan()?.spanContext().traceId}/${caller}`;
  if (acted.size >= FAULT_COUNTS_MAX) acted.clear();
  acted.set(key, (acted.get(key) ?? 0) + 1);
  return acted.get(key);
}

// The fault that acts on a request from `caller` in the active context; counts it.
function acting(service, caller) {
  const entry = on && caller && propagation.getBaggage(context.active())?.getEntry("headwater.fault")?.value;
  if (!entry) return null;
  const fault = entry
    .split(";")
    .map(read)
    .find((fault) => fault?.caller === caller && fault.callee === service);
  return fault && count(caller) <= fault.times ? fault : null;
}

module.exports = { acting };

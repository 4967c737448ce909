import { expect, test } from "vitest";
import { refusedOf } from "../../src/state/live.ts";

test("what was refused is counted whole, single items and requests alike", () => {
  const counts = { requests: 1, bytes: 1, spans: 1, logs: 1, logsWithoutTrace: 1, metricsNotKept: 1, spansPerSecond: 1, lastRejection: null };
  expect(refusedOf({ ...counts, requestsRejected: 1000, requestsThrottled: 200, spansRejected: 30, logsRejected: 4 })).toBe(1234);
});

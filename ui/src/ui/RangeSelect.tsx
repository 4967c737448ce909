// How far back a page looks.

import { rangeNames, ranges, type Range } from "../state/codecs.ts";

export function RangeSelect({ range, onRange }: { range: Range; onRange: (range: Range) => void }) {
  return (
    <select className="input" aria-label="Time range" value={range} onChange={(event) => onRange(event.currentTarget.value as Range)}>
      {ranges.map((name) => <option key={name} value={name}>{rangeNames[name]}</option>)}
    </select>
  );
}

// The span as the API gives it.

import { useMemo } from "react";
import type { SpanDetail } from "../../api/types.ts";
import { Copy } from "../../ui/Copy.tsx";
import { LongText } from "./LongText.tsx";

export function RawTab({ detail }: { detail: SpanDetail }) {
  const text = useMemo(() => JSON.stringify(detail, null, 2), [detail]);
  return (
    <div className="pad">
      <div className="card code-block"><pre className="message-text"><LongText text={text} className="as-is" /></pre><Copy text={text} label="Copy as JSON" /></div>
    </div>
  );
}

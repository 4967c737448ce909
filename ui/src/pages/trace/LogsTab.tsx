// Log records that name the span, by time.

import type { LogDetail, SpanDetail } from "../../api/types.ts";
import { formatCount, formatDuration, formatFullTime } from "../../engine/time.ts";
import { AttributeTable } from "./AttributeTable.tsx";
import { ExceptionView } from "./ExceptionView.tsx";
import { LongText } from "./LongText.tsx";
import { valueText } from "./values.ts";

/** OTLP's severities from 17 up are errors, from 13 warnings. */
function severityClass({ severityNumber }: LogDetail): string {
  return severityNumber >= 17 ? "error-text" : severityNumber >= 13 ? "warn-text" : "muted";
}

export function LogsTab({ detail }: { detail: SpanDetail }) {
  if (detail.logs.length === 0) return <p className="pad muted">No log records name this span.</p>;
  return (
    <ol className="pad entries">
      {detail.logs.map((log, index) => (
        <li key={index}>
          <p className="entry-head">
            <span className="muted" title={formatFullTime(BigInt(log.time))}>{log.offset >= 0 ? "+" : ""}{formatDuration(log.offset)}</span> <strong className={severityClass(log)}>{log.severity || "log"}</strong>{log.eventName && <> <code>{log.eventName}</code></>}
          </p>
          <p><LongText text={valueText(log.body)} /></p>
          {log.exception && <ExceptionView exception={log.exception} />}
          {log.attributes.length > 0 && <details><summary>{log.attributes.length} attributes</summary><AttributeTable attributes={log.attributes} dropped={log.droppedAttributes} /></details>}
        </li>
      ))}
      {detail.logsLeftOut > 0 && <li className="muted">{formatCount(detail.logsLeftOut)} more records name this span.</li>}
    </ol>
  );
}

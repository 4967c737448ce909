// What happened during the span, in time order; exceptions first told as what they are.

import type { SpanDetail } from "../../api/types.ts";
import { formatDuration, formatFullTime } from "../../engine/time.ts";
import { Icon } from "../../ui/Icon.tsx";
import { AttributeTable } from "./AttributeTable.tsx";
import { ExceptionView } from "./ExceptionView.tsx";

export function EventsTab({ detail }: { detail: SpanDetail }) {
  if (detail.events.length === 0) return <p className="pad muted">No events.{detail.droppedEvents > 0 && ` ${detail.droppedEvents} were left out by the sender.`}</p>;
  return (
    <ol className="pad entries">
      {detail.events.map((event, index) => (
        <li key={index}>
          <p className="entry-head"><span className="muted" title={formatFullTime(BigInt(event.time))}>+{formatDuration(event.offset)}</span> <strong>{event.name || "(no name)"}</strong></p>
          {event.exception && <ExceptionView exception={event.exception} />}
          {event.attributes.some(({ key }) => !event.exception || !key.startsWith("exception.")) && <AttributeTable attributes={event.exception ? event.attributes.filter(({ key }) => !key.startsWith("exception.")) : event.attributes} dropped={event.droppedAttributes} />}
        </li>
      ))}
      {detail.droppedEvents > 0 && <li className="warn-text"><Icon name="warn" /> {detail.droppedEvents} more were left out by the sender.</li>}
    </ol>
  );
}

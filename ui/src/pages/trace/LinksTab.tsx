// Spans that this one refers to, in this trace or another.

import type { SpanDetail } from "../../api/types.ts";
import { shortTraceId, traceLink } from "../../state/routes.ts";
import type { TraceView } from "../../state/trace-view.ts";
import { Icon } from "../../ui/Icon.tsx";
import { Link } from "../../ui/Link.tsx";
import { AttributeTable } from "./AttributeTable.tsx";

export function LinksTab({ detail, view }: { detail: SpanDetail; view: TraceView }) {
  if (detail.links.length === 0) return <p className="pad muted">No links.{detail.droppedLinks > 0 && ` ${detail.droppedLinks} were left out by the sender.`}</p>;
  return (
    <ol className="pad entries">
      {detail.links.map((link, index) => (
        <li key={index}>
          <p className="entry-head">
            {link.row === null
              ? <Link to={traceLink(link.traceId, link.spanId)}>trace {shortTraceId(link.traceId)}…, span {link.spanId}</Link>
              : <button type="button" className="button quiet tight" onClick={() => view.select(link.row!)}>span {link.spanId} in this trace</button>}
          </p>
          {link.attributes.length > 0 && <AttributeTable attributes={link.attributes} dropped={link.droppedAttributes} />}
        </li>
      ))}
      {detail.droppedLinks > 0 && <li className="warn-text"><Icon name="warn" /> {detail.droppedLinks} more were left out by the sender.</li>}
    </ol>
  );
}

// Attributes of the span, its resource and its scope; searchable.

import { useState } from "react";
import type { Attribute, SpanDetail } from "../../api/types.ts";
import { AttributeTable } from "./AttributeTable.tsx";
import { valueText } from "./values.ts";

export function AttributesTab({ detail }: { detail: SpanDetail }) {
  const [filter, setFilter] = useState("");
  const wanted = filter.toLowerCase();
  const matching = (attributes: Attribute[]) => (wanted ? attributes.filter((attribute) => `${attribute.key} ${valueText(attribute.value)}`.toLowerCase().includes(wanted)) : attributes);
  const groups = [
    { title: "Span", scope: "span" as const, attributes: detail.attributes, dropped: detail.droppedAttributes },
    { title: "Resource", scope: "resource" as const, attributes: detail.resource.attributes, dropped: detail.resource.droppedAttributes },
    { title: `Scope ${detail.scope.name} ${detail.scope.version}`.trim(), scope: undefined, attributes: detail.scope.attributes, dropped: detail.scope.droppedAttributes },
  ];
  return (
    <div className="pad">
      <input className="input wide" type="search" placeholder="Filter keys and values" aria-label="Filter keys and values" value={filter} onInput={(event) => setFilter(event.currentTarget.value)} />
      {groups.map(({ title, scope, attributes, dropped }) => (
        <section key={title}>
          <h3>{title}</h3>
          <AttributeTable attributes={matching(attributes)} dropped={dropped} {...(scope ? { scope } : {})} />
        </section>
      ))}
    </div>
  );
}

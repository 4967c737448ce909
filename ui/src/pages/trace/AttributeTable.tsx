// Keys and values as rows; each can be copied, and searched for over all traces.

import type { Attribute } from "../../api/types.ts";
import { tracesLink } from "../../state/routes.ts";
import { Copy } from "../../ui/Copy.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { Link } from "../../ui/Link.tsx";
import { LongText } from "./LongText.tsx";
import { prettyJson, selectorFor, valueText } from "./values.ts";

export function AttributeTable({ attributes, scope, dropped = 0 }: { attributes: readonly Attribute[]; scope?: "span" | "resource"; dropped?: number }) {
  if (attributes.length === 0 && dropped === 0) return <p className="muted">None.</p>;
  return (
    <>
      <dl className="attributes">
        {attributes.map((attribute, index) => {
          const text = valueText(attribute.value);
          const selector = scope && selectorFor(scope, attribute);
          return (
            // A key may repeat; its place is what tells two apart.
            <div key={index}>
              <dt title={attribute.key}>{attribute.key || <em>(empty key)</em>}</dt>
              <dd className={`value-${attribute.value.type}`}>
                <LongText text={(attribute.value.type === "string" && prettyJson(text)) || text} />
                {attribute.value.type === "cut" && <span className="muted"> cut, {attribute.value.value.totalBytes} bytes</span>}
                <span className="attribute-tools">
                  <Copy text={text} label={`Copy the value of ${attribute.key}`} />
                  {selector && selector.length < 2000 && <Link to={tracesLink(selector)} className="button quiet icon" title={selector} aria-label={`Traces with this ${attribute.key}`}><Icon name="search" /></Link>}
                </span>
              </dd>
            </div>
          );
        })}
      </dl>
      {dropped > 0 && <p className="warn-text"><Icon name="warn" /> {dropped} more were left out by the sender.</p>}
    </>
  );
}

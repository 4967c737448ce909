// A call to a model, a retrieval or a tool: tokens, conversation, documents.

import { useState } from "react";
import type { LlmMessage, LlmView, SpanDetail } from "../../api/types.ts";
import { formatCount, formatDuration } from "../../engine/time.ts";
import { Copy } from "../../ui/Copy.tsx";
import { Markdown } from "../../ui/Markdown.tsx";
import { AttributeTable } from "./AttributeTable.tsx";
import { LongText } from "./LongText.tsx";
import { prettyJson } from "./values.ts";

export function LlmTab({ detail }: { detail: SpanDetail }) {
  const [raw, setRaw] = useState(false);
  const { llm } = detail;
  if (!llm) return <p className="pad muted">This span is not a call to a model, a retrieval or a tool.</p>;
  return (
    <div className="pad">
      <dl className="times">
        <Line label="Operation" text={[llm.operation, llm.tool].filter(Boolean).join(" ")} />
        <Line label="Provider" text={llm.provider} />
        <Line label="Model" text={llm.responseModel && llm.requestModel && llm.responseModel !== llm.requestModel ? `${llm.requestModel} → answered by ${llm.responseModel}` : llm.responseModel || llm.requestModel} />
        <Line label="Finish reason" text={llm.finishReasons.join(", ")} />
        <Line label="First token" text={llm.timeToFirstToken === null ? "" : formatDuration(llm.timeToFirstToken)} />
        <Line label="Speed" text={llm.tokensPerSecond === null ? "" : `${formatCount(Math.round(llm.tokensPerSecond))} tokens/s`} />
        <Line label="Cost" text={llm.costUsd === null ? "" : `$${llm.costUsd}`} />
        <Line label="Described by" text={llm.dialect} />
      </dl>
      <Tokens tokens={llm.tokens} />
      {llm.query && <section><h3>Query</h3><p><LongText text={llm.query} /></p></section>}
      {llm.messages.length > 0 && (
        <section>
          <h3 className="with-tool">Messages <label className="check"><input type="checkbox" checked={raw} onChange={(event) => setRaw(event.currentTarget.checked)} />as raw text</label></h3>
          {llm.messages.map((message, index) => <Message key={index} message={message} raw={raw} />)}
        </section>
      )}
      {llm.documents.length > 0 && (
        <section>
          <h3>Documents</h3>
          <ol className="documents">
            {llm.documents.map((document, index) => (
              <li key={index}><span className="doc-score">{document.score === null ? "–" : document.score.toFixed(3)}</span><span><code>{document.id || "(no id)"}</code>{document.text && <><br /><LongText text={document.text} /></>}</span></li>
            ))}
          </ol>
        </section>
      )}
      {llm.parameters.length > 0 && <section><h3>Parameters</h3><AttributeTable attributes={llm.parameters} /></section>}
    </div>
  );
}

function Line({ label, text }: { label: string; text: string }) {
  return text ? <><dt>{label}</dt><dd>{text}</dd></> : null;
}

/** Tokens in and out as one bar, what came from the cache and what went into reasoning apart. */
function Tokens({ tokens }: { tokens: LlmView["tokens"] }) {
  const [input, output] = [tokens.input ?? 0, tokens.output ?? 0];
  if (input + output === 0) return null;
  const cached = Math.min(tokens.cachedInput ?? 0, input);
  const reasoning = Math.min(tokens.reasoningOutput ?? 0, output);
  const parts = [
    { label: "in, cached", count: cached, class: "t-cached" }, { label: "in", count: input - cached, class: "t-in" },
    { label: "reasoning", count: reasoning, class: "t-reasoning" }, { label: "out", count: output - reasoning, class: "t-out" },
  ].filter(({ count }) => count > 0);
  return (
    <section className="tokens">
      <h3>{formatCount(input + output)} tokens</h3>
      <div className="token-bar" aria-hidden="true">{parts.map((part) => <span key={part.label} className={part.class} style={{ flexGrow: part.count }} />)}</div>
      <ul>{parts.map((part) => <li key={part.label}><i className={part.class} /> {formatCount(part.count)} {part.label}</li>)}</ul>
    </section>
  );
}

function Message({ message, raw }: { message: LlmMessage; raw: boolean }) {
  return (
    <article className={`message side-${message.side}`}>
      <header><strong>{message.role}</strong><Copy text={message.parts.map(({ text }) => text).join("\n\n")} label={`Copy the message of ${message.role}`} /></header>
      {message.parts.map((part, index) => (
        <div key={index} className="message-part">
          {part.kind !== "text" && <p className="chip">{part.kind.replaceAll("_", " ")}{part.name && `: ${part.name}`}{part.id && ` · ${part.id}`}</p>}
          {part.kind === "text" && !raw ? <Markdown text={part.text} /> : <pre className="message-text"><LongText text={prettyJson(part.text) ?? part.text} className="as-is" /></pre>}
        </div>
      ))}
    </article>
  );
}
